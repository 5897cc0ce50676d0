//! The columns of a group, extended or on one domain at a time.

use crate::control::{Cancelled, Meter};
use felt::Felt;
use felt::fft::{self, Domain};

/// Where the columns have their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On all cosets of the LDE domain, one after the other.
    Extended,
    /// On one domain only.
    On(Domain),
}

/// Committed columns of one height.
#[derive(Debug)]
pub struct Matrix {
    columns: Vec<Vec<Felt>>,
    place: Place,
    log_blowup: u32,
}

impl Matrix {
    /// Columns with their extensions in coset-major order: entry `k·N + i` belongs to point `k + B·i`.
    pub const fn extended(columns: Vec<Vec<Felt>>, log_blowup: u32) -> Self {
        Self { columns, place: Place::Extended, log_blowup }
    }

    /// Columns with their values on one domain.
    pub const fn on(domain: Domain, columns: Vec<Vec<Felt>>, log_blowup: u32) -> Self {
        Self { columns, place: Place::On(domain), log_blowup }
    }

    /// Extends columns of the trace domain that stand at the beginning of the memory that their extensions take.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn extend_in_place(mut columns: Vec<Vec<Felt>>, log_blowup: u32, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        fft::extend_in_place(&mut columns, log_blowup, &|| meter.checkpoint())?;
        let extended = Self::extended(columns, log_blowup);
        meter.advance(extended.cells())?;
        Ok(extended)
    }

    /// Extends columns that stand on the trace domain, which are returned.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn extend(&mut self, meter: &Meter<'_>) -> Result<Vec<Vec<Felt>>, Cancelled> {
        debug_assert_eq!(self.place, Place::On(Domain::Trace), "the columns stand elsewhere");
        let extended = fft::extend_batch(&self.columns, self.log_blowup, &|| meter.checkpoint())?;
        meter.advance(self.cells())?;
        self.place = Place::Extended;
        Ok(std::mem::replace(&mut self.columns, extended))
    }

    /// Number of cells of the trace.
    pub fn cells(&self) -> u64 {
        (self.width() * self.height()) as u64
    }

    /// Whether the extensions are there.
    pub fn is_extended(&self) -> bool {
        self.place == Place::Extended
    }

    /// Number of cosets of the LDE domain.
    pub const fn cosets(&self) -> usize {
        1 << self.log_blowup
    }

    /// Number of columns.
    pub const fn width(&self) -> usize {
        self.columns.len()
    }

    /// Number of rows of the trace domain; 0 without columns.
    pub fn height(&self) -> usize {
        let len = self.columns.first().map_or(0, Vec::len);
        if self.place == Place::Extended { len >> self.log_blowup } else { len }
    }

    /// All columns, as they stand.
    pub fn columns(&self) -> &[Vec<Felt>] {
        &self.columns
    }

    /// All columns, as they stand.
    pub fn into_columns(self) -> Vec<Vec<Felt>> {
        self.columns
    }

    /// A column's values on a coset, which must be the one on which the columns stand, if it is one only.
    pub fn on_coset(&self, column: usize, coset: usize) -> &[Felt] {
        let values = self.columns[column].as_slice();
        match self.place {
            Place::Extended => {
                let height = values.len() >> self.log_blowup;
                &values[coset * height..][..height]
            }
            Place::On(domain) => {
                debug_assert_eq!(domain, Domain::Coset(coset), "the columns stand elsewhere");
                values
            }
        }
    }

    /// [`Self::on_coset`] of all columns.
    pub fn coset(&self, coset: usize) -> Vec<&[Felt]> {
        (0..self.width()).map(|column| self.on_coset(column, coset)).collect()
    }

    /// Sees to it that the values on a domain are there. Returns whether the columns had to be transformed.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn move_to(&mut self, domain: Domain, meter: &Meter<'_>) -> Result<bool, Cancelled> {
        match self.place {
            Place::On(from) if from != domain => {
                fft::change_domain(&mut self.columns, (from, domain), self.log_blowup, &|| meter.checkpoint())?;
                self.place = Place::On(domain);
                Ok(true)
            }
            Place::Extended | Place::On(_) => Ok(false),
        }
    }
}

/// Where the value at LDE point `index` stands in coset-major order. Both numbers are powers of two.
#[inline(always)]
pub const fn position(index: usize, height: usize, cosets: usize) -> usize {
    (index & (cosets - 1)) * height + (index >> cosets.trailing_zeros())
}
