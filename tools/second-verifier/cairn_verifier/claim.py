"""Sections 8 and 11: what a proof claims of its runs."""

from .cells import read_cells
from .errors import require
from .program import BUILTINS, FINAL_PC, MOST_RUNS

MOST_STEPS = 1 << 40
MOST_OUTPUT = 1 << 20
MOST_FETCHES = 1 << 10


class RunClaim:
    """Of one run: offset, steps, final `ap`, its parts of the builtins' segments, start of the arguments, output."""

    def __init__(self, reader, offset, steps, final_ap, read_output):
        self.offset = offset
        self.steps = steps
        self.final_ap = final_ap
        n_segments = reader.count(8, len(BUILTINS), "segments")
        self.segments = [(reader.number(4), reader.number(4)) for _ in range(n_segments)]
        has_start = reader.flag("the start of the arguments")
        start = reader.number(4)
        require(has_start or start == 0, "a start of arguments that is none")
        self.arguments_start = start if has_start else None
        self.output = read_output()

    def initial_ap(self, program):
        """`A`: the address after the header of the run's execution segment."""
        return program.initial_ap + self.offset

    def part(self, program, name):
        """Base and stop of the run's part of a builtin's segment; an empty one if the program has no such builtin."""
        return dict(zip(program.builtins, self.segments)).get(name, (0, 0))

    def check(self, program, arguments, memory_end):
        """What section 11, step 3, says of each run by itself."""
        require(1 <= self.steps <= MOST_STEPS, "a number of steps out of bounds")
        initial_ap = self.initial_ap(program)
        require(initial_ap <= memory_end, "the program reaches beyond the memory")
        least_ap = initial_ap + 2 * len(program.builtins)
        require(least_ap <= self.final_ap <= memory_end, "a final ap out of bounds")
        require(len(self.segments) == len(program.builtins), "not one segment a builtin")
        for name, (base, stop) in zip(program.builtins, self.segments):
            require(0 < base <= stop <= memory_end, f"the segment of {name} is out of bounds")
            require((stop - base) % BUILTINS[name] == 0, f"the segment of {name} ends within an instance")
        base, stop = self.part(program, "output")
        require(len(self.output) == stop - base, "the output is not as long as its segment")
        self._check_arguments(program, arguments, memory_end)

    def _check_arguments(self, program, arguments, memory_end):
        start, offset = self.arguments_start, program.pointer_offset
        takes_pointers = offset is not None
        require((start is not None) == takes_pointers, "a start of arguments for Cairo 0, or none for Cairo 2")
        if takes_pointers:
            ends = (self.initial_ap(program) + offset + 2, start + len(arguments))
            require(max(ends) <= memory_end, "the arguments reach beyond the memory")
        else:
            begins = self.output[: len(arguments)] == arguments
            require(begins, "the output does not begin with the arguments")

    def check_follows(self, before, program):
        """That the run lies behind the one before: its execution segment anywhere above, its parts just there."""
        begin = self.initial_ap(program) - 2
        require(begin >= before.final_ap, "an execution segment begins below the final ap of the run before")
        for name, (_, end), (base, _) in zip(program.builtins, before.segments, self.segments):
            require(base == end, f"the part of {name} does not begin where that of the run before ends")


class Claim:
    """Of all runs: the end of the owned cells, what is claimed of each run, the fetches."""

    def __init__(self, reader, several):
        """`several` tells the form of version 7, for any number of runs, from that of version 6."""
        read = self._read_several if several else self._read_one
        self.owned_end, self.runs = read(reader)
        self.fetches = [(reader.number(4), reader.number(4)) for _ in range(reader.count(8, MOST_FETCHES, "fetches"))]

    @staticmethod
    def _read_one(reader):
        steps, final_ap, owned_end = reader.number(8), reader.number(4), reader.number(4)

        def read_output():
            return [reader.big_endian() for _ in range(reader.count(8, MOST_OUTPUT, "output values"))]

        return owned_end, [RunClaim(reader, 0, steps, final_ap, read_output)]

    @staticmethod
    def _read_several(reader):
        owned_end = reader.number(4)
        runs, left = [], MOST_OUTPUT

        def read_output():
            return read_cells(reader, reader.count(8, left, "output values"))

        for _ in range(reader.count(8, MOST_RUNS, "runs")):
            offset, steps, final_ap = reader.number(4), reader.number(8), reader.number(4)
            runs.append(RunClaim(reader, offset, steps, final_ap, read_output))
            left -= len(runs[-1].output)
        return owned_end, runs

    def segment(self, program, name):
        """Base and stop of a builtin: of the parts of all runs."""
        return self.runs[0].part(program, name)[0], self.runs[-1].part(program, name)[1]

    def clocks(self):
        """Each run with its first clock."""
        clock = 0
        for run in self.runs:
            yield clock, run
            clock += run.steps + 1

    def check(self, statement, memory_end):
        """Section 11, step 3."""
        program, count = statement.program, len(statement.runs)
        require(len(self.runs) == count, f"a proof of {len(self.runs)} runs, not of {count}")
        require(self.owned_end >= 1, "the end of the owned cells is 0")
        require(self.runs[0].offset == 0, "the first run's execution segment does not begin just behind the program")
        for run, arguments in zip(self.runs, statement.runs):
            run.check(program, arguments, memory_end)
        for before, run in zip(self.runs, self.runs[1:]):
            run.check_follows(before, program)
        require(sum(run.steps for run in self.runs) <= MOST_STEPS, "more steps in all than there may be")
        self._check_fetches(program)

    def _check_fetches(self, program):
        previous = 0
        for pc, count in self.fetches:
            require(pc > previous, "the fetches are not ascending")
            fetched = pc != FINAL_PC and program.instruction(pc) is not None
            require(fetched, f"a fetch of what is no instruction at {pc}")
            require(count >= 1, f"a fetch at {pc} that never happens")
            previous = pc
