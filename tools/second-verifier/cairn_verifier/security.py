"""`docs/SOUNDNESS.md`, section 6: the security bits of a proof."""

from collections import namedtuple
from functools import lru_cache
from math import e, log2

_LOG_P = 251
_P = 2.0**_LOG_P
_HASH_BITS = 128.0
_MULTIPLICITIES = range(3, 1001)


class Size(namedtuple("Size", "log_height terms longest constraints pairs has_folds")):
    """What the errors of a proof depend on besides its parameters: `log2 N`, `T`, `a`, `C` and `M` of the document, and
    whether there are folds."""

    __slots__ = ()

    @classmethod
    def of(cls, shape, public_tuples):
        """Of a proof of this shape with these public tuples."""
        groups = shape.groups
        airs = [(air, group.log_height) for group in groups for air, _ in group.members]
        terms = sum(len(air.interactions) << log_height for air, log_height in airs)
        arities = [len(item.entries) for air, _ in airs for item in air.interactions]
        return cls(
            log_height=groups[0].log_height,
            terms=terms + len(public_tuples),
            longest=max(arities + [len(item.entries) for item in public_tuples]),
            constraints=max(group.n_constraints for group in groups),
            pairs=sum(sum(shape.parts(group)) for group in groups),
            has_folds=bool(shape.folds),
        )


def _rounds(parameters, size, agreement, list_size, curve):
    """The bits of each round, in the order of the document. `list_size` and `curve(d)` are `L` and `E(d)`."""
    errors = [
        list_size * (size.longest + 2) * size.terms / _P,
        list_size * size.constraints / _P,
        list_size**2 * 4 * 2**size.log_height / _P,
        curve(size.pairs) / _P,
    ]
    if size.has_folds:
        errors.append(curve(1 << parameters.log_fold) / _P)
    query_bits = -parameters.queries * log2(agreement) + parameters.grinding_bits
    return [max(bits, 0.0) for bits in [-log2(error) for error in errors] + [query_bits, _HASH_BITS]]


def proven_rounds(parameters, size, multiplicity):
    """The bits of each round by theorems, for a multiplicity `m`."""
    rate = 2.0**-parameters.log_blowup
    length = 2 ** (size.log_height + parameters.log_blowup)
    k = 2 * multiplicity + 0.5

    def curve(degree):
        return degree * (2 * k**5 / 3 + 2 * k) * rate**-1.5 * length

    return _rounds(parameters, size, rate**0.5 * (1 + 0.5 / multiplicity), multiplicity / rate, curve)


def conjectured_rounds(parameters, size):
    """The bits of each round by the conjecture on list decoding."""
    rate = 2.0**-parameters.log_blowup
    length = 2 ** (size.log_height + parameters.log_blowup)
    slack = rate * log2(e / rate) / _LOG_P

    def curve(degree):
        return (degree * length / (slack * rate)) ** 2

    return _rounds(parameters, size, rate + slack, length / slack, curve)


@lru_cache(maxsize=256)
def security_bits(parameters, size):
    """The conjectured bits, which are those proven if that is more, and the proven ones."""
    proven = max(min(proven_rounds(parameters, size, multiplicity)) for multiplicity in _MULTIPLICITIES)
    return max(min(conjectured_rounds(parameters, size)), proven), proven
