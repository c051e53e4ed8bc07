# Everything goes into .venv beside this file; nothing needs root. Python 3.11 or newer and make are enough; uv is used
# where there is one. Another Python: make run PYTHON=/path/to/python3.12. Arguments: make run ARGS="play epoll-lt-et".

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
OPERATIONS ?= 1000000
SEED ?=
PYTEST_ARGS ?= -q -n auto
CANDIDATES := python3.13 python3.12 python3.11 python3 python
RECENT := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help run test check lint types contracts bench verify conformance bpf format clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|' 2>/dev/null || true

run: $(VENV)/.ready-run ## set up, and open the gallery of scenes
	@$(BIN)/ioviz $(ARGS)

test: $(VENV)/.ready-dev ## set up, and run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types contracts test ## style, types, import contracts and tests

lint: $(VENV)/.ready-dev ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready-dev ## types
	$(BIN)/mypy

contracts: $(VENV)/.ready-dev ## who may import whom
	$(BIN)/lint-imports

bench: $(VENV)/.ready-run ## the machine beside the real kernel, as ratios
	$(BIN)/python -m benchmarks $(ARGS)

verify: $(VENV)/.ready-run ## every scene and OPERATIONS random operations (1000000) on both kernels; SEED=n repeats
	@for scene in $(notdir $(patsubst %/scene.toml,%,$(wildcard scenes/*/scene.toml))); do \
	    $(BIN)/ioviz verify $$scene; code=$$?; \
	    [ $$code -eq 0 ] || [ $$code -eq 3 ] || exit $$code; \
	done
	$(BIN)/ioviz verify --random $(OPERATIONS) $(if $(SEED),--seed $(SEED)) --save difference.py

conformance: $(VENV)/.ready-dev ## CPython's own tests on the real kernel and on the machine, side by side
	$(BIN)/python -m tests.conformance $(ARGS)

BPF := ioviz/live/ebpf/ioviz.bpf
CLANG ?= $(firstword $(foreach name,clang clang-19 clang-16 clang-15 clang-14,$(shell command -v $(name))))
STRIP ?= $(firstword $(foreach name,llvm-strip llvm-strip-19 llvm-strip-16 llvm-strip-15 llvm-strip-14,$(shell command -v $(name))))

bpf: ## build the eBPF object that the package ships, which takes clang, llvm-strip and libbpf's headers
	@test -n "$(CLANG)" && test -n "$(STRIP)" || { echo "Install clang, llvm and libbpf-dev first." >&2; exit 1; }
	$(CLANG) -g -O2 -Wall -ffile-prefix-map=$(CURDIR)=. -target bpf -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu -c $(BPF).c -o $(BPF).o
	$(STRIP) -g $(BPF).o
	cd $(dir $(BPF)) && sha256sum $(notdir $(BPF)).c > $(notdir $(BPF)).built-from

format: $(VENV)/.ready-dev ## put the code into style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## forget the environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build

$(VENV)/.ready-run: pyproject.toml $(VENV)/.python
	@$(call install,-e .)
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/.python
	@$(call install,-e '.[dev]')
	@touch $@ $(VENV)/.ready-run

# The environment itself. A half-made one is removed, so that the next try starts clean.
$(VENV)/.python:
	@rm -rf $(VENV); \
	python='$(PYTHON)'; \
	if [ -z "$$python" ]; then \
	    for candidate in $(CANDIDATES); do \
	        if "$$candidate" -c '$(RECENT)' >/dev/null 2>&1; then python=$$(command -v "$$candidate"); break; fi; \
	    done; \
	elif ! "$$python" -c '$(RECENT)' >/dev/null 2>&1; then \
	    echo "PYTHON=$$python is no Python 3.11 or newer: name another, or leave PYTHON out." >&2; exit 1; \
	fi; \
	if command -v uv >/dev/null 2>&1; then \
	    echo "Setting up $(VENV) with uv (once) ..."; \
	    uv venv --quiet --python "$${python:->=3.11}" $(VENV) || { rm -rf $(VENV); exit 1; }; \
	elif [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer on the PATH (tried: $(CANDIDATES))." >&2; \
	    echo "Install one, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; \
	else \
	    echo "Setting up $(VENV) with $$($$python --version) (once) ..."; \
	    "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	        echo "$$python could not make a virtual environment: install its venv module (Debian: python3-venv) or uv." >&2; \
	        exit 1; }; \
	fi; \
	touch $@

define install
if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python $(1); \
else $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1); fi \
|| { echo "Installing failed: see the lines above. Is a package index reachable?" >&2; exit 1; }
endef
