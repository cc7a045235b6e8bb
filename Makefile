# A fresh clone needs python3 (3.11 or newer) and make. Everything else comes from the locks, which
# name each file by its hash; it is installed anew only when a lock has changed.
#
#   make run     serve on 127.0.0.1:8080         make test    all tests
#   make demo    the tour, in this terminal      make check   what CI asks besides the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python -m keysteward

# Or each of the hundred servers that the tests start would compile the house anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test check coverage lock readme readme-tour schema.graphql screens clean \
        bench bench-revoke bench-broker bench-ceilings bench-metering bench-accounts bench-vault \
        bench-outbound bench-redact

help:
	@sed -n '/^#   /s/^#   //p' Makefile

run: $(VENV)/.server
	@exec $(RUN) serve

demo: $(VENV)/.dev
	@exec $(RUN) demo

# Three processes for every two cores, since tests wait as well; a file's tests stay together, since
# many share one installation. The slow ones go first, so that no core waits for them at the end.
CORES := import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
PROCESSES ?= $(shell echo $$(($$($(PYTHON) -c '$(CORES)') * 3 / 2)))
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder \
	  $(or $(ARGS),tests/page tests/cli tests/fanout tests/demo tests)

# The gate besides the tests. `schema.graphql`, README's tables and the locks are held equal to what
# they are made from by tests; those few run here again, so that this target stands for itself.
check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache --config pyproject.toml
	$(BIN)/python -m pytest -q tests/readme tests/packaging/test_locks.py tests/cli/test_schema.py

coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -q --cov --cov-report=term-missing:skip-covered $(ARGS)

# What follows from something else, written anew.
schema.graphql: $(VENV)/.dev
	$(RUN) schema > $@.new && mv $@.new $@

readme: $(VENV)/.dev
	$(BIN)/python -m tests.readme.tables

readme-tour: $(VENV)/.dev
	$(BIN)/python -m tests.readme.tables --tour

screens: $(VENV)/.dev
	$(BIN)/python -m tests.page.screens

lock: $(VENV)/.dev
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  requirements.in -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  -c requirements.lock dev.in -o dev.lock

# Benchmarks: each prints a table beside its peers and writes JSON to bench/results.
bench: bench-revoke bench-broker bench-ceilings bench-metering bench-accounts bench-vault bench-outbound bench-redact
bench-%: $(VENV)/.dev
	$(BIN)/python -m bench.$* $(ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage bench/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. dev.lock holds all of requirements.lock, at the same versions. Each lock is whole:
# without `--no-deps` pip asks for the newest version of a package that another needs with an extra.
$(VENV)/pyvenv.cfg:
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.server: requirements.lock $(BIN)/keysteward
	@echo "Installing what the server needs"
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: dev.lock requirements.lock $(BIN)/keysteward
	@echo "Installing what tests, checks and the tour need"
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r dev.lock
	@touch $@ $(VENV)/.server

# `.venv/bin/keysteward`, from anywhere: the checkout itself, so nothing needs building.
$(BIN)/keysteward: $(VENV)/pyvenv.cfg
	@printf '%s\n' '#!/bin/sh' 'home="$$(cd "$$(dirname "$$0")/../.." && pwd)"' \
	  'PYTHONPATH="$$home$${PYTHONPATH:+:$$PYTHONPATH}" exec "$$home/$(BIN)/python" -m keysteward "$$@"' > $@
	@chmod +x $@
