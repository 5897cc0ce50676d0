"""Section 11: elements that are mostly small, as disclosed cells and the output of runs are written."""

import re

from .errors import require
from .field import P

_SMALL = 192
_SIGN = 32
_SMALL_CELLS = re.compile(b"[\x00-\xbf]*")


def read_cells(reader, count):
    """`count` elements. Each value has one encoding."""
    cells = []
    while len(cells) < count:
        start = reader.position
        small = _SMALL_CELLS.match(reader.data, start, start + count - len(cells)).group()
        cells += reader.take(len(small)) or [_read_cell(reader)]
    return cells


def _read_cell(reader):
    """A cell that is not small."""
    negative, length = divmod(reader.number(1) - _SMALL, _SIGN)
    data = reader.take(length + 1)
    value = int.from_bytes(data, "little")
    require(data[-1] != 0 and value <= (P - 1) // 2, "a cell that is longer than it need be, or too large")
    require(negative or value >= _SMALL, "a cell that is longer than it need be")
    return P - value if negative else value
