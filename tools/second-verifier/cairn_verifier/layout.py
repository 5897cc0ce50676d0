"""Sections 9 and 11: the layout: which tables a proof is about, and the rows of those that are disclosed."""

from collections import Counter, namedtuple
from functools import lru_cache

from . import buses
from .air import LOG_HEIGHTS, Table
from .cells import read_cells
from .derived.tables import owning_word_air, path_air, word_air
from .errors import require
from .kinds import BITWISES, BUILTIN_TABLES, PROVIDERS, RANGE_CHECKS, Kind
from .tables import extensions, keccak, lookup, machine, memory, modular, pedersen, products
from .tables.bitwise import bitwise, bitwise_row
from .tables.poseidon import poseidon
from .tables.range_check import CHECKS_96, range_check, range_check96, range_row, value_range

MOST_TABLES = 128
MOST_DERIVED = 1 << 11
MOST_OPEN_CELLS = 1 << 18
MOST_OPEN_WORK = 1 << 22
MOST_MEMORY = 1 << 32

Committed = namedtuple("Committed", "kind log_height")
Open = namedtuple("Open", "kind width rows")


class Layout:
    """The committed tables and the open ones, in order."""

    def __init__(self, reader):
        n_committed = reader.count(8, MOST_TABLES, "tables")
        self.committed = [Committed(Kind(reader), reader.number(1)) for _ in range(n_committed)]
        n_open = reader.count(8, MOST_TABLES - n_committed, "disclosed tables")
        self._cells_left = MOST_OPEN_CELLS
        self.open = [self._read_open(reader) for _ in range(n_open)]

    def _read_open(self, reader):
        kind, width, n_rows = Kind(reader), reader.number(4), reader.number(4)
        require(width >= 1 and n_rows >= 1, f"a disclosed table of kind {kind.name} without cells")
        self._cells_left -= width * n_rows
        require(self._cells_left >= 0, "more disclosed cells than there may be")
        cells = read_cells(reader, width * n_rows)
        return Open(kind, width, [cells[start : start + width] for start in range(0, len(cells), width)])

    def kinds(self):
        """Of all tables."""
        return [table.kind for table in self.committed + self.open]

    def memory_end(self, owned_end):
        """Where the last memory table ends."""
        rows = sum(1 << table.log_height for table in self.committed if table.kind.name == "memory")
        return owned_end + rows * memory.CELLS_A_ROW

    def check(self, program, claim):
        """Numbers, order and heights of the tables and those of builtins (section 11, step 4)."""
        require(self.committed, "no committed table")
        for table in self.committed:
            fixed = table.kind.form.log_height
            require(table.log_height in LOG_HEIGHTS, f"table {table.kind.name} has 2^{table.log_height} rows")
            require(fixed in (None, table.log_height), f"table {table.kind.name} has 2^{table.log_height} rows")
        _check_order([table.kind for table in self.committed], lambda before, after: before <= after)
        _check_order([table.kind for table in self.open], lambda before, after: before < after)
        for kind, count in Counter(self.kinds()).items():
            require(count <= kind.form.most, f"{count} tables of kind {kind.name}")
        derived = sum(kind.derived_steps() for kind in set(self.kinds()))
        require(derived <= MOST_DERIVED, "too many derived steps and provided cells")
        require(self.memory_end(claim.owned_end) <= MOST_MEMORY, "the memory is too large")
        self._check_builtins(program, claim)

    def _count(self, names):
        return sum(1 for kind in self.kinds() if kind.name in names)

    def _check_builtins(self, program, claim):
        base, stop = claim.segment(program, "range_check")
        owned = stop <= claim.owned_end
        walked = base < stop and not owned
        require(self._count(RANGE_CHECKS) == int(walked), "not the range_check tables that the segment asks for")
        needs_ranges = base < stop and owned
        require((self._count(["range", "range_row"]) > 0) == needs_ranges, "not the range tables that the segment asks for")
        in_rows = self._check_bitwise_rows(program, claim)
        for name, tables in BUILTIN_TABLES.items():
            base, stop = claim.segment(program, name)
            walked = base < stop and not (name == "bitwise" and in_rows)
            require(self._count(tables) == int(walked), f"not the {name} tables that the segment asks for")

    def bitwise_rows(self):
        """The descriptions of the bitwise row tables."""
        return [kind.description for kind in self.kinds() if kind.name == "bitwise_row"]

    def _check_bitwise_rows(self, program, claim):
        rows = self.bitwise_rows()
        if not rows:
            return False
        base, stop = claim.segment(program, "bitwise")
        owns = {bool(row.owned) for row in rows}
        require(base < stop, "bitwise row tables without instances")
        require(len(owns) == 1, "only some of the bitwise row tables own their cells")
        require(owns == {False} or stop <= claim.owned_end, "bitwise row tables that own cells beyond the owned ones")
        return True

    def airs(self, program, claim):
        """The AIRs of committed and of disclosed tables, in two lists."""
        start = claim.owned_end
        committed = []
        for table in self.committed:
            committed.append(_air(table.kind, program, claim, start))
            if table.kind.name == "memory":
                start += memory.CELLS_A_ROW << table.log_height
        return committed, [_air(table.kind, program, claim, start) for table in self.open]

    def check_look_ups(self, airs, claim):
        """Tables that provide numbers or instructions are there if, and only if, some table requires them."""
        required = set()
        for kind, air in zip(self.kinds(), airs):
            own = _OWN_BUSES.get(kind.name)
            required |= {item.bus for item in air.interactions if item.bus != own}
        for bus, names in PROVIDERS.items():
            found = self._count(names) == int(bus in required)
            require(found, f"table {' or '.join(names)} is not there exactly if it is required")
        fetches = buses.INSTRUCTION in required
        require(fetches or not claim.fetches, "fetches that no table requires")
        expected = int(fetches and not claim.fetches)
        require(self._count(["instruction"]) == expected, "table instruction is not there exactly if it is required")

    def tables(self, airs):
        """The committed tables."""
        return [Table(air, table.log_height) for air, table in zip(airs, self.committed)]


