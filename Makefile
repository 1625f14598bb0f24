# `make demo` shows Tailrace at work; `make test` and `make check` are what a change must pass.

.DEFAULT_GOAL := help
.PHONY: help setup packages demo test chaos check format bench lock clean

# One worker more than processors: a quarter of the time, tests wait for a server, a process or a time limit.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = .venv/bin/pytest -n $(WORKERS) --dist loadgroup

help: ## Say what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.ready packages ## Make .venv from the lock, install the Debian packages that tests need

.venv/.ready: requirements/dev.txt pyproject.toml scripts/environment
	@scripts/environment

packages: .venv/.ready
	@scripts/packages
	@scripts/bqemulator

demo: .venv/.ready ## Sync a small shop to a local receiver, and explain each step
	@.venv/bin/tailrace demo

test: .venv/.ready packages ## Run every test
	@$(PYTEST)

chaos: .venv/.ready packages ## Kill real syncs, more often and longer than `make test` does
	@CHAOS=long .venv/bin/pytest -m chaos -rP tests/chaos

check: .venv/.ready ## Lint, formatting, types, import order
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports

format: .venv/.ready ## Format the code and mend what can be mended
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

bench: .venv/.ready packages ## Measure (bench/README.md); takes minutes
	@.venv/bin/python -m bench

lock: .venv/.ready ## Resolve the requirements anew
	@scripts/lock

clean: ## Remove what was made here
	rm -rf .venv .venv-bqemulator build dist .ruff_cache .import_linter_cache .hypothesis
