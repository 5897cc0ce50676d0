//! One step with an opcode extension: QM31 arithmetic or a block of blake2s, as cairo-vm 3.2 has them.

pub mod blake;
pub mod qm31;

use crate::reading::{cell, no_cell, value};
use crate::{Fault, Registers};
use blake::Block;
use cairo_air::decode::{Extended, Extension};
use felt::Felt;
use felt::integers::{signed, small, to_u64};
use qm31::Qm31;

/// A step that is one of the machine's, with its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedStep {
    /// The registers before it.
    pub registers: Registers,
    /// What it executes.
    pub instruction: Extended,
    /// Address of `dst`.
    pub dst_address: u64,
    /// Address of `op0`.
    pub op0_address: u64,
    /// Address of `op1`.
    pub op1_address: u64,
    /// What it does with them.
    pub deed: Deed,
}

/// What a step with an extension does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It asserts a sum or a product: `dst`, `op0`, `op1`.
    Qm31([Qm31; 3]),
    /// It hashes a block.
    Blake(Block),
}

impl ExtendedStep {
    /// The step that leads from one state to the next by an instruction, which is the one at `pc`.
    ///
    /// # Errors
    /// If the machine makes no such step.
    pub fn new(memory: &[Felt], registers: Registers, next: Registers, instruction: Extended) -> Result<Self, Fault> {
        let Registers { pc, ap, fp } = registers;
        let (flags, [off0, off1, off2]) = (instruction.flags, instruction.offsets.map(i64::from));
        let base = |is_fp| i64::from(if is_fp { fp } else { ap });
        let op1_base = if flags.op1_imm() { i64::from(pc) } else { base(flags.op1_fp()) };
        let address = |what, address: i64| {
            let found = u64::try_from(address).ok().filter(|address| cell(memory, *address).is_some());
            found.ok_or_else(|| no_cell(what, &signed(address)))
        };
        let dst_address = address("dst", base(flags.dst_fp()) + off0)?;
        let op0_address = address("op0", base(flags.op0_fp()) + off1)?;
        let op1_address = address("op1", op1_base + off2)?;
        let operands = [("dst", dst_address), ("op0", op0_address), ("op1", op1_address)];
        let deed = match instruction.extension {
            Extension::Qm31 => Deed::Qm31(operation(memory, operands, flags.res_mul())?),
            Extension::Blake => Deed::Blake(Block::new(memory, operands, ap, false)?),
            Extension::BlakeFinalize => Deed::Blake(Block::new(memory, operands, ap, true)?),
        };
        for (register, expected, found) in [
            ("pc", u64::from(pc) + u64::from(flags.size()), next.pc),
            ("ap", u64::from(ap) + u64::from(flags.ap_add1()), next.ap),
            ("fp", u64::from(fp), next.fp),
        ] {
            if expected != u64::from(found) {
                return Err(Fault::Register { register, expected: expected.to_string(), found });
            }
        }
        Ok(Self { registers, instruction, dst_address, op0_address, op1_address, deed })
    }
}

/// The operands of an assertion in QM31, which holds.
fn operation(memory: &[Felt], operands: [(&'static str, u64); 3], is_product: bool) -> Result<[Qm31; 3], Fault> {
    let mut values = [Qm31::default(); 3];
    for ((what, address), value) in operands.into_iter().zip(&mut values) {
        let found = read(memory, what, address)?;
        *value = Qm31::unpack(&found).ok_or_else(|| Fault::Qm31 {
            what,
            address,
            found: felt::encoding::to_short(&found),
        })?;
    }
    let [dst, op0, op1] = values;
    let res = if is_product { op0 * op1 } else { op0 + op1 };
    let [(_, address), ..] = operands;
    if dst != res {
        let address = i64::try_from(address).unwrap_or(i64::MAX);
        return Err(value("the asserted value", address, &res.pack(), &dst.pack()));
    }
    Ok(values)
}

/// A cell that a step reads.
fn read(memory: &[Felt], what: &'static str, address: u64) -> Result<Felt, Fault> {
    cell(memory, address).copied().ok_or_else(|| no_cell(what, &small(address)))
}

/// A word of 32 bits that a step reads.
fn read_word(memory: &[Felt], what: &'static str, address: u64) -> Result<u32, Fault> {
    let found = read(memory, what, address)?;
    let word = to_u64(&found).and_then(|word| u32::try_from(word).ok());
    word.ok_or_else(|| Fault::Word32 { what, address, found: felt::encoding::to_short(&found) })
}

#[cfg(test)]
mod tests;
