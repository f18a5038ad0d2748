#!/usr/bin/env bash
# Prints the Python to build with: $PYTHON if it is set, else the first usual name that is new enough.
set -uo pipefail

for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  found=$("$name" -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "")' \
    2>/dev/null) || continue
  if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 0
  fi
done
exit 1
