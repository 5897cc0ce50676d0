//! Verification of what donors bring, on a bounded number of threads beside the async ones.

use crate::error::ApiError;
use crate::share::{Full, Owner, Share};
use crate::store::{Refusal, VerifiedRun};
use cairo_air::{Policy, Program, ProofFileError, VerifyError};
use cairo_execution::LoadError;
use felt::Felt;
use protocol::{Cause, Digest, DonorKey, Felts, Preset, UnitLimits, program_hash};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What an execution may come to beyond the project's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionBounds {
    /// Largest file.
    pub max_bytes: u64,
    /// Most memory cells.
    pub max_cells: u64,
}

impl ExecutionBounds {
    fn most_cells(&self, limits: &UnitLimits) -> u64 {
        limits.max_memory_cells.min(self.max_cells)
    }

    /// Most bytes of an unpacked execution within these limits: a cell takes at most 34 bytes, a step at most 15, and the
    /// program is among the cells.
    fn most_unpacked(&self, limits: &UnitLimits) -> u64 {
        let cells = self.most_cells(limits).saturating_mul(68);
        (1_u64 << 16).saturating_add(cells).saturating_add(limits.max_steps.saturating_mul(15))
    }

    /// Most bytes of an execution file within these limits. What zstd cannot pack grows by less than a hundredth.
    pub fn most_packed(&self, limits: &UnitLimits) -> u64 {
        let unpacked = self.most_unpacked(limits);
        unpacked.saturating_add(unpacked / 100).min(self.max_bytes)
    }
}

/// Runs of a program that a proof is said to be of.
#[derive(Debug, Clone)]
pub struct Runs<'a> {
    /// The program.
    pub program: &'a Program,
    /// The arguments of each run.
    pub arguments: Vec<Vec<Felt>>,
    /// The prover's identity.
    pub prover: DonorKey,
}

/// Judges submissions. Neither method may panic or take memory beyond the limits, whatever the file holds.
pub trait Verifier: Send + Sync + 'static {
    /// Whether this is a proof of runs as they are said to be, with the security that the preset demands; what it shows of each, in
    /// their order.
    ///
    /// # Errors
    /// Why not.
    fn proof(&self, runs: Runs<'_>, proof: &[u8], preset: Preset, max_steps: u64) -> Result<Vec<VerifiedRun>, Refusal>;

    /// Whether this is an execution of the program on the arguments within the limits: every step of it is executed.
    ///
    /// # Errors
    /// Why not; with the cause `internal` if the file cannot be read, which says nothing about the execution.
    fn execution(
        &self,
        program: &Program,
        arguments: &[Felt],
        file: File,
        limits: &UnitLimits,
        bounds: &ExecutionBounds,
    ) -> Result<VerifiedRun, Refusal>;
}

/// The verifier of `cairo-air`.
#[derive(Debug, Clone, Copy)]
pub struct CairoVerifier {
    policy: fn(Preset, u64) -> Policy,
}

impl Default for CairoVerifier {
    fn default() -> Self {
        Self { policy: protocol::policy }
    }
}

impl CairoVerifier {
    /// With another policy than the one that uploaders apply; for tests, which have no time for secure proofs.
    pub const fn with_policy(policy: fn(Preset, u64) -> Policy) -> Self {
        Self { policy }
    }
}

/// The cause of a refusal.
const fn proof_cause(error: &VerifyError) -> Cause {
    match error {
        VerifyError::Policy(_) => Cause::PolicyFailed,
        VerifyError::File(ProofFileError::Version(_)) => Cause::UnsupportedVersion,
        VerifyError::File(_) | VerifyError::Decode(_) => Cause::BadEncoding,
        VerifyError::OtherProgram { .. } => Cause::WrongProgram,
        VerifyError::OtherArguments { .. } => Cause::WrongArguments,
        VerifyError::OtherProver { .. } => Cause::WrongProver,
        VerifyError::Statement(_) | VerifyError::Claim(_) | VerifyError::Layout(_) | VerifyError::Stark(_) => {
            Cause::VerifyFailed
        }
    }
}

/// The cause of a refusal.
const fn execution_cause(error: &LoadError) -> Cause {
    match error {
        LoadError::Version { .. } => Cause::UnsupportedVersion,
        LoadError::TooLarge { .. } => Cause::PolicyFailed,
        LoadError::Invalid(_) | LoadError::Program(_) => Cause::BadExecution,
        LoadError::Io(_) => Cause::Internal,
        _ => Cause::BadEncoding,
    }
}

