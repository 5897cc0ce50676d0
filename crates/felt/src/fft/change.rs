//! Values on one domain to values on another, without further memory.

use super::{Job, extend_jobs, log2};
use crate::Felt;
use crate::domain::lde_point;
use crate::scalar::inverse;

/// `N` points on which a column of `N` values can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The trace domain.
    Trace,
    /// A coset of the LDE domain, as [`extend`](super::extend) numbers them.
    Coset(usize),
}

impl Domain {
    fn shift(self, log_height: u32, log_blowup: u32) -> Felt {
        match self {
            Self::Trace => Felt::one(),
            Self::Coset(coset) => lde_point(log_height + log_blowup, coset as u64),
        }
    }
}

/// Replaces the values of polynomials of degree below `N` on `from`, `N` of each, by those on `to`: part of what
/// [`extend`](super::extend) gives. The number of cosets is `2^log_blowup`.
///
/// # Errors
/// As [`extend_in_place`](super::extend_in_place).
///
/// # Panics
/// If the lengths are not equal or not a power of two.
pub fn change_domain<E: Send>(
    columns: &mut [Vec<Felt>],
    (from, to): (Domain, Domain),
    log_blowup: u32,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let Some(log_height) = columns.first().map(|column| log2(column.len())) else { return Ok(()) };
    let [from, to] = [from, to].map(|domain| domain.shift(log_height, log_blowup));
    let jobs = columns.iter_mut().map(|column| Job { source: None, targets: vec![column] });
    extend_jobs(jobs.collect(), &inverse(&from), &[to], poll)
}
