//! What a third party does with a manifest: believe nothing in it.

use super::file::{FORMAT, Manifest, ManifestRow, proof_file};
use crate::check_proof::{Refusal, Refused, check_proof};
use crate::local::file::read_limited;
use cairo_air::{Policy, Program};
use protocol::{Digest, MAX_PROOF_BYTES, ProgramHash};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Most bytes of a manifest.
pub const MAX_BYTES: u64 = 4 << 30;

/// Why a manifest is not believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no manifest.
    #[error("{} is no manifest of this version ({FORMAT}): {message}", path.display())]
    NotAManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A manifest of another program.
    #[error(
        "the manifest is about another program: its program hash is {found}, that of the given program is {expected}"
    )]
    OtherProgram {
        /// Hash in the manifest.
        found: ProgramHash,
        /// Hash of the given program.
        expected: ProgramHash,
    },
    /// Rows out of order, or two of a unit.
    #[error("the manifest's rows are not in the order of their units: `{unit}` follows `{before}`")]
    Order {
        /// The unit before.
        before: String,
        /// The unit at the wrong place.
        unit: String,
    },
    /// A manifest that says nothing.
    #[error("the manifest has no rows, so it shows nothing")]
    NoRows,
    /// More rows than units.
    #[error("the manifest has {rows} rows, but says that {pushed} units were pushed")]
    TooManyRows {
        /// Rows.
        rows: usize,
        /// Units.
        pushed: u64,
    },
    /// One run under two names.
    #[error(
        "the manifest has the run on the same arguments twice, as units `{first}` and `{second}`; its values would be counted twice"
    )]
    SameArguments {
        /// One name.
        first: String,
        /// The other.
        second: String,
    },
    /// A root that is not that of the rows.
    #[error("the manifest's Merkle root is {found}, but its rows have {computed}; it was changed after it was made")]
    Root {
        /// Root in the manifest.
        found: Digest,
        /// Root of its rows.
        computed: Digest,
    },
    /// A root other than the one that was published.
    #[error("the manifest's Merkle root is {found}, not {expected}; this is not the manifest that was published")]
    OtherRoot {
        /// Root in the manifest.
        found: Digest,
        /// Root that was expected.
        expected: Digest,
    },
    /// Proofs that are refused.
    #[error("{} of {total} proofs are refused:{}", refused.len(), list(refused))]
    Refused {
        /// The units.
        refused: Vec<Refused>,
        /// Rows of the manifest.
        total: usize,
    },
}

fn list(refused: &[Refused]) -> String {
    refused.iter().map(|refused| format!("\n  {refused}")).collect()
}

impl Manifest {
    /// Reads a manifest file.
    ///
    /// # Errors
    /// If it cannot be read or is no manifest.
    pub fn read(path: &Path) -> Result<Self, CheckError> {
        let bytes =
            read_limited(path, MAX_BYTES).map_err(|source| CheckError::Read { path: path.to_owned(), source })?;
        let no_manifest = |message: String| CheckError::NotAManifest { path: path.to_owned(), message };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| no_manifest(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(no_manifest(format!("its format is `{}`", manifest.format)));
        }
        if manifest.proof_version != cairo_air::PROTOCOL_VERSION {
            return Err(no_manifest(format!(
                "its proofs have version {}, and this program verifies version {}",
                manifest.proof_version,
                cairo_air::PROTOCOL_VERSION
            )));
        }
        Ok(manifest)
    }
}

/// Checks everything: the program, that each row is there once, the root, and each row against its proof file.
///
/// # Errors
/// What is wrong first; of proofs, all that are refused.
pub fn check(
    manifest: &Manifest,
    program: &Program,
    policy: &Policy,
    proofs: &Path,
    expected_root: Option<Digest>,
) -> Result<(), CheckError> {
    let expected = protocol::program_hash(program);
    if manifest.program_hash != expected {
        return Err(CheckError::OtherProgram { found: manifest.program_hash, expected });
    }
    for pair in manifest.rows.windows(2) {
        if let [before, row] = pair
            && before.unit >= row.unit
        {
            return Err(CheckError::Order { before: before.unit.to_string(), unit: row.unit.to_string() });
        }
    }
    if manifest.rows.is_empty() {
        return Err(CheckError::NoRows);
    }
    if manifest.rows.len() as u64 > manifest.units_pushed {
        return Err(CheckError::TooManyRows { rows: manifest.rows.len(), pushed: manifest.units_pushed });
    }
    let mut runs: HashMap<Digest, &ManifestRow> = HashMap::with_capacity(manifest.rows.len());
    for row in &manifest.rows {
        if let Some(first) = runs.insert(row.arguments.digest(), row) {
            return Err(CheckError::SameArguments { first: first.unit.to_string(), second: row.unit.to_string() });
        }
    }
    let computed = manifest.compute_root();
    if manifest.root != computed {
        return Err(CheckError::Root { found: manifest.root, computed });
    }
    if let Some(expected) = expected_root.filter(|expected| *expected != manifest.root) {
        return Err(CheckError::OtherRoot { found: manifest.root, expected });
    }
    let rows = manifest.to_rows();
    let refused: Vec<Refused> = rows
        .par_iter()
        .filter_map(|row| {
            let path = proofs.join(proof_file(&row.proof));
            let outcome = read_limited(&path, MAX_PROOF_BYTES as u64)
                .map_err(|error| Refusal::NoProof(format!("{}: {error}", path.display())))
                .and_then(|proof| check_proof(program, row, &proof, policy));
            outcome.err().map(|reason| Refused { unit: row.unit.clone(), reason })
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(CheckError::Refused { refused, total: rows.len() }) }
}
