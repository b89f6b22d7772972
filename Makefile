# Verbs of the project. `make` alone prints this list.

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
comma := ,
space := $(subst ,, )
# What an environment is made from: a dependency that changes here is installed by the next verb.
SOURCES := pyproject.toml constraints.txt
# What `make bench` measures, and the arguments it is given.
PART ?= run
ARGS ?=
# Which example `make example` runs.
NAME ?= fraud
# install(environment, extras): what pip says goes to a log that is shown only when it fails. Python compiles what it
# imports; compiling every file of every library takes longer than installing them.
define install
@$(1)/bin/pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.$(if $(2),[$(subst $(space),$(comma),$(2))])' \
  >$(1)/install.log 2>&1 || { tail -n 30 $(1)/install.log; echo "the whole log: $(1)/install.log"; exit 1; }
endef

# One worker per processor. A worker takes over what another has not begun; `loadfile` keeps the servers of a file in one place.
WORKERS := -n logical --maxprocesses 4

.DEFAULT_GOAL := help
.PHONY: help setup demo example ui check check-format check-lint check-layers check-types check-tests lint test test-torch \
  test-system cluster mutate docs bench clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11 to 3.13 is needed: add PYTHON=/path/to/python3.11"; exit 2; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python $(SOURCES)
	@echo "installing the package and its libraries (first time: about two minutes)"
	$(call install,$(VENV),)
	@touch $@

# Each of these installs what the ones it touches do: pip resolves everything anew each time it is called.
$(VENV)/.test: $(BIN)/python $(SOURCES)
	@echo "installing the package, its libraries and test tools (first time: about two minutes)"
	$(call install,$(VENV),test)
	@touch $(VENV)/.core $@

$(VENV)/.lint: $(BIN)/python $(SOURCES)
	@echo "installing the package, its libraries, test and lint tools (first time: about two minutes)"
	$(call install,$(VENV),test lint)
	@touch $(VENV)/.core $(VENV)/.test $@

$(VENV)/.system: $(BIN)/python $(SOURCES)
	@echo "installing the object store and browser driver of the system tests"
	$(call install,$(VENV),test system)
	@touch $(VENV)/.core $(VENV)/.test $@

$(VENV)/.docs: $(BIN)/python $(SOURCES)
	@echo "installing the tools of the documentation site"
	$(call install,$(VENV),docs)
	@touch $(VENV)/.core $@

.venv-torch/.test: $(SOURCES)
	@echo "making .venv-torch (torch stays out of $(VENV))"
	@$(PYTHON) -m venv .venv-torch
	$(call install,.venv-torch,test torch)
	@touch $@

setup: $(VENV)/.lint ## make .venv with everything that development needs

demo: $(VENV)/.core ## govern a real model for three nights through Airflow
	@$(BIN)/python include/demo/demo.py

# With the libraries that the models of the examples are made with (xgboost).
example: $(VENV)/.test ## run a worked example on real rows, which pip fetches: NAME=fraud, credit, forecasting or recommendation
	@$(BIN)/python include/examples/example.py $(NAME) $(ARGS)

ui: $(VENV)/.core ## start Airflow on 127.0.0.1 with the demo's runs (make demo first)
	@$(BIN)/python include/demo/ui.py

# The steps run side by side. mypy keeps what it knows in .mypy_cache: a changed line costs a second, where its daemon
# takes half a minute to start and 680 MB to stay.
check: $(VENV)/.lint ## the loop of a one-line change: lint, layers, types and the tests of what changed, in seconds
	@$(MAKE) --no-print-directory --jobs --output-sync=target check-tests check-types check-layers check-lint check-format

check-format: $(VENV)/.lint
	@$(BIN)/ruff format --check --quiet .

check-lint: $(VENV)/.lint
	@$(BIN)/ruff check --quiet .

check-layers: $(VENV)/.lint
	@answer=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$answer"; exit 1; }

check-types: $(VENV)/.lint
	@$(BIN)/mypy --no-error-summary

check-tests: $(VENV)/.lint
	@$(BIN)/python .ci/changed_tests.py

lint: $(VENV)/.lint ## format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: $(VENV)/.test ## every test that needs no torch, server or browser
	@$(BIN)/python -m pytest $(WORKERS) --dist worksteal -m "not torch and not system"

test-torch: .venv-torch/.test ## the tests that need torch, in .venv-torch
	@.venv-torch/bin/python -m pytest -m torch tests/neural

test-system: $(VENV)/.system ## end to end with a real S3 server and a real browser
	@$(BIN)/python -m pytest $(WORKERS) --dist loadfile -m "system and not cluster" tests/system

cluster: $(VENV)/.system ## a night of twenty models on a cluster of one host, every part of which is killed once (needs redis-server)
	@$(BIN)/python -m pytest -m cluster tests/system/test_cluster.py

mutate: $(VENV)/.test ## change the code of the rooms that decide, mutant by mutant, and see whether a test fails
	@$(BIN)/python tests/mutation/run.py $(ARGS)

docs: $(VENV)/.docs ## build the documentation site into include/docs/build
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet -f include/docs/mkdocs.yml
	@echo "include/docs/build/index.html"

bench: $(VENV)/.test ## measure claims side by side; PART=data, security and detection measure with their peers (half an hour each), PART=images attacks on images, PART=archive the evidence
	@$(BIN)/python include/bench/$(PART).py $(ARGS)

clean: ## remove environments, builds and the output of demo and examples
	@rm -rf .venv .venv-torch .airflow include/demo/build include/examples/build include/docs/build build dist  \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
