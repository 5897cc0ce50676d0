"""Section 10, columns, constraints and interactions: the AIRs of words, owning words and paths."""

from .. import buses
from ..air import Air
from ..errors import require
from ..expressions import column
from ..instruction import Instruction, flags_fault, split_flags
from .kinds import FALLS_THROUGH, NO_OPERAND, OPEN
from .linear import Linear, linear
from .machine import Decisions, Machine, program_counter

MOST_COLUMNS = 256
_ENABLER = 0


class _Columns:
    """Numbers columns as they are made."""

    def __init__(self):
        self.count = 0

    def make(self):
        self.count += 1
        return Linear.column(self.count - 1)


def path_air(path, program):
    """The AIR of a path of this program."""
    columns = _Columns()
    columns.make()
    fp = columns.make()
    ap = columns.make() if path.frame is None else fp + path.frame
    clock = columns.make()
    decisions = Decisions(path.outcomes, path.targets, path.returns)
    machine = Machine(columns.count, program.word, linear(path.pc), ap, fp, decisions)
    for number in range(path.steps):
        pc = program_counter(machine.pc)
        decoded = program.instruction(pc)
        require(decoded is not None, f"a path meets no instruction at {pc}")
        instruction, immediate = decoded
        machine.step(instruction, linear(immediate), number + 1 == path.steps)
    decisions.check_used()
    name = f"path of {path.steps} steps from pc {path.pc}"
    if path.owned:
        name += f" with {len(path.owned)} cells"
    return _Derived(name, machine, (linear(path.pc), ap, fp), clock, path.steps).air(path.owned)


def word_air(word):
    """The AIR of an instruction word."""
    return _word(word, NO_OPERAND, None).air(())


def owning_word_air(word):
    """The AIR of an owning word."""
    flag = split_flags(word.flags)
    adds_immediate = flag.ap_add_res and flag.op1_imm and not (flag.res_add or flag.res_mul)
    derived = _word(word, word.operand, len(word.owned) if adds_immediate else None)
    derived.name = "owning " + derived.name
    if flag.ap_add_res:
        derived.name += f" over {len(word.owned)} cells"
    if word.operand != NO_OPERAND:
        derived.name += f" with {('dst', 'op0', 'op1')[word.operand]} at ap"
    return derived.air(word.owned)


def _word(word, operand, moved):
    """One step of any instruction with these flags, of which this operand is at `[ap]` and this is the immediate."""
    fault = flags_fault(word.flags)
    require(fault is None, f"a word with {fault}")
    flag = split_flags(word.flags)
    require(word.outcome == OPEN or flag.pc_jnz, "an outcome of what is no conditional jump")
    columns = _Columns()
    columns.make()
    fp, ap, clock, pc = (columns.make() for _ in range(4))
    fixed_offsets = list(_fixed_offsets(flag))
    if operand != NO_OPERAND:
        relative = (not flag.dst_fp, not flag.op0_fp, flag.op1_ap)[operand]
        require(relative and fixed_offsets[operand] is None, f"operand {operand} of {word.flags:#06x} cannot be at ap")
        fixed_offsets[operand] = 0
    offsets = [columns.make() if fixed is None else linear(fixed) for fixed in fixed_offsets]
    if moved is not None:
        immediate = linear(moved)
    else:
        immediate = columns.make() if flag.op1_imm else linear(0)
    decisions = Decisions([] if word.outcome == OPEN else [word.outcome != FALLS_THROUGH])
    machine = Machine(columns.count, lambda address: None, pc, ap, fp, decisions)
    machine.step(Instruction(word.flags, *offsets), immediate, True)
    suffix = ("", " (falls through)", " (jumps)")[word.outcome]
    derived = _Derived(f"word {word.flags:#06x}{suffix}", machine, (pc, ap, fp), clock, 1)
    derived.fetch = [pc, linear(word.flags), *offsets, immediate]
    return derived


