"""`python -m cairn_verifier PROOF --program PROGRAM --prover HEX`: what the proof shows, or why it is refused."""

import argparse
import sys
from math import floor

from .errors import Refused
from .loading import load_arguments, load_program
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
    arguments = "the arguments, a JSON list in the order in which the program takes them (default: none)"
    result.add_argument("--args", default="[]", help=arguments)
    result.add_argument("--prover", required=True, type=identity, help="the prover's identity, 64 hexadecimal digits")
    options = (
        ("--min-conjectured-bits", "conjectured_bits", float, "least bits by the conjecture on list decoding"),
        ("--min-proven-bits", "proven_bits", float, "least bits by theorems alone"),
        ("--max-steps", "steps", int, "most steps"),
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


def show(run):
    """Prints what a proof shows."""
    print(f"verified: {run.steps} steps, {len(run.output)} output values")
    conjectured, proven = (floor(bits * 10) / 10 for bits in (run.conjectured_bits, run.proven_bits))
    bits = f"{conjectured} bits of security conjectured, {proven} proven"
    print(f"{bits} ({', '.join(f'{name} {value}' for name, value in run.parameters._asdict().items())})")
    for value in run.output:
        print(f"{value:#x}")


def main(arguments=None):
    """Runs the command and gives its exit code."""
    options = parser().parse_args(arguments)
    policy = Policy(**{name: getattr(options, name) for name in Policy._fields})
    try:
        program = load_program(read(options.program))
        statement = Statement(program, load_arguments(options.args), options.prover)
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
