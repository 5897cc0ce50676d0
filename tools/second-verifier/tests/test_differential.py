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
from cairn_verifier.verify import Policy, verify

from .cases import as_case, kept_proofs
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
        for arguments in ([0], kept.output):
            yield "arguments", Statement(statement.program, arguments, statement.prover), policy, kept.proof
        yield "prover", Statement(statement.program, statement.arguments, bytes(32)), policy, kept.proof
        run = verify(statement, kept.proof, policy)
        exact = Policy(run.conjectured_bits - 1e-9, run.proven_bits - 1e-9, run.steps, len(kept.proof))
        for difference in (0, 1e-6, -1e-6):
            for name in ("conjectured_bits", "proven_bits"):
                other = exact._replace(**{name: max(getattr(exact, name) + difference, 0.0)})
                yield f"{name} {difference}", statement, other, kept.proof
        yield "steps", statement, exact._replace(steps=run.steps - 1), kept.proof
        yield "bytes", statement, exact._replace(bytes=len(kept.proof) - 1), kept.proof
        mutations = list(field_mutations(kept.proof, fields_of(kept), random, SOME))
        mutations += byte_mutations(kept.proof, random, 10)
        mutations += length_mutations(kept.proof, random, 3)
        for what, data in mutations:
            yield what, statement, policy, data


def our_verdict(statement, policy, data):
    """Steps, bits and output, or `None`."""
    try:
        run = verify(statement, data, policy)
    except Refused:
        return None
    return run.steps, run.conjectured_bits, run.proven_bits, run.output


def their_verdict(line):
    """As `our_verdict`, from a line of the example."""
    word, _, rest = line.partition(" ")
    if word == "refused":
        return None
    steps, conjectured, proven, *output = rest.split()
    assert word == "accepted", line
    return int(steps), float(conjectured), float(proven), [int(value, 16) for value in output]


@unittest.skipUnless(os.environ.get("VERDICTS"), "VERDICTS names no other verifier")
class Differential(unittest.TestCase):
    def test_both_say_the_same(self):
        listed, lines = [], []
        with tempfile.TemporaryDirectory() as folder:
            for number, (what, statement, policy, data) in enumerate(cases()):
                file = Path(folder) / f"{number}.proof"
                file.write_bytes(data)
                lines.append(as_case(statement, policy, file))
                listed.append((what, our_verdict(statement, policy, data)))
            text = "\n".join(lines)
            done = subprocess.run([os.environ["VERDICTS"]], input=text, capture_output=True, text=True, check=True)
        theirs = done.stdout.splitlines()
        self.assertEqual(len(theirs), len(listed))
        accepted = 0
        for (what, ours), line in zip(listed, theirs):
            other = their_verdict(line)
            self.assertEqual(ours is None, other is None, f"{what}: ours {ours}, theirs {line}")
            if ours is not None:
                accepted += 1
                self.assertEqual((ours[0], ours[3]), (other[0], other[3]), what)
                self.assertAlmostEqual(ours[1], other[1], delta=1e-9)
                self.assertAlmostEqual(ours[2], other[2], delta=1e-9)
        self.assertGreater(accepted, 4)
        self.assertGreater(len(listed) - accepted, 200)