impl Verifier for CairoVerifier {
    fn proof(&self, runs: Runs<'_>, proof: &[u8], preset: Preset, max_steps: u64) -> Result<Vec<VerifiedRun>, Refusal> {
        let Runs { program, arguments, prover } = runs;
        let shown = protocol::proof::verify(program, arguments, &prover, proof, &(self.policy)(preset, max_steps));
        let shown = shown.map_err(|error| Refusal::new(proof_cause(&error), error.to_string()))?;
        Ok(shown.into_iter().map(|run| VerifiedRun { n_steps: run.n_steps, output: Felts(run.output) }).collect())
    }

    fn execution(
        &self,
        program: &Program,
        arguments: &[Felt],
        file: File,
        limits: &UnitLimits,
        bounds: &ExecutionBounds,
    ) -> Result<VerifiedRun, Refusal> {
        let loaded = cairo_execution::load(
            BufReader::new(file),
            cairo_execution::LoadLimits {
                max_packed_bytes: bounds.max_bytes,
                max_body_bytes: bounds.most_unpacked(limits),
                max_steps: limits.max_steps,
                max_memory_cells: bounds.most_cells(limits),
            },
        );
        let execution = loaded.map_err(|error| Refusal::new(execution_cause(&error), error.to_string()))?;
        if execution.program != *program {
            let (found, expected) = (program_hash(&execution.program), program_hash(program));
            let detail =
                format!("this is an execution of another program: its hash is {found}, expected is {expected}");
            return Err(Refusal::new(Cause::WrongProgram, detail));
        }
        if execution.arguments != arguments {
            let detail = "this is an execution of the program on other arguments than the unit's";
            return Err(Refusal::new(Cause::WrongArguments, detail));
        }
        Ok(VerifiedRun { n_steps: execution.n_steps() as u64, output: Felts(execution.output().to_vec()) })
    }
}

/// What a kept execution is found to be when it is checked once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// A run of the unit: whoever says otherwise is wrong.
    Good(VerifiedRun),
    /// None, though the file is as it was brought. It was taken under other limits, if the cause is `policy_failed`, or by an
    /// earlier version of the check.
    Bad(Refusal),
    /// The file is no longer the one that was brought, or cannot be read: nobody but this machine is to blame.
    Damaged(String),
}

/// Checks an execution file that was accepted once more, as [`Verifier::execution`] does, and tells a bad execution from a damaged
/// file by the digest under which it is kept. It belongs in the pool for executions: it takes as long as the first check.
pub fn recheck(
    verifier: &dyn Verifier,
    program: &Program,
    arguments: &[Felt],
    (file, sha256): (File, &Digest),
    limits: &UnitLimits,
    bounds: &ExecutionBounds,
) -> Recheck {
    let damaged = |error: io::Error| Recheck::Damaged(format!("the execution file cannot be read: {error}"));
    let judged = match file.try_clone() {
        Ok(file) => verifier.execution(program, arguments, file, limits, bounds),
        Err(error) => return damaged(error),
    };
    let refusal = match judged {
        Ok(shown) => return Recheck::Good(shown),
        Err(refusal) if refusal.cause == Cause::Internal => return Recheck::Damaged(refusal.detail),
        Err(refusal) => refusal,
    };
    match digest(&file) {
        Ok(found) if found == *sha256 => Recheck::Bad(refusal),
        Ok(found) => Recheck::Damaged(format!(
            "the execution file kept as {sha256} has changed: its digest is {found} ({})",
            refusal.detail
        )),
        Err(error) => damaged(error),
    }
}

/// The digest of a whole file.
///
/// # Errors
/// If it cannot be read.
pub fn digest(mut file: &File) -> io::Result<Digest> {
    file.rewind()?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// Runs verifications, a few at once, with a bounded number waiting, of which each sender has a share.
#[derive(Debug)]
pub struct Pool {
    permits: Arc<Semaphore>,
    places: Share,
}

impl Pool {
    /// `threads` at once, and `queue` more waiting.
    pub fn new(threads: usize, queue: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(threads)), places: Share::new((threads + queue) as u64, 1) }
    }

    /// How many run or wait.
    pub fn load(&self) -> usize {
        self.places.taken() as usize
    }

    /// Runs work of a sender, if it is one, on a thread of its own once it is its turn. The work goes on if the caller goes away.
    ///
    /// # Errors
    /// `busy` if too many wait.
    pub async fn run<T: Send + 'static>(
        &self,
        owner: Option<Owner>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = owner.map_or_else(|| self.places.take_trusted(1), |owner| self.places.take(owner, 1));
        let place = place.map_err(|full| {
            let whose = match full {
                Full::Key => ", and this key has its share of the queue",
                Full::Source => ", and this address has its share of the queue",
                Full::All | Full::TakenBack => "",
            };
            let detail = format!(
                "more submissions wait for verification than the distributor takes{whose}; keep the file and try again"
            );
            ApiError::new(Cause::Busy, detail)
        })?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(ApiError::internal)?;
        let work = move || {
            let _held = (place, permit);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
    }
}
