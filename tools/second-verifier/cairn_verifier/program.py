"""Section 8: programs, statements and their hashes."""

from blake3 import blake3

from .field import big_endian
from .instruction import decode
from .transcript import length_prefixed

BUILTINS = {
    "output": 1, "pedersen": 3, "range_check": 1, "ecdsa": 2, "bitwise": 5, "ec_op": 7,
    "keccak": 16, "poseidon": 6, "range_check96": 1, "add_mod": 7, "mul_mod": 7,
}  # fmt: skip
"""The builtins that there are, in canonical order, and how many cells an instance has."""

FIRST_ADDRESS = 1
FINAL_PC = 5
MOST_WORDS = 1 << 20
MOST_RUNS = 1 << 12
_PROGRAM_CONTEXT = "cairn program identity v1"
_ONE_RUN_CONTEXT = "cairn arguments v1"
_RUNS_CONTEXT = "cairn arguments v2"
_HEADER = (0x40780017FFF7FFF, None, 0x1104800180018000, None, 0x10780017FFF7FFF, 0)


class ProgramError(Exception):
    """The program or the arguments are no such thing. That is no fault of a proof."""


class Program:
    """The words, the builtins in canonical order, and for Cairo 2 the offset of the argument pointers (else `None`)."""

    def __init__(self, words, builtins, pointer_offset=None):
        known = [name for name in BUILTINS if name in builtins]
        if known != list(builtins):
            raise ProgramError(f"builtins must be some of {', '.join(BUILTINS)}, in this order, each once")
        if len(words) > MOST_WORDS:
            raise ProgramError(f"the program has {len(words)} words; there may be {MOST_WORDS}")
        header = _HEADER[:1] + (len(builtins),) + _HEADER[2:]
        fits = len(words) >= len(header)
        if not fits or any(word != wanted for word, wanted in zip(words, header) if wanted is not None):
            raise ProgramError("the program does not begin with ap += number of builtins; call main; jmp rel 0")
        self.words = list(words)
        self.builtins = list(builtins)
        self.pointer_offset = pointer_offset

    @property
    def end(self):
        """The address after the last word."""
        return FIRST_ADDRESS + len(self.words)

    @property
    def initial_ap(self):
        """`A` of the first run: the address after the header of its execution segment."""
        return self.end + 2

    def word(self, address):
        """The word at an address, or `None` outside the program."""
        return self.words[address - FIRST_ADDRESS] if FIRST_ADDRESS <= address < self.end else None

    def instruction(self, pc):
        """The instruction at `pc` and its immediate (0 without one), or `None` if there is none."""
        word = self.word(pc)
        instruction = None if word is None else decode(word)
        if instruction is None:
            return None
        immediate = self.word(pc + 1) if instruction.flag.op1_imm else 0
        return None if immediate is None else (instruction, immediate)

    def hash(self):
        """The program hash."""
        data = len(self.builtins).to_bytes(8, "little")
        data += b"".join(length_prefixed(name.encode()) for name in self.builtins)
        if self.pointer_offset is None:
            data += b"\x00"
        else:
            data += b"\x01" + self.pointer_offset.to_bytes(4, "little")
        data += len(self.words).to_bytes(8, "little") + b"".join(map(big_endian, self.words))
        return blake3(data, derive_key_context=_PROGRAM_CONTEXT).digest()


class Statement:
    """The verifier's record: program, the arguments (elements) of each run, and the prover's identity (32 bytes)."""

    def __init__(self, program, runs, prover):
        if not 1 <= len(runs) <= MOST_RUNS:
            raise ProgramError(f"a proof is about 1 to {MOST_RUNS} runs, not {len(runs)}")
        self.program = program
        self.runs = [list(arguments) for arguments in runs]
        self.prover = prover

    def hashes(self, several):
        """Program hash, arguments hash and identity, as the proof file has them; `several` as in `Claim`."""
        return self.program.hash() + self._arguments_hash(several) + self.prover

    def _arguments_hash(self, several):
        data = len(self.runs).to_bytes(8, "little") if several else b""
        for arguments in self.runs:
            data += len(arguments).to_bytes(8, "little") + b"".join(map(big_endian, arguments))
        return blake3(data, derive_key_context=_RUNS_CONTEXT if several else _ONE_RUN_CONTEXT).digest()
