"""Proofs that the repository keeps, with what they are proofs of, and how to ask the verifier about them."""

import json
from collections import namedtuple
from pathlib import Path

from cairn_verifier.errors import Refused
from cairn_verifier.loading import element, load_program
from cairn_verifier.program import Statement
from cairn_verifier.verify import Policy, verify

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = REPOSITORY / "crates/cairo-air/tests/fixtures"
PROVER = bytes([0x5A]) * 32

KINDS = FIXTURES / "kinds/list.json"
"""Proofs with every kind of table, made with few queries."""

ANY_BITS = Policy(conjectured_bits=0.0)

Kept = namedtuple("Kept", "name proof statement policy steps output")


def _kept(proof, program, policy, steps, output, arguments=()):
    program = load_program((REPOSITORY / program).read_bytes())
    return Kept(proof.name, proof.read_bytes(), Statement(program, arguments, PROVER), policy, steps, output)


def strong_proofs():
    """Those of production strength, with steps and output as `crates/cairo-air/tests/kept_proof.rs` has them."""
    runs = (("fib_tiny", 91, [233]), ("primes_2p14", 15_202, [2]))
    return [
        _kept(FIXTURES / f"{name}.v6.proof", f"programs/fixtures/bench/{name}.json", Policy(), steps, output)
        for name, steps, output in runs
    ]


def _entries():
    return json.loads(KINDS.read_text()) if KINDS.exists() else []


def _of(entry):
    return _kept(
        KINDS.parent / entry["proof"],
        entry["program"],
        ANY_BITS,
        entry["steps"],
        list(map(element, entry["output"])),
        list(map(element, entry["arguments"])),
    )


def kept_proofs():
    """All of them."""
    return strong_proofs() + list(map(_of, _entries()))


def refusal(statement, proof, policy):
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
