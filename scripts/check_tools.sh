#!/usr/bin/env bash
# Says everything that this machine lacks, all at once, before anything is built.
#
#   scripts/check_tools.sh          what the package needs to be built
#   scripts/check_tools.sh lint     and what the linters need
set -uo pipefail
cd "$(dirname "$0")/.."

missing=0
lack() {
  printf 'missing: %s\n' "$1" >&2
  missing=1
}

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
  lack "a Rust toolchain, $rust_wanted or newer (cargo and rustc on PATH; rustup installs both)"
else
  rust_found=$(rustc --version | cut -d ' ' -f 2)
  oldest=$(printf '%s\n%s\n' "$rust_wanted" "$rust_found" | sort -V | head -n 1)
  if [ "$oldest" != "$rust_wanted" ]; then
    lack "Rust $rust_wanted or newer; found $rust_found (rustup update stable)"
  fi
  if [ "${1:-}" = lint ]; then
    cargo fmt --version >/dev/null 2>&1 || lack "rustfmt (rustup component add rustfmt)"
    cargo clippy --version >/dev/null 2>&1 || lack "clippy (rustup component add clippy)"
  fi
fi

command -v cc >/dev/null || lack "a C compiler named cc, for SQLite (Debian: apt-get install gcc)"

if ! python=$(scripts/find_python.sh); then
  lack "Python 3.11 or newer (or say which: make PYTHON=/path/to/python3 ...)"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  lack "venv and ensurepip for $python (Debian: apt-get install python3-venv)"
fi

exit "$missing"
