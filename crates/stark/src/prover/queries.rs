//! The rows that queries open, with their batch openings.

use super::commit::Committed;
use super::matrix::Matrix;
use crate::control::{Cancelled, Meter};
use crate::hash::{Digest, hash_row};
use crate::merkle::Rows;
use crate::proof::Opening;
use crate::shape::{Shape, distinct};
use felt::Felt;
use felt::fft::Domain;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The rows of a committed matrix that are asked for, by their indices.
type Found = BTreeMap<usize, Vec<Felt>>;

/// The rows at the query indices, with the batch opening of the tree. Columns that stand on one coset are moved over all of them.
///
/// # Errors
/// [`Cancelled`] if the control hook says so.
pub fn open(mut committed: Committed, indices: &[u64], shape: &Shape, meter: &Meter<'_>) -> Result<Opening, Cancelled> {
    let present: Vec<_> = (0..shape.groups.len()).filter(|group| committed.matrices[*group].width() > 0).collect();
    let queried: Vec<_> = present.iter().map(|group| distinct(indices, shape.log_lde(&shape.groups[*group]))).collect();
    let leaves = queried.first().map_or(&[][..], Vec::as_slice);
    let heights: Vec<_> = present.iter().map(|group| shape.groups[*group].height() << shape.log_blowup).collect();

    // Which rows the opening takes the digests of does not depend on what these are.
    let asked = Asked { heights, rows: Mutex::new(vec![BTreeSet::new(); present.len()]) };
    committed.tree.open(leaves, &asked);
    let Asked { heights, rows } = asked;
    let mut wanted = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (wanted, queried) in wanted.iter_mut().zip(&queried) {
        // The columns are in memory, so their indices fit.
        wanted.extend(queried.iter().map(|index| *index as usize));
    }
    let mut found = Vec::with_capacity(present.len());
    for (group, wanted) in present.iter().zip(&wanted) {
        found.push(rows_of(&mut committed.matrices[*group], wanted, meter)?);
    }

    let rows = found.iter().zip(&queried).map(|(found, queried)| {
        let row = |index: &u64| found.get(&(*index as usize)).cloned().unwrap_or_default();
        queried.iter().map(row).collect()
    });
    let rows = rows.collect();
    Ok(Opening { rows, path: committed.tree.open(leaves, &Opened { heights, rows: found }) })
}

/// Some rows of a matrix.
fn rows_of(matrix: &mut Matrix, wanted: &BTreeSet<usize>, meter: &Meter<'_>) -> Result<Found, Cancelled> {
    let cosets = matrix.cosets();
    let mut found = Found::new();
    for coset in 0..cosets {
        let mut rows = wanted.iter().copied().filter(|index| index % cosets == coset).peekable();
        if rows.peek().is_none() {
            continue;
        }
        if matrix.move_to(Domain::Coset(coset), meter)? {
            meter.advance(matrix.cells())?;
        }
        let values = matrix.coset(coset);
        found.extend(rows.map(|index| (index, values.iter().map(|column| column[index / cosets]).collect())));
    }
    Ok(found)
}

/// Notes which rows are asked for.
struct Asked {
    heights: Vec<usize>,
    rows: Mutex<Vec<BTreeSet<usize>>>,
}

impl Rows for Asked {
    fn heights(&self) -> Vec<usize> {
        self.heights.clone()
    }

    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows[matrix].extend(first..first + out.len());
    }
}

/// The rows that were asked for.
struct Opened {
    heights: Vec<usize>,
    rows: Vec<Found>,
}

impl Rows for Opened {
    fn heights(&self) -> Vec<usize> {
        self.heights.clone()
    }

    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]) {
        for (row, out) in (first..).zip(out) {
            *out = hash_row(self.rows[matrix].get(&row).into_iter().flatten());
        }
    }
}
