#!/usr/bin/env bash
# Builds the package into `.venv`, and does again only what has changed.
#
#   scripts/setup.sh GROUP...    each group is a file scripts/requirements-GROUP.txt
#
# VENV names another folder than `.venv`.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/steps.sh

venv=${VENV:-.venv}
REPEAT="VENV=$venv bash scripts/setup.sh $*"
stamps=$venv/.stamps

environment() {
  # An environment whose interpreter has gone, or has another version, is made anew.
  if "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    return 0
  fi
  "$(scripts/find_python.sh)" -m venv --clear "$venv"
}

# The lock files name everything, so pip resolves nothing and compiles nothing.
wheels() {
  local group stamp files=() fresh=()
  for group in "$@"; do
    stamp="$stamps/$group-$(digest "scripts/requirements-$group.txt")"
    if [ ! -e "$stamp" ]; then
      files+=(-r "scripts/requirements-$group.txt")
      fresh+=("$stamp")
    fi
  done
  [ ${#fresh[@]} -gt 0 ] || return 0
  "$venv/bin/python" -m pip install --quiet --no-deps --only-binary :all: "${files[@]}" || return 1
  "$venv/bin/python" -m pip check --quiet || return 1
  mkdir -p "$stamps" && touch "${fresh[@]}"
}

extension() {
  local built=pyflow/_native.abi3.so made
  cargo build --release --locked -j2 -p pyflow-py || return 1
  for made in "${CARGO_TARGET_DIR:-target}"/release/lib_native.{so,dylib}; do
    [ -e "$made" ] || continue
    cmp -s "$made" "$built" && return 0
    # Renamed into place: a process that has the old one open keeps it.
    cp "$made" "$built.new" && mv "$built.new" "$built"
    return
  done
  printf 'cargo built no library\n' >&2
  return 1
}

link() {
  local stamp
  stamp="$stamps/link-$(digest pyproject.toml scripts/link_package.py)"
  [ ! -e "$stamp" ] || return 0
  "$venv/bin/python" scripts/link_package.py || return 1
  mkdir -p "$stamps" && touch "$stamp"
}

step "Python environment ($venv)" environment
step "wheels ($*)" wheels "$@"
step 'native extension (cargo build --release -p pyflow-py)' extension
step "package linked into $venv" link