def _fixed_offsets(flag):
    """For each offset its value where decoding fixes it or the instruction does not use it, else `None`."""
    uses_res = flag.assert_eq or flag.ap_add_res or flag.pc_abs or flag.pc_rel
    uses_op1 = uses_res or flag.pc_jnz
    uses_dst = flag.assert_eq or flag.pc_jnz
    from_op0 = not (flag.op1_imm or flag.op1_fp or flag.op1_ap)
    uses_op0 = (uses_op1 and from_op0) or (uses_res and (flag.res_add or flag.res_mul))
    off0 = 0 if flag.call else -2 if flag.ret else None if uses_dst else -1
    off1 = 1 if flag.call else None if uses_op0 else -1
    off2 = 1 if flag.op1_imm else -1 if flag.ret else None if uses_op1 else -1
    return off0, off1, off2


class _Derived:
    """A finished symbolic execution, made an AIR."""

    def __init__(self, name, machine, start, clock, steps):
        self.name, self.machine, self.start, self.clock, self.steps = name, machine, start, clock, steps
        self.fetch = None

    def air(self, owned):
        """The AIR; `owned` has the entries of the owned cells."""
        machine = self.machine
        inverses = [(pair, machine.new_column()) for pair in _pairs(machine.not_zero)]
        cells = self._own(owned)
        uses = [column(machine.new_column()) for _ in range(max(owned, default=0))]
        require(machine.n_columns <= MOST_COLUMNS, f"a derived table of {machine.n_columns} columns")
        air = Air(self.name)
        for number in range(machine.n_columns):
            air.column(f"column[{number}]")
        self._constrain(air, inverses)
        self._interact(air, owned, cells, uses)
        return air

    def _own(self, owned):
        """Makes the columns of owned cells; for each entry that is not 0 the entry, address and value."""
        if not owned:
            return []
        machine, memory, start = self.machine, self.machine.memory, self.start[1]
        require(machine.ap - start == linear(len(owned)), "not as many owned cells as ap moves over")
        addresses = [start + place for place in range(len(owned))]
        mine = set(addresses)
        memory.lookups = [(address, value) for address, value in memory.lookups if address not in mine]
        cells = []
        for entry, address in zip(owned, addresses):
            if not entry:
                continue
            value = memory.value_at(address)
            if value is None:
                value = Linear.column(machine.new_column())
            cells.append((entry, address, value))
        return cells

    def _constrain(self, air, inverses):
        machine = self.machine
        enabler = column(_ENABLER)
        air.constrain(enabler * (1 - enabler))
        for value in machine.memory.equations:
            air.constrain(value.expression())
        for (left, right), value in machine.products:
            air.constrain(left.expression() * right.expression() - value.expression())
        for dst, jumps in machine.open_jumps:
            air.constrain(dst.expression() * (1 - jumps.expression()))
        for pair, number in inverses:
            product = column(number)
            for factor in pair:
                product = factor.expression() * product
            air.constrain(product - 1)

    def _interact(self, air, owned, cells, uses):
        machine, enabler = self.machine, column(_ENABLER)

        def tuple_of(values):
            return [value.expression() for value in values]

        air.require(buses.STATE, enabler, *tuple_of((*self.start, self.clock)))
        end = (machine.pc, machine.ap, machine.fp, self.clock + self.steps)
        air.provide(buses.STATE, enabler, *tuple_of(end))
        if self.fetch is not None:
            air.require(buses.INSTRUCTION, enabler, *tuple_of(self.fetch))
        for look_up in machine.memory.lookups:
            air.require(buses.MEMORY, enabler, *tuple_of(look_up))
        for entry, address, value in cells:
            air.provide(buses.MEMORY, enabler * uses[entry - 1], *tuple_of((address, value)))
        if owned:
            start = self.start[1]
            air.require(buses.OWNED, enabler, *tuple_of([start]))
            air.provide(buses.OWNED, enabler, *tuple_of([start + len(owned)]))


def _pairs(values):
    """Two by two; the last one perhaps by itself."""
    return [values[start : start + 2] for start in range(0, len(values), 2)]
