#!/usr/bin/env bash
# Runs the benchmarks in `.venv-bench`, which holds the peers, and prints one table. pyflow is
# measured as its users get it: from the wheel that pip chooses for this Python.
#
#   ONLY=graph,durable   only these workloads (their files: benches/workloads/)
#   QUICK=1              small sizes, to see that all works; the page is left as it is
#
# A run of full size draws docs/benchmarks.md anew.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/steps.sh

restate_version=1.7.12
export VENV=.venv-bench
export PYFLOW_BENCH_WHEELS="$PWD/.benchmarks/wheels"
export RESTATE_SERVER="$PWD/.tools/restate/node_modules/.bin/restate-server"

# The server is a binary in an npm package. Without npm that peer is left out.
restate_server() {
  local stamp=.tools/restate/.$restate_version
  [ ! -e "$stamp" ] || return 0
  if ! command -v npm >/dev/null; then
    printf 'npm is missing: Restate is left out\n' >&2
    return 0
  fi
  mkdir -p .tools/restate || return 1
  npm install --silent --no-audit --no-fund --no-save --prefix .tools/restate \
    "@restatedev/restate-server@$restate_version" || return 1
  touch "$stamp"
}

# Each wheel into a folder of its own.
install_wheels() {
  local wheel folder
  rm -rf "$PYFLOW_BENCH_WHEELS"
  for wheel in "$1"/*.whl; do
    folder=$PYFLOW_BENCH_WHEELS/one_version
    [[ $wheel != *-abi3-* ]] || folder=$PYFLOW_BENCH_WHEELS/abi3
    "$VENV/bin/python" -m pip install --quiet --no-deps --no-index --target "$folder" "$wheel" ||
      return 1
  done
}

mkdir -p .benchmarks
rm -rf .benchmarks/dist
bash scripts/setup.sh run build bench || exit
step "Restate's server (.tools/restate)" restate_server
step 'wheels, as one unit (.benchmarks/dist)' bash scripts/build_wheels.sh .benchmarks/dist
step 'wheels installed (.benchmarks/wheels)' install_wheels .benchmarks/dist

options=(--benchmark-json=.benchmarks/last.json)
if [ "${QUICK:-}" = 1 ]; then options+=(--size=quick); else options+=(--page); fi
# The wheel's pyflow comes before that of this tree.
export PYTHONPATH=$PYFLOW_BENCH_WHEELS/one_version:$PWD PYTHONSAFEPATH=1
exec "$VENV/bin/python" -m pytest -c benches/pytest.ini benches/bench_workloads.py \
  --only="${ONLY:-}" "${options[@]}"
