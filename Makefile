# Everything runs in .venv, made from requirements.lock by `make setup`.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test lint check ui bench reliability lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/srt run beat_the_blues
	$(BIN)/srt run demo

test: setup
	$(BIN)/pytest -q -m "not long and not browser and not office and not daemon and not postgres"

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/pytest -q -m "not slow and not long and not browser and not office and not daemon and not postgres"

ui: setup
	$(BIN)/srt ui

bench: setup
	$(BIN)/python -m benchmarks

reliability: setup
	$(BIN)/python -m benchmarks.reliability

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate \
	    --extra examples --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv
