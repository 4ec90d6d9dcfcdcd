# The commands of MCSP. They need Python 3.11 and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench lock clean
export PYTHON

BIN := .venv/bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## install everything into this folder (under 2 s when nothing changed)
	@python=$$($(SHELL) deploy/setup/find_python.sh) && exec "$$python" -m deploy.setup

demo: setup ## set up, start the stack, publish a sample, print the addresses; Ctrl-C ends it
	@exec $(BIN)/mcsp demo

test: setup lint ## set up, check the code, run all tests
	@exec $(BIN)/python -m pytest $(ARGS)

lint: setup ## ruff, pyright, the import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "lint: files need formatting. Next: make format" >&2; exit 1; }
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

format: setup ## let ruff format the code and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

bench: setup ## measure; writes bench/results/
	@exec $(BIN)/python -m bench $(ARGS)

lock: setup ## resolve all dependencies anew and write the lock files (UPGRADE=1: take the newest)
	@python=$$($(SHELL) deploy/setup/find_python.sh) && exec "$$python" -m deploy.setup lock $(if $(UPGRADE),--upgrade)

clean: ## stop the stack and remove what setup made (the stack's data under .mcsp stays)
	@if [ -x $(BIN)/mcsp ] && [ -d .mcsp ]; then $(BIN)/mcsp down; fi
	rm -rf .venv .jars .cache streaming_api/web/node_modules streaming_api/web/assets
