#!/usr/bin/env bash
# Builds two wheels: one for every Python from 3.11 on, and one for the Python of `.venv`, which pip
# prefers there. What crosses the border for each node of a graph is a third cheaper in it.
#
#   scripts/build_wheels.sh [FOLDER]    into `dist`, or FOLDER
#
# VENV names another folder than `.venv`.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv} folder=${1:-dist}
export CARGO_TARGET_DIR=target/wheel
mkdir -p "$CARGO_TARGET_DIR"
build() { "$venv/bin/maturin" build --profile wheel --locked --out "$folder" "$@"; }

build
"$venv/bin/python" scripts/describe_python.py >"$CARGO_TARGET_DIR/python.txt"
PYO3_CONFIG_FILE="$PWD/$CARGO_TARGET_DIR/python.txt" \
  build --no-default-features --interpreter "$venv/bin/python"
