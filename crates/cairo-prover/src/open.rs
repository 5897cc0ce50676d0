//! Which tables' rows stand in the open: short ones, whose rows take fewer bytes than their columns' openings.

use crate::Witness;
use crate::witness::Trace;
use cairo_air::{LayoutError, OpenTable, TableKind};
use felt::encoding;
use rayon::prelude::*;
use stark::Table;

/// Most bus terms that a proof's open tables have together by default: the verifier looks at each, which shall take no longer than all
/// the rest.
pub const MAX_TERMS: usize = 1 << 13;

/// Tables above this height, as `log2`, are always committed.
pub const MAX_LOG_HEIGHT: u32 = 9;

/// Bytes that a bus term of an open table must save.
const LEAST_BYTES_PER_TERM: usize = 2;

/// A table that might be open.
struct Choice {
    /// Its place among the committed ones.
    position: usize,
    open: OpenTable,
    terms: usize,
    /// Bytes that it saves.
    saved: usize,
}

/// Takes out of the committed tables those that save bytes in the open, most for each bus term first, as long as they have no more than `max_terms` terms
/// together, and a table is left. `queries` is the number of rows of each that would be opened.
///
/// # Errors
/// [`LayoutError::Open`] if the constraints of such a table do not hold.
pub fn open_short(witness: &mut Witness, queries: u32, max_terms: usize) -> Result<(), LayoutError> {
    let Witness { layout, tables, public, traces, .. } = witness;
    let choice = |(position, (table, trace)): (usize, (&Table, &Trace))| {
        let kind = &layout.tables.get(position)?.kind;
        Choice::new(position, kind, (table, trace), queries, max_terms)
    };
    let all = tables.par_iter().zip(&*traces).enumerate();
    let mut choices: Vec<Choice> = all.filter_map(choice).collect();
    choices.sort_by_key(|choice| std::cmp::Reverse(choice.saved * max_terms / choice.terms));
    let mut left = max_terms;
    let mut chosen: Vec<Choice> = Vec::new();
    for choice in choices {
        let is_new = chosen.iter().all(|other| other.open.kind != choice.open.kind);
        if is_new && choice.terms <= left && chosen.len() + 1 < tables.len() {
            left -= choice.terms;
            chosen.push(choice);
        }
    }
    chosen.sort_by(|a, b| a.open.kind.cmp(&b.open.kind));
    for (place, Choice { position, open, .. }) in chosen.iter().enumerate() {
        let Some(table) = tables.get(*position) else { continue };
        let kind = || open.kind.to_string();
        let tuples = stark::open::tuples(&table.air, &open.cells);
        public.extend(tuples.map_err(|error| LayoutError::Open { position: place, kind: kind(), error })?);
    }
    chosen.sort_by_key(|choice| std::cmp::Reverse(choice.position));
    for Choice { position, open, .. } in chosen {
        layout.tables.remove(position);
        tables.remove(position);
        traces.remove(position);
        layout.open.push(open);
    }
    layout.open.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(())
}

impl Choice {
    /// The table in the open, if it can be and saves enough.
    fn new(
        position: usize,
        kind: &TableKind,
        (table, trace): (&Table, &Trace),
        queries: u32,
        max_terms: usize,
    ) -> Option<Self> {
        let air = &table.air;
        if table.log_height > MAX_LOG_HEIGHT || air.check_local().is_err() {
            return None;
        }
        let cell = |row: usize, column: usize| trace.get(column).and_then(|column| column.get(row)).copied();
        let rows = stark::open::used_rows(air, table.height(), |row, column| cell(row, column).unwrap_or_default());
        let terms = rows.len() * air.interactions().len();
        if terms == 0 || terms > max_terms {
            return None;
        }
        let cells = rows.iter().flat_map(|row| (0..air.width()).map(|column| cell(*row, column)));
        let open = OpenTable { kind: kind.clone(), width: air.width(), cells: cells.collect::<Option<_>>()? };
        let saved = opened_bytes(table, queries).checked_sub(open.encoded_len())?;
        (saved >= LEAST_BYTES_PER_TERM * terms).then_some(Self { position, open, terms, saved })
    }
}

/// About the bytes of a committed table's openings: its columns' values at as many points as `queries` random ones differ.
fn opened_bytes(table: &Table, queries: u32) -> usize {
    let points = f64::from(2 << table.log_height);
    let distinct = points * (1.0 - (1.0 - 1.0 / points).powf(f64::from(queries)));
    let half_columns = 2 * table.air.width() + table.air.interactions().len();
    (distinct * (half_columns * encoding::BYTES) as f64 / 2.0) as usize
}
