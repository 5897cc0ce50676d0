"""Section 9: the kinds of tables, how the layout writes them and in which order they stand."""

from collections import namedtuple

from . import buses
from .derived.kinds import OwningWord, Path, Word
from .errors import require
from .tables.bitwise import FIRST_COLUMN, INPUT_BITS
from .tables.bitwise import LIMB_BUSES as ROW_BUSES
from .tables.bitwise import ROWS as BITWISE_ROWS
from .tables.modular import WORDS_96
from .tables.range_check import CHECKS_96, LIMB_BUSES

CHUNKS = 4
ONCE = 1
MOST_CELLS = 16
"""Of a range row."""


class Range(namedtuple("Range", "bits width offset")):
    """Bits of a limb, width and offset of a range."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        bits, width, offset = reader.number(1), reader.number(1), reader.number(16)
        require(bits in LIMB_BUSES, f"a range in limbs of {bits} bits")
        require(1 <= width <= 128, f"a range of {width} bits")
        require(offset + 2**width <= 2**128, "a range that ends above 2^128")
        return cls(bits, width, offset)

    def order(self):
        """By which ranges are ordered."""
        return tuple(self)

    def derived_steps(self):
        """Ranges do not count towards that limit."""
        return 0


class BitwiseRow(namedtuple("BitwiseRow", "bits limbs owned")):
    """Bits of a limb, limbs of an input, and of each owned cell the number of its uses (empty if the rows own none)."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        bits, limbs, owns = reader.number(1), reader.number(1), reader.number(1)
        require(bits in ROW_BUSES, f"bitwise rows in limbs of {bits} bits")
        require(1 <= limbs <= -(-INPUT_BITS // bits), f"bitwise rows of {limbs} limbs")
        require(owns in (0, 1), f"bitwise rows that own {owns}")
        owned = tuple(reader.take(5)) if owns else ()
        _require_numbered(owned)
        return cls(bits, limbs, owned)

    def order(self):
        """By which they are ordered: those that own nothing come first."""
        return tuple(self)

    def derived_steps(self):
        """They do not count towards that limit."""
        return 0


class RangeRow(namedtuple("RangeRow", "cells")):
    """The cells of a range row: of each the range and the number of its uses."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        count = reader.number(1)
        require(1 <= count <= MOST_CELLS, f"range rows of {count} cells")
        cells = tuple((*Range.read(reader), reader.number(1)) for _ in range(count))
        _require_numbered(uses for *_, uses in cells)
        return cls(cells)

    def order(self):
        """By which they are ordered: as lists of cells."""
        return self.cells

    def derived_steps(self):
        """Each cell of a row counts towards that limit."""
        return len(self.cells)


def _require_numbered(numbers):
    """Columns of uses are numbered in the order of the cells, cells of one column alike."""
    following = FIRST_COLUMN
    for uses in numbers:
        require(uses <= following, "columns of uses that are not numbered in order")
        following += uses == following


# Byte in the file, name, class of the description, the only height (as its logarithm), how many tables there may be.
_Form = namedtuple("_Form", "byte name description log_height most")

# In the order in which a layout lists them.
_FORMS = [
    _Form(1, "memory", None, None, CHUNKS),
    _Form(2, "instruction", None, None, ONCE),
    _Form(3, "generic", None, None, CHUNKS),
    _Form(4, "word", Word, None, CHUNKS),
    _Form(5, "path", Path, None, CHUNKS),
    _Form(20, "owning_word", OwningWord, None, CHUNKS),
    _Form(18, "cell", None, None, CHUNKS),
    _Form(6, "byte", None, 8, ONCE),
    _Form(7, "word16", None, 16, ONCE),
    _Form(12, "word12", None, 12, ONCE),
    _Form(8, "nibble_and", None, 8, ONCE),
    _Form(9, "range_check8", None, None, ONCE),
    _Form(13, "range_check12", None, None, ONCE),
    _Form(10, "range_check16", None, None, ONCE),
    _Form(19, "range", Range, None, CHUNKS),
    _Form(11, "bitwise", None, None, ONCE),
    _Form(14, "bitwise16", None, None, ONCE),
    _Form(15, "bitwise32", None, None, ONCE),
    _Form(16, "bitwise64", None, None, ONCE),
    _Form(17, "bitwise128", None, None, ONCE),
    _Form(34, "pedersen", None, None, ONCE),
    _Form(35, "pedersen_points", None, 10, ONCE),
    _Form(36, "ecdsa", None, None, ONCE),
    _Form(32, "ec_op", None, None, ONCE),
    _Form(33, "ec_op_product", None, None, ONCE),
    _Form(37, "ecdsa_product", None, None, ONCE),
    _Form(49, "keccak", None, None, ONCE),
    _Form(50, "keccak_rounds", None, None, ONCE),
    _Form(51, "keccak_chunks", None, 13, ONCE),
    _Form(52, "keccak_bytes", None, 8, ONCE),
    _Form(48, "poseidon", None, None, ONCE),
    _Form(64, "range_check96_8", None, None, ONCE),
    _Form(65, "range_check96_12", None, None, ONCE),
    _Form(66, "range_check96_16", None, None, ONCE),
    _Form(70, "add_mod", None, None, ONCE),
    _Form(71, "mul_mod", None, None, ONCE),
    _Form(67, "word96_8", None, None, ONCE),
    _Form(68, "word96_12", None, None, ONCE),
    _Form(69, "word96_16", None, None, ONCE),
    _Form(80, "opcode_extension", None, None, ONCE),
    _Form(81, "qm31", None, None, CHUNKS),
    _Form(82, "blake", None, None, CHUNKS),
    _Form(83, "blake_word", None, None, ONCE),
    _Form(84, "blake_mix", None, None, ONCE),
    _Form(85, "blake_schedule", None, 7, ONCE),
    _Form(53, "bitwise_row", BitwiseRow, None, CHUNKS),
    _Form(54, "byte_and", None, 12, ONCE),
    _Form(26, "range_row", RangeRow, None, CHUNKS),
]
_BY_BYTE = {form.byte: (place, form) for place, form in enumerate(_FORMS)}

RANGE_CHECKS = {"range_check8": 8, "range_check12": 12, "range_check16": 16}
BITWISES = tuple(BITWISE_ROWS)
BUILTIN_TABLES = {
    "bitwise": BITWISES,
    "range_check96": tuple(CHECKS_96),
    **{name: (name,) for name in ("pedersen", "ecdsa", "ec_op", "keccak", "poseidon", "add_mod", "mul_mod")},
}
"""The tables of which there is one exactly if the builtin's segment is not empty. (`range_check` has rules of its own.)"""
PROVIDERS = {
    buses.BYTE: ("byte",),
    buses.WORD16: ("word16",),
    buses.WORD12: ("word12",),
    buses.NIBBLE_AND: ("nibble_and",),
    buses.BYTE_AND: ("byte_and",),
    buses.PEDERSEN_POINT: ("pedersen_points",),
    buses.EC_OP_PRODUCT: ("ec_op_product",),
    buses.ECDSA_PRODUCT: ("ecdsa_product",),
    buses.KECCAK_LANE: ("keccak_rounds",),
    buses.KECCAK_CHUNK: ("keccak_chunks",),
    buses.KECCAK_BYTE: ("keccak_bytes",),
    buses.WORD96: tuple(WORDS_96),
    buses.OPCODE_EXTENSION: ("opcode_extension",),
    buses.BLAKE_CELLS: ("blake_word",),
    buses.BLAKE_WORD: ("blake_mix",),
    buses.BLAKE_SCHEDULE: ("blake_schedule",),
}
"""The tables of which there is one exactly if some table requires tuples of the bus. (Instructions have rules of their
own.)"""


class Kind:
    """A kind of table, with its description if it has one. Equal ones compare equal."""

    def __init__(self, reader):
        byte = reader.number(1)
        require(byte in _BY_BYTE, f"a table of kind {byte}")
        place, self.form = _BY_BYTE[byte]
        self.name = self.form.name
        description = self.form.description
        self.description = None if description is None else description.read(reader)
        self.order = (place, () if description is None else self.description.order())

    def __eq__(self, other):
        return self.order == other.order

    def __hash__(self):
        return hash(self.order)

    def derived_steps(self):
        """What it counts towards the limit of derived steps and provided cells."""
        return 0 if self.description is None else self.description.derived_steps()
