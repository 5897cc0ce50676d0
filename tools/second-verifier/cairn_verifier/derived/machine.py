"""Section 10, a step: what the machine does at an instruction, in expressions."""

from ..errors import require
from ..program import FINAL_PC, FIRST_ADDRESS
from .linear import Linear, linear
from .operands import Memory, known


class Machine:
    """The state before a step, and everything that the steps so far have made."""

    def __init__(self, first_column, bytecode, pc, ap, fp, decisions):
        self.n_columns = first_column
        self.memory = Memory(bytecode, self.new_column)
        self.pc, self.ap, self.fp = pc, ap, fp
        self.decisions = decisions
        self.products = []
        self.open_jumps = []
        self.not_zero = []

    def new_column(self):
        """The number of a further column."""
        self.n_columns += 1
        return self.n_columns - 1

    def step(self, instruction, immediate, last):
        """One step. `immediate` is a value; `last` says that no step follows."""
        Step(self, instruction, immediate, last).run()

    def product(self, left, right, assign):
        """`left·right` of values that are no constants; `assign` gives the value for a product that is new."""
        for factors, value in self.products:
            if factors in ((left, right), (right, left)):
                return value
        value = assign()
        self.products.append(((left, right), value))
        return value


class Step:
    """One step, in the order of the section's numbers."""

    def __init__(self, machine, instruction, immediate, last):
        self.machine, self.memory = machine, machine.memory
        self.instruction, self.flag = instruction, instruction.flag
        self.immediate, self.last = immediate, last
        self.size = instruction.size

    def run(self):
        machine, flag = self.machine, self.flag
        if flag.call:
            self.memory.equate([self.dst(), known(machine.fp * -1)])
            self.memory.equate([self.op0(), known((machine.pc + self.size) * -1)])
        jumps = flag.pc_abs or flag.pc_rel
        res = self.res() if flag.assert_eq or flag.ap_add_res or jumps else None
        if flag.assert_eq:
            self.memory.equate([self.dst().times(-1)] + res)
        next_pc = self.next_pc(res)
        next_ap = self.next_ap(res)
        next_fp = self.next_fp()
        machine.pc, machine.ap, machine.fp = next_pc, next_ap, next_fp

    def dst(self):
        base = self.machine.fp if self.flag.dst_fp else self.machine.ap
        return self.memory.cell(base + self.instruction.off0)

    def op0(self):
        base = self.machine.fp if self.flag.op0_fp else self.machine.ap
        return self.memory.cell(base + self.instruction.off1)

    def op1(self):
        """2"""
        if self.flag.op1_imm:
            return known(self.immediate)
        if self.flag.op1_fp:
            base = self.machine.fp
        elif self.flag.op1_ap:
            base = self.machine.ap
        else:
            base = self.memory.read(self.op0())
        return self.memory.cell(base + self.instruction.off2)

    def res(self):
        """3: a list of operands whose sum it is."""
        op1 = self.op1()
        if self.flag.res_add:
            return [self.op0(), op1]
        if self.flag.res_mul:
            return [self._product(self.op0(), op1)]
        return [op1]

    def _product(self, left, right):
        for factor, other in ((left, right), (right, left)):
            value = self.memory.known_value(factor)
            if value is not None and value.is_constant():
                return other.times(value.constant)
        read_left, read_right = self.memory.read(left), self.memory.read(right)
        return known(self.machine.product(read_left, read_right, self._new_product))

    def _new_product(self):
        if self.flag.assert_eq:
            return self.memory.read(self.dst())
        return Linear.column(self.machine.new_column())

    def next_pc(self, res):
        """4 and 5"""
        following = self.machine.pc + self.size
        if self.flag.pc_jnz:
            return self._conditional(following)
        if self.flag.pc_abs:
            return self._jump(res)
        if self.flag.pc_rel:
            return self._jump([known(self.machine.pc)] + res)
        return following

    def _conditional(self, following):
        outcome = self.machine.decisions.next_outcome()
        if outcome is None:
            require(self.last, "a conditional jump without outcome before the last step")
            return self._open_jump(following)
        if not outcome:
            self.memory.equate([self.dst()])
            return following
        self._demand_not_zero(self.memory.read(self.dst()))
        return self._jump([known(self.machine.pc), self.op1()])

    def _demand_not_zero(self, value):
        require(not value.is_constant() or value.constant != 0, "a path that contradicts itself")
        if not value.is_constant() and value not in self.machine.not_zero:
            self.machine.not_zero.append(value)

    def _open_jump(self, following):
        machine = self.machine
        op1 = self.op1()
        dst = self.memory.read(self.dst())
        op1 = self.memory.read(op1)
        if dst.is_constant():
            return machine.pc + op1 if dst.constant else following
        inverse, jumps = Linear.column(machine.new_column()), Linear.column(machine.new_column())
        machine.products.append(((dst, inverse), jumps))
        machine.open_jumps.append((dst, jumps))
        distance = op1 - self.size
        if op1.is_constant():
            return following + jumps * distance.constant
        return following + machine.product(jumps, distance, lambda: Linear.column(machine.new_column()))

    def _jump(self, operands):
        """5"""
        values = [self.memory.known_value(operand) for operand in operands]
        decisions = self.machine.decisions
        if all(value is not None for value in values) or not decisions.targets_left():
            value = self.memory.take(operands)
            if value.is_constant() or (self.last and not decisions.targets_left()):
                return value
        target = decisions.next_target()
        require(target is not None, "a jump without target before the last step")
        self.memory.equate(operands + [known(-target)])
        return linear(target)

    def next_ap(self, res):
        """6"""
        if self.flag.ap_add_res:
            return self.machine.ap + self.memory.take(res)
        return self.machine.ap + (2 * self.flag.call + self.flag.ap_add1)

    def next_fp(self):
        """6"""
        machine, dst = self.machine, self.dst()
        if self.flag.call:
            return machine.ap + 2
        if not self.flag.ret:
            return machine.fp
        if self.memory.known_value(dst) is None:
            distance = machine.decisions.next_return()
            if distance:
                self.memory.equate([dst, known((machine.fp - distance) * -1)])
        return self.memory.read(dst)


class Decisions:
    """What a path's description fixes, used up in turn."""

    def __init__(self, outcomes=(), targets=(), returns=()):
        self._lists = {"outcomes": list(outcomes), "targets": list(targets), "returns": list(returns)}

    def _next(self, name):
        entries = self._lists[name]
        return entries.pop(0) if entries else None

    def next_outcome(self):
        """Whether the next conditional jump jumps, or `None` if that is open."""
        return self._next("outcomes")

    def next_target(self):
        """Where the next jump leads that nothing else fixes, or `None`."""
        return self._next("targets")

    def targets_left(self):
        """Whether a target is left."""
        return bool(self._lists["targets"])

    def next_return(self):
        """How much lower the next return's frame is, 0 if that is open, or `None`."""
        return self._next("returns")

    def check_used(self):
        """Nothing is left."""
        for name, entries in self._lists.items():
            require(not entries, f"{name} of a path that no step uses")


def program_counter(value):
    """A path's pc as an address."""
    require(value.is_constant(), "a path whose next step depends on values")
    pc = value.constant
    require(pc >= FIRST_ADDRESS and pc != FINAL_PC, f"a path through pc {pc}")
    return pc
