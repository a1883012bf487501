# What a developer or an operator asks of this checkout. `make` lists it.
#
# Every target makes what it needs: a virtual environment in .venv, then the packages. Nothing but Python 3.11 or newer,
# make and git has to be there. A stamp file that is younger than pyproject.toml makes the second run instant.

# The first Python that is new enough; `make PYTHON=...` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; done; echo python3)

VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT := $(BIN)/python
RUNTIME := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev

# Processes that share the tests; `make test WORKERS=0` runs them in one, for a debugger. Neither needs a service: the
# second run starts a PostgreSQL of its own, which the development tools bring as a wheel.
WORKERS := 2

# What `make check` repeats on PostgreSQL: where rows, locks and transactions decide. `make test` repeats everything.
ON_POSTGRESQL := tests/store tests/exchange tests/acts/test_crashes.py tests/acts/test_frauds_and_look_alikes.py \
	tests/acts/test_life_of_a_permit.py tests/acts/test_races.py tests/acts/test_repeated_work.py \
	tests/acts/test_withheld.py tests/test_node.py \
	tests/web/test_events_api.py tests/web/test_permits_api.py tests/federation/test_pull.py \
	tests/federation/test_cosigning.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test check fix bench hostile wheel serve clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(DEVELOPMENT) ## make .venv and install the program and the tools

demo: $(RUNTIME) ## play a federation of three countries and show what each node found
	@$(BIN)/python -m epix_node demo

test: $(DEVELOPMENT) ## run the tests, those that open a database on SQLite and on PostgreSQL
	@$(BIN)/python -m pytest -q -n $(WORKERS)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --store postgresql

check: $(DEVELOPMENT) ## format, lint, types, import contracts, tests: what must hold before a commit
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n $(WORKERS)
	$(BIN)/python -m pytest -q -n $(WORKERS) --store postgresql $(ON_POSTGRESQL)

fix: $(DEVELOPMENT) ## format, and mend what the linter can mend
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: $(DEVELOPMENT) ## measure, beside the bare libraries in the same run
	@$(BIN)/python -m tests.bench

hostile: $(DEVELOPMENT) ## run the long tests on hostile input
	@$(BIN)/python -m pytest -q -m hostile

wheel: $(ENVIRONMENT) ## build the wheel and try it in an empty environment, away from the checkout
	@$(BIN)/python tests/wheel_check.py

serve: $(RUNTIME) ## run one node on config/epix-node.toml or EPIX_CONFIG
	@$(BIN)/python -m epix_node serve

clean: ## remove .venv, caches and builds; keys, configuration and data stay
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find epix_node tests -type d -name __pycache__ -prune -exec rm -rf {} +

# A half-made environment (Debian's python3 without python3-venv leaves one) is removed, so that the next run starts anew.
$(ENVIRONMENT):
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "$(PYTHON) was not found. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(RUNTIME): pyproject.toml | $(ENVIRONMENT)
	@echo "installing the program into $(VENV)"
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq --editable .
	@touch $@

# --group reads [dependency-groups] of pyproject.toml and needs pip 25.1, which the rule above brought.
$(DEVELOPMENT): $(RUNTIME)
	@echo "installing the tools into $(VENV)"
	@$(BIN)/python -m pip install -qq --group dev
	@touch $@
