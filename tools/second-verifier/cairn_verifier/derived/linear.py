"""Section 10: the values of the symbolic execution."""

from ..expressions import linear_expression
from ..field import P


class Linear:
    """`constant + Σ coefficient·column`, canonical: equal ones compare equal."""

    __slots__ = ("constant", "terms", "_key")

    def __init__(self, constant=0, terms=None):
        self.constant = constant % P
        self.terms = {column: factor for column, factor in (terms or {}).items() if factor}
        self._key = (self.constant, tuple(sorted(self.terms.items())))

    @classmethod
    def column(cls, index):
        """A column by itself."""
        return cls(0, {index: 1})

    def __eq__(self, other):
        return isinstance(other, Linear) and self._key == other._key

    def __hash__(self):
        return hash(self._key)

    def is_constant(self):
        """Whether no column is in it."""
        return not self.terms

    def __add__(self, other):
        other = linear(other)
        terms = dict(self.terms)
        for column, factor in other.terms.items():
            terms[column] = (terms.get(column, 0) + factor) % P
        return Linear(self.constant + other.constant, terms)

    def __sub__(self, other):
        return self + linear(other) * -1

    def __mul__(self, factor):
        """Times an int."""
        terms = {column: coefficient * factor % P for column, coefficient in self.terms.items()}
        return Linear(self.constant * factor, terms)

    def expression(self):
        """As an expression of an AIR, whose columns have the same numbers."""
        return linear_expression(self.constant, sorted(self.terms.items()))


def linear(value):
    """An int as a constant; a `Linear` as itself."""
    return value if isinstance(value, Linear) else Linear(value)
