# Everything a user or CI needs. `make run` and `make test` set up what they need and may be repeated.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.assay-installed
TORCHX := $(VENV)-torchx
ANSIBLE := $(VENV)-ansible
APT    := $(shell cat tests/apt-packages.txt tests/rig/apt-packages.txt 2>/dev/null | grep -v '^\#')

.PHONY: help setup model run test test-here test-rig mutants fuzz chaos test-setup docs man lint format lock clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(STAMP): requirements/dev.lock pyproject.toml
	@echo "== creating $(VENV) and installing the locked packages"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# TorchX and the Kubernetes client want different versions of urllib3, so it has an environment of its own.
$(TORCHX)/.assay-installed: requirements/torchx.lock pyproject.toml
	@echo "== creating $(TORCHX) and installing the locked packages"
	@test -x $(TORCHX)/bin/python || $(PYTHON) -m venv $(TORCHX)
	$(TORCHX)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/torchx.lock
	$(TORCHX)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Ansible is no library of Assay's: its tests run its programs.
$(ANSIBLE)/.installed: requirements/ansible.lock
	@echo "== creating $(ANSIBLE) and installing the locked packages"
	@test -x $(ANSIBLE)/bin/python || $(PYTHON) -m venv $(ANSIBLE)
	$(ANSIBLE)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/ansible.lock
	@touch $@

setup: $(STAMP) model ## virtual environment, package, and the embedded model

model: $(STAMP) ## the embedded engine's model and the sentence tables, checked by hash (downloaded once)
	@$(BIN)/assay fetch embedded

run: setup ## benchmark this machine with the embedded engine
	$(BIN)/assay run

# Tests on the rig's hosts share them, so they run one after another, and mostly wait; the others are spread over two
# processes meanwhile.
RIG := ssh or slurm or docker or kubernetes or torchx

test: setup lint $(ANSIBLE)/.installed ## lint, types, tests
	@echo "== tests: this machine's and the rig's side by side; each part prints when it is over"
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=line test-here test-rig

test-here: setup $(ANSIBLE)/.installed ## tests that need this machine alone
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not ($(RIG))"

test-rig: setup $(TORCHX)/.assay-installed $(ANSIBLE)/.installed ## tests on the rig's hosts: SSH, Slurm, Docker, Kubernetes, TorchX (as root)
	$(BIN)/python -m pytest -q -m "$(RIG)"
	$(TORCHX)/bin/python -m pytest -q tests/integration/cluster/test_torchx_launcher.py

mutants: setup ## break the source on purpose in many ways and see that the tests notice each (minutes)
	$(BIN)/python scripts/mutants

FUZZ ?= 20
fuzz: setup ## foreign bytes for every parser, others each time: FUZZ times as many as in a test run (minutes)
	ASSAY_FUZZ=$(FUZZ) $(BIN)/python -m pytest -q -o timeout=0 tests/fuzz

chaos: setup ## random faults, kills and resumes on small simulated campaigns, for ten minutes
	$(BIN)/python scripts/chaos.py --minutes 10

test-setup: ## system packages (Debian, as root) and axe-core, which some tests need; without them those are skipped
	@sh scripts/install-test-packages $(APT)
	@python3 scripts/fetch_axe.py

docs: $(STAMP) ## the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open build/site/index.html"

man: $(STAMP) ## a manual page for every command, in build/man
	$(BIN)/python -m scripts.manual build/man

lint: $(STAMP) ## ruff, mypy, and the house's floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## apply ruff's format and fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	  --extra embedded --extra ssh --extra docker --extra kubernetes --extra web --extra alerts --extra opentelemetry \
	  --extra mlflow --extra tune --group dev \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements/dev.lock
	uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	  --extra ssh --extra torchx --group torchx \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements/torchx.lock
	uv pip compile --group pyproject.toml:ansible --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements/ansible.lock

clean: ## remove the virtual environment and caches; results stay
	rm -rf $(VENV) $(TORCHX) $(ANSIBLE) .mypy_cache .ruff_cache .pytest_cache
