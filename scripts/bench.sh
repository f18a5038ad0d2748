#!/usr/bin/env bash
# Runs the benchmarks in `.venv-bench`, which holds the peers, and prints one table.
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

mkdir -p .benchmarks
bash scripts/setup.sh run bench || exit
step "Restate's server (.tools/restate)" restate_server

step 'extension for this Python only (.benchmarks/one_version)' \
  scripts/build_one_version.sh "$VENV/bin/python" .benchmarks/one_version

options=(--benchmark-json=.benchmarks/last.json)
if [ "${QUICK:-}" = 1 ]; then options+=(--size=quick); else options+=(--page); fi
PYTHONPATH=$PWD exec "$VENV/bin/python" -m pytest -c benches/pytest.ini benches/bench_workloads.py \
  --only="${ONLY:-}" "${options[@]}"
