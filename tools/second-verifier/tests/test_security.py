"""The bits of security are those of `docs/SOUNDNESS.md`, section 6."""

import re
import unittest
from math import floor

from cairn_verifier.parameters import Parameters
from cairn_verifier.security import Size, conjectured_rounds, proven_rounds, security_bits

from .cases import REPOSITORY

PRESETS = {
    "bench-96": Parameters(1, 80, 18, 3),
    "default-100": Parameters(1, 84, 18, 3),
    "compact": Parameters(2, 42, 18, 3),
    "proven-100": Parameters(2, 83, 18, 3),
}
MIDDLE = Size(20, 2**27, 8, 2**10, 2**10, True)
LARGEST = Size(30, 2**44, 2**8, 2**20, 2**20, True)


def down(bits):
    """As the page rounds."""
    return floor(bits * 10) / 10


class Security(unittest.TestCase):
    def setUp(self):
        self.page = (REPOSITORY / "docs/SOUNDNESS.md").read_text()

    def test_presets(self):
        for name, parameters in PRESETS.items():
            row = re.search(rf"^\| `{name}` \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+)[^|]*\| ([\d.]+) ", self.page, re.M)
            blowup, queries, grinding = map(int, row.groups()[:3])
            self.assertEqual((2**parameters.log_blowup, *parameters[1:3]), (blowup, queries, grinding))
            bits = security_bits(parameters, MIDDLE)
            self.assertEqual(tuple(map(down, bits)), tuple(map(float, row.groups()[3:])))

    def test_rounds(self):
        """The page's table: bits of each round, proven / conjectured, of two presets at two sizes."""
        names = ("bus", "constraints", "out-of-domain point", "DEEP", "FRI folds", "queries", "hash")
        cases = [(PRESETS[name], size) for name in ("default-100", "proven-100") for size in (MIDDLE, LARGEST)]
        for place, name in enumerate(names):
            row = re.search(rf"^\| {name} \|((?: \**[\d.]+\** / \**[\d.]+\** \|){{4}})$", self.page, re.M)
            cells = [tuple(map(float, cell.split(" / "))) for cell in row.group(1).replace("*", "").split("|")[:4]]
            for (parameters, size), (proven, conjectured) in zip(cases, cells):
                self.assertAlmostEqual(proven_rounds(parameters, size, 1000)[place], proven, delta=0.1001)
                self.assertAlmostEqual(conjectured_rounds(parameters, size)[place], conjectured, delta=0.1001)
