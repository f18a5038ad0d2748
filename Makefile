# Each target does all of its own set-up: a machine needs Python 3.11+, a Rust toolchain, a C
# compiler and access to package registries. What is missing is said before anything is built.

.PHONY: help demo test build bench lint fmt docs lock wheel faults sim sim-long sim-bugs fuzz \
	crash model golden overload clean
.DEFAULT_GOAL := help
export PYTHON ONLY QUICK SECONDS_EACH

SETUP := bash scripts/setup.sh
EVERYTHING := run demo test lint build

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' Makefile

demo: ## build what the demo uses, and run it
	@bash scripts/check_tools.sh
	@bash scripts/demo.sh

test: ## the whole gate: formatters, linters, types, all tests
	@bash scripts/check_tools.sh lint
	@bash scripts/install_debian.sh
	@$(SETUP) run demo test lint
	@bash scripts/gate.sh

build: ## everything into .venv: the package, its extension, every tool
	@bash scripts/check_tools.sh
	@$(SETUP) $(EVERYTHING)

bench: ## pyflow beside its peers, in .venv-bench (ONLY=graph,durable QUICK=1)
	@bash scripts/check_tools.sh
	@bash scripts/bench.sh

lint: ## the gate without its tests
	@bash scripts/check_tools.sh lint
	@$(SETUP) run demo test lint
	@bash scripts/gate.sh lint

fmt: ## format both languages
	@bash scripts/check_tools.sh lint
	@$(SETUP) run lint
	@cargo fmt --all
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

docs: build ## draw the pages that are made from the code
	@.venv/bin/python scripts/write_docs.py

lock: ## pin again what pyproject.toml names, from what .venv holds
	@.venv/bin/python scripts/lock_requirements.py
	@if [ -d .venv-bench ]; then .venv-bench/bin/python scripts/lock_requirements.py bench; fi

wheel: build ## wheels for users, into dist/: for every Python from 3.11 on, and for this one
	@bash scripts/build_wheels.sh

faults: build ## fail each call on the files of a store, one by one (ONE_OF=10 for one of ten)
	@.venv/bin/python -m tests.storage --one-of $(or $(ONE_OF),1)

sim: ## the simulator: two minutes of seeds on both cores
	@cargo run --release --locked -p pyflow-sim -- canary
	@cargo run --release --locked -p pyflow-sim -- --minutes 2 --report target/simulator.txt

sim-long: ## the simulator for MINUTES=60, from seed FIRST=1000000 on
	@cargo run --release --locked -p pyflow-sim -- --minutes $(or $(MINUTES),60) \
		--first $(or $(FIRST),1000000) --report target/simulator.txt

sim-bugs: ## thirty bugs, planted one after the other, that the simulator must find
	@cargo run --release --locked -p pyflow-sim --features seeded-bugs -- bugs

fuzz: ## look for bytes that break a reader, SECONDS_EACH=60 a target (ONLY=event,template)
	@bash scripts/check_tools.sh
	@bash scripts/fuzz.sh

crash: ## kill engines and workers, cut the power: KILLS=200 SEED=1
	@$(SETUP) run demo test
	@.venv/bin/python -m tests.crash --kills $(or $(KILLS),200) --seed $(or $(SEED),1) --report target/crash.txt

model: ## the Python API beside a model of it, for new examples: EXAMPLES=500
	@$(SETUP) run demo test
	@PYFLOW_TEST_PROFILE=long PYFLOW_MODEL_EXAMPLES=$(or $(EXAMPLES),500) .venv/bin/python -m pytest tests/model

golden: ## keep stores of this version for ever, with their answers; once a release
	@$(SETUP) run demo test
	@.venv/bin/python -m tests.golden

overload: ## ten times more starts than it can take, for a minute
	@$(SETUP) run demo test
	@.venv/bin/python -m tests.overload --report target/overload.txt

clean: ## remove everything that was built
	rm -rf target dist .venv .venv-bench .tools .benchmarks .mypy_cache .ruff_cache .pytest_cache .hypothesis pyflow/*.so
	find pyflow tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
