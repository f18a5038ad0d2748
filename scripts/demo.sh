#!/usr/bin/env bash
# Builds what the demo uses and runs it; each step is printed with its time.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/steps.sh

bash scripts/setup.sh run demo || exit
step 'demo (python -m pyflow.demo)' .venv/bin/python -m pyflow.demo
