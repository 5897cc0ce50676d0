//! Witness of [`cairo_air::components::generic`].

use super::counters::{Counters, Tally};
use super::rows::fill_rows;
use super::{Trace, WitnessError, cell};
use cairo_air::components::generic::Columns;
use cairo_air::components::instruction::flag_bits;
use cairo_air::decode::{Decoded, Flags};
use cairo_execution::{Execution, Registers};
use felt::integers::{integer, natural, signed, small};
use felt::{Felt, encoding};
use stark::Control;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
pub fn fill(
    execution: &Execution,
    starts: &[u32],
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let &first = starts.first().ok_or(WitnessError::Empty("generic"))?;
    let padding = Step::new(execution, first)?.columns(false).into_row();
    let state = || [counters.instruction_tally(), counters.memory_tally()];
    let mut columns = fill_rows(1 << log_height, control, state, |tallies, row| {
        let Some(start) = starts.get(row) else { return Ok(padding) };
        let step = Step::new(execution, *start)?;
        step.count(counters, tallies)?;
        Ok(step.columns(true).into_row())
    })?;
    felt::vector::batch_inverse(&mut columns[Columns::positions().dst_inverse]);
    Ok(columns)
}

/// One step with its operands.
struct Step {
    clock: u32,
    registers: Registers,
    next: Registers,
    instruction: Decoded,
    immediate: Felt,
    dst_address: i64,
    op0_address: i64,
    op1_address: u64,
    dst: Felt,
    op0: Felt,
    op1: Felt,
    res: Felt,
}

impl Step {
    /// Executes the step and compares it with the trace: a step that is none could not be proven.
    fn new(execution: &Execution, clock: u32) -> Result<Self, WitnessError> {
        let index = clock as usize;
        let (Some(&registers), Some(&next)) = (execution.trace.get(index), execution.trace.get(index + 1)) else {
            return Err(WitnessError::Clock(clock));
        };
        let memory = &execution.memory;
        let Registers { pc, ap, fp } = registers;
        let instruction = super::instruction::decode(memory, pc)?;
        let (flags, [off0, off1, off2]) = (instruction.flags, instruction.offsets.map(i64::from));
        let base = |is_fp| i64::from(if is_fp { fp } else { ap });
        let (dst_address, op0_address) = (base(flags.dst_fp()) + off0, base(flags.op0_fp()) + off1);
        let operand = |used, address: i64| match u64::try_from(address) {
            Ok(address) if used => cell(memory, address),
            // Nothing reads it.
            _ if !used => Ok(Felt::zero()),
            _ => Err(WitnessError::Operand { clock, address: address.to_string() }),
        };
        let dst = operand(flags.dst_uses() > 0, dst_address)?;
        let op0 = operand(flags.op0_uses() > 0, op0_address)?;
        let op1_base = match flags {
            flags if flags.op1_imm() => Some(i64::from(pc)),
            flags if flags.op1_fp() => Some(i64::from(fp)),
            flags if flags.op1_ap() => Some(i64::from(ap)),
            _ => integer(&op0),
        };
        let op1_address = match op1_base.and_then(|base| u64::try_from(base + off2).ok()) {
            Some(address) => address,
            None => {
                let address = op1_base.map_or(op0, signed) + signed(off2);
                let outside = || WitnessError::Operand { clock, address: encoding::to_hex(&address) };
                natural(&address).ok_or_else(outside)?
            }
        };
        let op1 = cell(memory, op1_address)?;
        let immediate = if flags.op1_imm() { op1 } else { Felt::zero() };
        let res = match flags {
            flags if flags.res_add() => op0 + op1,
            flags if flags.res_mul() => op0 * op1,
            _ => op1,
        };
        let step = Self {
            clock,
            registers,
            next,
            instruction,
            immediate,
            dst_address,
            op0_address,
            op1_address,
            dst,
            op0,
            op1,
            res,
        };
        step.check()?;
        Ok(step)
    }

