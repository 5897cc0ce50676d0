"""Each check of section 6 sees a fault by itself. In a changed file the transcript sees it first; so here what the later
checks are given is changed after the transcript was replayed."""

import unittest
from random import Random

from cairn_verifier import constraints, folds, rows
from cairn_verifier.bus_sum import check_bus_sum
from cairn_verifier.errors import Refused
from cairn_verifier.field import P
from cairn_verifier.instruction import FLAGS
from cairn_verifier.merkle import Opened, check_batch_opening
from cairn_verifier.stark_verify import Bound
from cairn_verifier.verify import Draft

from .cases import kept_proofs

JNZ = FLAGS.index("pc_jnz")


def free_columns(group, values):
    """Where the columns stand that no constraint looks at in this run: in the generic table those of conditional jumps,
    if there is none, so that the flag's column is 0."""
    free = set()
    for air, offset in group.members:
        if air.name == "generic" and values[offset + air.columns.index(f"flag[{JNZ}]")] == 0:
            free |= {offset + air.columns.index(name) for name in ("dst_inverse", "jumps")}
    return free


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = Random(7)
        cls.drafts = [Draft(kept.statement, kept.proof, kept.policy) for kept in kept_proofs()]
        cls.bounds = [Bound(draft.proof, draft.shape, draft.context, draft.public_tuples) for draft in cls.drafts]

    def refused(self, words, check, *arguments):
        with self.assertRaises(Refused) as raised:
            check(*arguments)
        self.assertIn(words, str(raised.exception))

    def some(self, values, count=8):
        """Some places of a list."""
        return self.random.sample(range(len(values)), min(count, len(values)))

    def test_bus_sum(self):
        for bound in self.bounds:
            arguments = (bound.proof, bound.shape, bound.public_tuples, bound.challenges)
            check_bus_sum(*arguments)
            for place, before in enumerate(bound.proof.totals):
                bound.proof.totals[place] = before + 1
                self.refused("balance", check_bus_sum, *arguments)
                bound.proof.totals[place] = before
            for place in self.some(bound.public_tuples):
                item = bound.public_tuples[place]
                for other in (item._replace(multiplicity=item.multiplicity + 1), item._replace(bus=77)):
                    tuples = list(bound.public_tuples)
                    tuples[place] = other
                    self.refused("balance", check_bus_sum, bound.proof, bound.shape, tuples, bound.challenges)

    def test_constraints(self):
        """Opened values of every group, and its total, count."""
        for bound in self.bounds:
            blowup = bound.shape.parameters.log_blowup
            for group, parts, total in zip(bound.shape.groups, bound.proof.openings, bound.proof.totals):
                free = free_columns(group, parts[0])
                arguments = (group, parts, total, bound.challenges, blowup)
                constraints.check_group(*arguments)
                self.refused("constraints", constraints.check_group, group, parts, total + 1, *arguments[3:])
                for number, part in enumerate(parts):
                    for place in self.some(part):
                        if number == 0 and place in free:
                            continue
                        # By any number: one more may be an address that the next row may have.
                        before = part[place]
                        part[place] = (before + self.random.randrange(1, P)) % P
                        self.refused("constraints", constraints.check_group, *arguments)
                        part[place] = before

    def test_folds(self):
        """Opened rows, opened values, challenges and the final polynomial count."""
        for bound in self.bounds:
            proof, challenges = bound.proof, bound.challenges
            arguments = (proof, bound.shape, bound.columns, challenges)
            folds.check(*arguments)
            for place in self.some(proof.final_polynomial, 4):
                before = proof.final_polynomial[place]
                proof.final_polynomial[place] = before + 1
                self.refused("final polynomial", folds.check, *arguments)
                proof.final_polynomial[place] = before
            for parts in proof.openings:
                for part in filter(None, parts):
                    place = self.random.randrange(len(part))
                    before, part[place] = part[place], part[place] + 1
                    self.refused("", folds.check, *arguments)
                    part[place] = before
            for columns in bound.columns:
                for matrix in filter(None, columns):
                    row = matrix[self.random.choice(sorted(matrix))]
                    place = self.random.randrange(len(row))
                    before, row[place] = row[place], row[place] + 1
                    self.refused("", folds.check, *arguments)
                    row[place] = before
            for place, before in enumerate(challenges.folds):
                challenges.folds[place] = before + 1
                self.refused("", folds.check, *arguments)
                challenges.folds[place] = before
            for values, _ in proof.fold_openings:
                if values:
                    place = self.random.choice(sorted(values))
                    before, values[place] = values[place], values[place] + 1
                    self.refused("FRI layer", folds.check, *arguments)
                    values[place] = before

    def test_openings(self):
        """Each digest of a path, and each row, counts."""
        for bound in self.bounds:
            proof, shape = bound.proof, bound.shape
            cap, matrices, (opened, path) = proof.main_cap, shape.commitments()[0], proof.column_openings[0]
            matrices = [Opened(log_size, part) for (log_size, _), part in zip(matrices, opened)]
            check_batch_opening(cap, matrices, path, "a tree")
            for place in self.some(path):
                other = path[:place] + [bytes(32)] + path[place + 1 :]
                self.refused("a tree", check_batch_opening, cap, matrices, other, "a tree")
            self.refused("too long", check_batch_opening, cap, matrices, path + [bytes(32)], "a tree")
            self.refused("too short", check_batch_opening, cap, matrices, path[:-1], "a tree")
            for matrix in matrices:
                index = self.random.choice(sorted(matrix.rows))
                row = matrix.rows[index]
                before, row[0] = row[0], row[0] + 1
                self.refused("a tree", check_batch_opening, cap, matrices, path, "a tree")
                row[0] = before
            if len(matrices) > 1:
                self.refused("a tree", check_batch_opening, cap, matrices[:-1], path, "a tree")

    def test_disclosed_rows(self):
        """A changed cell breaks a constraint or the bus sum."""
        seen = 0
        for draft, bound in zip(self.drafts, self.bounds):
            head = len(draft.public_tuples) - len(rows.terms(draft.layout.open, draft.open_airs))

            def check():
                terms = rows.terms(draft.layout.open, draft.open_airs)
                tuples = draft.public_tuples[:head] + terms
                rows.check_constraints(draft.layout.open, draft.open_airs)
                check_bus_sum(bound.proof, bound.shape, tuples, bound.challenges)

            check()
            pairs = list(zip(draft.layout.open, draft.open_airs))
            for table, air in [pairs[place] for place in self.some(pairs, 10)]:
                before = rows.terms([table], [air])
                row = self.random.choice(table.rows)
                for place in self.some(row, 6):
                    old, row[place] = row[place], (row[place] + 1) % P
                    changed = rows.terms([table], [air]) != before
                    try:
                        check()
                        # A cell that no term depends on may have any value that its constraints allow.
                        self.assertFalse(changed, f"{air.name}, column {place}")
                    except Refused:
                        seen += 1
                    row[place] = old
        self.assertGreater(seen, 30)
