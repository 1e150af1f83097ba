# The two commands of the README are `make demo` and `make test`; both prepare the machine by `make setup`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build components stage trainer serving flights-data images install demo tests test test-kubernetes crash nightly conformance screenshots lint bench clean

# One profile and one choice of features for both commands: every dependency is compiled once. The example is in it
# because with it features are those of the tests.
PROFILE := dev
BUILD := --workspace --lib --bins --example demo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILT = $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
STATIC = $(BUILT)/static/trainyard-components
STAGE = $(BUILT)/static/trainyard-stage
TEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo nextest run || echo test)

# What people use every day, and what is measured, is optimised: it is waited for once.
images install bench: PROFILE := release
images install: BUILD := --locked -p trainyard -p trainyard-components -p trainyard-stage --lib --bins

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

# Who only wants to see the demo waits for no browser.
setup: ## Prepare this machine: Docker engine, base image, tools, a browser for tests (does nothing when all is there)
	@dockerfiles/setup.sh $(if $(filter setup tests test screenshots,$(MAKECMDGOALS)),browser)

build: setup
	@echo '[1/3] compiling'
	@cargo build --profile $(PROFILE) $(BUILD)

# A program alone in its image: the library is linked again with a C library inside. Cargo would compile it again, with
# all it depends on: alone it has other features. $(1) is its library, $(2) its source, $(3) where it goes.
define static
	@mkdir -p $(dir $(3))
	@rustc --edition 2024 -C target-feature=+crt-static -C strip=debuginfo -L dependency=$(BUILT)/deps \
		--extern $(1)=$(BUILT)/lib$(1).rlib \
		-o $(3) $(2)
	@echo '[2/3] image trainyard/$@$(TAG)'
	@dockerfiles/image.sh $@$(TAG) $(3)
endef

components: build
	$(call static,trainyard_components,pipelines/components/src/main.rs,$(STATIC))

# What stands beside a step's program in a pod.
stage: build
	$(call static,trainyard_stage,service/stage/src/main.rs,$(STAGE))

trainer serving flights-data: setup
	@echo '[2/3] image trainyard/$@'
	@dockerfiles/image.sh $@

images: components stage trainer serving flights-data

install: images ## The images, and `trainyard` and `trainyard-components` in cargo's bin folder
	@echo '[3/3] installing'
	@# What kills the service at a point of a test is in no release.
	@! grep -q TRAINYARD_CRASH_AT $(BUILT)/trainyard
	install -Dt $(or $(CARGO_HOME),$(HOME)/.cargo)/bin $(BUILT)/trainyard $(BUILT)/trainyard-components

# Its components are not optimised, and no service finds them by accident.
demo: TAG := :demo
demo: components trainer serving flights-data $(if $(filter kubernetes,$(EXECUTOR)),stage) ## The main job: a push, nine months of data, two pull requests, a rollback; on a cluster with EXECUTOR=kubernetes
	@echo '[3/3] the story'
	@$(BUILT)/examples/demo

tests: setup
	@echo '[1/3] compiling'
	@cargo $(TEST) --workspace --no-run

# As in the demo: they are those of this tree.
test: TAG := :test
test: tests components stage trainer serving flights-data ## All tests, the Docker ones included
	@echo '[3/3] the tests'
	cargo $(TEST) --workspace --no-fail-fast

# `kubernetes` names a cluster by KUBECONFIG, a registry that it pulls from, and an S3 endpoint that its pods reach.
test-kubernetes: TAG := :test
test-kubernetes: tests stage ## The executor's promises on a real cluster: KUBECONFIG, REGISTRY=host:port, S3_ENDPOINT=http://…
	@test -n "$$KUBECONFIG" -a -n "$$REGISTRY" -a -n "$$S3_ENDPOINT" || { echo 'set KUBECONFIG, REGISTRY (where this machine pushes and the cluster pulls images) and S3_ENDPOINT (with a bucket trainyard-test that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY may write)' >&2; exit 1; }
	@echo '[3/3] the tests'
	cargo $(TEST) --workspace --no-fail-fast $(if $(findstring nextest,$(TEST)),--run-ignored only -E 'test(kubernetes::)',kubernetes:: -- --ignored)

# Other seeds each night; with FIRST=1 those of `make test` and many more.
FIRST ?= $(shell date +%Y%m%d)00000
nightly: setup ## 100,000 simulated histories, each from its own seed (FIRST=1 begins with those of `make test`)
	TRAINYARD_SIM_FIRST=$(FIRST) TRAINYARD_SIM_HISTORIES=100000 \
		cargo $(TEST) --workspace $(if $(findstring nextest,$(TEST)),-P nightly -E 'test(sim::after)',sim::after)

# The same kills for the same seed; what fails says how to see it again.
SEED ?= 1
EXECUTOR ?= process
KILLS ?= 200
crash: ## 200 kills of a service that trains and pushes; other ones with SEED=…, fewer with KILLS=…, in EXECUTOR=docker
	SEED=$(SEED) KILLS=$(KILLS) EXECUTOR=$(EXECUTOR) cargo test --workspace --test it -- --ignored --exact --nocapture crash::many_random_kills

# What is installed from npm serves this alone and lives in the user's cache.
PRISM := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trainyard/prism
SCHEMATHESIS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trainyard/schemathesis-4.32.5
conformance: ## Our requests and the simulator's answers against GitHub's published description (npm's Prism), and our API against its own (PyPI's schemathesis)
	@mkdir -p $(PRISM)
	@npm install --prefix $(PRISM) --silent --ignore-scripts --no-audit --no-fund --no-save \
		@octokit/openapi@23.0.2 @stoplight/prism-cli@5.14.2
	TRAINYARD_PRISM=$(PRISM) cargo test --workspace --test it -- --ignored --exact \
		conformance::requests_and_answers_follow_githubs_description
	@test -x $(SCHEMATHESIS)/bin/schemathesis || { python3 -m venv $(SCHEMATHESIS) && \
		$(SCHEMATHESIS)/bin/pip install --quiet --disable-pip-version-check schemathesis==4.32.5; }
	TRAINYARD_SCHEMATHESIS=$(SCHEMATHESIS)/bin/schemathesis cargo test --workspace --test it -- --ignored --exact \
		openapi::made_up_requests_get_the_answers_that_are_described

AXE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trainyard/axe
SCREENSHOTS ?= $(CURDIR)/target/screenshots
screenshots: setup ## Every page in light, dark and on a phone into target/screenshots, and what axe-core finds on it
	@mkdir -p $(AXE) $(SCREENSHOTS)
	@npm install --prefix $(AXE) --silent --ignore-scripts --no-audit --no-fund --no-save axe-core@4.14.1
	TRAINYARD_AXE=$(AXE) TRAINYARD_SCREENSHOTS=$(SCREENSHOTS) cargo test --workspace --test it -- --ignored --exact \
		--nocapture browser::look::every_page_is_drawn_and_usable_by_everybody

lint: ## Formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo lint

bench: components flights-data ## What Trainyard costs, beside its peers and limits in the same run
	@echo '[3/3] measuring'
	@cargo bench --quiet --profile $(PROFILE) --workspace --bench costs
	@set -o pipefail; cargo test --quiet --profile $(PROFILE) -p trainyard-components --lib -- --ignored --nocapture cost_of \
		| grep -F ' replicates'
	@python3 pipelines/components/examples/statistics_bench.py $(STATIC)

clean: ## Remove what the build and the demo wrote
	chmod -R u+w target/demo 2>/dev/null || true
	rm -rf target/demo
	cargo clean
