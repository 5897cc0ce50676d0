"""`python -m cairn_verifier PROOF --program PROGRAM --prover HEX`: what the proof shows, or why it is refused."""

import argparse
import sys
from math import floor

from .errors import Refused
from .loading import load_arguments, load_program, load_runs
from .program import ProgramError, Statement
from .verify import Policy, verify

ACCEPTED, REFUSED, UNUSABLE = 0, 1, 2


def identity(text):
    """32 bytes in hexadecimal."""
    data = bytes.fromhex(text)
    if len(data) != 32:
        raise ValueError
    return data


def parser():
    """The command line."""
    standard = Policy()
    result = argparse.ArgumentParser(
        prog="cairn_verifier",
        description="Checks a proof file against a program, its arguments and the prover's identity.",
        epilog="Exit codes: 0 the proof shows it, 1 it does not, 2 the files or options are unusable.",
    )
    result.add_argument("proof", metavar="PROOF", help="the proof file")
    result.add_argument("--program", required=True, help="compiled Cairo 0 program or Cairo 2 executable")
    runs = result.add_mutually_exclusive_group()
    arguments = "the arguments, a JSON list in the order in which the program takes them (default: none)"
    runs.add_argument("--args", default="[]", help=arguments)
    runs.add_argument("--batch", metavar="FILE", help="the arguments of several runs, such a list in each line")
    result.add_argument("--prover", required=True, type=identity, help="the prover's identity, 64 hexadecimal digits")
    options = (
        ("--min-conjectured-bits", "conjectured_bits", float, "least bits by the conjecture on list decoding"),
        ("--min-proven-bits", "proven_bits", float, "least bits by theorems alone"),
        ("--max-steps", "steps", int, "most steps of a run"),
        ("--max-bytes", "bytes", int, "largest proof file"),
    )
    for flag, name, kind, text in options:
        value = getattr(standard, name)
        result.add_argument(flag, dest=name, type=kind, default=value, help=f"{text} ({value})")
    return result


def read(path):
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def show(verified):
    """Prints what a proof shows."""
    several = len(verified.runs) > 1
    if several:
        print(f"verified: {len(verified.runs)} runs, {sum(run.steps for run in verified.runs)} steps")
    else:
        print(f"verified: {_size(verified.runs[0])}")
    conjectured, proven = (floor(bits * 10) / 10 for bits in (verified.conjectured_bits, verified.proven_bits))
    bits = f"{conjectured} bits of security conjectured, {proven} proven"
    print(f"{bits} ({', '.join(f'{name} {value}' for name, value in verified.parameters._asdict().items())})")
    for number, run in enumerate(verified.runs):
        if several:
            print(f"run {number}: {_size(run)}")
        for value in run.output:
            print(f"{value:#x}")


def _size(run):
    return f"{run.steps} steps, {len(run.output)} output values"


def main(arguments=None):
    """Runs the command and gives its exit code."""
    options = parser().parse_args(arguments)
    policy = Policy(**{name: getattr(options, name) for name in Policy._fields})
    try:
        program = load_program(read(options.program))
        runs = load_runs(read(options.batch)) if options.batch else [load_arguments(options.args)]
        statement = Statement(program, runs, options.prover)
        proof = read(options.proof)
    except OSError as error:
        print(f"error: cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return UNUSABLE
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE
    try:
        show(verify(statement, proof, policy))
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return REFUSED
    return ACCEPTED


if __name__ == "__main__":
    sys.exit(main())
