# Two commands are all one needs: `make demo` and `make test`. Each does all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
READY := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
DEMO := runs/demo

.PHONY: help demo test test-fast lint format lock docs wheel audit clean
help:
	@echo "make demo    run the main job on drawn images: train, judge, package, register (a few minutes)"
	@echo "make test    run all tests"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make docs    write docs/settings.md and docs/service-settings.md from the code"
	@echo "make lock    resolve the dependencies anew"
	@echo "make wheel   build the wheel;  make audit   look for known vulnerabilities"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nevus needs Python 3.11 or newer; name it: make PYTHON=python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	rm -f $(VENV)/.ready-*; touch $@

demo: $(READY)
	$(BIN)/nevus run configs/demo.yaml --out $(DEMO)
	$(BIN)/python benchmarks/demo_honesty.py --run $(DEMO)
	@echo; echo "The report: $(CURDIR)/$(DEMO)/report.html"

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

test-fast: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not slow and not real and not service"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv==$(UV_VERSION); }
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --python-version 3.11 \
	  --extra dev --quiet --output-file requirements.lock

docs: $(READY)
	$(BIN)/python -m nevus.pipeline.settings_reference docs/settings.md
	$(BIN)/python -m nevus.serving.settings_reference docs/service-settings.md

wheel: $(READY)
	$(BIN)/python -m build --no-isolation --wheel

audit: $(READY)
	$(BIN)/bandit -q -r src -c pyproject.toml
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements.lock

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
