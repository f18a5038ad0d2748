"""Describe this interpreter to PyO3, on standard output.

A build for one version of Python is given this as a file, so that nothing asks an interpreter:
.cargo/config.toml says that there is none.
"""

import struct
import sys
import sysconfig

if sys.abiflags or sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(f"{sys.executable} is a debug or a free-threaded build, which no wheel is made for")

print("implementation=CPython")
print(f"version={sys.version_info.major}.{sys.version_info.minor}")
print("shared=true")
print(f"pointer_width={struct.calcsize('P') * 8}")
