# The two commands: `make lab` opens the course, `make test` runs everything that CI runs. Both install what they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# JupyterLab refuses to run as root unless it is told to; in a container there is often nobody else.
LAB_FLAGS ?= $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: lab test doctor build release lock clean

lab: $(VENV)/.lab
	$(BIN)/jupyter lab $(LAB_FLAGS) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

# The slowest file first, for two workers to end together. nbval runs notebooks/; tests/test_notebooks.py runs solutions/.
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check course tests benchmarks
	$(BIN)/mypy
	$(BIN)/course build --check
	$(BIN)/python tests/offline.py $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15 \
		--nbval-lax tests/browser tests notebooks

doctor: $(VENV)/.lab
	$(BIN)/course doctor

build: $(VENV)/.test
	$(BIN)/course build

release: $(VENV)/.lab
	$(BIN)/course release

# constraints.txt: the versions that the course was last tested with. `make lock` renews it from the newest allowed.
lock:
	rm -rf $(VENV)
	$(MAKE) test CONSTRAINTS=/dev/null
	$(BIN)/pip freeze --exclude-editable | grep -v '^nvidia-' | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/pip --disable-pip-version-check install --quiet

$(VENV)/.lab: pyproject.toml jupyterlab-settings.json $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "This course needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c $(CONSTRAINTS) torch
	$(PIP) -c $(CONSTRAINTS) --editable .
	mkdir -p $(VENV)/share/jupyter/lab/settings  # JupyterLab asks nobody for news and updates
	cp jupyterlab-settings.json $(VENV)/share/jupyter/lab/settings/overrides.json
	touch $@

$(VENV)/.test: $(VENV)/.lab
	$(PIP) -c $(CONSTRAINTS) --editable '.[dev,grading]'
	touch $@
