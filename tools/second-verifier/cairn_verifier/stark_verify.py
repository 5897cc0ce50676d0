"""Section 6: the checks of a STARK proof. Numbers in comments are its steps. Whoever made tables and shape has done the
first, but for the proof's length."""

from . import constraints, folds
from .bus_sum import check_bus_sum
from .merkle import Opened, check_batch_opening
from .stark_proof import replay
from .transcript import Transcript

_COMMITTED = ("the main columns", "the LogUp columns", "the quotient")


class Bound:
    """A proof that belongs to its transcript: `challenges`, and for each group the opened rows in `columns`."""

    def __init__(self, proof, shape, context, public_tuples):
        self.proof, self.shape, self.public_tuples = proof, shape, public_tuples
        # 2
        self.challenges = replay(Transcript(), context, proof, shape, public_tuples)
        proof.read_openings()
        # 3
        self.columns = _opened_columns(proof, shape)
        # 4
        check_bus_sum(proof, shape, public_tuples, self.challenges)

    def check(self):
        """The checks that evaluate constraints and fold."""
        # 5
        for group, parts, total in zip(self.shape.groups, self.proof.openings, self.proof.totals):
            constraints.check_group(group, parts, total, self.challenges, self.shape.parameters.log_blowup)
        # 6
        folds.check(self.proof, self.shape, self.columns, self.challenges)


def _opened_columns(proof, shape):
    """Step 3: the opened rows, which belong to the commitments. For each group three parts, each a row by index."""
    caps = (proof.main_cap, proof.lookup_cap, proof.quotient_cap)
    by_height = {}
    for what, cap, matrices, (rows, path) in zip(_COMMITTED, caps, shape.commitments(), proof.column_openings):
        opened = [Opened(log_size, part) for (log_size, _), part in zip(matrices, rows)]
        if opened:
            check_batch_opening(cap, opened, path, what)
        for matrix in opened:
            by_height.setdefault(matrix.log_height, {})[what] = matrix.rows
    return [[by_height[shape.log_lde_of(group)].get(what, {}) for what in _COMMITTED] for group in shape.groups]
