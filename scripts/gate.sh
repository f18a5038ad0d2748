#!/usr/bin/env bash
# Every check that a change must pass, in the order in which they are quick to say no.
#
#   scripts/gate.sh          everything
#   scripts/gate.sh lint     all that runs no test
#   scripts/gate.sh tests    the tests only
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/steps.sh

part=${1:-all}
REPEAT="bash scripts/gate.sh $part"
target="${CARGO_TARGET_DIR:-target}"
logs="$target/gate"
bin=.venv/bin

lint() {
  step 'rustfmt' cargo fmt --all --check
  step 'ruff' $bin/ruff check .
  step 'ruff format' $bin/ruff format --check .
  step 'mypy' $bin/mypy
  step 'basedpyright' $bin/basedpyright
  step 'stubtest' $bin/python -m mypy.stubtest pyflow._native
  step 'clippy' cargo clippy --release --locked --workspace --all-targets -j2 -- -D warnings
  step 'clippy, as built for one version of Python' one_version
}

one_version() {
  local python
  python=$(realpath "$logs")/python.txt
  $bin/python scripts/describe_python.py >"$python" || return 1
  PYO3_CONFIG_FILE=$python \
    cargo clippy --release --locked -p pyflow-py --no-default-features -j2 -- -D warnings
}

tests() {
  step 'cargo test' logged "$logs/cargo.log" cargo test --release --locked --workspace -j2
  # The tests have built it; `cargo run` of the one package would compile all of it once more.
  step 'simulator: it sees a false claim' "$target/release/pyflow-sim" canary
  step 'simulator: a minute of seeds' \
    logged "$logs/simulator.log" "$target/release/pyflow-sim" --minutes 1
  step 'pytest (with house rules and the snippets of the docs)' \
    logged "$logs/pytest.log" $bin/python -m pytest
}

# The closing lines of both runners, together at the end of a long output.
closing_lines() {
  awk '/^test result:/ { passed += $4; failed += $6 }
    END { printf "cargo test: test result: ok. %d passed; %d failed\n", passed, failed }' \
    "$logs/cargo.log"
  printf 'pytest: %s\n' "$(grep -E '[0-9]+ passed' "$logs/pytest.log" | tail -n 1)"
}

case "$part" in
  all | lint | tests) ;;
  *) printf 'usage: scripts/gate.sh [lint | tests]\n' >&2; exit 2 ;;
esac
mkdir -p "$logs"
if [ "$part" != tests ]; then lint; fi
if [ "$part" != lint ]; then
  tests
  closing_lines
fi
printf 'gate (%s): passed in %d s\n' "$part" "$SECONDS"
