# The two commands of the README are `make demo` and `make test`; both prepare the machine by `make setup`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup images components install demo test lint bench clean

PROFILE := quick
STATIC_TARGET := x86_64-unknown-linux-gnu
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: ## Prepare this machine: Docker engine, base image, tools (does nothing when all is there)
	@dockerfiles/setup.sh

components: setup
	@RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile $(PROFILE) --target $(STATIC_TARGET) -p trainyard-components
	@dockerfiles/image.sh components $(TARGET_DIR)/$(STATIC_TARGET)/$(PROFILE)/trainyard-components

images: components
	@dockerfiles/image.sh trainer
	@dockerfiles/image.sh serving
	@dockerfiles/image.sh flights-data

install: images ## The images, and `trainyard` and `trainyard-components` in cargo's bin folder
	cargo install --locked --profile $(PROFILE) --path service/server
	cargo install --locked --profile $(PROFILE) --path pipelines/components

demo: images ## The main job: a push, nine months of data, two pull requests, a rollback
	@cargo build --profile $(PROFILE) -p trainyard -p trainyard-github --features trainyard-github/simulator --bins --example demo
	@$(TARGET_DIR)/$(PROFILE)/examples/demo

test: images ## All tests, the Docker ones included
ifeq ($(NEXTEST),yes)
	cargo nextest run --workspace --no-fail-fast
else
	cargo test --workspace --no-fail-fast
endif

lint: ## Formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo lint

bench: components ## What Trainyard costs, beside its peers and limits in the same run
	@dockerfiles/image.sh flights-data
	@cargo bench --quiet --profile $(PROFILE) -p trainyard --bench costs
	@set -o pipefail; RUSTFLAGS="-C target-feature=+crt-static" cargo test --quiet --profile $(PROFILE) --target $(STATIC_TARGET) \
		-p trainyard-components --lib -- --ignored --nocapture cost_of | grep -F ' replicates'
	@python3 pipelines/components/examples/statistics_bench.py $(TARGET_DIR)/$(STATIC_TARGET)/$(PROFILE)/trainyard-components

clean: ## Remove what the build and the demo wrote
	chmod -R u+w target/demo 2>/dev/null || true
	rm -rf target/demo
	cargo clean
