# Everything runs from a virtual environment of its own; the targets make it when it is missing or out of date.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
SIZE ?= ci
PIP = .venv/bin/python -m pip --disable-pip-version-check -q

export PYTHONDONTWRITEBYTECODE = 1

.PHONY: help demo test test-rt lint prove mutants bench docs lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Baton needs Python 3.11 or newer; none was found on PATH. Install one, or call make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "Python could not make a virtual environment (Debian: apt-get install python3-venv)" >&2; exit 2; }

.venv/stamp-demo: requirements/demo.lock pyproject.toml | .venv/bin/python
	@echo "setting up: what the demo needs"
	@test -e .venv/stamp-dev || $(PIP) install --require-hashes -r requirements/demo.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

.venv/stamp-dev: requirements/dev.lock pyproject.toml | .venv/bin/python
	@echo "setting up: what the tests need"
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@ .venv/stamp-demo

demo: .venv/stamp-demo ## a day at the support desk on every channel, played over real HTTP
	@.venv/bin/baton demo

test: .venv/stamp-dev ## the tests
	@.venv/bin/python -m pytest

test-rt: .venv/stamp-dev ## install Debian's Request Tracker where it is missing, start it, and hold the connector to it
	@.ci/install-rt || echo "without it the tests below are skipped, with the reason"
	@.venv/bin/python -m pytest tests/connectors/request_tracker
	@.venv/bin/python -m tests.prove --size $(SIZE) --only real_tickets --report build/proofs-rt.md

lint: .venv/stamp-dev ## format, lint, types, import contracts, changelog, docs
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/pyright
	.venv/bin/lint-imports --no-logo
	.venv/bin/python changelog.d/check.py
	.venv/bin/sphinx-build -q -W -n --keep-going -b html docs build/docs

prove: .venv/stamp-dev ## kills, lost answers, order: the promises under fire (SIZE=ci or full)
	@.venv/bin/python -m tests.prove --size $(SIZE)

mutants: .venv/stamp-dev ## break each vital guard and see its proof fail
	@.venv/bin/python -m tests.prove.mutants

bench: .venv/stamp-dev ## measure, as ratios within one run
	@.venv/bin/python -m bench

docs: .venv/stamp-dev ## build the documentation into build/docs
	@.venv/bin/sphinx-build -q -W -n --keep-going -b html docs build/docs && echo "build/docs/index.html"

lock: ## resolve the locks anew (needs uv on PATH)
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links pyproject.toml --extra slack --extra zendesk --extra twilio --extra email --extra webchat --extra hubspot --group demo -o requirements/demo.lock
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links pyproject.toml --all-extras --group dev -o requirements/dev.lock

clean: ## remove what was built, the virtual environment too
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
