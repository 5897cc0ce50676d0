"""Section 6, step 4: fingerprints and the sum over all buses."""

from .errors import require
from .field import P, inverses


def check_bus_sum(proof, shape, public_tuples, challenges):
    """Step 4: all terms of the bus sum, those of the committed tables by their totals, add up to zero."""
    for group, total in zip(shape.groups, proof.totals):
        require(group.batches or total == 0, "a total of a group without interactions is not 0")
    z, alpha = challenges.bus_z, challenges.bus_alpha
    differences = [(z - fingerprint(item.bus, item.entries, alpha)) % P for item in public_tuples]
    require(all(differences), "a public tuple meets the challenge of the bus sum")
    terms = (item.multiplicity * term for item, term in zip(public_tuples, inverses(differences)))
    require(sum(terms, sum(proof.totals)) % P == 0, "the buses do not balance")


def fingerprint(bus, entries, alpha):
    """`bus + α·t_1 + α²·t_2 + …`"""
    value = 0
    for entry in reversed(entries):
        value = (value + entry) * alpha % P
    return (value + bus) % P
