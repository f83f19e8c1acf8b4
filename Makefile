# One door for people and for CI. Needs make and a Python >= 3.11; prefers 3.13, pyenv's too.
PYTHON ?= $(shell ./.ci/python)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
export PYTHONDONTWRITEBYTECODE ?=
# Recordings and real traces, where they lie beside the checkout; without them their tests skip and say so.
ifneq ($(wildcard ../shared/data/README.md),)
export LAMPLIGHTER_REFERENCE ?= $(abspath ../shared)
endif

.PHONY: help setup demo test lint types contracts check bench package lock audit outdated soak clean
.DEFAULT_GOAL := help

help:        ## what this file can do
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)    ## .venv with the lamplighter command in it

$(STAMP): pyproject.toml requirements.in
	@test -n "$(PYTHON)" || { echo "Lamplighter needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3"; exit 2; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --editable '.[laptop,dev]'
	@touch $@

demo: setup    ## a simulated week on the deployed code path, under a minute
	@$(BIN)/lamplighter demo

test: setup    ## the test suite
	@$(BIN)/python tests/azurite_install.py || true
	@$(BIN)/python tests/checkov_install.py || true
	@$(BIN)/python tests/packaged/packaging.py || true
	@$(BIN)/python -m pytest -n auto

lint: setup    ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup    ## mypy, strict
	@$(BIN)/mypy

contracts: setup    ## who may import whom
	@$(BIN)/lint-imports

check: lint types contracts test    ## what CI runs

bench: setup    ## benchmarks, as ratios to a floor in the same run
	@$(BIN)/python benchmarks/tick.py
	@$(BIN)/python benchmarks/cold_start.py
	@$(BIN)/python benchmarks/idle.py
	@$(BIN)/python benchmarks/alert.py
	@$(BIN)/python benchmarks/replay.py

package: setup    ## what would be published: built, unpacked, indexed, one tick; its size and cold start
	@$(BIN)/python benchmarks/package.py

# For the Python and the platform that it is published to, whatever this machine is.
LOCK := $(VENV)/lock
UV   := $(LOCK)/bin/uv pip compile --quiet --generate-hashes --python-version 3.13 --python-platform linux
UV   += --no-emit-index-url --no-annotate --custom-compile-command "make lock"

$(LOCK)/.ready: setup
	@$(BIN)/python -m venv $(LOCK)
	@$(LOCK)/bin/python -m pip --quiet --disable-pip-version-check install uv==0.13.9 pip-audit==2.10.1
	@touch $@

lock: $(LOCK)/.ready    ## requirements.txt, with hashes, and THIRD-PARTY.md from requirements.in
	@$(UV) --output-file requirements.txt requirements.in
	@$(BIN)/python .ci/third_party.py

audit: $(LOCK)/.ready    ## known vulnerabilities in what is published; asks PyPI
	@$(LOCK)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt

outdated: $(LOCK)/.ready    ## which published packages have newer releases than the lock
	@sed 's/==[^ ;]*//' requirements.in | $(LOCK)/bin/uv pip compile --quiet --no-header --no-annotate \
		--no-emit-index-url --python-version 3.13 --python-platform linux --output-file $(LOCK)/newest.txt -
	@for name in $$(grep -oE '^[a-z0-9.-]+==[^ ]+' requirements.txt); do \
		grep -qxF "$$name" $(LOCK)/newest.txt || \
		echo "$$name -> $$(grep -E "^$${name%%==*}==" $(LOCK)/newest.txt)"; done

soak: setup    ## the long versions of the fault and scenario tests
	@LAMPLIGHTER_SOAK=1 $(BIN)/python -m pytest -n auto tests/faults tests/scenarios

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info node_modules
