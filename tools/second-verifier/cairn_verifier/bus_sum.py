"""Section 6, step 4: fingerprints and the sum over all buses."""

from .errors import require
from .field import P, inverse


def check_bus_sum(proof, shape, public_tuples, challenges):
    """Step 4: all terms of the bus sum, those of the committed tables by their totals, add up to zero."""
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
