//! One block of blake2s: one step a row. See README.md.

use crate::buses;
use crate::components::blake_mix::{NIBBLES, number, xor};
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use stark::{Air, AirBuilder, AirError, Expr};

/// The initial value (RFC 7693, section 2.6): the upper half of the working words.
pub const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Words of the state, which is hashed into, and of the result.
pub const STATE_WORDS: usize = 8;

/// Words of a block of the message.
pub const MESSAGE_WORDS: usize = 16;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "blake".to_owned()
    }

    fn code(&self) -> u8 {
        82
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
    /// The flag dst_fp.
    dst_fp,
    /// The flag op0_fp.
    op0_fp,
    /// The flag op1_fp.
    op1_fp,
    /// The flag ap_add1.
    ap_add1,
    /// 1 if this is the last block.
    finalize,
    /// The signed offsets.
    offset[3],
    /// op0: the address of the state's first word.
    state,
    /// op1: the address of the message's first word.
    message,
    /// `[ap]`: the address of the result's first word.
    output,
    /// dst: the nibbles of the number of bytes hashed so far, this block's included; the lowest first.
    counter[8],
    /// The conjunctions of its nibbles and those of the initial value's fifth word.
    and[8],
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("blake");
    let c = Columns::new(&mut b);
    let booleans = [
        ("enabler", &c.enabler),
        ("dst_fp", &c.dst_fp),
        ("op0_fp", &c.op0_fp),
        ("op1_fp", &c.op1_fp),
        ("ap_add1", &c.ap_add1),
        ("finalize", &c.finalize),
    ];
    for (name, column) in booleans {
        b.constrain_boolean(format!("boolean_{name}"), column);
    }
    // All lookups carry the enabler, so a padding row requires and provides nothing.
    let enabler = &c.enabler;
    let [off0, off1, off2] = &c.offset;
    b.require("state", buses::STATE, enabler, [&c.pc, &c.ap, &c.fp, &c.clock].map(Expr::clone));
    let next = [&c.pc + 1, &c.ap + &c.ap_add1, c.fp.clone(), &c.clock + 1];
    b.provide("next_state", buses::STATE, enabler, next);
    let flags = &c.dst_fp + &c.op0_fp * 2 + &c.op1_fp * 8 + (Expr::one() - &c.op1_fp) * 16 + &c.ap_add1 * (1 << 11);
    let instruction = [c.pc.clone(), &c.finalize + 1, flags, off0.clone(), off1.clone(), off2.clone()];
    b.require("instruction", buses::OPCODE_EXTENSION, enabler, instruction);
    let base = |fp_flag: &Expr| &c.ap + fp_flag * (&c.fp - &c.ap);
    let cells = [
        ("dst", base(&c.dst_fp) + off0, number(&c.counter)),
        ("op0", base(&c.op0_fp) + off1, c.state.clone()),
        ("op1", base(&c.op1_fp) + off2, c.message.clone()),
        ("output", c.ap.clone(), c.output.clone()),
    ];
    for (name, address, value) in cells {
        b.require(name, buses::MEMORY, enabler, [address, value]);
    }
    let fifth: [Expr; NIBBLES] = std::array::from_fn(|i| Expr::from(u64::from(IV[4] >> (4 * i) & 15)));
    let counted = xor(&mut b, "counter", enabler, [&c.counter, &fifth], &c.and);
    // The upper half of the working words; the lower one comes from the state, word by word.
    let [last, all] = [IV[6], !IV[6]].map(|word| Expr::from(u64::from(word)));
    let words = IV.iter().enumerate().map(|(i, word)| match i {
        4 => number(&counted),
        6 => &last + &c.finalize * (&all - &last),
        _ => Expr::from(u64::from(*word)),
    });
    for (i, word) in words.enumerate() {
        let position = Expr::from((STATE_WORDS + i) as u64);
        b.provide(format!("word[{i}]"), buses::BLAKE_WORD, enabler, [c.clock.clone(), position, Expr::zero(), word]);
    }
    for i in 0..STATE_WORDS as u64 {
        let tuple = [c.clock.clone(), Expr::from(i), &c.state + i, &c.message + 2 * i, &c.output + i];
        b.require(format!("cells[{i}]"), buses::BLAKE_CELLS, enabler, tuple);
    }
    b.build()
}
