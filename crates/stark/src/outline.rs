//! What of a table all lengths in a proof and the transcript depend on: everything but its expressions. A verifier can know it before
//! it constructs the table, and refuse without.

use crate::air::Bus;
use std::borrow::Cow;

/// A table without its expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Name of the AIR.
    pub name: String,
    /// Number of rows, as `log2`.
    pub log_height: u32,
    /// Number of main columns.
    pub width: usize,
    /// Main columns that some constraint reads on the next row, ascending.
    pub next_columns: Vec<u32>,
    /// Lengths of the periodic columns' periods.
    pub periods: Vec<usize>,
    /// Number of constraints.
    pub constraints: usize,
    /// The interactions in order.
    pub interactions: Vec<BusTerm>,
}

/// An interaction without its expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusTerm {
    /// Its bus.
    pub bus: Bus,
    /// Whether it may share a LogUp column: `h·d1·d2 − m1·d2 − m2·d1` stays within degree 3 if its tuple has degree at most 1 and its
    /// multiplicity at most 2.
    pub is_pairable: bool,
}

impl Outline {
    /// Number of rows.
    pub const fn height(&self) -> usize {
        1 << self.log_height
    }

    /// A bound on what looking at a disclosed row takes: a cell for each of the expressions that may read it.
    pub const fn row_work(&self) -> u64 {
        (self.width * (self.constraints + self.interactions.len())) as u64
    }

    /// Fewest rows that hold a whole period of every periodic column.
    pub fn min_height(&self) -> usize {
        self.periods.iter().copied().max().unwrap_or(1)
    }
}

/// A table, or as much of it as lengths and transcript depend on.
pub trait Outlined {
    /// Its outline.
    fn outline(&self) -> Cow<'_, Outline>;
}

impl Outlined for Outline {
    fn outline(&self) -> Cow<'_, Outline> {
        Cow::Borrowed(self)
    }
}
