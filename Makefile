# Everything a newcomer needs: `make demo`, `make test`. Each target prepares what it uses; nothing is installed outside .venv and .cache.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench chaos chaos-payments lock clean

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; `make PYTHON=...` overrides it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(VENV)/.ready ## the virtual environment, from the lock file with hashes

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with the venv module is needed (Debian: apt install python3-venv); or say make PYTHON=/path/to/python"; exit 1; }
	@echo "setup: $$($(PYTHON) --version), $(VENV), locked dependencies"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## broker, simulator and worker on this machine; events in, documents in Sage, results out; KEEP=1 keeps it running
	@$(BIN)/python -m demo $(if $(KEEP),--keep)

# Hundreds of processes import the same modules: whatever the environment says, each is compiled once.
unexport PYTHONDONTWRITEBYTECODE

# Many wait for real leases and session time-outs more than they compute. The processes share one broker.
AT_ONCE ?= 8
test: setup ## every test, against a real Kafka broker
	@$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadgroup --no-loadscope-reorder

check: setup ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## measured figures, as ratios in one run
	@$(BIN)/python -m bench

chaos: setup ## the service under faults, and what it did to the documents; make chaos CHAOS="--seed 2 --kills 200"
	@$(BIN)/python -m chaos $(CHAOS)

chaos-payments: setup ## the payments poller under faults; make chaos-payments CHAOS="--seed 2 --kills 40 --seconds 200"
	@$(BIN)/python -m chaos.payments $(CHAOS)

lock: ## renew the lock files (needs uv, from PyPI)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -c requirements-dev.lock -o requirements.lock

clean: ## remove what these commands made
	rm -rf $(VENV) .cache build dist
