#!/usr/bin/env bash
# Builds the extension for one version of Python only, to be measured against the one that is for
# all of them (abi3). It lands beside links to the rest of the package.
#
#   scripts/build_one_version.sh PYTHON FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1 folder=$2
mkdir -p "$folder/pyflow"
"$python" scripts/describe_python.py >"$folder/python.txt"
PYO3_CONFIG_FILE="$PWD/$folder/python.txt" \
  cargo build --release --locked -j2 -p pyflow-py --no-default-features --quiet

suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
built="$folder/pyflow/_native$suffix"
for made in "${CARGO_TARGET_DIR:-target}"/release/lib_native.{so,dylib}; do
  [ ! -e "$made" ] || { cp "$made" "$built.new" && mv "$built.new" "$built"; }
done
# The next build of the package must find its own again.
cargo build --release --locked -j2 -p pyflow-py --quiet

for file in pyflow/*; do
  case "$file" in
    *.so | *.so.new | *__pycache__) ;;
    *) ln -sfn "$PWD/$file" "$folder/$file" ;;
  esac
done
