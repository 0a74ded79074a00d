SHELL := /bin/bash
.DEFAULT_GOAL := help

SETUP := bash scripts/setup.sh
PYTHON := .tools/venv/bin/python
# A lock file that does not match is an error in CI, and brought up to date elsewhere.
CARGO_FLAGS := $(if $(CI),--locked)
# The build that test and demo share: the development profile, the whole workspace.
BUILD := cargo build --workspace $(CARGO_FLAGS)
export NUNCIO := $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/nuncio
# Cases of the corpus side by side; each is a controller, an Envoy and some waiting.
CORPUS_JOBS ?= $(shell echo $$((2 * $$(nproc))))

.PHONY: help demo test pictures interop lint bench soak clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: ## Run the sample shop behind the gateway; KUBE=1 in a Kubernetes API server; CHECK=1 tries everything unattended and exits
	@$(SETUP) build tools python envoy oidc $(if $(KUBE),kubernetes)
	$(BUILD)
	@$(PYTHON) scripts/demo $(if $(KUBE),--kube) $(if $(CHECK),--check)

test: ## Run every test, with a real Envoy and a real Kubernetes API server
	@$(SETUP) build tools python envoy kubernetes ratelimit authz foreign
	$(BUILD)
	cargo test --workspace --no-fail-fast $(CARGO_FLAGS)
	@CORPUS_JOBS=$(CORPUS_JOBS) bash scripts/corpus.sh

pictures: ## Take the guide's pictures of portal and console anew (docs/pictures)
	@$(SETUP) build tools python envoy authz
	$(BUILD)
	NUNCIO_PICTURES=$(CURDIR)/docs/pictures cargo test --workspace --test e2e $(CARGO_FLAGS) the_guide_shows_pictures

interop: ## Log in with a Keycloak beside the provider of the tests; it takes a minute to start
	@$(SETUP) build tools envoy authz keycloak
	$(BUILD)
	cargo test --workspace --test authz $(CARGO_FLAGS) -- --ignored keycloak

lint: ## Check formatting, scripts, dependencies, clippy, documentation
	@$(SETUP) build lint
	@bash scripts/lint.sh

# The release build, whatever the others use. What it made is run as it is: with one package alone, Cargo would choose other
# features of what all depend on, and build most of it once more.
RELEASE := $(abspath $(or $(CARGO_TARGET_DIR),target))/release
bench: export NUNCIO := $(RELEASE)/nuncio
bench: ## Measure speed and memory against a baseline in the same run
	@$(SETUP) build tools python envoy kubernetes bench ratelimit authz
	cargo build --release --workspace $(CARGO_FLAGS)
	$(RELEASE)/nuncio-bench
	$(RELEASE)/bench-ratelimit
	$(RELEASE)/bench-authz

# What does not fit into a test: MINUTES of load with faults in between.
MINUTES ?= 10
soak: ## Load the rate limit service for ten minutes while Redis fails, and watch its memory
	@$(SETUP) build ratelimit
	cargo build --release --package nuncio-ratelimit --package nuncio-ratelimit-tests $(CARGO_FLAGS)
	cargo run --release --package nuncio-ratelimit-tests --bin soak-ratelimit $(CARGO_FLAGS) -- $(MINUTES)

clean: ## Remove what was built and fetched
	rm -rf target .tools
