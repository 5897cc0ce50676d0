"""The command: what it prints, and its exit codes; no file gives a traceback."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from random import Random

from .cases import FIXTURES, PROVER, REPOSITORY

PROGRAM = REPOSITORY / "programs/fixtures/bench/fib_tiny.json"
PROOF = FIXTURES / "fib_tiny.v6.proof"


def command(*arguments):
    """Runs it; exit code, standard output, standard error."""
    full = [sys.executable, "-m", "cairn_verifier", *map(str, arguments)]
    done = subprocess.run(full, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return done.returncode, done.stdout, done.stderr


def verify(proof=PROOF, program=PROGRAM, *more, prover=PROVER.hex()):
    return command(proof, "--program", program, "--prover", prover, *more)


class Command(unittest.TestCase):
    def test_accepted(self):
        code, out, err = verify()
        self.assertEqual((code, err), (0, ""))
        self.assertIn("91 steps", out)
        self.assertIn("101.1 bits of security conjectured, 59.9 proven", out)
        self.assertEqual(out.splitlines()[-1], "0xe9")

    def test_refused(self):
        for code, out, err in (
            verify(PROOF, PROGRAM, "--args", "[1]"),
            verify(prover="00" * 32),
            verify(PROOF, PROGRAM, "--min-conjectured-bits", "102"),
            verify(PROOF, PROGRAM, "--min-proven-bits", "60"),
            verify(PROOF, PROGRAM, "--max-steps", "90"),
            verify(PROOF, PROGRAM, "--max-bytes", "1000"),
            verify(FIXTURES / "primes_2p14.v6.proof"),
            verify(PROGRAM),
        ):
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(err, r"^refused: .+\n$")

    def test_unusable(self):
        for code, out, err in (
            verify("there/is/none"),
            verify(PROOF, "there/is/none"),
            verify(PROOF, PROOF),
            verify(PROOF, PROGRAM, "--args", "{}"),
            verify(PROOF, PROGRAM, "--args", "[0.5]"),
            verify(PROOF, PROGRAM, "--args", "[true]"),
            verify(PROOF, PROGRAM, "--args", "[" * 3),
            verify(PROOF, PROGRAM, "--args", "[" * 50_000 + "]" * 50_000),
            verify(PROOF, PROGRAM, "--args", "[" + "1" * 10_000 + "]"),
            verify(prover="5a"),
            verify(PROOF, PROGRAM, "--max-steps", "many"),
            command(),
        ):
            self.assertEqual((code, out), (2, ""))
            self.assertRegex(err, "error: ")
            self.assertNotIn("Traceback", err)

    def test_programs_that_are_none(self):
        random = Random(4)
        texts = ["", "[]", "{}", '{"data": [], "builtins": []}', '{"data": 1, "builtins": ["output"]}', "CAIRNREC"]
        texts += ['{"data": ["0x10"], "builtins": ["output"]}', '{"entrypoints": []}', '{"entrypoints": [{}]}', "null"]
        whole = PROGRAM.read_text()
        texts += [whole[: random.randrange(len(whole))] for _ in range(3)]
        with tempfile.TemporaryDirectory() as folder:
            for text in texts:
                file = Path(folder) / "program"
                file.write_text(text)
                code, out, err = verify(PROOF, file)
                self.assertEqual((code, out), (2, ""), text[:50])
                self.assertRegex(err, "^error: ")
                self.assertNotIn("Traceback", err)
