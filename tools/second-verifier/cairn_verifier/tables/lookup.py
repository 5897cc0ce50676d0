"""The tables of small numbers: `byte`, `word12`, `word16`, `nibble_and`, `byte_and`."""

from .. import buses
from ..air import FIRST, TRANSITION, Air


def byte():
    """All bytes, by a periodic column."""
    air = Air("byte")
    multiplicity = air.column("multiplicity")
    value = air.periodic(range(256))
    air.interact(buses.BYTE, multiplicity, value)
    return air


def _words(name, bus):
    air = Air(name)
    value = air.column("value")
    multiplicity = air.column("multiplicity")
    air.constrain(value, FIRST)
    air.constrain(air.next("value") - value - 1, TRANSITION)
    air.interact(bus, multiplicity, value)
    return air


def word16():
    """All numbers of 16 bits, counted up."""
    return _words("word16", buses.WORD16)


def word12():
    """All numbers of 12 bits, counted up."""
    return _words("word12", buses.WORD12)


def nibble_and():
    """All pairs of nibbles with their conjunction, by periodic columns."""
    air = Air("nibble_and")
    multiplicity = air.column("multiplicity")
    pairs = [(left, right) for left in range(16) for right in range(16)]
    left = air.periodic(pair[0] for pair in pairs)
    right = air.periodic(pair[1] for pair in pairs)
    both = air.periodic(pair[0] & pair[1] for pair in pairs)
    air.interact(buses.NIBBLE_AND, multiplicity, left, right, both)
    return air


def byte_and():
    """All pairs of bytes with their conjunction.

    Five low bits are periodic, the next one is a column, the top two are constants of an interaction."""
    air = Air("byte_and")
    bits, multiplicities = air.column_list("bit", 3), air.column_list("multiplicity", 16)
    for bit in bits[:2]:
        air.constrain(bit * (1 - bit))
    air.constrain(bits[2] - bits[0] * bits[1])
    pairs = [(left, right) for left in range(32) for right in range(32)]
    low = [air.periodic(entry(*pair) for pair in pairs) for entry in (_left, _right, _both)]
    for top, multiplicity in enumerate(multiplicities):
        tops = [entry(*divmod(top, 4)) for entry in (_left, _right, _both)]
        triple = [fixed + bit * 32 + 64 * constant for fixed, bit, constant in zip(low, bits, tops)]
        air.interact(buses.BYTE_AND, multiplicity, *triple)
    return air


def _left(left, _):
    return left


def _right(_, right):
    return right


def _both(left, right):
    return left & right
