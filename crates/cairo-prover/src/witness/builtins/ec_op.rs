//! Witness of [`cairo_air::components::ec_op`] and of its products.

use super::Source;
use super::product::{self, Wanted};
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::rows::fill_rows;
use cairo_air::components::Limb;
use cairo_air::components::ec_op::{CELLS, Columns, LIMBS};
use cairo_air::components::product::User;
use cairo_air::{TableEntry, TableKind};
use cairo_execution::ExecutionError;
use cairo_execution::cells;
use felt::integers::small;
use felt::{Felt, encoding};
use stark_curve::ec_op::{Operation, Steps, steps};

/// The builtin's table and that of its products.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let log_height = |kind: TableKind| {
        let entry = entries.iter().find(|entry| entry.kind == kind);
        entry.map(|entry| entry.log_height).ok_or(WitnessError::Empty("ec_op"))
    };
    let (own, products) = (log_height(TableKind::EcOp)?, log_height(TableKind::Product(User::EcOp))?);
    let memory = &source.execution.memory;
    let addresses = (source.segment.base..source.segment.stop).step_by(CELLS as usize);
    let operations: Vec<Operation> = addresses.clone().map(|at| cells::ec_op(memory, at)).collect::<Result<_, _>>()?;
    // Rows beyond the last instance repeat it.
    let repeated = (1_usize << own).saturating_sub(operations.len()) as u32;
    let uses = |instance: usize| if instance + 1 == operations.len() { 1 + repeated } else { 1 };
    let wanted = operations.iter().enumerate();
    let wanted: Vec<Wanted> =
        wanted.map(|(instance, operation)| Wanted { factors: operation.factors(), uses: uses(instance) }).collect();
    let (products, ends) = product::fill(&wanted, products, source.control)?;
    let steps = steps(&operations, &ends).into_iter().zip(addresses);
    let steps: Vec<Steps> = steps.map(|(steps, at)| checked(memory, at, steps)).collect::<Result<_, _>>()?;
    let own = fill(source, &operations, &steps, own)?;
    let mut tables = [(TableKind::EcOp, Some(own)), (TableKind::Product(User::EcOp), Some(products))];
    let table = |entry: &&TableEntry| {
        let found = tables.iter_mut().find(|(kind, _)| *kind == entry.kind);
        found.and_then(|(_, table)| table.take()).ok_or(WitnessError::Empty("ec_op"))
    };
    entries.iter().map(table).collect()
}

/// The steps of an instance whose result is right.
fn checked(memory: &[Felt], address: u32, steps: Option<Steps>) -> Result<Steps, ExecutionError> {
    cells::ec_op_result(memory, address, steps.map(|steps| steps.r))?;
    steps.ok_or(ExecutionError::EcOpInfinity { address })
}

/// One instance a row; padding repeats the last.
fn fill(
    source: &Source<'_>,
    operations: &[Operation],
    steps: &[Steps],
    log_height: u32,
) -> Result<Trace, WitnessError> {
    let last = operations.len().min(steps.len()).checked_sub(1).ok_or(WitnessError::Empty("ec_op"))?;
    let Source { segment, multiplicities, control, .. } = source;
    fill_rows(
        1 << log_height,
        *control,
        || multiplicities.tally(&TableKind::Limb(Limb::Bits8)),
        |bytes, row| {
            let instance = row.min(last);
            let (Operation { p, q, m }, steps) = (operations[instance], &steps[instance]);
            let address = segment.base + instance as u32 * CELLS as u32;
            let top = operations[instance].factors().bit(251);
            let limbs = limbs(&m, top);
            for limb in limbs {
                let _ = bytes.add(usize::from(limb), 1);
            }
            let _ = bytes.add(8 * usize::from(limbs[LIMBS - 1]), 1);
            (0..CELLS as u32).try_for_each(|offset| multiplicities.memory(address + offset, 1))?;
            let columns = Columns {
                address: small(u64::from(address)),
                p_x: p.x,
                p_y: p.y,
                q_x: q.x,
                q_y: q.y,
                m,
                top: small(u64::from(top)),
                product_x: steps.product.x,
                product_y: steps.product.y,
                sum_slope: steps.sum_slope,
                sum_x: steps.sum.x,
                r_slope: steps.r_slope,
                r_x: steps.r.x,
                limb: limbs.map(|limb| small(u64::from(limb))),
            };
            Ok(columns.into_row())
        },
    )
}

/// The bytes of `p − 1 − m` if `m` has its bit 251, else zeros.
fn limbs(m: &Felt, top: bool) -> [u8; LIMBS] {
    let rest = if top { -*m - Felt::one() } else { Felt::zero() };
    let bytes = encoding::to_canonical_be(&rest);
    std::array::from_fn(|i| bytes[bytes.len() - 1 - i])
}
