"""The kept proofs are accepted for what they show, and for nothing else."""

import unittest

from cairn_verifier.field import P
from cairn_verifier.program import Program, Statement
from cairn_verifier.verify import Policy, verify

from .cases import kept_proofs, refusal, strong_proofs


class KeptProofs(unittest.TestCase):
    def test_they_hold(self):
        for kept in kept_proofs():
            with self.subTest(kept.name):
                run = verify(kept.statement, kept.proof, kept.policy)
                self.assertEqual((run.steps, run.output), (kept.steps, kept.output))

    def test_bits(self):
        for kept in strong_proofs():
            run = verify(kept.statement, kept.proof, kept.policy)
            self.assertGreaterEqual(run.conjectured_bits, 101)
            self.assertGreaterEqual(run.proven_bits, 59)

    def test_not_of_other_arguments(self):
        for kept in kept_proofs():
            for arguments in ([0], kept.statement.arguments + [1], kept.output + [1]):
                other = Statement(kept.statement.program, arguments, kept.statement.prover)
                self.assertIn("other arguments", refusal(other, kept.proof, kept.policy))

    def test_not_of_another_prover(self):
        for kept in kept_proofs():
            for byte in (0, 31):
                prover = bytearray(kept.statement.prover)
                prover[byte] ^= 1
                other = Statement(kept.statement.program, kept.statement.arguments, bytes(prover))
                self.assertIn("another prover", refusal(other, kept.proof, kept.policy))

    def test_not_of_another_program(self):
        """Each word counts, and it is not only the hash that says so."""
        kept = kept_proofs()[0]
        program = kept.statement.program
        for place in range(6, len(program.words)):
            words = list(program.words)
            words[place] = (words[place] + 1) % P
            other = Statement(Program(words, program.builtins), kept.statement.arguments, kept.statement.prover)
            self.assertIn("another program", refusal(other, kept.proof, kept.policy))
            renamed = kept.proof[:12] + other.program.hash() + kept.proof[44:]
            self.assertIsNotNone(refusal(other, renamed, kept.policy), f"word {place}")

    def test_not_of_other_builtins(self):
        for kept in strong_proofs():
            words = list(kept.statement.program.words)
            words[1] = 1
            other = Statement(Program(words, ["output"]), kept.statement.arguments, kept.statement.prover)
            renamed = kept.proof[:12] + other.program.hash() + kept.proof[44:]
            self.assertIsNotNone(refusal(other, renamed, kept.policy))

    def test_policy(self):
        for kept in strong_proofs():
            run = verify(kept.statement, kept.proof, kept.policy)
            exact = Policy(run.conjectured_bits, run.proven_bits, run.steps, len(kept.proof))
            self.assertIsNone(refusal(kept.statement, kept.proof, exact))
            for stricter, reason in (
                (exact._replace(conjectured_bits=run.conjectured_bits + 0.001), "conjectured"),
                (exact._replace(proven_bits=run.proven_bits + 0.001), "proven"),
                (exact._replace(steps=run.steps - 1), "steps"),
                (exact._replace(bytes=len(kept.proof) - 1), "bytes"),
            ):
                self.assertIn(reason, refusal(kept.statement, kept.proof, stricter))
