"""What is read has one encoding, and what is not in that form is refused (sections 1, 9, 10 and 11)."""

import unittest
from random import Random

from cairn_verifier.cells import read_cells
from cairn_verifier.derived.kinds import NO_OPERAND, OwningWord, Path, Word
from cairn_verifier.errors import Refused
from cairn_verifier.field import P, decode, encode
from cairn_verifier.kinds import BitwiseRow, Kind, Range, RangeRow
from cairn_verifier.reader import Reader

from .claims import cell_bytes


def path_bytes(pc=7, steps=3, frame=b"\x00", outcomes=(0, b""), targets=(), returns=(), owned=b""):
    """The description of a path."""
    data = pc.to_bytes(4, "little") + steps.to_bytes(2, "little") + frame
    data += outcomes[0].to_bytes(2, "little") + outcomes[1]
    for entries in (targets, returns):
        data += len(entries).to_bytes(2, "little") + b"".join(entry.to_bytes(4, "little") for entry in entries)
    return data + len(owned).to_bytes(2, "little") + owned


class Encodings(unittest.TestCase):
    def test_elements(self):
        for value in (0, 1, P - 1, 1 << 250):
            self.assertEqual(decode(encode(value)), value)
            number = int.from_bytes(encode(value), "little")
            if number + P < 1 << 256:
                with self.assertRaises(Refused):
                    decode((number + P).to_bytes(32, "little"))

    def test_cells(self):
        random = Random(5)
        values = [0, 191, 192, 255, 256, P - 1, P - 191, P - 192, (P - 1) // 2, (P + 1) // 2, 1 << 128]
        values += [random.randrange(1 << random.randrange(1, 251)) for _ in range(200)]
        for value in values + [P - value for value in values if value]:
            reader = Reader(cell_bytes(value))
            self.assertEqual((read_cells(reader, 1), reader.left()), ([value], 0))

    def test_rows_of_cells(self):
        values = [0, 1, 191, 192, 1, P - 1, P - 1, 7, 1 << 249, 3, 4]
        data = b"".join(map(cell_bytes, values))
        for count in range(len(values) + 1):
            reader = Reader(data)
            self.assertEqual(read_cells(reader, count), values[:count])
            self.assertEqual(reader.left(), len(b"".join(map(cell_bytes, values[count:]))))
        with self.assertRaises(Refused):
            read_cells(Reader(data), len(values) + 1)

    def test_cells_of_another_form(self):
        for data in (
            bytes([192, 191]),
            bytes([193, 200, 0]),
            bytes([224, 0]),
            bytes([225, 1, 0]),
            bytes([223]) + ((P + 1) // 2).to_bytes(32, "little"),
            bytes([255]) + ((P + 1) // 2).to_bytes(32, "little"),
            bytes([223]) + b"\xff" * 32,
            bytes([192]),
            b"",
        ):
            with self.assertRaises(Refused, msg=data.hex()):
                read_cells(Reader(data), 1)

    def test_paths(self):
        frame = b"\x01" + (-3).to_bytes(4, "little", signed=True)
        data = path_bytes(7, 40, frame, (3, b"\x05"), (17,), (0, 1 << 31), b"\x00\x01\x01\x02")
        wanted = Path(7, 40, -3, (True, False, True), (17,), (0, 1 << 31), (0, 1, 1, 2))
        reader = Reader(data)
        self.assertEqual((Path.read(reader), reader.left()), (wanted, 0))
        for length in range(len(data)):
            with self.assertRaises(Refused):
                Path.read(Reader(data[:length]))

    def test_paths_that_are_refused(self):
        for data in (
            path_bytes(steps=0),
            path_bytes(steps=257),
            path_bytes(frame=b"\x02"),
            path_bytes(outcomes=(3, b"\x08")),
            path_bytes(outcomes=(257, bytes(33))),
            path_bytes(targets=[1] * 257),
            path_bytes(returns=[1] * 257),
            path_bytes(returns=[4, 0]),
            path_bytes(owned=b"\x02"),
            path_bytes(owned=b"\x01\x03"),
            path_bytes(owned=bytes(1025)),
        ):
            with self.assertRaises(Refused, msg=data[:40].hex()):
                Path.read(Reader(data))

    def test_order_of_paths(self):
        """No frame before any, signed frames, lists before those that they begin."""
        low = b"\x01" + (-1).to_bytes(4, "little", signed=True)
        listed = [
            path_bytes(pc=6, steps=200),
            path_bytes(steps=9),
            path_bytes(steps=1, frame=low),
            path_bytes(steps=1, frame=b"\x01" + bytes(4)),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(1, b"\x00")),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(2, b"\x00")),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(1, b"\x01")),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(1, b"\x01"), returns=[1]),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(1, b"\x01"), returns=[1 << 31]),
            path_bytes(steps=1, frame=b"\x01" + bytes(4), outcomes=(1, b"\x01"), targets=[256]),
        ]
        kinds = [Kind(Reader(b"\x05" + data)) for data in listed]
        self.assertEqual(sorted(kinds, key=lambda kind: kind.order), kinds)

    def test_owning_words(self):
        """A word, an operand, and owned cells as those of paths."""
        for data, wanted in (
            (b"\x0a\x48\x00\x00\x01\x00\x01\x00\x01", OwningWord(0x480A, 0, 0, (1,))),
            (b"\x04\x11\x00\x03\x02\x00\x02\x00\x01\x01", OwningWord(0x1104, 0, NO_OPERAND, (1, 1))),
            (b"\x07\x04\x00\x03\x04\x00\x02\x00\x00\x01", OwningWord(0x0407, 0, NO_OPERAND, (0, 1, 0, 0))),
        ):
            reader = Reader(data)
            self.assertEqual((OwningWord.read(reader), reader.left()), (wanted, 0))
            for length in range(len(data)):
                with self.assertRaises(Refused):
                    OwningWord.read(Reader(data[:length]))
        for data in (
            b"\x0a\x48\x03\x00\x01\x00\x01\x00\x01",
            b"\x0a\x48\x00\x04\x01\x00\x01\x00\x01",
            b"\x0a\x48\x00\x00\x00\x00\x00\x00",
            b"\x0a\x48\x00\x00\x01\x00\x01\x00\x02",
            b"\x0a\x48\x00\x00\x01\x00\x01\x00\x00",
            b"\x0a\x48\x00\x00\x01\x00\x02\x00\x01\x01",
            b"\x0a\x48\x00\x00" + (4097).to_bytes(2, "little") + bytes(2),
        ):
            with self.assertRaises(Refused, msg=data[:20].hex()):
                OwningWord.read(Reader(data))
        listed = [
            b"\x04\x11\x00\x03\x01\x00\x01\x00\x01",
            b"\x0a\x48\x00\x03\x01\x00\x01\x00\x01",
            b"\x0a\x48\x00\x00\x01\x00\x00\x00",
            b"\x0a\x48\x00\x00\x02\x00\x00\x00",
            b"\x0a\x48\x00\x00\x01\x00\x01\x00\x01",
            b"\x0a\x48\x00\x02\x01\x00\x00\x00",
            b"\x0a\x48\x01\x03\x01\x00\x00\x00",
        ]
        kinds = [Kind(Reader(b"\x14" + data)) for data in listed]
        self.assertEqual(sorted(kinds, key=lambda kind: kind.order), kinds)

    def test_words_and_ranges(self):
        self.assertEqual(Word.read(Reader(b"\x0a\x48\x02")), Word(0x480A, 2))
        with self.assertRaises(Refused):
            Word.read(Reader(b"\x0a\x48\x03"))

        def read(bits, width, offset):
            return Range.read(Reader(bytes([bits, width]) + offset.to_bytes(16, "little")))

        for bits, width, offset in ((16, 20, 5), (8, 128, 0), (12, 1, 2**128 - 2), (16, 127, 2**127)):
            self.assertEqual(read(bits, width, offset), Range(bits, width, offset))
        for bits, width, offset in ((10, 20, 5), (8, 0, 0), (8, 129, 0), (8, 128, 1), (12, 1, 2**128 - 1)):
            with self.assertRaises(Refused):
                read(bits, width, offset)

    def test_bitwise_rows(self):
        """Limbs of 4 and 8 bits, perhaps numbers of five cells, counted from 2 on in order."""
        for data in (b"\x04\x01\x00", b"\x04\x3f\x00", b"\x08\x20\x00", b"\x08\x04\x01\x01\x02\x02\x03\x00"):
            row = BitwiseRow.read(Reader(data))
            self.assertEqual(row, BitwiseRow(data[0], data[1], tuple(data[3:])))
        for data in (b"\x04\x00\x00", b"\x04\x40\x00", b"\x08\x21\x00", b"\x05\x04\x00", b"\x08\x04\x02"):
            with self.assertRaises(Refused):
                BitwiseRow.read(Reader(data))
        for owned in (b"\x03\x00\x00\x00\x00", b"\x02\x04\x03\x00\x00", b"\x01\x01\x01\x01\x03"):
            with self.assertRaises(Refused):
                BitwiseRow.read(Reader(b"\x08\x04\x01" + owned))
        order = [b"\x04\x3f\x00", b"\x08\x01\x00", b"\x08\x01\x01" + bytes(5), b"\x08\x01\x01\x01" + bytes(4)]
        kinds = [Kind(Reader(b"\x35" + data)) for data in order]
        self.assertEqual(sorted(kinds, key=lambda kind: kind.order), kinds)

    def test_range_rows(self):
        """One to sixteen cells, each a range and a number, counted from 2 on in order."""

        def cell(bits, width, uses):
            return bytes([bits, width]) + bytes(16) + bytes([uses])

        def row(*uses):
            return bytes([len(uses)]) + b"".join(cell(12, 12, number) for number in uses)

        self.assertEqual(RangeRow.read(Reader(b"\x02" + cell(8, 128, 1) + cell(16, 40, 2))).cells,
                         ((8, 128, 0, 1), (16, 40, 0, 2)))
        for uses in ((0,), (1,), (2, 2, 3), (1,) * 16, (0, 2, 1, 3, 2)):
            self.assertEqual(len(RangeRow.read(Reader(row(*uses))).cells), len(uses))
        for uses in ((), (1,) * 17, (3,), (2, 4), (1, 255), (3, 2)):
            with self.assertRaises(Refused):
                RangeRow.read(Reader(row(*uses)))
        with self.assertRaises(Refused):
            RangeRow.read(Reader(b"\x01" + cell(13, 12, 1)))
        kinds = [Kind(Reader(b"\x1a" + row(*uses))) for uses in ((0, 1), (1,), (1, 0), (1, 1), (1, 1, 0), (2,))]
        self.assertEqual(sorted(kinds, key=lambda kind: kind.order), kinds)

    def test_kinds(self):
        plain = {1, 2, 3, *range(6, 19), *range(32, 38), *range(48, 53), 54, *range(64, 72), *range(80, 86)}
        for byte in range(256):
            if byte in plain:
                self.assertEqual(Kind(Reader(bytes([byte]))).form.byte, byte)
            else:
                with self.assertRaises(Refused):
                    Kind(Reader(bytes([byte])))
