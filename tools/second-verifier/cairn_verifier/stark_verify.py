"""Section 6: the checks of a STARK proof. Numbers in comments are its steps."""

from . import constraints, folds
from .errors import require
from .field import P, inverse
from .merkle import Opened, check_batch_opening
from .stark_proof import replay
from .transcript import Transcript


def check_stark(proof, shape, context, public_tuples):
    """Steps 1 to 6; step 1 is done but for the proof's length (`air.check_tables`, `check_arities`, `Parameters`)."""
    # 2
    challenges = replay(Transcript(), context, proof, shape, public_tuples)
    proof.read_openings()
    # 3
    columns = _column_rows(proof, shape)
    # 4
    _check_bus_sum(proof, shape, public_tuples, challenges)
    # 5
    for group, parts, total in zip(shape.groups, proof.openings, proof.totals):
        constraints.check_group(group, parts, total, challenges, shape.parameters.log_blowup)
    # 6
    folds.check(proof, shape, columns, challenges)


def _column_rows(proof, shape):
    """The opened rows of the three commitments, checked against them: for each group the three parts by index."""
    caps = (("the main columns", proof.main_cap), ("the LogUp columns", proof.lookup_cap), ("the quotient", proof.quotient_cap))
    by_height = {}
    for (what, cap), matrices, (rows, path) in zip(caps, shape.commitments(), proof.column_openings):
        opened = [Opened(log_size, part) for (log_size, _), part in zip(matrices, rows)]
        if opened:
            check_batch_opening(cap, opened, path, what)
        for matrix in opened:
            by_height.setdefault(matrix.log_height, {})[what] = matrix.rows
    names = [what for what, _ in caps]
    return [[by_height[shape.log_lde_of(group)].get(what, {}) for what in names] for group in shape.groups]


def _check_bus_sum(proof, shape, public_tuples, challenges):
    """Step 4: all terms of the bus sum, of the committed tables by their totals, add up to zero."""
    for group, total in zip(shape.groups, proof.totals):
        require(group.batches or total == 0, "a total of a group without interactions is not 0")
    total = sum(proof.totals)
    for item in public_tuples:
        difference = (challenges.bus_z - fingerprint(item.bus, item.entries, challenges.bus_alpha)) % P
        require(difference != 0, "a public tuple meets the challenge of the bus sum")
        total += item.multiplicity * inverse(difference)
    require(total % P == 0, "the buses do not balance")


def fingerprint(bus, entries, alpha):
    """`bus + α·t_1 + α²·t_2 + …`"""
    value = 0
    for entry in reversed(entries):
        value = (value + entry) * alpha % P
    return (value + bus) % P
