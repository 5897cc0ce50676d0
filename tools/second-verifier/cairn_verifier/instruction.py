"""What an instruction word says: flags, offsets, and the combinations that the machine has (table `instruction`)."""

from collections import namedtuple

FLAGS = (
    "dst_fp", "op0_fp", "op1_imm", "op1_fp", "op1_ap", "res_add", "res_mul", "pc_abs", "pc_rel", "pc_jnz",
    "ap_add_res", "ap_add1", "call", "ret", "assert_eq",
)  # fmt: skip
N_FLAGS = len(FLAGS)
_BIAS = 1 << 15

Flags = namedtuple("Flags", FLAGS)


class Instruction:
    """Flags (as a number and by name) and the three signed offsets."""

    def __init__(self, flags, off0, off1, off2):
        self.flags = flags
        self.off0, self.off1, self.off2 = off0, off1, off2
        self.flag = split_flags(flags)

    @property
    def size(self):
        """In memory cells: two with an immediate."""
        return 1 + self.flag.op1_imm


def split_flags(flags):
    """Each of the 15 flags as 0 or 1."""
    return Flags(*(flags >> bit & 1 for bit in range(N_FLAGS)))


def flags_fault(flags):
    """Which rule a combination of flags breaks, or `None`."""
    if flags >> N_FLAGS:
        return "more than 15 flags"
    flag = split_flags(flags)
    rules = {
        "two sources of op1": flag.op1_imm + flag.op1_fp + flag.op1_ap > 1,
        "two ways to combine res": flag.res_add + flag.res_mul > 1,
        "two updates of pc": flag.pc_abs + flag.pc_rel + flag.pc_jnz > 1,
        "two updates of ap": flag.ap_add_res + flag.ap_add1 > 1,
        "two opcodes": flag.call + flag.ret + flag.assert_eq > 1,
        "jnz with res": flag.pc_jnz and flag.assert_eq + flag.ap_add_res + flag.res_add + flag.res_mul,
        "flags of call": flag.call and flag.ap_add1 + flag.ap_add_res + flag.dst_fp + flag.op0_fp,
        "flags of ret": flag.ret
        and (not (flag.pc_abs and flag.dst_fp and flag.op1_fp) or flag.res_add or flag.res_mul),
    }
    return next((fault for fault, broken in rules.items() if broken), None)


def decode(word):
    """The instruction in a memory word, or `None` if it is none."""
    if word >> 63:
        return None
    offsets = [(word >> 16 * place & 0xFFFF) - _BIAS for place in range(3)]
    instruction = Instruction(word >> 48, *offsets)
    flag = instruction.flag
    if flags_fault(instruction.flags) is not None:
        return None
    if flag.call and (instruction.off0, instruction.off1) != (0, 1):
        return None
    if flag.ret and (instruction.off0, instruction.off2) != (-2, -1):
        return None
    if flag.op1_imm and instruction.off2 != 1:
        return None
    return instruction
