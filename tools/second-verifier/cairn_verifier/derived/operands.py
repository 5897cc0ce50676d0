"""Section 10, operands: cells that are read, looked up and equated."""

from ..errors import require
from ..field import P, inverse
from .linear import Linear, linear


class Operand:
    """`factor` times a value: a `Linear`, or the unread cell at `address`."""

    def __init__(self, value=None, address=None, factor=1):
        self.value = value
        self.address = address
        self.factor = factor

    def times(self, factor):
        """Scaled."""
        return Operand(self.value, self.address, self.factor * factor)


def known(value):
    """An operand that is a value."""
    return Operand(value=linear(value))


class Memory:
    """The columns, lookups and equations that the steps make. A cell is known by its address expression."""

    def __init__(self, bytecode, new_column):
        self._bytecode = bytecode
        self._new_column = new_column
        self._values = {}
        self.lookups = []
        self.equations = []

    def cell(self, address):
        """The cell at an address as an operand, without touching it."""
        return Operand(address=address)

    def known_value(self, operand):
        """The value of an operand, or `None` if it is an unread cell."""
        value = operand.value
        if value is None:
            value = self._values.get(operand.address)
        if value is None and operand.address.is_constant():
            word = self._bytecode(operand.address.constant)
            value = None if word is None else linear(word)
        return None if value is None else value * operand.factor

    def read(self, operand):
        """The value of an operand; an unread cell gets a column and is looked up."""
        if self.known_value(operand) is None:
            self._look_up(operand.address, Linear.column(self._new_column()))
        return self.known_value(operand)

    def take(self, operands):
        """The value of a sum of operands."""
        total = linear(0)
        for operand in operands:
            total = total + self.read(operand)
        return total

    def equate(self, operands):
        """The sum of the operands is 0."""
        total, factors = linear(0), {}
        for operand in operands:
            value = self.known_value(operand)
            if value is None:
                factors[operand.address] = (factors.get(operand.address, 0) + operand.factor) % P
            else:
                total = total + value
        unread = [(address, factor) for address, factor in factors.items() if factor]
        if not unread:
            self._demand(total)
            return
        for address, factor in unread[1:]:
            total = total + self.read(Operand(address=address, factor=factor))
        address, factor = unread[0]
        self._look_up(address, total * -inverse(factor))

    def _demand(self, value):
        """`value` is 0."""
        require(not value.is_constant() or value.constant == 0, "a path that contradicts itself")
        if not value.is_constant() and value not in self.equations:
            self.equations.append(value)

    def _look_up(self, address, value):
        self._values[address] = value
        self.lookups.append((address, value))

    def give(self, address, value):
        """The cell has this value without a lookup."""
        self._values[address] = value

    def value_at(self, address):
        """The value that a cell got by a lookup or by `give`, or `None`."""
        return self._values.get(address)
