"""Proofs that the repository keeps, with what they are proofs of, and how to ask the verifier about them."""

import json
from collections import namedtuple
from pathlib import Path

from cairn_verifier.errors import Refused
from cairn_verifier.loading import load_program
from cairn_verifier.program import Statement
from cairn_verifier.verify import Policy, verify

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = REPOSITORY / "crates/cairo-air/tests/fixtures"
PROGRAMS = REPOSITORY / "programs/fixtures"
PROVER = bytes([0x5A]) * 32

Kept = namedtuple("Kept", "name proof statement steps output")


def _kept(name, program, steps, output, arguments=()):
    proof = (FIXTURES / f"{name}.v6.proof").read_bytes()
    program = load_program((PROGRAMS / program).read_bytes())
    return Kept(name, proof, Statement(program, arguments, PROVER), steps, output)


def kept_proofs():
    """All of them, with steps and output as `crates/cairo-air/tests/kept_proof.rs` has them."""
    return [
        _kept("fib_tiny", "bench/fib_tiny.json", 91, [233]),
        _kept("primes_2p14", "bench/primes_2p14.json", 15_202, [2]),
    ]


def refusal(statement, proof, policy=Policy()):
    """Why the verifier refuses, or `None` if it accepts. Any other exception is a fault of the verifier."""
    try:
        verify(statement, proof, policy)
    except Refused as reason:
        return str(reason)
    return None


def as_case(statement, policy, path):
    """A case for the example `verdicts` of `cairo-air`, as a line of JSON."""
    program = statement.program
    return json.dumps(
        {
            "words": [hex(word) for word in program.words],
            "builtins": program.builtins,
            "pointers": program.pointer_offset,
            "arguments": [hex(argument) for argument in statement.arguments],
            "prover": statement.prover.hex(),
            "conjectured_bits": policy.conjectured_bits,
            "proven_bits": policy.proven_bits,
            "steps": policy.steps,
            "bytes": policy.bytes,
            "proof": str(path),
        }
    )
