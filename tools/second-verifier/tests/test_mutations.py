"""Changed proof files are refused, and never by an accident of the verifier."""

import unittest
from random import Random

from .cases import kept_proofs, refusal
from .fields import fields_of
from .mutations import byte_mutations, field_mutations, length_mutations

SEED = 20
SMALL = 40_000
"""Of files up to this length every field is changed, of others some fields of every name."""


class Mutations(unittest.TestCase):
    def refuse(self, kept, mutations):
        count = 0
        for what, mutated in mutations:
            if mutated != kept.proof:
                self.assertIsNotNone(refusal(kept.statement, mutated), f"{kept.name}: {what}")
                count += 1
        return count

    def test_each_field(self):
        for kept in kept_proofs():
            fields = fields_of(kept)
            limit = None if len(kept.proof) <= SMALL else 12
            count = self.refuse(kept, field_mutations(kept.proof, fields, Random(SEED), limit))
            self.assertGreater(count, 300, kept.name)

    def test_bytes(self):
        for kept in kept_proofs():
            count = 400 if len(kept.proof) <= SMALL else 60
            self.refuse(kept, byte_mutations(kept.proof, Random(SEED), count))

    def test_lengths(self):
        for kept in kept_proofs():
            self.refuse(kept, length_mutations(kept.proof, Random(SEED), 40))

    def test_all_short_files(self):
        kept = kept_proofs()[0]
        self.refuse(kept, ((f"{length} bytes", kept.proof[:length]) for length in range(700)))
