"""The kept proofs are accepted for what they show, and for nothing else."""

import re
import unittest

from cairn_verifier.field import P
from cairn_verifier.program import Program, Statement
from cairn_verifier.verify import Policy, verify

from .cases import batches, kept_proofs, other_runs, refusal, strong_proofs, with_runs


class KeptProofs(unittest.TestCase):
    def test_they_hold(self):
        for kept in kept_proofs():
            with self.subTest(kept.name):
                self.assertEqual(verify(kept.statement, kept.proof, kept.policy).runs, kept.runs)

    def test_bits(self):
        for kept in strong_proofs() + batches():
            verified = verify(kept.statement, kept.proof, kept.policy)
            self.assertGreaterEqual(verified.conjectured_bits, 101)
            self.assertGreaterEqual(verified.proven_bits, 59)

    def test_not_of_other_arguments(self):
        seen = set()
        for kept in kept_proofs():
            output = kept.statement.runs[:-1] + [kept.runs[-1].output + [1]]
            for what, other in other_runs(kept.statement) + [("output", with_runs(kept.statement, output))]:
                reason = refusal(other, kept.proof, kept.policy)
                self.assertEqual(reason, "the proof is about another arguments", f"{kept.name}: {what}")
                seen.add(re.sub("[0-9]+", "n", what))
        self.assertIn("runs n and n exchanged", seen)
        self.assertIn("run n left out", seen)
        self.assertIn("an argument of run n given to run n", seen)

    def test_not_of_another_prover(self):
        for kept in kept_proofs():
            for byte in (0, 31):
                prover = bytearray(kept.statement.prover)
                prover[byte] ^= 1
                other = Statement(kept.statement.program, kept.statement.runs, bytes(prover))
                self.assertIn("another prover", refusal(other, kept.proof, kept.policy))

    def test_not_of_another_program(self):
        """Each word counts, and it is not only the hash that says so."""
        kept = kept_proofs()[0]
        program = kept.statement.program
        for place in range(6, len(program.words)):
            words = list(program.words)
            words[place] = (words[place] + 1) % P
            other = Statement(Program(words, program.builtins), kept.statement.runs, kept.statement.prover)
            self.assertIn("another program", refusal(other, kept.proof, kept.policy))
            renamed = kept.proof[:12] + other.program.hash() + kept.proof[44:]
            self.assertIsNotNone(refusal(other, renamed, kept.policy), f"word {place}")

    def test_not_of_other_builtins(self):
        for kept in strong_proofs():
            words = list(kept.statement.program.words)
            words[1] = 1
            other = Statement(Program(words, ["output"]), kept.statement.runs, kept.statement.prover)
            renamed = kept.proof[:12] + other.program.hash() + kept.proof[44:]
            self.assertIsNotNone(refusal(other, renamed, kept.policy))

    def test_policy(self):
        for kept in strong_proofs() + batches():
            verified = verify(kept.statement, kept.proof, kept.policy)
            most = max(run.steps for run in verified.runs)
            exact = Policy(verified.conjectured_bits, verified.proven_bits, most, len(kept.proof))
            self.assertIsNone(refusal(kept.statement, kept.proof, exact))
            for stricter, reason in (
                (exact._replace(conjectured_bits=verified.conjectured_bits + 0.001), "conjectured"),
                (exact._replace(proven_bits=verified.proven_bits + 0.001), "proven"),
                (exact._replace(steps=most - 1), "steps of a run"),
                (exact._replace(bytes=len(kept.proof) - 1), "bytes"),
            ):
                self.assertIn(reason, refusal(kept.statement, kept.proof, stricter))
