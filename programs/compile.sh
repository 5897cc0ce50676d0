#!/bin/sh
# Compiles the programs again, in place. The compilers are deterministic: `git diff` stays empty afterwards.
#
# Takes what `make cairo-compile` and `make cairo2-compiler` install, or cairo-compile and cairn-compile-cairo2 from PATH.
# CAIRO_CORELIB names corelib/src of the Cairo repository, tag v2.20.0.
set -eu
cd "$(dirname "$0")"
PATH=$PWD/../.venv/bin:$PWD/../target/release:$PATH

for name in primes nqueens; do
    cairo-compile --proof_mode --no_debug_info "$name/$name.cairo" --output "$name/$name.json"
    echo "$name/$name.json"
done

: "${CAIRO_CORELIB:?the folder corelib/src of the Cairo repository, tag v2.20.0}"
for name in collatz montecarlo; do
    cairn-compile-cairo2 "$name/$name.cairo" --output "$name/$name.executable.json"
    echo "$name/$name.executable.json"
done
