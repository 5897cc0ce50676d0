"""The tables are those of `docs/TABLES.md`: same columns, and on random rows the same values of all that is listed."""

import re
import unittest
from random import Random

from cairn_verifier import buses
from cairn_verifier.expressions import Row
from cairn_verifier.field import P
from cairn_verifier.kinds import _FORMS, BITWISES
from cairn_verifier.tables import extensions, keccak, lookup, machine, memory, modular, pedersen, products
from cairn_verifier.tables.bitwise import bitwise, bitwise_row
from cairn_verifier.tables.poseidon import poseidon
from cairn_verifier.tables.range_check import CHECKS_96, range_check, range_check96, range_row, value_range

from .cases import REPOSITORY

BUILTIN = (1000, 1640)
"""The segment that the page takes for builtins."""


def airs():
    """All tables with the page's stand-ins, in its order."""
    yield memory.memory(1)
    yield from (machine.instruction(), machine.generic(), memory.cell())
    yield from (lookup.byte(), lookup.word16(), lookup.word12(), lookup.nibble_and())
    yield from (range_check(bits, *BUILTIN) for bits in (8, 12, 16))
    yield value_range(16, 20, 5)
    yield from (bitwise(name, *BUILTIN) for name in BITWISES)
    yield from (pedersen.pedersen(*BUILTIN), pedersen.points())
    yield from (products.ecdsa(*BUILTIN), products.ec_op(*BUILTIN))
    yield from map(products.product, products.PRODUCT_BUSES)
    yield from (keccak.keccak(*BUILTIN), keccak.rounds(), keccak.chunks(), keccak.spread_bytes())
    yield poseidon(*BUILTIN)
    yield from (range_check96(name, *BUILTIN) for name in CHECKS_96)
    yield from (modular.add_mod(), modular.mul_mod())
    yield from map(modular.word96, modular.WORDS_96)
    yield from (extensions.opcode_extension(), extensions.qm31(), extensions.blake())
    yield from (extensions.blake_word(), extensions.blake_mix(), extensions.blake_schedule())
    yield from (bitwise_row(4, 2, (1, 1, 2, 3, 0)), bitwise_row(8, 2, ()), bitwise_row(8, 32, ()))
    yield lookup.byte_and()
    wide = 2**128 - 2**120
    yield range_row(((12, 12, 0, 1), (16, 120, wide, 2), (16, 128, 0, 0), (8, 7, 5, 2)))
    yield range_row(((16, 128, 0, 1),))


def sections():
    """The page's text by table."""
    parts = (REPOSITORY / "docs/TABLES.md").read_text().split("\n## ")[1:]
    return dict(part.split("\n", 1) for part in parts)


def rows_of(text, head):
    """The cells of the table that begins with `head`, code marks and bars removed."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(head):
            break
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]


class Names(dict):
    """What the names in an expression stand for."""

    def __init__(self, air, row):
        super().__init__()
        for index, name in enumerate(air.columns):
            self[name], self[name + "'"] = row.this[index], row.following[index]
        for index, value in enumerate(row.periodic):
            self[f"p{index}"] = value

    def value(self, text):
        """An expression's value: names replaced, and the rest is arithmetic."""
        text = re.sub(r"\b[a-z]\w*(\[\d+\])*'?", lambda match: str(self[match.group()]), text.replace("·", "*"))
        assert re.fullmatch(r"([\d\s()+*-]|\b0x[0-9a-f]+\b)*", text), text
        return eval(text, {"__builtins__": {}}) % P  # noqa: S307


def _split(text):
    """The entries of a tuple, without its brackets."""
    entries, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            entries.append(text[start:place])
            start = place + 1
    return entries + [text[start:]]


DERIVED = ("word", "owning_word", "path")


class TablesDocument(unittest.TestCase):
    def setUp(self):
        self.random = Random(3)

    def row(self, air):
        """A random row, next row and place in the periods."""
        numbers = [[self.random.randrange(P) for _ in air.columns] for _ in range(2)]
        place = self.random.randrange(1 << 10)
        return Row(*numbers, [values[place % len(values)] for values in air.periods])

    def test_all_are_there(self):
        self.assertEqual([air.name for air in airs()], list(sections()))

    def test_order(self):
        """The page has the order of tables in a layout, but for the derived ones, which it does not list."""
        names = [re.sub(r"^(range|bitwise row|range row) of .*", r"\1", name).replace(" ", "_") for name in sections()]
        names = list(dict.fromkeys(names))
        self.assertEqual([form.name for form in _FORMS if form.name not in DERIVED], names)

    def test_columns(self):
        for air in airs():
            text = sections()[air.name]
            listed = re.search(r"^Columns: (.*)\.$", text, re.M).group(1).split(", ")
            self.assertEqual(air.columns, listed)
            periods = re.findall(r"^Periodic column p\d+: ([^.(]*?)(?:, … \((\d+) values\))?\.$", text, re.M)
            self.assertEqual(len(periods), len(air.periods))
            for (values, length), period in zip(periods, air.periods):
                values = [int(value, 0) % P for value in values.split(", ")]
                self.assertEqual(values, period[: len(values)])
                self.assertEqual(int(length or len(values)), len(period))

    def test_constraints(self):
        for air in airs():
            listed = list(rows_of(sections()[air.name], "| constraint"))
            self.assertEqual([rows for rows, _ in air.constraints], [rows for _, rows, _ in listed], air.name)
            for _ in range(8):
                row = self.row(air)
                names = Names(air, row)
                for (_, value), (name, _, text) in zip(air.constraints, listed):
                    self.assertEqual(value.at(row), names.value(text), f"{air.name}: {name}")

    def test_interactions(self):
        numbers = {name.lower(): number for name, number in vars(buses).items() if name.isupper()}
        for air in airs():
            listed = list(rows_of(sections()[air.name], "| interaction"))
            self.assertEqual([item.bus for item in air.interactions], [numbers[bus] for _, bus, _, _ in listed])
            for _ in range(8):
                row = self.row(air)
                names = Names(air, row)
                for item, (name, _, multiplicity, entries) in zip(air.interactions, listed):
                    self.assertEqual(item.multiplicity.at(row), names.value(multiplicity), f"{air.name}: {name}")
                    wanted = [names.value(entry) for entry in _split(entries[1:-1])]
                    self.assertEqual([entry.at(row) for entry in item.entries], wanted, f"{air.name}: {name}")
