//! What follows from the list of tables alone: height groups, column counts, LogUp batches, openings, fold schedule.
//! Prover and verifier both derive it; no part of it is read from a proof.

use crate::outline::{Outline, Outlined};
use crate::parameters::Parameters;
use crate::table::MIN_LOG_HEIGHT;
use std::borrow::Cow;

/// Pieces into which a quotient polynomial of degree below `2N` is cut.
pub const QUOTIENT_CHUNKS: usize = 2;

/// `log2` of the number of coefficients of FRI's final polynomial.
pub const LOG_FINAL: u32 = MIN_LOG_HEIGHT;

/// A fraction of the bus sum: interaction `interaction` of table `table` of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Position among the group's tables.
    pub table: usize,
    /// Position among the table's interactions.
    pub interaction: usize,
}

/// All tables of one height. Their columns stand side by side, and they share one running sum and one quotient.
#[derive(Debug, Clone)]
pub struct Group {
    /// `log2` of the number of rows.
    pub log_height: u32,
    /// Positions in the list of tables, ascending.
    pub tables: Vec<usize>,
    /// For each of `tables`, the index of its first main column within the group.
    pub offsets: Vec<usize>,
    /// For each of `tables`, the index of its first periodic column within the group.
    pub periodic_offsets: Vec<usize>,
    /// Number of main columns.
    pub main_width: usize,
    /// Main columns that are also opened on the next row, ascending.
    pub next_columns: Vec<usize>,
    /// One LogUp column for each: one or two fractions. The last column is the running sum.
    pub batches: Vec<Vec<Fraction>>,
    /// Number of constraints, with those of the LogUp columns.
    pub constraints: usize,
}

impl Group {
    /// Number of rows.
    pub const fn height(&self) -> usize {
        1 << self.log_height
    }

    /// Number of LogUp columns.
    pub fn aux_width(&self) -> usize {
        self.batches.len()
    }

    /// Openings of the group: (column, point) pairs.
    pub fn openings(&self) -> usize {
        let running_sum = usize::from(!self.batches.is_empty());
        self.main_width + self.next_columns.len() + self.aux_width() + running_sum + QUOTIENT_CHUNKS
    }
}

/// One FRI layer: a codeword of `2^log_size` values, folded by `2^log_arity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// `log2` of the codeword's length.
    pub log_size: u32,
    /// `log2` of the fold's arity.
    pub log_arity: u32,
}

impl Fold {
    /// `log2` of the number of leaves, each of which holds the values that fold together.
    pub const fn log_leaves(&self) -> u32 {
        self.log_size - self.log_arity
    }

    /// The codeword indices of a leaf's values, ascending.
    pub fn indices(self, leaf: u64) -> impl Iterator<Item = u64> {
        (0..1u64 << self.log_arity).map(move |position| leaf + (position << self.log_leaves()))
    }
}

/// Everything about a proof's form that the list of tables and the parameters fix. With the query indices it fixes every
/// length in a proof.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Height groups, tallest first.
    pub groups: Vec<Group>,
    /// FRI layers, largest first.
    pub folds: Vec<Fold>,
    /// `log2` of the blow-up.
    pub log_blowup: u32,
    /// Number of queries.
    pub queries: usize,
}

/// The positions that queries read in a domain of `2^log_size` points: their indices modulo its size, ascending, each once.
pub fn distinct(indices: &[u64], log_size: u32) -> Vec<u64> {
    let mut positions: Vec<_> = indices.iter().map(|index| index & ((1 << log_size) - 1)).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

impl Shape {
    /// Derives the shape from tables or their outlines. They and the parameters must have passed [`crate::check_tables`] and
    /// [`Parameters::validate`].
    pub fn new<T: Outlined>(tables: &[T], parameters: &Parameters) -> Self {
        let tables: Vec<_> = tables.iter().map(T::outline).collect();
        let mut heights: Vec<u32> = tables.iter().map(|table| table.log_height).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        heights.dedup();
        let groups: Vec<_> = heights.iter().map(|&log_height| group(&tables, log_height)).collect();
        let folds = fold_schedule(&heights, parameters);
        Self { groups, folds, log_blowup: parameters.log_blowup, queries: parameters.queries as usize }
    }

    /// `log2` of the largest LDE domain.
    pub fn log_max_lde(&self) -> u32 {
        self.groups.first().map_or(0, |group| group.log_height) + self.log_blowup
    }

    /// `log2` of a group's LDE domain.
    pub const fn log_lde(&self, group: &Group) -> u32 {
        group.log_height + self.log_blowup
    }
}

fn group(all: &[Cow<'_, Outline>], log_height: u32) -> Group {
    let mut group = Group {
        log_height,
        tables: Vec::new(),
        offsets: Vec::new(),
        periodic_offsets: Vec::new(),
        main_width: 0,
        next_columns: Vec::new(),
        batches: Vec::new(),
        constraints: 0,
    };
    let mut periodic = 0;
    let mut open: Option<usize> = None;
    for (position, table) in all.iter().enumerate().filter(|(_, table)| table.log_height == log_height) {
        group.next_columns.extend(table.next_columns.iter().map(|&column| group.main_width + column as usize));
        for (interaction, term) in table.interactions.iter().enumerate() {
            let fraction = Fraction { table: group.tables.len(), interaction };
            match (term.is_pairable, open) {
                (true, Some(batch)) => {
                    group.batches[batch].push(fraction);
                    open = None;
                }
                (pairable, _) => {
                    if pairable {
                        open = Some(group.batches.len());
                    }
                    group.batches.push(vec![fraction]);
                }
            }
        }
        group.constraints += table.constraints;
        group.tables.push(position);
        group.offsets.push(group.main_width);
        group.periodic_offsets.push(periodic);
        group.main_width += table.width;
        periodic += table.periods.len();
    }
    group.constraints += group.batches.len();
    group
}

/// Folds as far as the arity limit allows, but stops at every group's size (where that group's polynomial comes in) and at
/// the final polynomial's.
fn fold_schedule(heights: &[u32], parameters: &Parameters) -> Vec<Fold> {
    let mut folds = Vec::new();
    let Some(&tallest) = heights.first() else { return folds };
    let stops = heights.iter().skip(1).copied().chain([LOG_FINAL]);
    let mut log_height = tallest;
    for stop in stops {
        while log_height > stop {
            // At least 1 even for parameters out of bounds, so that the schedule ends.
            let log_arity = (log_height - stop).min(parameters.log_fold.max(1));
            folds.push(Fold { log_size: log_height + parameters.log_blowup, log_arity });
            log_height -= log_arity;
        }
    }
    folds
}
