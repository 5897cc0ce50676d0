"""The tables `instruction` and `generic`."""

from .. import buses
from ..air import Air
from ..instruction import FLAGS, N_FLAGS, Flags
from ..program import FINAL_PC


def _boolean_flags(air):
    columns = air.column_list("flag", N_FLAGS)
    return Flags(*columns)


def _constrain_boolean(air, flag):
    for name in FLAGS:
        value = getattr(flag, name)
        air.constrain(value * (1 - value))


def _flags_number(flag):
    number = 0
    for value in reversed(flag):
        number = number * 2 + value
    return number


def instruction():
    """Decodings of memory words, each as often as it is executed."""
    air = Air("instruction")
    pc = air.column("pc")
    flag = _boolean_flags(air)
    low = air.column_list("offset_low", 3)
    high = air.column_list("offset_high", 3)
    immediate, multiplicity, not_final = (air.column(name) for name in ("immediate", "multiplicity", "not_final"))
    biased = [high[place] * 256 + low[place] for place in range(3)]
    off0, off1, off2 = (value - 32768 for value in biased)
    number = _flags_number(flag)

    _constrain_boolean(air, flag)
    sources = flag.op1_ap + flag.op1_imm + flag.op1_fp
    air.constrain(sources * (sources - 1))
    air.constrain(flag.res_add * flag.res_mul)
    pc_updates = flag.pc_jnz + flag.pc_abs + flag.pc_rel
    air.constrain(pc_updates * (pc_updates - 1))
    air.constrain(flag.ap_add_res * flag.ap_add1)
    opcodes = flag.assert_eq + flag.call + flag.ret
    air.constrain(opcodes * (opcodes - 1))
    air.constrain(flag.pc_jnz * (flag.assert_eq + flag.ap_add_res + flag.res_add + flag.res_mul))
    air.constrain(flag.call * (flag.ap_add1 + flag.ap_add_res + flag.dst_fp + flag.op0_fp))
    air.constrain(flag.call * off0)
    air.constrain(flag.call * (off1 - 1))
    air.constrain(flag.ret * (flag.pc_abs + flag.dst_fp + flag.op1_fp + 1 - flag.res_add - flag.res_mul - 4))
    air.constrain(flag.ret * (off0 + 2))
    air.constrain(flag.ret * (off2 + 1))
    air.constrain(flag.op1_imm * (off2 - 1))
    air.constrain((pc - FINAL_PC) * not_final - 1)
    air.constrain((1 - flag.op1_imm) * immediate)

    for value in low + high:
        air.interact(buses.BYTE, -1, value)
    word = biased[0] + biased[1] * 2**16 + biased[2] * 2**32 + number * 2**48
    air.interact(buses.MEMORY, -1, pc, word)
    air.interact(buses.MEMORY, -flag.op1_imm, pc + 1, immediate)
    air.interact(buses.INSTRUCTION, multiplicity, pc, number, off0, off1, off2, immediate)
    return air


def generic():
    """Steps of any instruction, one a row."""
    air = Air("generic")
    enabler, pc, ap, fp, clock = (air.column(name) for name in ("enabler", "pc", "ap", "fp", "clock"))
    flag = _boolean_flags(air)
    off0, off1, off2 = air.column_list("offset", 3)
    names = ("immediate", "dst_address", "op0_address", "op1_address", "dst", "op0", "op1", "res", "dst_inverse")
    immediate, dst_address, op0_address, op1_address, dst, op0, op1, res, dst_inverse = map(air.column, names)
    jumps, next_pc, next_ap, next_fp = map(air.column, ("jumps", "next_pc", "next_ap", "next_fp"))
    size = 1 + flag.op1_imm
    op1_from_op0 = 1 - flag.op1_imm - flag.op1_fp - flag.op1_ap

    air.constrain(enabler * (1 - enabler))
    _constrain_boolean(air, flag)
    air.constrain(dst_address - (ap + flag.dst_fp * (fp - ap)) - off0)
    air.constrain(op0_address - (ap + flag.op0_fp * (fp - ap)) - off1)
    op1_base = flag.op1_imm * pc + flag.op1_fp * fp + flag.op1_ap * ap + op1_from_op0 * op0
    air.constrain(op1_address - op1_base - off2)
    air.constrain(res - (op1 + flag.res_add * op0 + flag.res_mul * (op0 * op1 - op1)))
    air.constrain(flag.assert_eq * (dst - res))
    air.constrain(flag.call * (dst - fp))
    air.constrain(flag.call * (op0 - size - pc))
    air.constrain(flag.pc_jnz * (jumps - dst * dst_inverse))
    air.constrain(flag.pc_jnz * (dst - dst * jumps))
    jump = flag.pc_abs * (res - (pc + size)) + flag.pc_rel * (res - size) + flag.pc_jnz * jumps * (op1 - size)
    air.constrain(next_pc - (pc + size + jump))
    air.constrain(next_ap - ap - flag.ap_add_res * res - flag.ap_add1 - flag.call * 2)
    air.constrain(next_fp - (fp + flag.call * (ap + 2 - fp) + flag.ret * (dst - fp)))

    air.require(buses.STATE, enabler, pc, ap, fp, clock)
    air.provide(buses.STATE, enabler, next_pc, next_ap, next_fp, clock + 1)
    air.require(buses.INSTRUCTION, enabler, pc, _flags_number(flag), off0, off1, off2, immediate)
    air.require(buses.MEMORY, enabler, op1_address, op1)
    air.require(buses.MEMORY, enabler * (flag.assert_eq + flag.ret + flag.pc_jnz + flag.call), dst_address, dst)
    air.require(buses.MEMORY, enabler * (flag.res_mul + flag.res_add + flag.call + op1_from_op0), op0_address, op0)
    return air
