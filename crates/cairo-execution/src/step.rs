//! One step of the machine: what an instruction reads, what it demands and where it leads.
//!
//! This is the transition of the Cairo whitepaper (eprint 2021/1063, section 4.5) as the table `generic` of `cairo-air` has it: an operand that
//! nothing reads may have any address, but `op1` is always read. Both the check of an execution and the prover's witness use it.

use crate::extended::ExtendedStep;
use crate::reading::{cell, no_cell, value};
use crate::{ExecutionError, Fault, Registers, Run};
use cairo_air::decode::{Decoded, Flags, Instruction};
use cairo_air::program::PROGRAM_BASE;
use felt::integers::{integer, signed, small, to_u64};
use felt::{Felt, encoding};

/// A step that is one of the machine's, with its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The registers before it.
    pub registers: Registers,
    /// The registers after it.
    pub next: Registers,
    /// What it executes.
    pub instruction: Decoded,
    /// Address of `dst`; any if nothing reads it.
    pub dst_address: i64,
    /// Address of `op0`; any if nothing reads it.
    pub op0_address: i64,
    /// Address of `op1`.
    pub op1_address: u64,
    /// The value there; 0 if nothing reads it.
    pub dst: Felt,
    /// The value there; 0 if nothing reads it.
    pub op0: Felt,
    /// The value there.
    pub op1: Felt,
    /// `op1`, the sum or the product.
    pub res: Felt,
}

/// What an instruction reads in a state, whatever it demands of that. The fields are those of [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operands {
    dst_address: i64,
    op0_address: i64,
    op1_address: u64,
    dst: Felt,
    op0: Felt,
    op1: Felt,
    res: Felt,
}

impl Operands {
    /// Reads them.
    ///
    /// # Errors
    /// [`Fault::NoCell`] if one of them is nowhere.
    #[inline]
    pub fn read(memory: &[Felt], registers: Registers, instruction: Decoded) -> Result<Self, Fault> {
        let Registers { ap, fp, .. } = registers;
        let (flags, [off0, off1, off2]) = (instruction.flags, instruction.offsets.map(i64::from));
        let base = |is_fp| i64::from(if is_fp { fp } else { ap });
        let (dst_address, op0_address) = (base(flags.dst_fp()) + off0, base(flags.op0_fp()) + off1);
        let operand = |used, what, address: i64| match (used, u64::try_from(address)) {
            (false, _) => Ok(Felt::zero()),
            (true, Ok(at)) => cell(memory, at).copied().ok_or_else(|| no_cell(what, &signed(address))),
            (true, Err(_)) => Err(no_cell(what, &signed(address))),
        };
        let dst = operand(flags.uses_dst(), "dst", dst_address)?;
        let op0 = operand(flags.op0_uses() > 0, "op0", op0_address)?;
        let op1_address = op1_address(&registers, flags, &op0, off2)?;
        let op1 = *cell(memory, op1_address).ok_or_else(|| no_cell("op1", &small(op1_address)))?;
        let res = if flags.res_add() {
            op0 + op1
        } else if flags.res_mul() {
            op0 * op1
        } else {
            op1
        };
        Ok(Self { dst_address, op0_address, op1_address, dst, op0, op1, res })
    }

    /// Where the instruction leads from the state: `pc`, `ap` and `fp`, which may be no addresses.
    pub fn next(&self, registers: Registers, flags: Flags) -> [Felt; 3] {
        let [pc, ap, fp] = [registers.pc, registers.ap, registers.fp].map(|r| small(u64::from(r)));
        let next_pc = match flags {
            flags if flags.pc_abs() => self.res,
            flags if flags.pc_rel() => pc + self.res,
            flags if flags.pc_jnz() && self.dst != Felt::zero() => pc + self.op1,
            flags => pc + small(u64::from(flags.size())),
        };
        let next_ap = ap + if flags.ap_add_res() { self.res } else { small(ap_growth(flags)) };
        let next_fp = match flags {
            flags if flags.call() => ap + small(2),
            flags if flags.ret() => self.dst,
            _ => fp,
        };
        [next_pc, next_ap, next_fp]
    }
}

