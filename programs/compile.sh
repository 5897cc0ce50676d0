#!/bin/sh
# Compiles the programs again, in place.
#
#   programs/compile.sh [--check] [cairo0] [cairo2]     (both languages without one)
#
# With --check nothing is changed: it compares the committed files with what the compilers make of the sources, and fails if they
# differ. The compilers are deterministic.
#
# Takes what `make cairo-compile` and `make cairo2-compiler` install, or cairo-compile and cairn-compile-cairo2 from PATH.
# CAIRO_CORELIB names corelib/src of the Cairo repository, tag v2.20.0; only cairo2 needs it.
set -eu
cd "$(dirname "$0")"
PATH=$PWD/../.venv/bin:$PWD/../target/release:$PATH

check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
differing=

keep() { # a new file, the committed one
    if [ -z "$check" ]; then
        cp "$1" "$2"
        echo "$2"
    elif cmp -s "$1" "$2"; then
        echo "$2 is what the compiler makes of its source"
    else
        echo "$2 differs from what the compiler makes of its source" >&2
        differing=1
    fi
}

cairo0() {
    for name in primes nqueens; do
        cairo-compile --proof_mode --no_debug_info "$name/$name.cairo" --output "$scratch/$name.json"
        keep "$scratch/$name.json" "$name/$name.json"
    done
}

cairo2() {
    : "${CAIRO_CORELIB:?the folder corelib/src of the Cairo repository, tag v2.20.0}"
    for name in collatz montecarlo; do
        cairn-compile-cairo2 "$name/$name.cairo" --output "$scratch/$name.executable.json"
        keep "$scratch/$name.executable.json" "$name/$name.executable.json"
    done
}

[ $# -gt 0 ] || set -- cairo0 cairo2
for language; do
    case $language in
        cairo0 | cairo2) $language ;;
        *) echo "unknown language: $language" >&2; exit 2 ;;
    esac
done
[ -z "$differing" ] || { echo "run programs/compile.sh and commit what it changes" >&2; exit 1; }
