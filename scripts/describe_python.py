"""Describe this interpreter to PyO3, on standard output.

A build for one version of Python is given this as a file, so that nothing asks an interpreter:
.cargo/config.toml says that there is none.
"""

import struct
import sys

print("implementation=CPython")
print(f"version={sys.version_info.major}.{sys.version_info.minor}")
print("shared=true")
print(f"pointer_width={struct.calcsize('P') * 8}")