impl Step {
    /// The step that leads from one state to the next by an instruction, which is the one at `pc`.
    ///
    /// # Errors
    /// If the machine makes no such step.
    #[inline]
    pub fn new(memory: &[Felt], registers: Registers, next: Registers, instruction: Decoded) -> Result<Self, Fault> {
        let Operands { dst_address, op0_address, op1_address, dst, op0, op1, res } =
            Operands::read(memory, registers, instruction)?;
        let step = Self { registers, next, instruction, dst_address, op0_address, op1_address, dst, op0, op1, res };
        step.check_cells()?;
        step.check_registers()?;
        Ok(step)
    }

    /// Whether the cells that the instruction writes hold what it writes.
    #[inline]
    fn check_cells(&self) -> Result<(), Fault> {
        let flags = self.instruction.flags;
        if flags.assert_eq() && self.dst != self.res {
            return Err(value("the asserted value", self.dst_address, &self.res, &self.dst));
        }
        if flags.call() {
            let Registers { pc, fp, .. } = self.registers;
            let after = small(u64::from(pc) + u64::from(flags.size()));
            if self.dst != small(u64::from(fp)) {
                let expected = small(u64::from(fp));
                return Err(value("the frame pointer that a call pushes", self.dst_address, &expected, &self.dst));
            }
            if self.op0 != after {
                return Err(value("the return address that a call pushes", self.op0_address, &after, &self.op0));
            }
        }
        Ok(())
    }

    /// Whether the next state is the one to which the instruction leads. Registers have 32 bits, so that what they differ by is an integer
    /// that has one field element.
    #[inline]
    fn check_registers(&self) -> Result<(), Fault> {
        let (flags, from, to) = (self.instruction.flags, self.registers, self.next);
        let apart = |from: u32, to: u32| signed(i64::from(to) - i64::from(from));
        let pc_holds = if flags.pc_abs() {
            self.res == small(u64::from(to.pc))
        } else if flags.pc_rel() {
            self.res == apart(from.pc, to.pc)
        } else if flags.pc_jnz() && !encoding::is_zero(&self.dst) {
            self.op1 == apart(from.pc, to.pc)
        } else {
            u64::from(from.pc) + u64::from(flags.size()) == u64::from(to.pc)
        };
        let ap_holds = if flags.ap_add_res() {
            self.res == apart(from.ap, to.ap)
        } else {
            u64::from(from.ap) + ap_growth(flags) == u64::from(to.ap)
        };
        let fp_holds = if flags.call() {
            u64::from(from.ap) + 2 == u64::from(to.fp)
        } else if flags.ret() {
            self.dst == small(u64::from(to.fp))
        } else {
            from.fp == to.fp
        };
        if pc_holds && ap_holds && fp_holds { Ok(()) } else { Err(self.leads_elsewhere(pc_holds, ap_holds)) }
    }

    /// The first register that the trace has otherwise.
    #[cold]
    fn leads_elsewhere(&self, pc_holds: bool, ap_holds: bool) -> Fault {
        let Self { registers, next, instruction, dst_address, op0_address, op1_address, dst, op0, op1, res } = *self;
        let operands = Operands { dst_address, op0_address, op1_address, dst, op0, op1, res };
        let [pc, ap, fp] = operands.next(registers, instruction.flags);
        let (register, expected, found) = match (pc_holds, ap_holds) {
            (false, _) => ("pc", pc, next.pc),
            (true, false) => ("ap", ap, next.ap),
            (true, true) => ("fp", fp, next.fp),
        };
        Fault::Register { register, expected: encoding::to_short(&expected), found }
    }
}

/// By how much `ap` grows, if not by `res`.
const fn ap_growth(flags: Flags) -> u64 {
    match flags.call() {
        true => 2,
        false => flags.ap_add1() as u64,
    }
}

