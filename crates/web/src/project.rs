//! The program of a project, looked at before anything of it runs.

use cairo_runner::{LoadError, RunError, RunnableProgram};
use protocol::{Digest, FailureCause as Cause, LeasedProject, ProjectName, ProjectSpec, signing};

/// Why a unit was not done. The detail is for the uploader, and for the visitor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// As it is reported.
    pub cause: Cause,
    /// What happened, where.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl std::fmt::Display) -> Self {
        Self { cause, detail: detail.to_string() }
    }

    /// The failure of a run. A limit of this tab, lower than the project's, says nothing about the unit.
    pub(crate) fn of_run(error: &RunError) -> Self {
        let cause = match error {
            RunError::Arguments(_) | RunError::Setup { .. } | RunError::MachinePanicked { .. } => Cause::BadProgram,
            RunError::StepLimit { .. } => Cause::StepLimit,
            RunError::MemoryLimit { .. } | RunError::AddressSpace { .. } => Cause::MemoryLimit,
            RunError::OutOfMemory { .. } => Cause::OutOfMemory,
            RunError::TimeLimit { .. } => Cause::TimeLimit,
            RunError::Vm { .. } | RunError::Panicked { .. } => Cause::Panic,
            _ => Cause::ProveFailed,
        };
        Self::new(cause, error)
    }
}

/// A project whose uploader's signature holds, and whose program is the one that was signed.
#[derive(Debug, Clone)]
pub struct OpenProject {
    pub(crate) project: LeasedProject,
    pub(crate) program: RunnableProgram,
}

impl OpenProject {
    /// Checks the signature over program, record and settings, and then the file.
    ///
    /// # Errors
    /// [`Failure`] with what is wrong.
    pub fn open(project: LeasedProject, file: &[u8]) -> Result<Self, Failure> {
        signing::verify_program(&project.signer, &project.offer(), &project.signature).map_err(|error| {
            let name = &project.name;
            Failure::new(
                Cause::BadProgram,
                format!("the uploader's signature of the program of {name} and its limits is not valid: {error}"),
            )
        })?;
        let program = load(&project.program, file)?;
        let (hash, record) = (protocol::program_hash(program.program()), protocol::record_digest(program.program()));
        if hash != project.program_hash || record != project.record {
            let detail = format!(
                "the project declares hash {} and record {}, but those of its program are {hash} and {record}",
                project.program_hash, project.record
            );
            return Err(Failure::new(Cause::BadProgram, detail));
        }
        Ok(Self { project, program })
    }

    /// The same of a project that everybody may look at.
    ///
    /// # Errors
    /// [`Failure`] with what is wrong.
    pub fn of_spec(name: ProjectName, spec: &ProjectSpec, file: &[u8]) -> Result<Self, Failure> {
        spec.check().map_err(|error| Failure::new(Cause::BadProgram, error))?;
        Self::open(spec.leased(name), file)
    }

    /// What was checked.
    pub const fn project(&self) -> &LeasedProject {
        &self.project
    }
}

/// Reads the program with this digest. Nothing of it is looked at before its digest is right.
fn load(digest: &Digest, file: &[u8]) -> Result<RunnableProgram, Failure> {
    let found = Digest::of(file);
    if found != *digest {
        let detail = format!("the program file has SHA-256 {found}; signed was {digest}");
        return Err(Failure::new(Cause::BadProgram, detail));
    }
    RunnableProgram::from_json(file).map_err(|error| {
        let cause = match error {
            LoadError::UnknownHint { .. } | LoadError::ForbiddenHint { .. } | LoadError::InputTarget { .. } => {
                Cause::BadHint
            }
            _ => Cause::BadProgram,
        };
        Failure::new(cause, error)
    })
}
