"""Changed proof files are refused, and never by an accident of the verifier."""

import unittest
from random import Random

from .cases import kept_proofs
from .fields import fields_of
from .mutations import byte_mutations, field_mutations, length_mutations
from .parallel import refusals

SEED = 20
SOME = 1
"""Of the first proof every field is changed, of others so many fields of every name."""
BYTES = 300_000
"""In a file of so many bytes there is one random change of each kind, in a shorter one there are more."""


class Mutations(unittest.TestCase):
    def refuse(self, kept, mutations):
        mutations = [(what, data) for what, data in mutations if data != kept.proof]
        reasons = refusals(kept, [data for _, data in mutations])
        for (what, _), reason in zip(mutations, reasons):
            self.assertIsNotNone(reason, f"{kept.name}: {what}")
        return len(mutations)

    def test_each_field(self):
        for number, kept in enumerate(kept_proofs()):
            fields = fields_of(kept)
            limit = SOME if number else None
            count = self.refuse(kept, field_mutations(kept.proof, fields, Random(SEED), limit))
            self.assertGreater(count, 40, kept.name)

    def test_bytes(self):
        for kept in kept_proofs():
            self.refuse(kept, byte_mutations(kept.proof, Random(SEED), BYTES // len(kept.proof)))

    def test_lengths(self):
        for kept in kept_proofs():
            self.refuse(kept, length_mutations(kept.proof, Random(SEED), BYTES // len(kept.proof)))

    def test_short_files(self):
        kept = kept_proofs()[0]
        self.refuse(kept, ((f"{length} bytes", kept.proof[:length]) for length in range(700)))
