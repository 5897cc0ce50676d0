//! Which tables' rows are disclosed: those of short ones, whose rows take fewer bytes than their columns' openings.

pub use crate::planner::budget::MAX_TERMS;

use crate::planner::budget::{Budget, MAX_LOG_HEIGHT};
use crate::witness::{Trace, Witness};
use cairo_air::{DisclosedTable, LayoutError, TableKind};
use felt::encoding;
use rayon::prelude::*;
use stark::Table;

/// Bytes that a bus term of a disclosed table must save.
const LEAST_BYTES_PER_TERM: f64 = 2.0;

/// A table that might be disclosed.
struct Choice {
    /// Its place among the committed ones.
    position: usize,
    disclosed: DisclosedTable,
    /// Bytes that it saves, for each bus term.
    saved: f64,
}

/// Takes out of the committed tables those that save bytes if disclosed, most for each bus term first, as long as they have no more than `max_terms` terms
/// together, the verifier is willing to look at them all, and a table is left. `queries` is the number of rows of each that would be opened.
///
/// # Errors
/// [`LayoutError::Disclosed`] if the constraints of such a table do not hold.
pub fn disclose_short(witness: &mut Witness, queries: u32, max_terms: u64) -> Result<(), LayoutError> {
    let Witness { layout, tables, public, traces, .. } = witness;
    let choice = |(position, (table, trace)): (usize, (&Table, &Trace))| {
        let kind = &layout.tables.get(position)?.kind;
        Choice::new(position, kind, (table, trace), queries)
    };
    let all = tables.par_iter().zip(&*traces).enumerate();
    let mut choices: Vec<Choice> = all.filter_map(choice).collect();
    choices.sort_by(|a, b| b.saved.total_cmp(&a.saved));
    let mut budget = Budget::new(max_terms);
    let mut chosen: Vec<Choice> = Vec::new();
    for choice in choices {
        let is_new = chosen.iter().all(|other| other.disclosed.kind != choice.disclosed.kind);
        let Some(air) = tables.get(choice.position).map(|table| &table.air) else { continue };
        let (rows, constraints) = (choice.disclosed.rows() as u64, air.constraints().len());
        if is_new
            && chosen.len() + 1 < tables.len()
            && budget.take(rows, choice.disclosed.width, air.interactions().len(), constraints)
        {
            chosen.push(choice);
        }
    }
    chosen.sort_by(|a, b| a.disclosed.kind.cmp(&b.disclosed.kind));
    for (place, Choice { position, disclosed, .. }) in chosen.iter().enumerate() {
        let Some(table) = tables.get(*position) else { continue };
        let kind = || disclosed.kind.to_string();
        let tuples = stark::disclosed::tuples(&table.air, &disclosed.cells);
        public.extend(tuples.map_err(|error| LayoutError::Disclosed { position: place, kind: kind(), error })?);
    }
    chosen.sort_by_key(|choice| std::cmp::Reverse(choice.position));
    for Choice { position, disclosed, .. } in chosen {
        layout.tables.remove(position);
        tables.remove(position);
        traces.remove(position);
        layout.disclosed.push(disclosed);
    }
    layout.disclosed.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(())
}

impl Choice {
    /// The disclosed table, if it can be and saves enough.
    fn new(position: usize, kind: &TableKind, (table, trace): (&Table, &Trace), queries: u32) -> Option<Self> {
        let air = &table.air;
        if table.log_height > MAX_LOG_HEIGHT || air.check_local().is_err() {
            return None;
        }
        let cell = |row: usize, column: usize| trace.get(column).and_then(|column| column.get(row)).copied();
        let rows =
            stark::disclosed::used_rows(air, table.height(), |row, column| cell(row, column).unwrap_or_default());
        let terms = rows.len() * air.interactions().len();
        if terms == 0 {
            return None;
        }
        let cells = rows.iter().flat_map(|row| (0..air.width()).map(|column| cell(*row, column)));
        let disclosed = DisclosedTable { kind: kind.clone(), width: air.width(), cells: cells.collect::<Option<_>>()? };
        let saved = opened_bytes(table, queries).checked_sub(disclosed.encoded_len())?;
        let saved = saved as f64 / terms as f64;
        (saved >= LEAST_BYTES_PER_TERM).then_some(Self { position, disclosed, saved })
    }
}

/// About the bytes of a committed table's openings: its columns' values at as many points as `queries` random ones differ.
fn opened_bytes(table: &Table, queries: u32) -> usize {
    let points = f64::from(2 << table.log_height);
    let distinct = points * (1.0 - (1.0 - 1.0 / points).powf(f64::from(queries)));
    let half_columns = 2 * table.air.width() + table.air.interactions().len();
    (distinct * (half_columns * encoding::BYTES) as f64 / 2.0) as usize
}
