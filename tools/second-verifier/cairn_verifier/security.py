"""`docs/SOUNDNESS.md`, section 6: the security bits of a proof."""

from math import e, log2

_LOG_P = 251
_P = 2.0**_LOG_P
_HASH_BITS = 128.0
_MULTIPLICITIES = range(3, 1001)


class Size:
    """What the formulas ask about a proof: their names are those of the document."""

    def __init__(self, shape, public_tuples):
        parameters = shape.parameters
        groups = shape.groups
        self.rate_bits = parameters.log_blowup
        self.queries, self.grinding = parameters.queries, parameters.grinding_bits
        self.arity = 1 << parameters.log_fold
        self.has_folds = bool(shape.folds)
        self.height = 1 << groups[0].log_height
        self.length = self.height << self.rate_bits
        tuples = [item for group in groups for air, _ in group.members for item in air.interactions] + public_tuples
        terms = sum(len(air.interactions) << group.log_height for group in groups for air, _ in group.members)
        self.terms = terms + len(public_tuples)
        self.longest = max(len(item.entries) for item in tuples)
        self.constraints = max(group.n_constraints for group in groups)
        self.pairs = sum(sum(shape.parts(group)) for group in groups)


def _worst_round(size, agreement, list_size, curve):
    """The bits of the worst round. `list_size` and `curve(d)` are `L` and `E(d)`."""
    errors = [
        list_size * (size.longest + 2) * size.terms / _P,
        list_size * size.constraints / _P,
        list_size**2 * 4 * size.height / _P,
        curve(size.pairs) / _P,
    ]
    if size.has_folds:
        errors.append(curve(size.arity) / _P)
    query_bits = -size.queries * log2(agreement) + size.grinding
    bits = min([-log2(error) for error in errors] + [query_bits, _HASH_BITS])
    return max(bits, 0.0)


def _proven_at(size, multiplicity):
    rate = 2.0**-size.rate_bits
    root = rate**0.5
    k = 2 * multiplicity + 0.5

    def curve(degree):
        return degree * (2 * k**5 / 3 + 2 * k) * rate**-1.5 * size.length

    return _worst_round(size, root * (1 + 1 / (2 * multiplicity)), multiplicity / rate, curve)


def proven_bits(size):
    """What theorems say."""
    return max(_proven_at(size, multiplicity) for multiplicity in _MULTIPLICITIES)


def conjectured_bits(size):
    """What the conjecture on list decoding says, or theorems if that is more."""
    rate = 2.0**-size.rate_bits
    slack = rate * log2(e / rate) / _LOG_P

    def curve(degree):
        return (degree * size.length / (slack * rate)) ** 2

    conjectured = _worst_round(size, rate + slack, size.length / slack, curve)
    return max(conjectured, proven_bits(size))