    fn flags(&self) -> Flags {
        self.instruction.flags
    }

    /// Whether the step asserts what holds and leads where the trace goes.
    fn check(&self) -> Result<(), WitnessError> {
        let Registers { pc, ap, fp } = self.registers;
        let [pc, ap, fp] = [pc, ap, fp].map(|register| small(u64::from(register)));
        let (flags, size) = (self.flags(), small(u64::from(self.flags().size())));
        let next_pc = match flags {
            flags if flags.pc_abs() => self.res,
            flags if flags.pc_rel() => pc + self.res,
            flags if flags.pc_jnz() && self.dst != Felt::zero() => pc + self.op1,
            _ => pc + size,
        };
        let next_ap = match flags {
            flags if flags.ap_add_res() => ap + self.res,
            flags if flags.ap_add1() => ap + Felt::one(),
            flags if flags.call() => ap + small(2),
            _ => ap,
        };
        let next_fp = match flags {
            flags if flags.call() => ap + small(2),
            flags if flags.ret() => self.dst,
            _ => fp,
        };
        let Registers { pc: to_pc, ap: to_ap, fp: to_fp } = self.next;
        let holds = [
            ("its assertion does not hold", !flags.assert_eq() || self.dst == self.res),
            ("the call does not push fp", !flags.call() || self.dst == fp),
            ("the call does not push its return address", !flags.call() || self.op0 == pc + size),
            ("pc goes elsewhere", next_pc == small(u64::from(to_pc))),
            ("ap goes elsewhere", next_ap == small(u64::from(to_ap))),
            ("fp goes elsewhere", next_fp == small(u64::from(to_fp))),
        ];
        match holds.into_iter().find(|(_, holds)| !holds) {
            Some((what, _)) => Err(WitnessError::Step { clock: self.clock, pc: self.registers.pc, what }),
            None => Ok(()),
        }
    }

    fn count(&self, counters: &Counters, [fetches, cells]: &mut [Tally<'_>; 2]) -> Result<(), WitnessError> {
        let mut count = |address: u64, uses| {
            let index = usize::try_from(address).ok();
            index.and_then(|index| cells.add(index, uses)).ok_or(WitnessError::Address(address))
        };
        let pc = self.registers.pc;
        fetches.add(pc as usize, 1).map_or_else(|| counters.instruction(pc), Ok)?;
        count(self.op1_address, 1)?;
        // Used operands were read, so their addresses are none below 0.
        for (operand, uses) in
            [(self.dst_address, self.flags().dst_uses()), (self.op0_address, self.flags().op0_uses())]
        {
            if uses > 0 {
                count(operand.unsigned_abs(), uses)?;
            }
        }
        Ok(())
    }

    /// `dst_inverse` holds what is still to be inverted.
    fn columns(&self, enabled: bool) -> Columns<Felt> {
        let bit = |bit: bool| if bit { Felt::one() } else { Felt::zero() };
        let register = |register: u32| small(u64::from(register));
        let jnz = self.flags().pc_jnz();
        Columns {
            enabler: bit(enabled),
            pc: register(self.registers.pc),
            ap: register(self.registers.ap),
            fp: register(self.registers.fp),
            clock: register(self.clock),
            flag: flag_bits(self.flags().0),
            offset: self.instruction.offsets.map(|offset| signed(i64::from(offset))),
            immediate: self.immediate,
            dst_address: signed(self.dst_address),
            op0_address: signed(self.op0_address),
            op1_address: small(self.op1_address),
            dst: self.dst,
            op0: self.op0,
            op1: self.op1,
            res: self.res,
            dst_inverse: if jnz { self.dst } else { Felt::zero() },
            jumps: bit(jnz && self.dst != Felt::zero()),
            next_pc: register(self.next.pc),
            next_ap: register(self.next.ap),
            next_fp: register(self.next.fp),
        }
    }
}
