# `make demo` and `make test` set up all that they need; `make help` lists the rest.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first of these that is new enough makes the environments; PYTHON=... on the command line names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

ROWS ?= 3040
WORKERS ?= 2
DEMO_ENV := .venv
TEST_ENV := .venv-test
OLDEST_ENV := .venv-oldest
DOCS_ENV := .venv-docs
BENCH_ENV := .venv-bench
DATASET := demo/dataset
SHEET := demo/contact-sheet.png
# What the reference numbers of tests/finetune are held to; `make test TORCH=torch` takes the newest.
TORCH ?= torch==2.13.0
# The lower bound in pyproject.toml.
OLDEST := transformers==5.10.4
PIP := -m pip install --quiet --disable-pip-version-check
SOURCES := pyproject.toml $(shell find src templates -type f ! -name '*.pyc')

.PHONY: help demo test test-oldest lint docs bench clean python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(SHEET) ## install samplegen in .venv, then make a dataset of 3040 rows and a contact sheet
	@echo "dataset:       $(CURDIR)/$(DATASET)"
	@echo "contact sheet: $(CURDIR)/$(SHEET)"

test: $(TEST_ENV)/.installed lint ## run the whole test suite, the linters included
	$(TEST_ENV)/bin/python -m pytest -n 2 --dist loadgroup

test-oldest: $(OLDEST_ENV)/.installed ## the tests of finetune with the oldest transformers that it allows
	$(OLDEST_ENV)/bin/python -m pytest -n 2 --dist loadgroup tests/finetune

lint: $(TEST_ENV)/.installed ## ruff and mypy
	$(TEST_ENV)/bin/ruff check .
	$(TEST_ENV)/bin/ruff format --check .
	$(TEST_ENV)/bin/mypy

docs: $(DOCS_ENV)/.installed ## build the documentation into docs/_build/html
	$(DOCS_ENV)/bin/python docs/make_cli.py --check
	$(DOCS_ENV)/bin/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "documentation: $(CURDIR)/docs/_build/html/index.html"

bench: $(BENCH_ENV)/.installed ## measure speed and memory, write benchmarks/results.md
	$(BENCH_ENV)/bin/python benchmarks/run.py

clean: ## remove environments and everything built
	rm -rf $(DEMO_ENV) $(TEST_ENV) $(OLDEST_ENV) $(DOCS_ENV) $(BENCH_ENV) demo build dist docs/_build

python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "samplegen needs Python 3.11 or newer; found $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 1; \
	elif ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "samplegen needs Python 3.11 or newer; PYTHON is $(PYTHON)," \
			"which is $$("$(PYTHON)" --version 2>&1 || true)." >&2; exit 1; \
	fi

# A stamp is newer than what was installed, so that a second run installs nothing.
# The demo has the package itself; the others follow the sources (-e) and change only with pyproject.toml.
$(DEMO_ENV)/.installed: $(SOURCES) | python
	"$(PYTHON)" -m venv $(DEMO_ENV)
	$(DEMO_ENV)/bin/python $(PIP) .
	@touch $@

$(TEST_ENV)/.installed: pyproject.toml | python
	"$(PYTHON)" -m venv $(TEST_ENV)
	$(TEST_ENV)/bin/python $(PIP) $(TORCH) -e '.[dev]'
	@touch $@

$(OLDEST_ENV)/.installed: pyproject.toml | python
	"$(PYTHON)" -m venv $(OLDEST_ENV)
	$(OLDEST_ENV)/bin/python $(PIP) $(TORCH) $(OLDEST) -e '.[dev]'
	@touch $@

$(DOCS_ENV)/.installed: pyproject.toml | python
	"$(PYTHON)" -m venv $(DOCS_ENV)
	$(DOCS_ENV)/bin/python $(PIP) $(TORCH) -e '.[docs]'
	@touch $@

$(BENCH_ENV)/.installed: pyproject.toml | python
	"$(PYTHON)" -m venv $(BENCH_ENV)
	$(BENCH_ENV)/bin/python $(PIP) -e '.[bench]'
	@touch $@

# The manifest is written last: a run that was stopped has none, and begins anew.
$(DATASET)/manifest.json: $(DEMO_ENV)/.installed
	@mkdir -p demo
	$(DEMO_ENV)/bin/samplegen make --rows $(ROWS) --workers $(WORKERS) --out $(DATASET) --overwrite

$(SHEET): $(DATASET)/manifest.json
	$(DEMO_ENV)/bin/samplegen preview --out $(SHEET)
