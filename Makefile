# Everything goes through make; `make` alone lists the targets.
# A fresh machine needs make, a C compiler and Rust (https://rustup.rs); each target installs what else it needs.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo
PREFIX ?= $(HOME)/.local
TARGET := $(or $(CARGO_TARGET_DIR),target)
TRIALS_ARGS ?= --short
SOAK_SECONDS ?= 3600

include mk/cairo.mk
include mk/tools.mk
include mk/second-verifier.mk

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build everything in release mode
	$(CARGO) build --release --workspace --all-targets --locked

.PHONY: demo
demo: ## The whole grid on this machine: push a program, donate, collect, verify
	tools/demo

.PHONY: install
install: ## Install distributor, donor and uploader to PREFIX/bin (~/.local)
	$(CARGO) build --profile dist --locked -p distributor -p donor-cli -p uploader-cli
	tools/install-programs $(PREFIX)/bin $(foreach program,distributor donor uploader,$(TARGET)/dist/$(program))
	@echo "Installed distributor, donor and uploader to $(PREFIX)/bin"

.PHONY: man
man: ## Write manual pages to target/man, and completions to target/completions
	$(CARGO) build --profile dist --locked -p distributor -p donor-cli -p uploader-cli
	mkdir -p $(TARGET)/man $(TARGET)/completions
	for program in distributor donor uploader; do \
		$(TARGET)/dist/$$program man $(TARGET)/man; \
		$(TARGET)/dist/$$program completions bash > $(TARGET)/completions/$$program; \
		$(TARGET)/dist/$$program completions zsh > $(TARGET)/completions/_$$program; \
		$(TARGET)/dist/$$program completions fish > $(TARGET)/completions/$$program.fish; \
	done

.PHONY: up
up: ## Start a distributor and a donor in containers (docker compose)
	CAIRN_COMMIT=$$(git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || true) docker compose up --build --detach --wait
	@echo "The distributor listens on http://localhost:8080; 'docker compose logs -f' shows what happens, 'docker compose down' ends it."

.PHONY: test
test: ## Run the fast tests
	$(CARGO) test --workspace --locked

.PHONY: test-slow
test-slow: ## Run the slow tests: many random programs, a million mutated proofs, faults with eight units a lease
	$(CARGO) test --workspace --locked -- --ignored
	CAIRN_TEST_BATCHES=8 $(CARGO) test --workspace --locked --test faults --test malice

# The trials take the programs beside their own file: those that the tests are run with.
TRIALS := $(TARGET)/debug/trials

.PHONY: build-trials
build-trials:
	$(CARGO) test --workspace --locked --no-run

.PHONY: trials
trials: build-trials ## Attacks and faults against the real programs, in short; with TRIALS_ARGS="" in full
	$(TRIALS) all $(TRIALS_ARGS)

.PHONY: soak
soak: build-trials ## Hostile traffic for SOAK_SECONDS (3600)
	$(TRIALS) soak --seconds $(SOAK_SECONDS)

.PHONY: lint
lint: check-house ## Formatting, structure, dependencies, clippy, documentation links
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links -A rustdoc::bare-urls" $(CARGO) doc --workspace --no-deps --locked --quiet

.PHONY: check-house
check-house: $(CARGO_DENY) $(CARGO_MACHETE) ## What needs no build: formatting, imports in circles, dependencies and their licences, the suite's outputs
	$(CARGO) fmt --all --check
	tools/check-circles
	tools/check-dependencies
	tools/check-packaging
	programs/fixtures/bench/expected.py --check
	$(CARGO_MACHETE) crates distributor donor-cli uploader-cli programs
	$(CARGO_DENY) --all-features --locked check --hide-inclusion-graph licenses bans sources

.PHONY: advisories
advisories: $(CARGO_DENY) ## Known holes in dependencies; fetches the list of them
	$(CARGO_DENY) --all-features --locked check advisories

.PHONY: bench
bench: ## Measure: field kernels, the dearest files, checks of executions, proofs of the benchmark programs, 500 donors at one distributor
	$(CARGO) bench -p felt
	$(CARGO) bench -p cairo-air
	$(CARGO) bench -p cairo-runner
	$(CARGO) bench -p cairo-prover
	$(CARGO) bench -p distributor
	$(MAKE) bench-suite SUITE_ARGS="$(SUITE_ARGS) --threads 1 2 --kernels avx512ifma avx2 portable"
	$(MAKE) bench-batches

.PHONY: bench-batches
bench-batches: ## Prove units one by one and in batches, as Markdown (BATCH_ARGS="primes --threads 2" for some)
	$(CARGO) build --profile bench --locked -p cairo-prover --example prove
	tools/bench-batches $(BATCH_ARGS)

.PHONY: bench-suite
bench-suite: ## Prove the suite of irregular programs, as Markdown (SUITE_ARGS="curve --sizes 16 20 --kernels avx2 --threads 1 2" for some)
	$(CARGO) build --profile bench --locked -p cairo-prover --example prove
	tools/bench-suite $(SUITE_ARGS)

.PHONY: wasm
wasm: ## Build prover and verifier for wasm32-unknown-unknown
	tools/wasm

.PHONY: web
web: ## Make the pages for browsers (donating, checking results), which the distributor's next build takes in; needs Node 18
	tools/web

.PHONY: test-browser
test-browser: web ## Check the pages' scripts, and try them in Debian's Chromium against the real programs
	tools/test-browser

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZ_SECONDS (600)
	tools/fuzz

.PHONY: mutants
mutants: ## Small faults in the verifier, one at a time: does a test notice? (FILES=... for some; hours on two cores)
	command -v cargo-mutants >/dev/null || $(CARGO) install cargo-mutants --locked
	tools/mutants $(FILES)

.PHONY: docs
docs: ## Build the API documentation
	$(CARGO) doc --workspace --no-deps --locked
