"""Proofs that the repository keeps, with what they are proofs of, and how to ask the verifier about them."""

import json
from collections import namedtuple
from pathlib import Path

from cairn_verifier.errors import Refused
from cairn_verifier.loading import element, load_program
from cairn_verifier.program import Statement
from cairn_verifier.verify import Policy, Run, verify

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = REPOSITORY / "crates/cairo-air/tests/fixtures"
PROVER = bytes([0x5A]) * 32

KINDS = FIXTURES / "kinds/list.json"
"""Proofs with every kind of table, made with few queries."""

BATCHES = FIXTURES / "batches/list.json"
"""Proofs of several runs, and one of one run in the form for several, of production strength."""

ANY_BITS = Policy(conjectured_bits=0.0)

Kept = namedtuple("Kept", "name proof statement policy runs")
"""`runs` is what the proof shows of each."""


def _kept(proof, statement, policy, runs):
    return Kept(proof.name, proof.read_bytes(), statement, policy, runs)


def _program(path):
    return load_program((REPOSITORY / path).read_bytes())


def strong_proofs():
    """Those of production strength of one run each, with steps and output as `crates/cairo-air/tests/kept_proof.rs` has
    them."""
    listed = []
    for name, steps, output in (("fib_tiny", 91, [233]), ("primes_2p14", 15_202, [2])):
        statement = Statement(_program(f"programs/fixtures/bench/{name}.json"), [[]], PROVER)
        listed.append(_kept(FIXTURES / f"{name}.v6.proof", statement, Policy(), [Run(output, steps)]))
    return listed


def _elements(values):
    return list(map(element, values))


def _of_kinds(entry):
    statement = Statement(_program(entry["program"]), [_elements(entry["arguments"])], PROVER)
    run = Run(_elements(entry["output"]), entry["steps"])
    return _kept(KINDS.parent / entry["proof"], statement, ANY_BITS, [run])


def _of_runs(entry):
    runs = entry["runs"]
    arguments = [_elements(run["arguments"]) for run in runs]
    statement = Statement(_program(entry["program"]), arguments, bytes.fromhex(entry["prover"]))
    shown = [Run(_elements(run["output"]), run["steps"]) for run in runs]
    return _kept(BATCHES.parent / entry["proof"], statement, Policy(), shown)


def batches():
    """Proofs of version 7."""
    return list(map(_of_runs, json.loads(BATCHES.read_text())))


def kept_proofs():
    """All of them."""
    return strong_proofs() + list(map(_of_kinds, json.loads(KINDS.read_text()))) + batches()


def refusal(statement, proof, policy):
    """Why the verifier refuses, or `None` if it accepts. Any other exception is a fault of the verifier."""
    try:
        verify(statement, proof, policy)
    except Refused as reason:
        return str(reason)
    return None


def with_runs(statement, runs):
    """The statement about other runs of its program."""
    return Statement(statement.program, runs, statement.prover)


def other_runs(statement):
    """(what, statement) for statements about other runs of the program."""
    runs = statement.runs
    listed = [
        ("an argument more", runs[:-1] + [runs[-1] + [1]]),
        ("other arguments", [[0]] + runs[1:]),
        ("a run more", runs + [runs[-1]]),
        ("the runs twice", runs + runs),
    ]
    for place, arguments in enumerate(runs):
        if len(runs) > 1:
            listed.append((f"run {place} left out", runs[:place] + runs[place + 1 :]))
        if arguments:
            altered = arguments[:-1] + [arguments[-1] + 1]
            listed.append((f"another argument of run {place}", runs[:place] + [altered] + runs[place + 1 :]))
    for place, (one, two) in enumerate(zip(runs, runs[1:])):
        swapped = runs[:place] + [two, one] + runs[place + 2 :]
        listed.append((f"runs {place} and {place + 1} exchanged", swapped))
        moved = runs[:place] + [one + two[:1], two[1:]] + runs[place + 2 :]
        listed.append((f"an argument of run {place + 1} given to run {place}", moved))
    return [(what, with_runs(statement, other)) for what, other in listed if other != runs]


def as_case(statement, policy, path):
    """A case for the example `verdicts` of `cairo-air`, as a line of JSON."""
    program = statement.program
    return json.dumps(
        {
            "words": [hex(word) for word in program.words],
            "builtins": program.builtins,
            "pointers": program.pointer_offset,
            "runs": [[hex(argument) for argument in arguments] for arguments in statement.runs],
            "prover": statement.prover.hex(),
            "conjectured_bits": policy.conjectured_bits,
            "proven_bits": policy.proven_bits,
            "steps": policy.steps,
            "bytes": policy.bytes,
            "proof": str(path),
        }
    )
