"""Section 8: the public tuples of statement and claim, in order."""

from . import buses
from .program import FINAL_PC, FIRST_ADDRESS
from .public_tuple import provide, require
from .tables.modular import WALK_BUSES, WALK_ENTRIES


def public_tuples(statement, claim, layout):
    """All but the terms of the disclosed rows."""
    program = statement.program
    tuples = _states(program, claim) + _owned(program, claim)
    tuples += _instances(program, claim, layout) + _batches(program, claim)
    tuples += _cells(FIRST_ADDRESS, program.words)
    for run, arguments in zip(claim.runs, statement.runs):
        tuples += _header(program, run) + _builtins(program, run)
        tuples += _cells(run.part(program, "output")[0], run.output)
        tuples += _arguments(program, run, arguments)
    return tuples + _fetches(program, claim)


def _states(program, claim):
    tuples = []
    for clock, run in claim.clocks():
        start = run.initial_ap(program)
        tuples.append(provide(buses.STATE, FIRST_ADDRESS, start, start, clock))
        tuples.append(require(buses.STATE, FINAL_PC, run.final_ap, start, clock + run.steps))
    return tuples


def _owned(program, claim):
    tuples = [provide(buses.OWNED, 1), require(buses.OWNED, claim.owned_end)]
    base, stop = claim.segment(program, "range_check")
    if base < stop <= claim.owned_end:
        tuples += [require(buses.OWNED, base), provide(buses.OWNED, stop)]
        tuples += [provide(buses.RANGE, base), require(buses.RANGE, stop)]
    return tuples


def _instances(program, claim, layout):
    rows = layout.bitwise_rows()
    if not rows:
        return []
    base, stop = claim.segment(program, "bitwise")
    deed = [require(buses.OWNED, base), provide(buses.OWNED, stop)] if rows[0].owned else []
    return deed + [provide(buses.BITWISE, base), require(buses.BITWISE, stop)]


def _batches(program, claim):
    tuples = []
    for name, bus in WALK_BUSES.items():
        base, stop = claim.segment(program, name)
        if base < stop:
            rest = [0] * (WALK_ENTRIES - 1)
            tuples += [provide(bus, base, *rest), require(bus, stop, *rest)]
            # The last instance of a run, but for the last one of all, is the last of its batch.
            parts = [run.part(program, name) for run in claim.runs]
            tuples += [require(buses.MEMORY, end - 1, 1) for begin, end in parts if begin < end < stop]
    return tuples


def _cells(address, values):
    return [require(buses.MEMORY, address + place, value) for place, value in enumerate(values)]


def _header(program, run):
    start = run.initial_ap(program)
    return _cells(start - 2, [start, 0])


def _builtins(program, run):
    tuples, count = [], len(program.builtins)
    for place, (base, stop) in enumerate(run.segments):
        tuples.append(require(buses.MEMORY, run.initial_ap(program) + place, base))
        tuples.append(require(buses.MEMORY, run.final_ap - count + place, stop))
    return tuples


def _arguments(program, run, arguments):
    offset, start = program.pointer_offset, run.arguments_start
    if offset is None:
        return []
    pointers = [start, start + len(arguments)]
    return _cells(run.initial_ap(program) + offset, pointers) + _cells(start, arguments)


def _fetches(program, claim):
    tuples = []
    for pc, count in claim.fetches:
        instruction, immediate = program.instruction(pc)
        offsets = (instruction.off0, instruction.off1, instruction.off2)
        tuples.append(provide(buses.INSTRUCTION, pc, instruction.flags, *offsets, immediate, times=count))
    return tuples
