"""The tables of the builtins `range_check` (`range_check8` and so on, ranges, range rows) and `range_check96`."""

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air

_CHECKED_BITS = 128
CHECKS_96 = {"range_check96_8": 8, "range_check96_12": 12, "range_check96_16": 16}
"""Bits of a limb, by the table's name."""
LIMB_BUSES = {8: buses.BYTE, 12: buses.WORD12, 16: buses.WORD16}


def _limbs(bits, width):
    return -(-width // bits)


def sum_of_limbs(limbs, bits):
    """What limbs of so many bits come to, the lowest first."""
    total = 0
    for limb in reversed(limbs):
        total = total * 2**bits + limb
    return total


def range_check(bits, base, stop):
    """Numbers below 2^128 in limbs of `bits`, at the addresses from `base` to before `stop`."""
    return _check(f"range_check{bits}", bits, _CHECKED_BITS, base, stop)


def range_check96(name, base, stop):
    """Numbers below 2^96, at the addresses from `base` to before `stop`."""
    return _check(name, CHECKS_96[name], 96, base, stop)


def _check(name, bits, width, base, stop):
    air = Air(name)
    address = air.column("address")
    limbs = air.column_list("limb", _limbs(bits, width))
    air.constrain(address - base, FIRST)
    step = air.next("address") - address
    air.constrain(step * (step - 1), TRANSITION)
    air.constrain(address + 1 - stop, LAST)
    for limb in limbs:
        air.interact(LIMB_BUSES[bits], -1, limb)
    air.interact(buses.MEMORY, -1, address, sum_of_limbs(limbs, bits))
    if width % bits:
        air.interact(LIMB_BUSES[bits], -1, limbs[-1] * 2 ** (bits - width % bits))
    return air


def value_range(bits, width, offset):
    """Section 9, ranges: owned cells of `range_check` from `offset` to before `offset + 2^width`."""
    name = f"range of {width} bits in limbs of {bits}" + (f" from {offset:#x}" if offset else "")
    air = Air(name)
    enabler, address, uses = (air.column(name) for name in ("enabler", "address", "uses"))
    limbs = air.column_list("limb", _limbs(bits, width))
    air.constrain(enabler * (1 - enabler))
    air.require(buses.RANGE, enabler, address)
    air.provide(buses.RANGE, enabler, address + 1)
    air.provide(buses.MEMORY, enabler * uses, address, sum_of_limbs(limbs, bits) + offset)
    for limb in limbs:
        air.require(LIMB_BUSES[bits], enabler, limb)
    if width % bits:
        air.require(LIMB_BUSES[bits], enabler, limbs[-1] * 2 ** (bits - width % bits))
    return air


UNUSED, ONCE, FIRST_COLUMN = range(3)


def range_row(cells):
    """Section 9, range rows: consecutive owned cells of `range_check`, each (bits, width, offset, number of its uses)."""
    air = Air("range row of" + ",".join(map(_cell_name, cells)))
    enabler, address = air.column("enabler"), air.column("address")
    limbs = [air.column_list(f"limb[{place}]", _limbs(bits, width)) for place, (bits, width, *_) in enumerate(cells)]
    columns = max(0, max(number for *_, number in cells) - ONCE)
    uses = air.column_list("uses", columns) if columns else []
    air.constrain(enabler * (1 - enabler))
    air.require(buses.RANGE, enabler, address)
    air.provide(buses.RANGE, enabler, address + len(cells))
    for place, (bits, width, offset, number) in enumerate(cells):
        times = enabler if number == ONCE else number > ONCE and enabler * uses[number - FIRST_COLUMN]
        if number != UNUSED:
            air.provide(buses.MEMORY, times, address + place, sum_of_limbs(limbs[place], bits) + offset)
        for limb in limbs[place]:
            air.require(LIMB_BUSES[bits], enabler, limb)
        if width % bits:
            air.require(LIMB_BUSES[bits], enabler, limbs[place][-1] * 2 ** (bits - width % bits))
    return air


def _cell_name(cell):
    bits, width, offset, number = cell
    start = f" from {offset:#x}" if offset else ""
    return f" {width}/{bits}{start}" + ("" if number == ONCE else f" by {number}")
