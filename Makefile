# The front door. `make` alone shows what there is.
#
# Everything lives in .venv, node_modules and the caches; `make clean` removes them all. The data of
# `make run` lives in the home folder that it prints, and nothing here ever removes that.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# One process more than there are processors, as many tests wait for something. Those of one file
# stay together and share what it sets up; tests/conftest.py says which files begin.
TEST_PROCESSES := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
SIDE_BY_SIDE := --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV_VERSION := 0.13.9
ASSETS := package.json package-lock.json $(shell find frontend src/paceline/web/templates -type f 2>/dev/null)

# Zones come from the pinned tzdata package, not from whatever this machine was installed with.
export PYTHONTZPATH :=
# Where this is set, each process compiles anew what it imports: a tenth of what all tests cost.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run dist docs test test-containers test-hosts say-needs check fmt bench screens faults soak fuzz lock clean

help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.ready ## Run everything on this machine; ARGS="--port 4000 --no-sample" for options
	@exec $(BIN)/paceline up $(ARGS)

dist: $(VENV)/.ready-dev ## Build wheel, sdist and bill of materials (CycloneDX) into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

docs: $(VENV)/.ready-dev ## Build the pages for people into build/docs; each link is checked
	$(BIN)/mkdocs build
	@echo "build/docs/index.html"

test: say-needs check ## Check, then run all tests; ARGS="-k lane" narrows them down
	@scripts/need-chromium
	@scripts/need-postfix
	@scripts/need-promtool
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-containers: $(VENV)/.ready-containers ## Build the image, run compose.yaml with it, break it (root, Debian)
	@scripts/need-containers
	@tests/containers/images/build
	$(BIN)/python -m pytest tests/containers $(ARGS)

test-hosts: $(VENV)/.ready-dev ## Run it on three hosts, lose them, cut them off (root, Debian; 4 minutes)
	@scripts/need-hosts
	$(BIN)/python -m pytest tests/hosts --numprocesses $(TEST_PROCESSES) --dist worksteal $(ARGS)

say-needs:
	@scripts/say-needs

check: $(VENV)/.ready-dev ## Lint, types, import rules; known vulnerabilities and licences of what is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/audit.py requirements-dev.lock
	$(BIN)/python scripts/licences.py

fmt: $(VENV)/.ready-dev ## Format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev ## Measure, beside others; ARGS="--write docs/BENCHMARKS.md" keeps it
	@scripts/need-postfix
	$(BIN)/python -m bench $(ARGS)

screens: $(VENV)/.ready-dev ## Take the pictures of docs/screens anew
	@scripts/need-chromium
	$(BIN)/python -m tests.e2e.screens

faults: $(VENV)/.ready-dev ## Break everything for up to 40 minutes, and report; ARGS="--minutes 5"
	$(BIN)/python -m tests.faults $(ARGS)

soak: $(VENV)/.ready-dev ## Half the top rate under faults for 30 minutes: is all flat? ARGS="--minutes 2"
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(VENV)/.ready-dev ## Try bad inputs from a fresh seed for 5 minutes; ARGS="--seconds 60"
	$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(VENV)/bin/python ## Write the lock files anew, with the newest versions allowed
	$(PIP_INSTALL) --target $(VENV)/uv uv==$(UV_VERSION)
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS UV="$(VENV)/uv/bin/uv" scripts/lock
	@echo "then \`make .venv/.ready-dev\`, and \`$(BIN)/python scripts/licences.py --write\`"

clean: ## Remove what was installed and built here (never a home folder)
	rm -rf $(VENV) node_modules bench/peers/node/node_modules dist build src/paceline/web/static/dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@scripts/make-venv $(VENV)

$(VENV)/.dependencies: requirements.lock $(VENV)/bin/python
	@echo "installing what requirements.lock names …"
	@$(PIP_INSTALL) --only-binary=:all: --require-hashes -r requirements.lock
	@scripts/add-redis $(BIN)/python
	@touch $@

# Assets are part of the package: the build hook makes them, with Node.js from PyPI where there is none.
$(VENV)/.ready: $(VENV)/.dependencies pyproject.toml hatch_build.py $(ASSETS)
	@echo "installing paceline, with its web assets …"
	@$(PIP_INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@echo "installing what requirements-dev.lock names …"
	@$(PIP_INSTALL) --only-binary=:all: --no-binary=dkimpy --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.ready-containers: $(VENV)/.ready-dev requirements-containers.lock
	@echo "installing what requirements-containers.lock names …"
	@$(PIP_INSTALL) --only-binary=:all: --require-hashes -r requirements-containers.lock
	@touch $@