/// The address of `op1`: a register or `op0`, and its offset.
#[inline]
fn op1_address(registers: &Registers, flags: Flags, op0: &Felt, offset: i64) -> Result<u64, Fault> {
    let base = if flags.op1_imm() {
        Some(i64::from(registers.pc))
    } else if flags.op1_fp() {
        Some(i64::from(registers.fp))
    } else if flags.op1_ap() {
        Some(i64::from(registers.ap))
    } else {
        integer(op0)
    };
    match base.and_then(|base| u64::try_from(base + offset).ok()) {
        Some(address) => Ok(address),
        // Far from any cell, but perhaps only before the offset is added.
        None => {
            let address = base.map_or(*op0, signed) + signed(offset);
            to_u64(&address).ok_or_else(|| no_cell("op1", &address))
        }
    }
}

/// The instruction at `pc`.
fn decode(memory: &[Felt], pc: u32) -> Result<Instruction, Fault> {
    let word = cell(memory, u64::from(pc)).ok_or_else(|| no_cell("instruction", &small(u64::from(pc))))?;
    Instruction::new(word).map_err(|error| Fault::Instruction { word: encoding::to_hex(word), error })
}

/// The states before and after a step.
fn states(run: &Run<'_>, step: usize) -> Result<[Registers; 2], ExecutionError> {
    match (run.trace.get(step), run.trace.get(step.saturating_add(1))) {
        (Some(&registers), Some(&next)) => Ok([registers, next]),
        _ => Err(ExecutionError::NoStep { step, steps: run.n_steps() }),
    }
}

/// Executes one step of an execution that has no opcode extension.
///
/// # Errors
/// [`ExecutionError::NoStep`] and [`ExecutionError::Step`].
pub(crate) fn step(run: &Run<'_>, step: usize) -> Result<Step, ExecutionError> {
    let [registers, next] = states(run, step)?;
    let memory = run.memory;
    let made = decode(memory, registers.pc).and_then(|instruction| match instruction {
        Instruction::Plain(decoded) => Step::new(memory, registers, next, decoded),
        Instruction::Extended(_) => Err(Fault::Extended),
    });
    made.map_err(|fault| ExecutionError::Step { step, pc: registers.pc, fault })
}

/// Executes one step of an execution that has an opcode extension.
///
/// # Errors
/// [`ExecutionError::NoStep`] and [`ExecutionError::Step`].
pub(crate) fn extended_step(run: &Run<'_>, step: usize) -> Result<ExtendedStep, ExecutionError> {
    let [registers, next] = states(run, step)?;
    let memory = run.memory;
    let made = decode(memory, registers.pc).and_then(|instruction| match instruction {
        Instruction::Plain(_) => Err(Fault::NotExtended),
        Instruction::Extended(extended) => ExtendedStep::new(memory, registers, next, extended),
    });
    made.map_err(|fault| ExecutionError::Step { step, pc: registers.pc, fault })
}

/// Instructions that are remembered. Loops of more words than that decode each of them anew.
const REMEMBERED: usize = 1 << 12;

/// Executes every step. Memory is written once and for all, so that steps do not depend on each other.
///
/// # Errors
/// The first step that is none of the machine's.
pub(crate) fn check(run: &Run<'_>) -> Result<(), ExecutionError> {
    let memory = run.memory;
    // By the lowest bits of their pc; there is no pc of 0.
    let none = Instruction::Plain(Decoded { flags: Flags(0), offsets: [0; 3] });
    let mut instructions = vec![(0, none); REMEMBERED];
    let mut make = |registers: Registers, next: Registers| {
        let Some(known) = instructions.get_mut(registers.pc as usize % REMEMBERED) else { return Ok(()) };
        if known.0 != registers.pc || registers.pc < PROGRAM_BASE {
            *known = (registers.pc, decode(memory, registers.pc)?);
        }
        match known.1 {
            Instruction::Plain(decoded) => Step::new(memory, registers, next, decoded).map(|_| ()),
            Instruction::Extended(extended) => ExtendedStep::new(memory, registers, next, extended).map(|_| ()),
        }
    };
    for (step, states) in run.trace.windows(2).enumerate() {
        let [registers, next] = states else { continue };
        make(*registers, *next).map_err(|fault| ExecutionError::Step { step, pc: registers.pc, fault })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
