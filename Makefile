# Sets itself up: every target makes the environment it needs first.
PYTHON ?= python3
VENV := .venv
# Windows keeps a virtual environment's programs in Scripts
BIN := $(if $(wildcard $(VENV)/Scripts),$(VENV)/Scripts,$(VENV)/bin)
CARESHED := $(BIN)/careshed
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help plan plans test lint types imports unit notebooks papers data pictures docs bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,docs]"
	@touch $(READY)

plan: $(READY) ## plan the embedded Xicheng area into out/xicheng/
	$(CARESHED) plan data/xicheng --output out/xicheng

plans: plan ## plan all three embedded areas
	$(CARESHED) plan data/tongzhou --output out/tongzhou
	$(CARESHED) plan data/pinggu --output out/pinggu

test: $(READY) ## everything that CI checks; what uses one core goes side by side
	$(MAKE) --jobs 2 --output-sync lint types imports docs
	$(MAKE) unit
	$(MAKE) notebooks

lint: $(READY) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## static types
	$(BIN)/mypy

imports: $(READY) ## rooms import only to their left
	$(BIN)/lint-imports

unit: $(READY) ## tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

notebooks: $(READY) ## run the notebooks; their outputs stay stripped
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	$(BIN)/python -m pytest --numprocesses 2 --nbmake --override-ini=filterwarnings=default notebooks

data: $(READY) ## rebuild the embedded areas, byte for byte
	for district in xicheng tongzhou pinggu; do \
	  $(CARESHED) synthesize data/$$district/recipe.toml --output data/$$district || exit 1; done

papers: $(READY) ## run the notebooks and render them into docs/papers/ (needs Chromium)
	$(BIN)/python docs/papers.py

pictures: plan ## take the pictures of README and docs (needs Chromium)
	$(BIN)/python docs/pictures.py

docs: $(READY) ## the docs site, offline, warnings as errors, into out/docs/
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --jobs 2 --doctree-dir out/.doctrees docs out/docs

bench: $(READY) ## measure search and siting against other libraries into docs/benchmarks*.md
	$(BIN)/python -m pip install --quiet ".[bench]"
	$(BIN)/python tests/benchmarks/table.py
	$(BIN)/python tests/benchmarks/sitingtable.py

clean: ## remove the environment and all output
	rm -rf $(VENV) out build dist
