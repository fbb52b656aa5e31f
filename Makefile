# make run    environment from the lock, then the embedded default run, to its report
# make test   environment from the lock with the test packages, then the tests
# make lock   the locks anew from pyproject.toml (needs uv)

PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3,$(shell $(name) -c \
	'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $(name))))
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# pytest's processes: each worker that trains takes about a gigabyte.
WORKERS ?= 2

export PATH := $(BIN):$(PATH)

.PHONY: run test lock docs clean-environment

run: $(VENV)/.installed
	snakemake
	@echo "The report: file://$(CURDIR)/$$($(BIN)/python -c 'import yaml; print(yaml.safe_load(open("config.yaml")).get("results", "results"))')/report/index.html"

test: $(VENV)/.installed-test
	python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(TESTS)

$(VENV)/.installed: requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.installed-test: requirements-test.lock pyproject.toml
	$(call install,requirements-test.lock)
	@touch $@ $(VENV)/.installed

# The lock's file is installed as it is (it is whole: --no-deps), then this package in place, without asking an index for
# anything else.
define install
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or 3.12 is needed: install one, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing the environment into $(VENV) with $(PYTHON) (about 5 GB, some minutes)"
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
# The bounds on Python and system are pyproject.toml's; repeated on each line they would only hide the rest.
lock:
	$(COMPILE) --extra test pyproject.toml -o requirements-test.lock
	$(COMPILE) -c requirements-test.lock pyproject.toml -o requirements.lock
	sed -i -E "s/ ; python_full_version < '3.13' and sys_platform == 'linux' \\\\/ \\\\/" requirements.lock requirements-test.lock

docs:
	python docs/generate.py
