"""Section 2: expressions over a row and the next one."""

from .field import P


class Row:
    """What an expression is evaluated at: values of the columns on this row and the next, and of periodic columns."""

    def __init__(self, this, following=(), periodic=()):
        self.this = this
        self.following = following
        self.periodic = periodic


class Expression:
    """A polynomial in columns: its degree, the columns that it reads on the next row, and how it is evaluated."""

    __slots__ = ("degree", "next_columns", "at")

    def __init__(self, degree, next_columns, at):
        self.degree = degree
        self.next_columns = next_columns
        self.at = at

    def _combine(self, other, degree, at):
        return Expression(degree, self.next_columns | other.next_columns, at)

    def __add__(self, other):
        other = expression(other)
        left, right = self.at, other.at
        return self._combine(other, max(self.degree, other.degree), lambda row: (left(row) + right(row)) % P)

    def __sub__(self, other):
        other = expression(other)
        left, right = self.at, other.at
        return self._combine(other, max(self.degree, other.degree), lambda row: (left(row) - right(row)) % P)

    def __mul__(self, other):
        other = expression(other)
        left, right = self.at, other.at
        return self._combine(other, self.degree + other.degree, lambda row: left(row) * right(row) % P)

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return expression(other) + self

    def __rsub__(self, other):
        return expression(other) - self

    def __rmul__(self, other):
        return expression(other) * self


_NONE = frozenset()


def expression(value):
    """An int as an expression; an expression as itself."""
    if isinstance(value, Expression):
        return value
    constant = value % P
    return Expression(0, _NONE, lambda row: constant)


def column(index):
    """A column on this row."""
    return Expression(1, _NONE, lambda row: row.this[index])


def next_column(index):
    """A column on the next row."""
    return Expression(1, frozenset((index,)), lambda row: row.following[index])


def periodic_column(index):
    """A periodic column. Its degree counts as that of a column."""
    return Expression(1, _NONE, lambda row: row.periodic[index])


def linear_expression(constant, terms):
    """`constant + Σ coefficient·column` for `terms` of (column, coefficient)."""
    terms = tuple(terms)
    if not terms:
        return expression(constant)

    def at(row):
        this = row.this
        return (constant + sum(factor * this[index] for index, factor in terms)) % P

    return Expression(1, _NONE, at)
