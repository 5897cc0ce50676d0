"""Sections 8 and 11: what a proof claims of the run."""

from .errors import require
from .program import BUILTINS, FINAL_PC

MOST_STEPS = 1 << 40
MOST_OUTPUT = 1 << 20
MOST_FETCHES = 1 << 10


class Claim:
    """Steps, final `ap`, end of the owned cells, the builtins' segments, start of the arguments, output, fetches."""

    def __init__(self, reader):
        self.steps = reader.number(8)
        self.final_ap = reader.number(4)
        self.owned_end = reader.number(4)
        n_segments = reader.count(8, len(BUILTINS), "segments")
        self.segments = [(reader.number(4), reader.number(4)) for _ in range(n_segments)]
        has_start = reader.flag("the start of the arguments")
        start = reader.number(4)
        require(has_start or start == 0, "a start of arguments that is none")
        self.arguments_start = start if has_start else None
        self.output = [reader.big_endian() for _ in range(reader.count(8, MOST_OUTPUT, "output values"))]
        self.fetches = [(reader.number(4), reader.number(4)) for _ in range(reader.count(8, MOST_FETCHES, "fetches"))]

    def segment(self, program, name):
        """Base and stop of a builtin; an empty segment if the program has no such builtin."""
        return dict(zip(program.builtins, self.segments)).get(name, (0, 0))

    def check(self, statement, memory_end):
        """Section 11, step 3."""
        program = statement.program
        require(1 <= self.steps <= MOST_STEPS, "a number of steps out of bounds")
        require(program.initial_ap <= memory_end, "the program reaches beyond the memory")
        least_ap = program.initial_ap + 2 * len(program.builtins)
        require(least_ap <= self.final_ap <= memory_end, "a final ap out of bounds")
        require(self.owned_end >= 1, "the end of the owned cells is 0")
        require(len(self.segments) == len(program.builtins), "not one segment a builtin")
        for name, (base, stop) in zip(program.builtins, self.segments):
            require(0 < base <= stop <= memory_end, f"the segment of {name} is out of bounds")
            require((stop - base) % BUILTINS[name] == 0, f"the segment of {name} ends within an instance")
        base, stop = self.segment(program, "output")
        require(len(self.output) == stop - base, "the output is not as long as its segment")
        statement.check_output(self.output)
        self._check_arguments(statement, memory_end)
        self._check_fetches(program)

    def _check_arguments(self, statement, memory_end):
        start = self.arguments_start
        takes_pointers = statement.program.pointer_offset is not None
        require((start is not None) == takes_pointers, "a start of arguments for Cairo 0, or none for Cairo 2")
        if takes_pointers:
            pointers_end = statement.program.initial_ap + statement.program.pointer_offset + 2
            arguments_end = start + len(statement.arguments)
            require(max(pointers_end, arguments_end) <= memory_end, "the arguments reach beyond the memory")

    def _check_fetches(self, program):
        previous = 0
        for pc, count in self.fetches:
            require(pc > previous, "the fetches are not ascending")
            fetched = pc != FINAL_PC and program.instruction(pc) is not None
            require(fetched, f"a fetch of what is no instruction at {pc}")
            require(count >= 1, f"a fetch at {pc} that never happens")
            previous = pc
