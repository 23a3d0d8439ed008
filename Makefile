# The commands of this project. Each makes .venv first if it is not there, and needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

demo: $(VENV)/.demo ## install, train a network on the embedded digits, show what it can do
	$(BIN)/pellucid train digits

test: $(VENV)/.test ## install what the tests need and run them all
	$(BIN)/python -m pytest

check: $(VENV)/.test ## lint, formatting and types
	BIN=$(BIN) scripts/check

bench: $(VENV)/.bench ## measure speed beside PyTorch, JAX, Keras and scikit-learn (installs them, about 2 GB)
	BIN=$(BIN) scripts/bench

clean: ## remove .venv and what tools left behind
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.made:
	PYTHON=$(PYTHON) VENV=$(VENV) scripts/venv

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[data]'
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[data,fast,plot,dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[data,fast,plot,dev,bench]'
	@touch $@ $(VENV)/.demo $(VENV)/.test
