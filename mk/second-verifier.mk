# The verifier in Python (tools/second-verifier). Included by the Makefile; installs what it needs below the build's folder.

SECOND_VENV := $(abspath $(TARGET))/second-verifier
# The other side of the comparison, if `make test` has built it.
VERDICTS := $(wildcard $(abspath $(TARGET))/debug/examples/verdicts)
# The first Python that the verifier runs on and that can make virtual environments.
SECOND_PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11 python3.10 python3.9,$(shell $(python) -c \
	'import ensurepip, sys, venv; sys.version_info >= (3, 9) and print("$(python)")' 2>/dev/null)))

.PHONY: second-verifier
second-verifier: $(SECOND_VENV)/installed ## Test the verifier in Python, and that it agrees with ours if `make test` has built that
	@test -n "$(VERDICTS)" || echo "second-verifier: no example verdicts is built (make test does), so nothing is compared with it"
	cd tools/second-verifier && VERDICTS=$(VERDICTS) $(SECOND_VENV)/bin/python -m unittest discover -t . -s tests

$(SECOND_VENV)/installed: tools/second-verifier/requirements.txt
	@test -n "$(SECOND_PYTHON)" || { \
		echo "second-verifier needs Python 3.9 or later with venv, and there is none on PATH." >&2; \
		echo "Install one (Debian and Ubuntu: apt install python3 python3-venv) or name it: make second-verifier SECOND_PYTHON=/path/to/python3" >&2; \
		exit 1; }
	rm -rf $(SECOND_VENV)
	mkdir -p $(abspath $(TARGET))
	$(SECOND_PYTHON) -m venv $(SECOND_VENV)
	$(SECOND_VENV)/bin/pip install --quiet --disable-pip-version-check -r tools/second-verifier/requirements.txt
	@touch $@
