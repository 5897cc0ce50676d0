//! Decoding: one row for each distinct instruction executed outside path tables. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use crate::decode::{FLAG_NAMES, OFFSET_BIAS};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

#[cfg(test)]
mod tests;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "instruction".to_owned()
    }

    fn code(&self) -> u8 {
        2
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::INSTRUCTION)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air(context.program.final_pc())?)
    }
}

columns! {
    /// Address of the instruction.
    pc,
    /// The flags, named in [`FLAG_NAMES`].
    flag[15],
    /// The low bytes of the biased offsets.
    offset_low[3],
    /// The high bytes of the biased offsets.
    offset_high[3],
    /// The next word if the instruction has an immediate, else 0.
    immediate,
    /// How often the instruction is executed by generic and word tables.
    multiplicity,
    /// The inverse of `pc − final_pc`.
    not_final,
}

/// The AIR for a program that ends at `final_pc`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(final_pc: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("instruction");
    let Columns { pc, flag, offset_low, offset_high, immediate, multiplicity, not_final } = Columns::new(&mut b);
    for (name, flag) in FLAG_NAMES.iter().zip(&flag) {
        b.constrain_boolean(format!("boolean_{name}"), flag);
    }
    let biased: [Expr; 3] = std::array::from_fn(|i| &offset_low[i] + &offset_high[i] * 256);
    let offset: [Expr; 3] = std::array::from_fn(|i| &biased[i] - OFFSET_BIAS as u64);
    for (half, bytes) in [("low", &offset_low), ("high", &offset_high)] {
        for (i, byte) in bytes.iter().enumerate() {
            b.require(format!("byte_{half}[{i}]"), buses::BYTE, Expr::one(), [byte.clone()]);
        }
    }
    constrain_flags(&mut b, &flag, &offset);

    // The closing `jmp rel 0` is never executed, so the number of steps is that of the first arrival there.
    b.constrain("not_final", Rows::All, (&pc - u64::from(final_pc)) * &not_final - 1);

    // Three 16-bit offsets and 15 flags: the word is an integer below 2^63 < p and its digits are unique.
    let flags = flag.iter().rev().fold(Expr::zero(), |word, flag| word * 2 + flag);
    let word = &biased[0] + &biased[1] * (1 << 16) + &biased[2] * (1 << 32) + &flags * (1 << 48);
    b.require("word", buses::MEMORY, Expr::one(), [pc.clone(), word]);
    let op1_imm = &flag[2];
    b.require("immediate", buses::MEMORY, op1_imm.clone(), [&pc + 1, immediate.clone()]);
    b.constrain("no_immediate", Rows::All, (Expr::one() - op1_imm) * &immediate);

    let [off0, off1, off2] = offset;
    b.provide("instruction", buses::INSTRUCTION, multiplicity, [pc, flags, off0, off1, off2, immediate]);
    b.build()
}

/// The combinations that [`crate::decode::Flags::check`] and [`crate::decode::Decoded::new`] allow, and no others. The
/// flags are 0 or 1, so a sum of a few of them is an integer that cannot wrap.
fn constrain_flags(b: &mut AirBuilder, flag: &[Expr; 15], [off0, off1, off2]: &[Expr; 3]) {
    let [
        dst_fp,
        op0_fp,
        op1_imm,
        op1_fp,
        op1_ap,
        res_add,
        res_mul,
        pc_abs,
        pc_rel,
        pc_jnz,
        ap_add_res,
        ap_add1,
        call,
        ret,
        assert_eq,
    ] = flag;
    let at_most_one = |sum: Expr| &sum * (&sum - 1);
    b.constrain("one_op1_source", Rows::All, at_most_one(op1_imm + op1_fp + op1_ap));
    b.constrain("one_res", Rows::All, res_add * res_mul);
    b.constrain("one_pc_update", Rows::All, at_most_one(pc_abs + pc_rel + pc_jnz));
    b.constrain("one_ap_update", Rows::All, ap_add_res * ap_add1);
    b.constrain("one_opcode", Rows::All, at_most_one(call + ret + assert_eq));
    // A jnz has no res, so nothing may use it. (With `ret` it clashes already in pc_update.)
    b.constrain("jnz_without_res", Rows::All, pc_jnz * (res_add + res_mul + ap_add_res + assert_eq));
    // call: dst = [ap], op0 = [ap + 1], and ap moves by the frame alone.
    b.constrain("call_flags", Rows::All, call * (dst_fp + op0_fp + ap_add_res + ap_add1));
    b.constrain("call_off0", Rows::All, call * off0);
    b.constrain("call_off1", Rows::All, call * (off1 - 1));
    // ret: jmp abs [fp − 1], fp = [fp − 2]. Four flags must be 1 (res is op1 if neither sum nor product).
    let ret_shape = dst_fp + op1_fp + pc_abs + (Expr::one() - res_add - res_mul);
    b.constrain("ret_flags", Rows::All, ret * (ret_shape - 4));
    b.constrain("ret_off0", Rows::All, ret * (off0 + 2));
    b.constrain("ret_off2", Rows::All, ret * (off2 + 1));
    b.constrain("immediate_off2", Rows::All, op1_imm * (off2 - 1));
}

/// The flag word's columns.
pub fn flag_bits(flags: u16) -> [Felt; 15] {
    std::array::from_fn(|i| if flags >> i & 1 == 1 { Felt::one() } else { Felt::zero() })
}