def _check_order(kinds, in_order):
    for before, after in zip(kinds, kinds[1:]):
        require(in_order(before.order, after.order), f"table {after.name} is out of order")


def _air(kind, program, claim, memory_start):
    """The AIR of a kind."""
    return _made(*_recipe(kind, program, claim, memory_start))


@lru_cache(maxsize=256)
def _made(make, *arguments):
    """An AIR. Chunks, and proofs about one program, share it."""
    return make(*arguments)


def _recipe(kind, program, claim, memory_start):
    """The function that makes the AIR of a kind, and its arguments."""
    name, description = kind.name, kind.description
    if name == "memory":
        return memory.memory, memory_start
    if name in RANGE_CHECKS:
        return range_check, RANGE_CHECKS[name], *claim.segment(program, "range_check")
    if name in CHECKS_96:
        return range_check96, name, *claim.segment(program, "range_check96")
    if name in BITWISES:
        return bitwise, name, *claim.segment(program, "bitwise")
    if name in _OF_SEGMENTS:
        return _OF_SEGMENTS[name], *claim.segment(program, name)
    if name in products.PRODUCT_BUSES:
        return products.product, name
    if name in modular.WORDS_96:
        return modular.word96, name
    if name == "range":
        return value_range, *description
    if name == "range_row":
        return range_row, *description
    if name == "bitwise_row":
        return bitwise_row, *description
    if name == "word":
        return word_air, description
    if name == "owning_word":
        return owning_word_air, description
    if name == "path":
        return path_air, description, program
    return (_PLAIN[name],)


_OF_SEGMENTS = {
    "pedersen": pedersen.pedersen,
    "ecdsa": products.ecdsa,
    "ec_op": products.ec_op,
    "keccak": keccak.keccak,
    "poseidon": poseidon,
}
_PLAIN = {
    "instruction": machine.instruction,
    "generic": machine.generic,
    "cell": memory.cell,
    "byte": lookup.byte,
    "word16": lookup.word16,
    "word12": lookup.word12,
    "nibble_and": lookup.nibble_and,
    "byte_and": lookup.byte_and,
    "pedersen_points": pedersen.points,
    "keccak_rounds": keccak.rounds,
    "keccak_chunks": keccak.chunks,
    "keccak_bytes": keccak.spread_bytes,
    "add_mod": modular.add_mod,
    "mul_mod": modular.mul_mod,
    "opcode_extension": extensions.opcode_extension,
    "qm31": extensions.qm31,
    "blake": extensions.blake,
    "blake_word": extensions.blake_word,
    "blake_mix": extensions.blake_mix,
    "blake_schedule": extensions.blake_schedule,
}
_OWN_BUSES = {"instruction": buses.INSTRUCTION, **{name: bus for bus, names in PROVIDERS.items() for name in names}}
