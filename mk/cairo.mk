# Compilers for the uploader and for programs/. Included by the Makefile; each target installs what it needs below the
# repository and nowhere else.

# The first Python that cairo-lang takes and that can make virtual environments.
PYTHON3 ?= $(firstword $(foreach python,python3.11 python3.10 python3.9 python3,$(shell $(python) -c \
	'import ensurepip, sys, venv; (3, 9) <= sys.version_info[:2] <= (3, 11) and print("$(python)")' 2>/dev/null)))
CAIRO2_TARGET := target/cairo2-compiler

.PHONY: cairo-compile
cairo-compile: .venv/bin/cairo-compile ## Install cairo-compile (Cairo 0) into .venv

.venv/bin/cairo-compile: programs/fixtures/requirements.txt
	@test -n "$(PYTHON3)" || { \
		echo "cairo-compile needs Python 3.9, 3.10 or 3.11 with venv, and none of them is on PATH." >&2; \
		echo "Install one (Debian and Ubuntu: apt install python3.11 python3.11-venv; uv: uv python install 3.11)" >&2; \
		echo "or name it: make cairo-compile PYTHON3=/path/to/python3.11" >&2; \
		exit 1; }
	rm -rf .venv
	$(PYTHON3) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r programs/fixtures/requirements.txt || { \
		rm -rf .venv; echo "cairo-compile could not be installed; is there a connection to PyPI?" >&2; exit 1; }
	.venv/bin/cairo-compile --version || { rm -rf .venv; exit 1; }
	@touch .venv/bin/cairo-compile

.PHONY: cairo2-compiler
cairo2-compiler: ## Build cairn-compile-cairo2 (Cairo 2), for `uploader push x.cairo`
	$(CARGO) build --release --locked --manifest-path uploader-cli/cairo2-compiler/Cargo.toml --target-dir $(CAIRO2_TARGET)
	mkdir -p target/release
	ln -f $(CAIRO2_TARGET)/release/cairn-compile-cairo2 target/release/cairn-compile-cairo2

.PHONY: test-cairo2-compiler
test-cairo2-compiler: ## Test cairn-compile-cairo2, which is built apart from the workspace
	$(CARGO) fmt --manifest-path uploader-cli/cairo2-compiler/Cargo.toml --check
	$(CARGO) test --locked --manifest-path uploader-cli/cairo2-compiler/Cargo.toml --target-dir $(CAIRO2_TARGET)

# The uploader looks for it in its own folder. INSTALL_CAIRO2=no leaves it out, for those who push no Cairo 2 source.
INSTALL_CAIRO2 ?= yes
.PHONY: install-cairo2-compiler
install-cairo2-compiler: cairo2-compiler
	tools/install-programs $(PREFIX)/bin $(CAIRO2_TARGET)/release/cairn-compile-cairo2
	@echo "Installed cairn-compile-cairo2 to $(PREFIX)/bin"

install: $(if $(filter no,$(INSTALL_CAIRO2)),,install-cairo2-compiler)

.PHONY: programs
programs: .venv/bin/cairo-compile cairo2-compiler ## Compile programs/ again; needs CAIRO_CORELIB
	programs/compile.sh

.PHONY: check-programs
check-programs: .venv/bin/cairo-compile ## Are the compiled Cairo 0 programs those of their sources?
	programs/compile.sh --check cairo0
