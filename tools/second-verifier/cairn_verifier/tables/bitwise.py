"""The tables of the builtin `bitwise`: an instance takes 16, 1, 2, 4 or 8 rows, the most significant first; or one row."""

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air

_CELLS = 5
_NIBBLES = 4
ROWS = {"bitwise": 16, "bitwise16": 1, "bitwise32": 2, "bitwise64": 4, "bitwise128": 8}
"""How many rows an instance takes, by the table's name. The one of 16 rows takes any inputs of 251 bits."""


def _weighted(nibbles):
    return sum((nibble * 16**place for place, nibble in enumerate(nibbles)), 0)


def bitwise(name, base, stop):
    """The table `name` for the instances in the cells from `base` to before `stop`."""
    rows = ROWS[name]
    air = Air(name)
    address = air.column("address")
    operands = [air.column_list(operand, _NIBBLES) for operand in ("x", "y", "and")]
    sums = [air.column(f"{operand}_sum") for operand in ("x", "y", "and")]
    if rows > 1:
        first = air.periodic([1] + [0] * (rows - 1))
        last = air.periodic([0] * (rows - 1) + [1])
    else:
        first = last = 1

    step = air.next("address") - address
    air.constrain(address - base, FIRST)
    air.constrain(step * (step - _CELLS), TRANSITION)
    if rows > 1:
        air.constrain(step * (1 - last), TRANSITION)
    air.constrain(address + _CELLS - stop, LAST)
    # 251 bits are 62 nibbles and 3 bits: in place of a fourth nibble the first row has the third one, doubled.
    top = 3 if rows == 16 else _NIBBLES
    if rows == 16:
        for nibbles in operands[:2]:
            air.constrain(first * (nibbles[3] - nibbles[2] * 2))
    for name_of_sum, nibbles, total in zip(("x", "y", "and"), operands, sums):
        air.constrain(first * (total - _weighted(nibbles[:top])))
        if rows > 1:
            following = [air.next(f"{name_of_sum}[{place}]") for place in range(_NIBBLES)]
            grown = total * 2**16 + _weighted(following)
            air.constrain((1 - last) * (air.next(f"{name_of_sum}_sum") - grown))

    for triple in zip(*operands):
        air.interact(buses.NIBBLE_AND, -1, *triple)
    x, y, both = sums
    for place, value in enumerate((x, y, both, x + y - both * 2, x + y - both)):
        air.interact(buses.MEMORY, -1 * last, address + place, value)
    return air


INPUT_BITS = 251
LIMB_BUSES = {4: buses.NIBBLE_AND, 8: buses.BYTE_AND}
_LIMB_NAMES = {4: "nibbles", 8: "bytes"}
_UNUSED, _ONCE, FIRST_COLUMN = range(3)


def bitwise_row(bits, limbs, owned):
    """Section 9, bitwise rows: an instance a row, with inputs of `limbs` limbs of `bits` bits."""
    cells = f" with cells {' '.join(map(str, owned))}" if owned else ""
    air = Air(f"bitwise row of {limbs} {_LIMB_NAMES[bits]}{cells}")
    enabler, address = air.column("enabler"), air.column("address")
    operands = [air.column_list(operand, limbs) for operand in ("x", "y", "and")]
    columns = max(0, max(owned, default=0) - _ONCE)
    uses = air.column_list("uses", columns) if columns else []
    air.constrain(enabler * (1 - enabler))
    air.require(buses.BITWISE, enabler, address)
    air.provide(buses.BITWISE, enabler, address + _CELLS)
    for triple in zip(*operands):
        air.require(LIMB_BUSES[bits], enabler, *triple)
    excess = bits * limbs - INPUT_BITS
    if excess > 0:
        air.require(LIMB_BUSES[bits], enabler, *(limbs[-1] * 2**excess for limbs in operands))
    x, y, both = (_word(limbs, bits) for limbs in operands)
    for place, value in enumerate((x, y, both, x + y - both * 2, x + y - both)):
        if not owned:
            air.require(buses.MEMORY, enabler, address + place, value)
        elif owned[place] == _ONCE:
            air.provide(buses.MEMORY, enabler, address + place, value)
        elif owned[place] != _UNUSED:
            air.provide(buses.MEMORY, enabler * uses[owned[place] - FIRST_COLUMN], address + place, value)
    return air


def _word(limbs, bits):
    word = 0
    for limb in reversed(limbs):
        word = word * 2**bits + limb
    return word
