//! Witness of [`cairo_air::components::generic`].

use super::multiplicities::{Multiplicities, Tally};
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::components::generic::Columns;
use cairo_air::components::instruction::flag_bits;
use cairo_air::decode::Flags;
use cairo_execution::{Execution, Registers, Step};
use felt::Felt;
use felt::integers::{signed, small};
use stark::Control;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
pub fn fill(
    execution: &Execution,
    starts: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let &first = starts.first().ok_or(WitnessError::Empty("generic"))?;
    let padding = Row::new(execution, first)?.columns(false).into_row();
    let state = || [multiplicities.instruction_tally(), multiplicities.memory_tally()];
    let mut columns = fill_rows(1 << log_height, control, state, |tallies, row| {
        let Some(start) = starts.get(row) else { return Ok(padding) };
        let row = Row::new(execution, *start)?;
        row.count(multiplicities, tallies)?;
        Ok(row.columns(true).into_row())
    })?;
    felt::vector::batch_inverse(&mut columns[Columns::positions().dst_inverse]);
    Ok(columns)
}

/// What the table says of a step.
struct Row {
    clock: u32,
    step: Step,
}

impl Row {
    /// Executes the step: one that is none could not be proven.
    fn new(execution: &Execution, clock: u32) -> Result<Self, WitnessError> {
        Ok(Self { clock, step: execution.step(clock as usize)? })
    }

    fn flags(&self) -> Flags {
        self.step.instruction.flags
    }

    fn count(
        &self,
        multiplicities: &Multiplicities,
        [fetches, cells]: &mut [Tally<'_>; 2],
    ) -> Result<(), WitnessError> {
        let mut count = |address: u64, uses| {
            let index = usize::try_from(address).ok();
            index.and_then(|index| cells.add(index, uses)).ok_or(WitnessError::Address(address))
        };
        let Step { registers: Registers { pc, .. }, op1_address, dst_address, op0_address, .. } = self.step;
        fetches.add(pc as usize, 1).map_or_else(|| multiplicities.instruction(pc), Ok)?;
        count(op1_address, 1)?;
        // Used operands were read, so their addresses are none below 0.
        for (operand, uses) in [(dst_address, self.flags().dst_uses()), (op0_address, self.flags().op0_uses())] {
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
        let (step, flags) = (&self.step, self.flags());
        let (jnz, dst) = (flags.pc_jnz(), step.dst);
        Columns {
            enabler: bit(enabled),
            pc: register(step.registers.pc),
            ap: register(step.registers.ap),
            fp: register(step.registers.fp),
            clock: register(self.clock),
            flag: flag_bits(flags.0),
            offset: step.instruction.offsets.map(|offset| signed(i64::from(offset))),
            immediate: if flags.op1_imm() { step.op1 } else { Felt::zero() },
            dst_address: signed(step.dst_address),
            op0_address: signed(step.op0_address),
            op1_address: small(step.op1_address),
            dst,
            op0: step.op0,
            op1: step.op1,
            res: step.res,
            dst_inverse: if jnz { dst } else { Felt::zero() },
            jumps: bit(jnz && dst != Felt::zero()),
            next_pc: register(step.next.pc),
            next_ap: register(step.next.ap),
            next_fp: register(step.next.fp),
        }
    }
}
