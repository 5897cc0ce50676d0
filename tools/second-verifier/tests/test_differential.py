"""This verifier and the one of `crates/cairo-air` say the same of many files. Needs the latter's example `verdicts`,
whose path is in the environment variable VERDICTS; without it the test is skipped."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from random import Random

from cairn_verifier.errors import Refused
from cairn_verifier.program import Statement
from cairn_verifier.verify import Policy, Run, verify

from .cases import as_case, batches, kept_proofs, other_runs, refusal, strong_proofs, with_runs
from .claims import Parts, wrong_claims
from .fields import fields_of
from .mutations import byte_mutations, field_mutations, length_mutations

SEED = 77
SOME = 1
"""Fields of each name that are changed."""


def cases():
    """(what, statement, policy, file): kept proofs, other statements and policies of theirs, and changed files."""
    for kept in kept_proofs():
        random = Random(SEED)
        statement, policy = kept.statement, kept.policy
        yield kept.name, statement, policy, kept.proof
        others = other_runs(statement) + [("output", with_runs(statement, [run.output for run in kept.runs]))]
        for what, other in others:
            yield what, other, policy, kept.proof
        yield "prover", Statement(statement.program, statement.runs, bytes([1]) * 32), policy, kept.proof
        verified = verify(statement, kept.proof, policy)
        most = max(run.steps for run in verified.runs)
        exact = Policy(verified.conjectured_bits - 1e-9, verified.proven_bits - 1e-9, most, len(kept.proof))
        for difference in (0, 1e-6, -1e-6):
            for name in ("conjectured_bits", "proven_bits"):
                other = exact._replace(**{name: max(getattr(exact, name) + difference, 0.0)})
                yield f"{name} {difference}", statement, other, kept.proof
        yield "steps", statement, exact._replace(steps=most - 1), kept.proof
        yield "bytes", statement, exact._replace(bytes=len(kept.proof) - 1), kept.proof
        mutations = list(field_mutations(kept.proof, fields_of(kept), random, SOME))
        mutations += byte_mutations(kept.proof, random, 10)
        mutations += length_mutations(kept.proof, random, 3)
        for what, data in mutations:
            yield what, statement, policy, data


def our_verdict(statement, policy, data):
    """What is shown of the runs, and bits; or `None`."""
    try:
        verified = verify(statement, data, policy)
    except Refused:
        return None
    return verified.runs, verified.conjectured_bits, verified.proven_bits


def their_verdict(line):
    """As `our_verdict`, from a line of the example."""
    word, _, rest = line.partition(" ")
    if word == "refused":
        return None
    assert word == "accepted", line
    bits, *runs = [part.split() for part in rest.split("/")]
    shown = [Run([int(value, 16) for value in output], int(steps)) for steps, *output in runs]
    return shown, *map(float, bits)


def verdicts(listed):
    """Lines of the example, for (statement, policy, file) each."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for number, (statement, policy, data) in enumerate(listed):
            file = Path(folder) / f"{number}.proof"
            file.write_bytes(data)
            lines.append(as_case(statement, policy, file))
        text = "\n".join(lines)
        done = subprocess.run([os.environ["VERDICTS"]], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@unittest.skipUnless(os.environ.get("VERDICTS"), "VERDICTS names no other verifier")
class Differential(unittest.TestCase):
    def test_both_say_the_same(self):
        listed = list(cases())
        theirs = verdicts([case[1:] for case in listed])
        self.assertEqual(len(theirs), len(listed))
        accepted = 0
        for (what, *case), line in zip(listed, theirs):
            ours, other = our_verdict(*case), their_verdict(line)
            self.assertEqual(ours is None, other is None, f"{what}: ours {ours}, theirs {line}")
            if ours is not None:
                accepted += 1
                self.assertEqual(ours[0], other[0], what)
                self.assertAlmostEqual(ours[1], other[1], delta=1e-9)
                self.assertAlmostEqual(ours[2], other[2], delta=1e-9)
        self.assertGreater(accepted, 4)
        self.assertGreater(len(listed) - accepted, 200)

    def test_both_name_the_same_fault_of_a_claim(self):
        """By the words of each; and what no rule of claims forbids, something else does."""
        listed, words = [], []
        for kept in batches() + strong_proofs():
            parts = Parts(kept.proof)
            for what, ours, theirs, claim in wrong_claims(parts.claim, kept.statement.program):
                if parts.can_hold(claim):
                    listed.append((kept.statement, kept.policy, parts.file(claim)))
                    words.append((f"{kept.name}: {what}", ours, theirs))
        lines = verdicts(listed)
        self.assertEqual(len(lines), len(listed))
        for case, (what, ours, theirs), line in zip(listed, words, lines):
            statement, policy, data = case
            self.assertIn(ours, refusal(statement, data, policy), what)
            self.assertTrue(line.startswith("refused ") and theirs in line, f"{what}: {line}, not {theirs}")
