//! Witness of [`cairo_air::components::ecdsa`] and of its products.

use super::Source;
use super::product::{self, Wanted};
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::rows::fill_rows;
use cairo_air::components::ecdsa::{CELLS, Columns};
use cairo_air::components::product::User;
use cairo_air::{TableEntry, TableKind};
use cairo_execution::{ExecutionError, cells};
use felt::integers::small;
use rayon::prelude::*;
use stark_curve::ecdsa::{Steps, steps};
use stark_curve::products::BATCH;

/// The builtin's table and that of its products.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let log_height = |kind: TableKind| {
        let entry = entries.iter().find(|entry| entry.kind == kind);
        entry.map(|entry| entry.log_height).ok_or(WitnessError::Empty("ecdsa"))
    };
    let (own, products) = (log_height(TableKind::Ecdsa)?, log_height(TableKind::Product(User::Ecdsa))?);
    let steps = all_steps(source)?;
    // Rows beyond the last instance repeat it.
    let repeated = (1_usize << own).saturating_sub(steps.len()) as u32;
    let uses = |instance: usize| if instance + 1 == steps.len() { 1 + repeated } else { 1 };
    let wanted = steps
        .iter()
        .enumerate()
        .flat_map(|(instance, steps)| steps.factors().map(|factors| Wanted { factors, uses: uses(instance) }));
    let (products, _) = product::fill(&wanted.collect::<Vec<_>>(), products, source.control)?;
    let own = fill(source, &steps, own)?;
    let mut tables = [(TableKind::Ecdsa, Some(own)), (TableKind::Product(User::Ecdsa), Some(products))];
    let table = |entry: &&TableEntry| {
        let found = tables.iter_mut().find(|(kind, _)| *kind == entry.kind);
        found.and_then(|(_, table)| table.take()).ok_or(WitnessError::Empty("ecdsa"))
    };
    entries.iter().map(table).collect()
}

/// What each instance shows.
fn all_steps(source: &Source<'_>) -> Result<Vec<Steps>, WitnessError> {
    let addresses = (source.segment.base..source.segment.stop).step_by(CELLS as usize);
    let addresses: Vec<(usize, u32)> = addresses.enumerate().collect();
    let batches = addresses.par_chunks(BATCH).with_max_len(1).map(|addresses| {
        source.control.checkpoint()?;
        let signed = addresses.iter().map(|(instance, _)| cells::signed(&source.execution.run(), *instance));
        let signed: Vec<_> = signed.collect::<Result<_, ExecutionError>>()?;
        let steps = addresses.iter().zip(steps(&signed));
        let steps = steps.map(|((_, address), steps)| {
            steps.map_err(|refusal| ExecutionError::Signature { address: *address, refusal })
        });
        Ok(steps.collect::<Result<Vec<_>, _>>()?)
    });
    Ok(batches.collect::<Result<Vec<_>, WitnessError>>()?.into_iter().flatten().collect())
}

/// One instance a row; padding repeats the last.
fn fill(source: &Source<'_>, steps: &[Steps], log_height: u32) -> Result<Trace, WitnessError> {
    let last = steps.len().checked_sub(1).ok_or(WitnessError::Empty("ecdsa"))?;
    let Source { segment, multiplicities, control, .. } = source;
    fill_rows(
        1 << log_height,
        *control,
        || (),
        |(), row| {
            let instance = row.min(last);
            let steps = &steps[instance];
            let address = segment.base + instance as u32 * CELLS as u32;
            (0..CELLS as u32).try_for_each(|offset| multiplicities.memory(address + offset, 1))?;
            let columns = Columns {
                address: small(u64::from(address)),
                q_x: steps.q.x,
                q_y: steps.q.y,
                z: steps.z,
                r: steps.r,
                w: steps.w,
                zg_x: steps.zg.x,
                zg_y: steps.zg.y,
                rq_x: steps.rq.x,
                rq_y: steps.rq.y,
                sum_slope: steps.sum_slope,
                sum_x: steps.sum.x,
                b_slope: steps.b_slope,
                b_x: steps.b.x,
                wb_x: steps.wb.x,
                wb_y: steps.wb.y,
                r_slope: steps.r_slope,
            };
            Ok(columns.into_row())
        },
    )
}
