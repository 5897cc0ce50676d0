"""The command: what it prints, and its exit codes; no file gives a traceback."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from random import Random

from .cases import BATCHES, FIXTURES, PROVER, REPOSITORY

PROGRAM = REPOSITORY / "programs/fixtures/bench/fib_tiny.json"
PROOF = FIXTURES / "fib_tiny.v6.proof"
SUMS = REPOSITORY / "programs/fixtures/cairo2/sum_array.executable.json"
SUMS_PROOF = BATCHES.parent / "sum_array.v7.proof"
SUMS_RUNS = "[[1, 2, 3]]\n\n[[]]\n[[7]]\n"


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

    def of_runs(self, text):
        """Of the batch of sums, with arguments from a file."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "runs.jsonl"
            file.write_bytes(text)
            return verify(SUMS_PROOF, SUMS, "--batch", file, prover="00" * 32)

    def test_several_runs(self):
        code, out, err = self.of_runs(SUMS_RUNS.encode())
        self.assertEqual((code, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0], "verified: 3 runs, 233 steps")
        self.assertIn("101.1 bits of security conjectured", lines[1])
        wanted = ["run 0: 111 steps, 2 output values", "0x6", "0x3", "run 1: 51 steps, 2 output values", "0x0", "0x0"]
        self.assertEqual(lines[2:], wanted + ["run 2: 71 steps, 2 output values", "0x7", "0x1"])
        for text in ("[[1, 2, 3]]", "[[]]\n[[1, 2, 3]]\n[[7]]", SUMS_RUNS + "[[7]]"):
            code, out, err = self.of_runs(text.encode())
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(err, "^refused: ")
        for text in (b"", b"\n", b"[1]\n{}", b"[1]\n[0.5]", b"\xff", b"[1]\n" * 4097):
            code, out, err = self.of_runs(text)
            self.assertEqual((code, out), (2, ""))
            self.assertRegex(err, "^error: ")
            self.assertNotIn("Traceback", err)

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
            verify(PROOF, PROGRAM, "--batch", "there/is/none"),
            verify(PROOF, PROGRAM, "--batch", PROGRAM, "--args", "[]"),
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
