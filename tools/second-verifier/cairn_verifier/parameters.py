"""Section 7: the four parameters of a proof and the presets."""

from collections import namedtuple

from .errors import require

_BOUNDS = (("log_blowup", 1, 4), ("queries", 1, 512), ("grinding_bits", 0, 32), ("log_fold", 1, 3))


class Parameters(namedtuple("Parameters", [name for name, _, _ in _BOUNDS])):
    """Blow-up (as its logarithm), number of queries, bits of grinding, largest arity of a fold (as its logarithm)."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From a proof file."""
        values = [reader.number(4) for _ in _BOUNDS]
        for value, (name, least, most) in zip(values, _BOUNDS):
            require(least <= value <= most, f"{name} is {value}; it must be {least} to {most}")
        return cls(*values)

    def bytes(self):
        """As in the file and in the transcript."""
        return b"".join(value.to_bytes(4, "little") for value in self)
