# Everything goes through make; `make` alone lists the targets.
# A fresh machine needs make, a C compiler and Rust (https://rustup.rs); each target installs what else it needs.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build everything in release mode
	$(CARGO) build --release --workspace --all-targets --locked

.PHONY: demo
demo: ## Run a real program, prove the run, verify the proof
	tools/demo

.PHONY: test
test: ## Run the fast tests
	$(CARGO) test --workspace --locked

.PHONY: test-slow
test-slow: ## Run the slow tests: many random programs, a million mutated proofs
	$(CARGO) test --workspace --locked -- --ignored

.PHONY: lint
lint: ## Formatting, clippy, dependency rules, documentation links
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	tools/check-dependencies
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --workspace --no-deps --locked --quiet

.PHONY: bench
bench: ## Measure: field kernels, then proofs of the benchmark programs with 1 and 2 threads
	$(CARGO) bench -p felt
	$(CARGO) bench -p cairo-prover

.PHONY: wasm
wasm: ## Build prover and verifier for wasm32-unknown-unknown
	tools/wasm

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZ_SECONDS (600)
	tools/fuzz

.PHONY: docs
docs: ## Build the API documentation
	$(CARGO) doc --workspace --no-deps --locked
