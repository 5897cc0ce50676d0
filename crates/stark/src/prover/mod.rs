//! The prover. It never checks what it proves: traces that break a constraint give a proof that is refused.

mod circuit;
mod commit;
mod deep;
mod fri;
mod lookup;
mod memory;
mod openings;
mod quotient;
mod rows;
mod work;

pub use memory::peak_memory;
pub use work::{Work, work};

use crate::control::{Cancelled, Control, Meter, Phase};
use crate::hash;
use crate::parameters::{Parameters, ParametersError};
use crate::proof::Proof;
use crate::public::{PublicTerms, check_public};
use crate::shape::{QUOTIENT_CHUNKS, Shape};
use crate::table::{PublicTuple, Table, TableError, check_tables};
use crate::transcript::Transcript;
use commit::Committed;
use felt::Felt;
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
    parameters.validate()?;
    check_tables(tables)?;
    let public = PublicTerms::from(public);
    check_public(&public)?;
    check_traces(tables, &traces)?;
    let shape = Shape::new(tables, parameters);
    let mut transcript = Transcript::new(parameters, context, tables, &public);
    drop(public);
    let mut proof = Proof::default();

    // Main columns, side by side within their group.
    let main_traces = group_traces(&shape, traces);
    let cells = |widths: &dyn Fn(&crate::shape::Group) -> usize| -> u64 {
        shape.groups.iter().map(|group| (widths(group) as u64) << group.log_height).sum()
    };
    let meter = Meter::new(control, Phase::Main, cells(&|group| group.main_width));
    let main = Committed::extend(&main_traces, &shape, &meter)?;
    proof.main_cap = main.cap();
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();

    // LogUp columns.
    let meter = Meter::new(control, Phase::Lookup, 2 * cells(&|group| group.aux_width()));
    let mut aux_traces = Vec::with_capacity(shape.groups.len());
    for (group, trace) in shape.groups.iter().zip(main_traces) {
        let (columns, total) = lookup::lookup_columns(group, tables, &trace, bus, shape.log_blowup, &meter)?;
        aux_traces.push(columns);
        proof.totals.push(total);
    }
    let aux = Committed::extend_in_place(aux_traces, &shape, &meter)?;
    proof.lookup_cap = aux.cap();
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();

    // Quotients.
    let meter = Meter::new(control, Phase::Quotient, cells(&|_| QUOTIENT_CHUNKS));
    let mut chunks = Vec::with_capacity(shape.groups.len());
    for (number, group) in shape.groups.iter().enumerate() {
        let (main, aux, total) = (&main.groups[number], &aux.groups[number], proof.totals[number]);
        let inputs = QuotientInputs { group, tables, main, aux, bus, total, lambda, log_blowup: shape.log_blowup };
        chunks.push(quotient::quotient_chunks(&inputs, &meter)?);
    }
    let quotient = Committed::from_extensions(chunks, &shape, &meter)?;
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
    let meter = Meter::new(control, Phase::Fri, cells(&|_| 1 + (1 << shape.log_blowup)));
    let quotients = deep::deep_quotients(&shape, committed, (&proof.openings, weights), &zeta, &gamma, &meter)?;
    let folded = fri::fold_all(&shape, quotients, &mut transcript, &meter)?;
    proof.fold_caps = folded.caps();
    proof.final_polynomial.clone_from(&folded.final_polynomial);
    proof.nonce = grind(&transcript, parameters.grinding_bits, &meter)?;
    transcript.grinding(proof.nonce, parameters.grinding_bits);
    proof.indices = transcript.query_indices(shape.queries, shape.log_max_lde());
    [proof.main, proof.lookup, proof.quotient] = committed.map(|committed| committed.open(&proof.indices, &shape));
    proof.folds = folded.open(&proof.indices);
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
