//! The prover. It never checks what it proves: traces that break a constraint give a proof that is refused.

mod circuit;
mod columns;
mod commit;
mod deep;
mod fri;
mod lookup;
mod matrix;
mod memory;
mod openings;
mod queries;
mod quotient;
mod rows;
mod sweep;
mod work;

pub use memory::{least_memory, peak_memory, recomputed_cells};
pub use work::{Work, work};

use crate::control::{Cancelled, Control, Meter, Phase};
use crate::hash;
use crate::parameters::{Parameters, ParametersError};
use crate::proof::Proof;
use crate::public::{PublicTerms, check_public};
use crate::shape::{Group, QUOTIENT_CHUNKS, Shape};
use crate::table::{PublicTuple, Table, TableError, check_tables};
use crate::transcript::Transcript;
use columns::Columns;
use felt::Felt;
use memory::Kept;
use quotient::QuotientInputs;
use rayon::prelude::*;

/// Why no proof was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The control hook cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The parameters are outside their bounds.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The list of tables is outside its bounds.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The number of traces is not that of the tables.
    #[error("{found} traces for {expected} tables")]
    Traces {
        /// Number of tables.
        expected: usize,
        /// Number of traces.
        found: usize,
    },
    /// A trace has other columns or rows than its table.
    #[error("the trace of table {table} ({air}) does not have {width} columns of {height} rows")]
    Trace {
        /// Position of the table.
        table: usize,
        /// Its name.
        air: String,
        /// Columns expected.
        width: usize,
        /// Rows expected.
        height: usize,
    },
    /// A tuple meets the challenge, which happens with probability below 2^-200.
    #[error("a bus tuple has a zero denominator")]
    Denominator,
}

/// Proves that `traces` satisfy `tables` and balance against `public`. `traces[t][c][r]` is row `r` of main column `c` of
/// table `t`; they are consumed as memory is needed. `context` is bound to the proof and must be given to the verifier.
///
/// Runs on the current rayon pool. The proof is the same whatever the number of threads.
///
/// # Errors
/// [`ProveError`] for unusable inputs, or if the control hook cancels.
pub fn prove(
    tables: &[Table],
    traces: Vec<Vec<Vec<Felt>>>,
    public: &[PublicTuple],
    context: &[u8],
    parameters: &Parameters,
    control: &dyn Control,
) -> Result<Proof, ProveError> {
    prove_within(u64::MAX, tables, traces, public, context, parameters, control)
}

