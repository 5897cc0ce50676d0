"""Section 9: the disclosed rows, their constraints and the terms that they add to the public ones."""

from . import layout
from .errors import require
from .expressions import Row
from .public_tuple import PublicTuple


def check_limits(tables, airs):
    """The disclosed tables may be open, and are not too much work (`layout.Layout` counts the cells)."""
    work = 0
    for table, air in zip(tables, airs):
        require(air.is_local(), f"a table of kind {air.name} disclosed")
        require(table.width == air.width, f"the disclosed table {air.name} has rows of {table.width} cells")
        work += table.width * len(table.rows) * (len(air.constraints) + len(air.interactions))
    require(work <= layout.MOST_OPEN_WORK, "the disclosed rows are too much work")


def _rows(table, air):
    for number, cells in enumerate(table.rows):
        yield Row(cells, (), [values[number % len(values)] for values in air.periods])


def terms(tables, airs):
    """The interactions on each row as public tuples, but for those with multiplicity 0."""
    result = []
    for table, air in zip(tables, airs):
        for row in _rows(table, air):
            for item in air.interactions:
                multiplicity = item.multiplicity.at(row)
                if multiplicity:
                    entries = tuple(entry.at(row) for entry in item.entries)
                    result.append(PublicTuple(item.bus, entries, multiplicity))
    return result


def check_constraints(tables, airs):
    """Every constraint vanishes on every row."""
    for table, air in zip(tables, airs):
        for number, row in enumerate(_rows(table, air)):
            holds = all(value.at(row) == 0 for _, value in air.constraints)
            require(holds, f"row {number} of the disclosed table {air.name} breaks a constraint")
