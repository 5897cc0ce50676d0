//! Witness of [`cairo_air::components::qm31`].

use super::multiplicities::{Multiplicities, Tally};
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::qm31::{COORDINATES, Columns, LIMB_BITS, LIMBS, ORDER, QUOTIENT_BIAS};
use cairo_execution::extended::{Deed, qm31::Qm31};
use cairo_execution::{Execution, ExtendedStep};
use felt::Felt;
use felt::integers::{signed, small};
use stark::Control;

/// Limbs of four numbers.
const ALL_LIMBS: usize = COORDINATES * LIMBS;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
pub fn fill(
    execution: &Execution,
    starts: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let &first = starts.first().ok_or(WitnessError::Empty("qm31"))?;
    let padding = Row::new(execution, first)?.columns(false).into_row();
    let state = || [multiplicities.tally(&TableKind::Limb(Limb::Bits12)), multiplicities.memory_tally()];
    let mut columns = fill_rows(1 << log_height, control, state, |tallies, row| {
        let Some(start) = starts.get(row) else { return Ok(padding) };
        let row = Row::new(execution, *start)?;
        row.count(tallies)?;
        Ok(row.columns(true).into_row())
    })?;
    for column in Columns::positions().apart {
        felt::vector::batch_inverse(&mut columns[column]);
    }
    Ok(columns)
}

/// What the table says of a step.
struct Row {
    clock: u32,
    step: ExtendedStep,
    values: [Qm31; 3],
    /// The limbs of the operands, and of the quotients.
    limbs: [[u64; ALL_LIMBS]; 4],
}

fn limbs(numbers: [u64; COORDINATES]) -> [u64; ALL_LIMBS] {
    std::array::from_fn(|i| numbers[i / LIMBS] >> (LIMB_BITS * (i % LIMBS) as u32) & ((1 << LIMB_BITS) - 1))
}

impl Row {
    /// Executes the step: one that is none could not be proven.
    fn new(execution: &Execution, clock: u32) -> Result<Self, WitnessError> {
        let step = execution.extended_step(clock as usize)?;
        let Deed::Qm31(values) = step.deed else { return Err(WitnessError::Empty("qm31")) };
        let [dst, op0, op1] = values;
        let results = op0.unreduced(op1, step.instruction.flags.res_mul());
        let quotients = std::array::from_fn(|i| {
            let quotient = (results[i] - i128::from(dst.0[i])) / i128::from(ORDER);
            (quotient + i128::from(QUOTIENT_BIAS)) as u64
        });
        let [a, b, c] = values.map(|value| limbs(value.0.map(u64::from)));
        Ok(Self { clock, step, values, limbs: [a, b, c, limbs(quotients)] })
    }

    fn count(&self, [words, cells]: &mut [Tally<'_>; 2]) -> Result<(), WitnessError> {
        let [operands @ .., _] = &self.limbs;
        let tops = operands.iter().flatten().skip(LIMBS - 1).step_by(LIMBS).map(|limb| limb << 5);
        for limb in self.limbs.iter().flatten().copied().chain(tops) {
            let _ = words.add(limb as usize, 1);
        }
        let ExtendedStep { dst_address, op0_address, op1_address, .. } = self.step;
        for address in [dst_address, op0_address, op1_address] {
            let index = usize::try_from(address).ok();
            index.and_then(|index| cells.add(index, 1)).ok_or(WitnessError::Address(address))?;
        }
        Ok(())
    }

    /// `apart` holds what is still to be inverted.
    fn columns(&self, enabled: bool) -> Columns<Felt> {
        let bit = |bit: bool| small(u64::from(bit));
        let register = |register: u32| small(u64::from(register));
        let (registers, flags) = (self.step.registers, self.step.instruction.flags);
        let differences = self.values.map(|value| value.0.map(|coordinate| ORDER - u64::from(coordinate)));
        let [dst, op0, op1, quotient] = self.limbs.map(|limbs| limbs.map(small));
        Columns {
            enabler: bit(enabled),
            pc: register(registers.pc),
            ap: register(registers.ap),
            fp: register(registers.fp),
            clock: register(self.clock),
            dst_fp: bit(flags.dst_fp()),
            op0_fp: bit(flags.op0_fp()),
            op1_imm: bit(flags.op1_imm()),
            op1_fp: bit(flags.op1_fp()),
            res_mul: bit(flags.res_mul()),
            ap_add1: bit(flags.ap_add1()),
            offset: self.step.instruction.offsets.map(|offset| signed(i64::from(offset))),
            dst,
            op0,
            op1,
            apart: std::array::from_fn(|i| small(differences[i / 2][i % 2 * 2] * differences[i / 2][i % 2 * 2 + 1])),
            quotient,
        }
    }
}
