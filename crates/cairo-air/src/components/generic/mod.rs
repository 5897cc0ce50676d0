//! One step of any instruction per row. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use crate::decode::FLAG_NAMES;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "generic".to_owned()
    }

    fn code(&self) -> u8 {
        3
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 if the row executes its step, 0 in padding.
    enabler,
    /// Program counter.
    pc,
    /// Allocation pointer.
    ap,
    /// Frame pointer.
    fp,
    /// Steps before this one.
    clock,
    /// The flags, named in [`FLAG_NAMES`].
    flag[15],
    /// The signed offsets.
    offset[3],
    /// The immediate, or 0.
    immediate,
    /// Address of dst.
    dst_address,
    /// Address of op0.
    op0_address,
    /// Address of op1.
    op1_address,
    /// `[dst_address]`, if the instruction uses it.
    dst,
    /// `[op0_address]`, if the instruction uses it.
    op0,
    /// `[op1_address]`.
    op1,
    /// op1, op0 + op1 or op0 · op1.
    res,
    /// In a jnz the inverse of dst, or anything if dst is 0.
    dst_inverse,
    /// In a jnz 1 if dst is not 0, else 0.
    jumps,
    /// Program counter after the step.
    next_pc,
    /// Allocation pointer after the step.
    next_ap,
    /// Frame pointer after the step.
    next_fp,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("generic");
    let c = Columns::new(&mut b);
    b.constrain_boolean("boolean_enabler", &c.enabler);
    for (name, flag) in FLAG_NAMES.iter().zip(&c.flag) {
        b.constrain_boolean(format!("boolean_{name}"), flag);
    }
    constrain_operands(&mut b, &c);
    constrain_opcode(&mut b, &c);
    constrain_registers(&mut b, &c);
    look_up(&mut b, c);
    b.build()
}

/// Addresses and res, whitepaper section 4.5. At most one of the three op1 flags is set, and of the two res flags: the
/// instruction bus has only such words.
fn constrain_operands(b: &mut AirBuilder, c: &Columns<Expr>) {
    let [dst_fp, op0_fp, op1_imm, op1_fp, op1_ap, res_add, res_mul, ..] = &c.flag;
    let [off0, off1, off2] = &c.offset;
    let base = |fp_flag: &Expr| &c.ap + fp_flag * (&c.fp - &c.ap);
    b.constrain("dst_address", Rows::All, &c.dst_address - base(dst_fp) - off0);
    b.constrain("op0_address", Rows::All, &c.op0_address - base(op0_fp) - off1);
    let op1_base =
        op1_imm * &c.pc + op1_fp * &c.fp + op1_ap * &c.ap + (Expr::one() - op1_imm - op1_fp - op1_ap) * &c.op0;
    b.constrain("op1_address", Rows::All, &c.op1_address - op1_base - off2);
    let res = &c.op1 + res_add * &c.op0 + res_mul * (&c.op0 * &c.op1 - &c.op1);
    b.constrain("res", Rows::All, &c.res - res);
}

/// What the opcode asserts.
fn constrain_opcode(b: &mut AirBuilder, c: &Columns<Expr>) {
    let [.., call, _ret, assert_eq] = &c.flag;
    b.constrain("assert_eq", Rows::All, assert_eq * (&c.dst - &c.res));
    b.constrain("call_pushes_fp", Rows::All, call * (&c.dst - &c.fp));
    b.constrain("call_pushes_pc", Rows::All, call * (&c.op0 - size(c) - &c.pc));
}

/// Words of the instruction: two if it has an immediate.
fn size(c: &Columns<Expr>) -> Expr {
    &c.flag[2] + 1
}

/// The next state.
fn constrain_registers(b: &mut AirBuilder, c: &Columns<Expr>) {
    let [_, _, _, _, _, _, _, pc_abs, pc_rel, pc_jnz, ap_add_res, ap_add1, call, ret, _] = &c.flag;
    // In a jnz: jumps = dst · dst_inverse and dst · (1 − jumps) = 0. If dst is 0, jumps is 0; if not, the second makes it 1.
    b.constrain("jumps_if_inverse", Rows::All, pc_jnz * (&c.jumps - &c.dst * &c.dst_inverse));
    b.constrain("jumps_if_not_zero", Rows::All, pc_jnz * (&c.dst - &c.dst * &c.jumps));
    let follows = &c.pc + size(c);
    let next_pc = &follows
        + pc_abs * (&c.res - &follows)
        + pc_rel * (&c.res - size(c))
        + pc_jnz * (&c.jumps * (&c.op1 - size(c)));
    b.constrain("next_pc", Rows::All, &c.next_pc - next_pc);
    b.constrain("next_ap", Rows::All, &c.next_ap - &c.ap - ap_add_res * &c.res - ap_add1 - call * 2);
    let next_fp = &c.fp + call * (&c.ap + 2 - &c.fp) + ret * (&c.dst - &c.fp);
    b.constrain("next_fp", Rows::All, &c.next_fp - next_fp);
}

/// All lookups carry the enabler, so a padding row requires and provides nothing.
fn look_up(b: &mut AirBuilder, c: Columns<Expr>) {
    let [_, _, op1_imm, op1_fp, op1_ap, res_add, res_mul, _, _, pc_jnz, _, _, call, ret, assert_eq] = &c.flag;
    let enabler = &c.enabler;
    let dst_uses = pc_jnz + call + ret + assert_eq;
    let op0_uses = call + (Expr::one() - op1_imm - op1_fp - op1_ap) + res_add + res_mul;
    let flags = c.flag.iter().rev().fold(Expr::zero(), |word, flag| word * 2 + flag);
    b.require("state", buses::STATE, enabler.clone(), [&c.pc, &c.ap, &c.fp, &c.clock].map(Expr::clone));
    let clock = &c.clock + 1;
    b.provide("next_state", buses::STATE, enabler.clone(), [c.next_pc, c.next_ap, c.next_fp, clock]);
    let [off0, off1, off2] = c.offset;
    b.require("instruction", buses::INSTRUCTION, enabler.clone(), [c.pc, flags, off0, off1, off2, c.immediate]);
    b.require("op1", buses::MEMORY, enabler.clone(), [c.op1_address, c.op1]);
    b.require("dst", buses::MEMORY, enabler * dst_uses, [c.dst_address, c.dst]);
    b.require("op0", buses::MEMORY, enabler * op0_uses, [c.op0_address, c.op0]);
}
