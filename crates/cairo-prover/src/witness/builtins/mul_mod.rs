//! Witness of [`cairo_air::components::mul_mod`].

use super::Source;
use super::modular::{Instances, bit, digits};
use crate::error::WitnessError;
use crate::planner::builtins::modular::carries;
use crate::witness::Trace;
use crate::witness::rows::fill_rows;
use cairo_air::components::mul_mod::Columns;
use cairo_air::{Builtin, TableEntry};
use cairo_execution::cells;
use felt::integers::small;

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    entries.iter().map(|entry| fill(source, entry.log_height)).collect()
}

/// One instance after the other; padding repeats the first.
pub fn fill(source: &Source<'_>, log_height: u32) -> Result<Trace, WitnessError> {
    let instances = Instances::new(Builtin::MulMod, source);
    fill_rows(
        1 << log_height,
        source.control,
        || (),
        |(), row| {
            let row = instances.row(row)?;
            let (instance, product) = cells::mul_mod(&source.execution.memory, row.address)?;
            instances.count(&row, &instance)?;
            let [a, b, c] = instance.values.map(|value| digits(&value));
            let [[l0, h0], [l1, h1], [l2, h2]] = carries(&product);
            let columns = Columns {
                enabler: bit(row.enabled),
                address: small(u64::from(row.address)),
                joins: bit(row.joins),
                goes_on: bit(instance.goes_on()),
                values_ptr: instance.values_ptr,
                offsets_ptr: small(u64::from(instance.offsets_ptr)),
                n: instance.n,
                offset: instance.offsets,
                p: digits(&instance.p),
                a,
                b,
                c,
                q: digits(&product.quotient),
                carry: [l0, h0, l1, h1, l2, h2].map(small),
            };
            Ok(columns.into_row())
        },
    )
}
