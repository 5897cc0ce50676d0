"""The tables of the builtins `add_mod` and `mul_mod`, an instance a row, and of the words of 96 bits that they look up.

A number of 384 bits is four words in memory and eight digits of 48 bits in the table. An instance is one of a batch of
`n`; the bus of the builtin's name ties each to the one before it."""

from .. import buses
from ..air import Air
from .range_check import LIMB_BUSES, sum_of_limbs

WORDS_96 = {"word96_8": 8, "word96_12": 12, "word96_16": 16}
"""Bits of a limb, by the table's name."""
WALK_BUSES = {"add_mod": buses.ADD_MOD, "mul_mod": buses.MUL_MOD}
WALK_ENTRIES = 9
_CELLS = 7
_WORDS, _DIGITS, _DIGIT_BITS = 4, 8, 48
_CHUNK = 4
"""Digits that are compared at a time."""
_SHIFT = 2 ** (_DIGIT_BITS * _CHUNK)


def _pairs(digits):
    return list(zip(digits[::2], digits[1::2]))


class _Instance:
    """The columns that both builtins have."""

    def __init__(self, name):
        self.air = air = Air(name)
        self.enabler, self.address = air.column("enabler"), air.column("address")
        self.joins, self.goes_on = air.column("joins"), air.column("goes_on")
        self.values, self.offsets, self.n = (air.column(name) for name in ("values_ptr", "offsets_ptr", "n"))
        self.offset = air.column_list("offset", 3)
        self.p, self.a, self.b, self.c = (air.column_list(name, _DIGITS) for name in "pabc")
        air.constrain(self.enabler * (1 - self.enabler))
        # A batch ends with its last instance.
        air.constrain((1 - self.goes_on) * (self.n - 1))

    def interact(self, *more):
        """The walk, the cells, and the words that operands, modulus and `more` are made of."""
        air, enabler = self.air, self.enabler
        bus = WALK_BUSES[air.name]
        words = [low + 2**_DIGIT_BITS * high for low, high in _pairs(self.p)]
        shared = (*words, self.values)
        air.require(
            bus, enabler, self.address, self.joins, self.joins * self.n, *(self.joins * value for value in shared),
            self.joins * self.offsets,
        )  # fmt: skip
        air.provide(
            bus, enabler, self.address + _CELLS, self.goes_on, self.goes_on * (self.n - 1),
            *(self.goes_on * value for value in shared), self.goes_on * (self.offsets + 3),
        )  # fmt: skip
        for place, value in enumerate((*shared, self.offsets, self.n)):
            air.require(buses.MEMORY, enabler, self.address + place, value)
        for number, (offset, operand) in enumerate(zip(self.offset, (self.a, self.b, self.c))):
            air.require(buses.MEMORY, enabler, self.offsets + number, offset)
            for place, (low, high) in enumerate(_pairs(operand)):
                value = low + 2**_DIGIT_BITS * high
                air.require(buses.MEMORY, enabler, self.values + offset + place, value)
        for digits in (self.p, self.a, self.b, self.c, *more):
            for pair in _pairs(digits):
                air.require(buses.WORD96, enabler, *pair)


def _chunks(digits):
    """The two halves of eight digits, as numbers."""
    return [sum_of_limbs(digits[start : start + _CHUNK], _DIGIT_BITS) for start in (0, _CHUNK)]


def add_mod():
    """`a + b = c`, or `a + b = c + p`."""
    instance = _Instance("add_mod")
    air = instance.air
    reduces, carry = air.column("reduces"), air.column("carry")
    air.constrain(reduces * (1 - reduces))
    air.constrain(carry * (carry - 1) * (carry + 1))
    halves = zip(*map(_chunks, (instance.p, instance.a, instance.b, instance.c)))
    low, high = [a + b - c - reduces * p for p, a, b, c in halves]
    air.constrain(low - carry * _SHIFT)
    air.constrain(high + carry)
    instance.interact()
    return air


def _products(left, right):
    """The product of two numbers of eight digits, in four chunks: what the products of digits of a chunk's places come
    to, the chunk's lowest place being worth 1."""
    chunks = []
    for start in range(0, 2 * _DIGITS, _CHUNK):
        total = 0
        for place in range(start, min(start + _CHUNK, 2 * _DIGITS - 1)):
            products = [left[index] * right[place - index] for index in range(_DIGITS) if 0 <= place - index < _DIGITS]
            total = total + 2 ** (_DIGIT_BITS * (place - start)) * sum(products)
        chunks.append(total)
    return chunks


def mul_mod():
    """`a·b = c + p·q`."""
    instance = _Instance("mul_mod")
    air = instance.air
    q, carry = air.column_list("q", _DIGITS), air.column_list("carry", 6)
    # A carry is from −2^52 on.
    carries = [low + 32 * high - 2**52 for low, high in _pairs(carry)]
    quotients = _products(q, instance.p)
    before = 0
    subtracted = _chunks(instance.c) + [0, 0]
    for product, quotient, c, after in zip(_products(instance.a, instance.b), quotients, subtracted, carries + [0]):
        air.constrain(before + product - quotient - c - after * _SHIFT)
        before = after
    instance.interact(q, carry)
    return air


def word96(name):
    """Words of 96 bits, as two digits of 48."""
    bits = WORDS_96[name]
    air = Air(name)
    uses = air.column("uses")
    limbs = air.column_list("limb", 2 * _DIGIT_BITS // bits)
    for limb in limbs:
        air.interact(LIMB_BUSES[bits], -1, limb)
    half = len(limbs) // 2
    air.provide(buses.WORD96, uses, sum_of_limbs(limbs[:half], bits), sum_of_limbs(limbs[half:], bits))
    return air
