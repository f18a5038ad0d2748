#!/usr/bin/env bash
# Looks for bytes that break a claim about a reader: SECONDS_EACH for each target, two at a time.
#
#   ONLY=event,template   only these targets (their files: native/fuzz/src/targets/)
#
# What is found stands in native/fuzz/libfuzzer/artifacts/; it belongs into native/fuzz/corpus/ with
# the change that mends it.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/steps.sh

cargo_fuzz_version=0.13.2
seconds_each=${SECONDS_EACH:-60}
project=native/fuzz/libfuzzer
found=target/fuzz
fuzz=.tools/cargo-fuzz/bin/cargo-fuzz

installed() {
  [ "$("$fuzz" --version 2>/dev/null)" = "cargo-fuzz $cargo_fuzz_version" ] ||
    cargo install --quiet --locked --root .tools/cargo-fuzz "cargo-fuzz@$cargo_fuzz_version"
}

# Without a sanitizer the toolchain that builds the rest will do; Rust checks what it reads itself.
compiled() {
  "$fuzz" build --fuzz-dir "$project" --sanitizer none --target-dir "$found"
}

begun() {
  for target in $targets; do
    cargo run --quiet --release --locked -p pyflow-fuzz -- \
      seeds "$target" "$found/corpus/$target" || return 1
  done
}

searched() {
  printf '%s\n' $targets | xargs -P 2 -I{} bash -c '
    mkdir -p "$1/artifacts/{}"
    "$2/{}" "$3/corpus/{}" -artifact_prefix="$1/artifacts/{}/" -max_total_time="$4" \
      -max_len=65536 -timeout=10 -rss_limit_mb=2048 >"$3/{}.log" 2>&1
    status=$?
    printf "%-18s %s\n" {} "$(grep -aE "^(Done|==.*ERROR|.*panicked at)" "$3/{}.log" | tail -n 1)"
    exit $status' _ "$project" "$programs" "$found" "$seconds_each"
}

known=$(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' "$project/Cargo.toml")
targets=$(printf '%s' "${ONLY:-$known}" | tr ',' ' ')
programs=$found/$(rustc -vV | sed -n 's/^host: //p')/release
mkdir -p "$found"

REPEAT='make fuzz'
step 'cargo-fuzz (.tools/cargo-fuzz)' installed
step 'programs with instrumentation' compiled
step 'what a search begins with' begun
searched