/// [`prove`] within so many bytes of memory, if they are [`least_memory`] at least, and else within these. What is less than [`peak_memory`]
/// takes longer: low-degree extensions that have no room are computed again. The proof is the same.
///
/// # Errors
/// As [`prove`].
pub fn prove_within(
    limit: u64,
    tables: &[Table],
    traces: Vec<Vec<Vec<Felt>>>,
    public: &[PublicTuple],
    context: &[u8],
    parameters: &Parameters,
    control: &dyn Control,
) -> Result<Proof, ProveError> {
    parameters.validate()?;
    check_tables(tables)?;
    let public = PublicTerms::from(public);
    check_public(&public)?;
    check_traces(tables, &traces)?;
    let shape = Shape::new(tables, parameters);
    let mut transcript = Transcript::new(parameters, context, tables, &public);
    drop(public);
    let kept = Kept::within(&shape, limit);
    control.kept(kept.share(&shape));
    let mut proof = Proof::default();
    let cells = |widths: &dyn Fn(&Group) -> usize| -> u64 {
        shape.groups.iter().map(|group| (widths(group) as u64) << group.log_height).sum()
    };

    let meter = Meter::new(control, Phase::Main, cells(&|group| group.main_width));
    let mut columns = Columns::new(group_traces(&shape, traces), &shape, &kept, &meter)?;
    proof.main_cap = columns.main.cap();
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();

    let meter = Meter::new(control, Phase::Lookup, 2 * cells(&|group| group.aux_width()));
    let (aux, totals) = columns.lookup(tables, (&shape, &kept), bus, &meter)?;
    let (mut main, mut aux) = (columns.main, aux);
    proof.lookup_cap = aux.cap();
    proof.totals = totals;
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();

    let meter = Meter::new(control, Phase::Quotient, 2 * cells(&|_| QUOTIENT_CHUNKS));
    let groups = shape.groups.iter().zip(&proof.totals);
    let inputs = groups.map(|(group, &total)| QuotientInputs {
        group,
        tables,
        bus,
        total,
        lambda,
        log_blowup: shape.log_blowup,
    });
    let inputs: Vec<_> = inputs.collect();
    let quotient = quotient::commit(&inputs, [&mut main, &mut aux], &kept, &meter)?;
    proof.quotient_cap = quotient.cap();
    transcript.quotient_commitment(&proof.quotient_cap);
    let zeta = transcript.out_of_domain_point();

    // Openings out of the domain.
    let meter = Meter::new(control, Phase::Openings, cells(&|group| group.openings()));
    let committed = [&main, &aux, &quotient];
    let (openings, weights) = openings::open_groups(&shape, committed, &zeta, &meter)?;
    proof.openings = openings;
    transcript.openings(&proof.openings);
    let gamma = transcript.deep_challenge();

    // Low-degree test.
    let low_degree_test = cells(&|_| 1 + (1 << shape.log_blowup));
    let moved = kept.missing(&shape) * ((1 << shape.log_blowup) - 1);
    let meter = Meter::new(control, Phase::Fri, low_degree_test + moved);
    let quotients = deep::deep_quotients(&shape, committed, (&proof.openings, weights), &zeta, &gamma, &meter)?;
    let folded = fri::fold_all(&shape, quotients, &mut transcript, &meter)?;
    proof.fold_caps = folded.caps();
    proof.final_polynomial.clone_from(&folded.final_polynomial);
    proof.nonce = grind(&transcript, parameters.grinding_bits, &meter)?;
    transcript.grinding(proof.nonce, parameters.grinding_bits);
    proof.indices = transcript.query_indices(shape.queries, shape.log_max_lde());
    proof.folds = folded.open(&proof.indices);
    drop(folded);
    let open = |committed| queries::open(committed, &proof.indices, &shape, &meter);
    [proof.main, proof.lookup, proof.quotient] = [open(main)?, open(aux)?, open(quotient)?];
    control.progress(Phase::Fri, 1.0);
    Ok(proof)
}

fn check_traces(tables: &[Table], traces: &[Vec<Vec<Felt>>]) -> Result<(), ProveError> {
    if tables.len() != traces.len() {
        return Err(ProveError::Traces { expected: tables.len(), found: traces.len() });
    }
    for (position, (table, trace)) in tables.iter().zip(traces).enumerate() {
        let (width, height) = (table.air.width(), table.height());
        if trace.len() != width || trace.iter().any(|column| column.len() != height) {
            return Err(ProveError::Trace { table: position, air: table.air.name().to_owned(), width, height });
        }
    }
    Ok(())
}

fn group_traces(shape: &Shape, mut traces: Vec<Vec<Vec<Felt>>>) -> Vec<Vec<Vec<Felt>>> {
    let mut take = |position: &usize| std::mem::take(&mut traces[*position]);
    shape.groups.iter().map(|group| group.tables.iter().flat_map(&mut take).collect()).collect()
}

/// The smallest nonce that solves the puzzle, so that the proof does not depend on scheduling.
fn grind(transcript: &Transcript, bits: u32, meter: &Meter<'_>) -> Result<u64, Cancelled> {
    /// Nonces that one thread tries, and parts that are tried before the control hook is visited again.
    const PART: u64 = 1 << 12;
    const PARTS: u64 = 1 << 6;
    let seed = transcript.grinding_seed();
    let mut start = 0u64;
    loop {
        meter.checkpoint()?;
        let parts = (0..PARTS).into_par_iter();
        if let Some(nonce) = parts.find_map_first(|part| hash::grind(&seed, start + part * PART, PART, bits)) {
            return Ok(nonce);
        }
        start += PART * PARTS;
    }
}
