"""The constants of curve and permutation make what others publish: hashes and states from StarkWare's test vectors."""

import unittest
from hashlib import sha3_256

from cairn_verifier.field import P
from cairn_verifier.tables import curve, keccak, poseidon

PEDERSEN = (
    0x3D937C035C878245CAF64531A5756109C53068DA139362728FEB561405371CB,
    0x208A0A10250E382E1E4BBE2880906C2791BF6275695E02FBBC6AEFF9CD8B31A,
    0x30E480BED5FE53FA909CC0F8C4D99B8F9F2C016BE4C41E13A4848797979C662,
)
POSEIDON_OF_ZEROS = (
    3446325744004048536138401612021367625846492093718951375866996507163446763827,
    1590252087433376791875644726012779423683501236913937337746052470473806035332,
    867921192302518434283879514999422690776342565400001269945778456016268852423,
)
ORDER = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F


def points():
    """(number, digit) and point of each row, for either input."""
    for number, digit, *coordinates in zip(*curve.pedersen_points()):
        yield 0, number, digit, tuple(coordinates[:2])
        yield 1, number, digit, tuple(coordinates[2:])


class Constants(unittest.TestCase):
    def test_points(self):
        listed = [curve.GENERATOR, curve.start(), curve.pedersen_start(), *(point for *_, point in points())]
        for point in listed:
            self.assertEqual(curve.on_curve(*point) % P, 0)

    def test_start(self):
        """The text is that of a number, and no smaller one has a point."""
        x = int.from_bytes(b"Cairn: products begin here", "big")
        for candidate in range(x, curve.start()[0]):
            self.assertIsNone(curve.square_root(curve.on_curve(candidate, 0) * -1 % P))
        self.assertEqual(curve.start()[1] % 2, 0)

    def test_square_roots(self):
        for value in range(1, 60):
            root = curve.square_root(value)
            if root is None:
                self.assertEqual(pow(value, (P - 1) // 2, P), P - 1)
            else:
                self.assertEqual(root * root % P, value)

    def test_sums_and_order(self):
        """`n − 1` times a point is its negative."""
        total, double = None, curve.GENERATOR
        for place in range(ORDER.bit_length()):
            if (ORDER - 1) >> place & 1:
                total = double if total is None else curve.added(total, double)
            double = curve.added(double, double)
        self.assertEqual(total, curve.negative(curve.GENERATOR))

    def test_pedersen(self):
        *inputs, wanted = PEDERSEN
        found = {}
        for operand, number, digit, point in points():
            self.assertEqual(found.setdefault((operand, number, digit), point), point)
        self.assertEqual(len(found), 2 * (62 * 16 + 9 + 1))
        total = curve.pedersen_start()
        for operand, value in enumerate(inputs):
            for place in reversed(range(curve.PLACES)):
                digit = value >> 4 * place & 15
                number = place + 2 * curve.PLACES * ((place, digit) == (curve.TOP_PLACE, 8))
                total = curve.added(total, found[operand, number, digit])
        self.assertEqual(total[0], wanted)

    def test_keccak(self):
        """SHA3-256 of nothing: one block, with `0x06` at its beginning and `0x80` at its end."""
        lanes = [[0] * 5 for _ in range(5)]
        lanes[0][0], lanes[3][1] = 0x06, 0x80 << 56

        def rotated(lane, offset):
            return (lane << offset | lane >> 64 - offset) % 2**64

        for constant in keccak.CONSTANTS:
            parity = [0] * 5
            for plane in lanes:
                parity = [total ^ lane for total, lane in zip(parity, plane)]
            moved = [[0] * 5 for _ in range(5)]
            for y, plane in enumerate(lanes):
                for x, lane in enumerate(plane):
                    lane ^= parity[x - 1] ^ rotated(parity[(x + 1) % 5], 1)
                    moved[(2 * x + 3 * y) % 5][y] = rotated(lane, keccak.OFFSETS[y][x])
            lanes = [[row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]) for x in range(5)] for row in moved]
            lanes[0][0] ^= constant
        digest = b"".join(lane.to_bytes(8, "little") for lane in lanes[0][:4])
        self.assertEqual(digest, sha3_256(b"").digest())

    def test_poseidon(self):
        state = [0, 0, 0]
        for number, keys in enumerate(poseidon.round_keys()):
            state = [(element + key) % P for element, key in zip(state, keys)]
            full = number < 4 or number >= 4 + 83
            state = [pow(element, 3, P) if full or place == 2 else element for place, element in enumerate(state)]
            state = poseidon.mixed(state)
        self.assertEqual(tuple(state), POSEIDON_OF_ZEROS)

    def test_table_keys(self):
        """The permutation with the table's keys is the same."""
        rows = poseidon.table_keys()
        partial = sum(rows[1:-1], [])
        self.assertEqual(partial.pop(), 0)
        self.assertEqual(rows[0][12:] + rows[-1][12:], [0] * 4)
        state = [0, 0, 0]

        def full_rounds(state, keys):
            for place in range(0, 12, 3):
                state = [pow(element + key, 3, P) for element, key in zip(state, keys[place : place + 3])]
                state = poseidon.mixed(state)
            return state

        state = full_rounds(state, rows[0])
        for key in partial:
            state = poseidon.mixed([*state[:2], pow(state[2] + key, 3, P)])
        self.assertEqual(tuple(full_rounds(state, rows[-1])), POSEIDON_OF_ZEROS)
