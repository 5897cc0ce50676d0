"""Programs and arguments as people have them: files of the compilers, program records, JSON.

No part of the protocol, except where Cairo 2 programs hold their arguments (section 8)."""

import json

from .errors import Refused
from .field import P
from .instruction import split_flags
from .program import BUILTINS, Program, ProgramError
from .reader import Reader

_CALL = 2
_RECORD = b"CAIRNREC"
_RECORD_VERSION = 1
_RECORD_BUILTINS = tuple(BUILTINS)


def load_program(data):
    """The program in a file of `cairo-compile --proof_mode`, a Cairo 2 executable or a program record."""
    if data.startswith(_RECORD):
        return _record(data)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"the program is not JSON: {error}") from None
    try:
        if "entrypoints" in content:
            return _cairo2(content)
        return Program(list(map(element, content["data"])), list(content["builtins"]))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ProgramError(f"the file is no compiled program: {type(error).__name__} {error}") from None


def element(value):
    """An integer, or a decimal or hexadecimal string, as an element; negative ones count from `P`."""
    try:
        number = int(value, 16 if "0x" in value.lower() else 10) if isinstance(value, str) else value
    except ValueError:
        raise ProgramError(f"{value!r} is no integer") from None
    if isinstance(number, bool) or not isinstance(number, int):
        raise ProgramError(f"{value!r} is no integer")
    if not -P < number < P:
        raise ProgramError(f"{value!r} is no element of the field")
    return number % P


def load_arguments(text):
    """A JSON list of elements; a list within it stands for its length and then its elements."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"the arguments are not JSON: {error}") from None
    if not isinstance(content, list):
        raise ProgramError("the arguments are no JSON list; give them in the order in which the program takes them")
    return [value for entry in content for value in _flat(entry)]


def load_runs(data):
    """The arguments of several runs: a list as `load_arguments` takes it in each line that is not blank."""
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError as error:
        raise ProgramError(f"the arguments are no text: {error}") from None
    runs = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                runs.append(load_arguments(line))
            except ProgramError as error:
                raise ProgramError(f"line {number}: {error}") from None
    return runs


def _flat(entry):
    if not isinstance(entry, list):
        return [element(entry)]
    return [len(entry)] + [value for inner in entry for value in _flat(inner)]


def _record(data):
    """A record as distributors keep them (`docs/API.md`)."""
    reader = Reader(data[len(_RECORD) :])
    try:
        if reader.number(4) != _RECORD_VERSION:
            raise ProgramError("a program record of another version")
        numbers = [reader.number(1) for _ in range(reader.number(1))]
        pointer_offset = reader.number(4) if reader.flag("the argument binding") else None
        words = [reader.big_endian() for _ in range(reader.number(4))]
    except Refused as error:
        raise ProgramError(f"the program record cannot be read: {error}") from None
    if reader.left() or not all(number < len(_RECORD_BUILTINS) for number in numbers):
        raise ProgramError("the program record cannot be read")
    return Program(words, [_RECORD_BUILTINS[number] for number in numbers], pointer_offset)


def _cairo2(content):
    entries = content["entrypoints"]
    entry = next((entry for entry in entries if entry["kind"] == "Standalone" and entry["offset"] == 0), None)
    if entry is None:
        raise ProgramError("the executable has no standalone entry point")
    words = list(map(element, content["program"]["bytecode"]))
    builtins = list(entry["builtins"])
    Program(words, builtins)
    written = [
        (pc, hint["WriteRunParam"])
        for pc, hints in content["program"]["hints"]
        for hint in hints
        if isinstance(hint, dict) and "WriteRunParam" in hint
    ]
    if len(written) != 1:
        raise ProgramError(f"{len(written)} hints read arguments; there must be one")
    return Program(words, builtins, _pointer_offset(words, len(builtins), *written[0]))


def _pointer_offset(words, n_builtins, hint_pc, hint):
    """How far above the initial `ap` the start of the arguments stands: where the one hint that reads them writes. Up to
    it the entry wrapper runs straight on and adds only constants to `ap`."""
    frame = n_builtins + 2
    ap, pc = frame, _CALL + words[_CALL + 1]
    while pc < hint_pc:
        flag = split_flags(words[pc] >> 48)
        if flag.pc_abs or flag.pc_rel or flag.pc_jnz or flag.call or flag.ret:
            raise ProgramError("the entry wrapper jumps before it reads its arguments")
        if flag.ap_add_res and (not flag.op1_imm or flag.res_add or flag.res_mul):
            raise ProgramError("the entry wrapper adds to ap what is no constant")
        ap += words[pc + 1] if flag.ap_add_res else flag.ap_add1
        pc += 1 + flag.op1_imm
    offset = (ap if hint["dst"]["register"] == "AP" else frame) + hint["dst"]["offset"]
    if pc != hint_pc or not frame <= offset < 1 << 32:
        raise ProgramError("the hint that reads the arguments does not stand in the entry wrapper")
    return offset
