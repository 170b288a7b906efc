# Every chore of Deepfield. `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := src/deepfield/web/portal/static
UI_SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -type f -print 2>/dev/null)
JOBS ?= $(shell nproc)
CLIENTS := $(patsubst tests/clients/requirements-%.lock,.stamps/client-%,$(wildcard tests/clients/requirements-*.lock))

.PHONY: help setup demo test lint unit browser prove bench bench-ingest bench-tap bench-formats bench-transfers lock format reference clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .stamps/package .stamps/ui  ## make the environment and build the portal's pages

demo: setup  ## simulate a small JWST archive, ingest it and serve it
	$(BIN)/deepfield demo

test: .stamps/test-tools .stamps/package .stamps/ui $(CLIENTS)  ## everything: style, types, units, contracts, clients, browser
	$(MAKE) lint
	cd frontend && npm run check-api && npm run check && npm test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not prove"

lint: .stamps/package  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .stamps/package  ## the quick tests, without browser and PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) -m "not prove and not browser and not postgresql"

browser: .stamps/test-tools .stamps/package .stamps/ui  ## the portal in a real Chromium; screenshots in tests/browser/screenshots
	$(BIN)/python -m pytest tests/browser

prove: .stamps/test-tools .stamps/package .stamps/ui  ## the long runs: many kills, fuzzing, large archives
	$(BIN)/python -m pytest -m prove --timeout 7200

bench: .stamps/package  ## measure searches on 1 M observations; writes build/bench, prints the table for benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks.run

bench-tap: .stamps/package  ## measure TAP on 1 M observations, with BENCH="--vs URL" beside a peer; see benchmarks/tap.py
	$(BIN)/python -m benchmarks.tap $(BENCH)

bench-formats: .stamps/package  ## measure writing and reading of every format against bare Arrow and astropy
	$(BIN)/python -m benchmarks.formats

bench-transfers: .stamps/package  ## measure downloads beside nginx, which has to be installed
	$(BIN)/python -m benchmarks.transfers

bench-ingest: .stamps/package  ## measure an ingest against its floor, previews per second and memory of a worker
	$(BIN)/python -m benchmarks.ingest

lock: .stamps/venv  ## write the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	for wanted in tests/clients/requirements-*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$wanted -o $${wanted%.in}.lock || exit 1; done

format: .stamps/package  ## bring the style in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: .stamps/package  ## write the generated reference pages anew
	$(BIN)/python docs/generate.py

clean:  ## remove everything that can be made again, but no archive
	rm -rf .stamps .clients $(VENV) frontend/node_modules $(STATIC) build dist

.stamps/venv:
	@mkdir -p .stamps
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/install-debian python3-venv
	$(PYTHON) -m venv $(VENV)
	@touch $@

.stamps/package: .stamps/venv requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.stamps/ui: $(UI_SOURCES)
	@mkdir -p .stamps
	cd frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run build
	@touch $@

.stamps/client-%: tests/clients/requirements-%.lock
	@mkdir -p .stamps .clients
	$(PYTHON) -m venv --clear .clients/$*
	.clients/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@

.stamps/test-tools:
	@mkdir -p .stamps
	.ci/install-debian chromium postgresql-15:postgresql iproute2 util-linux stilts topcat xvfb
	@touch $@
