"""The tables `memory` and `cell`."""

from .. import buses
from ..air import FIRST, TRANSITION, Air

CELLS_A_ROW = 8


def memory(start):
    """A chunk of memory: eight cells a row, from address `start` on."""
    air = Air("memory")
    address = air.column("address")
    values = air.column_list("value", CELLS_A_ROW)
    multiplicities = air.column_list("multiplicity", CELLS_A_ROW)
    air.constrain(address - start, FIRST)
    air.constrain(air.next("address") - address - CELLS_A_ROW, TRANSITION)
    for place, (value, multiplicity) in enumerate(zip(values, multiplicities)):
        air.interact(buses.MEMORY, multiplicity, address + place, value)
    return air


def cell():
    """Owned cells, one a row."""
    air = Air("cell")
    enabler, address, value, uses = (air.column(name) for name in ("enabler", "address", "value", "uses"))
    air.constrain(enabler * (1 - enabler))
    air.require(buses.OWNED, enabler, address)
    air.provide(buses.OWNED, enabler, address + 1)
    air.provide(buses.MEMORY, enabler * uses, address, value)
    return air
