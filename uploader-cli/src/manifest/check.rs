//! What a third party does with a manifest: believe nothing in it.

use super::file::{FORMAT, FORMAT_1, Manifest, ManifestBatch, ManifestRow, proof_file};
use crate::check_proof::{Claimed, Refusal, Refused};
use crate::local::file::read_limited;
use crate::row::Row;
use cairo_air::{Policy, Program};
use protocol::{Digest, MAX_LEASE_UNITS, MAX_PROOF_BYTES, ProgramHash};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Versions of proofs that are verified.
const PROOF_VERSIONS: RangeInclusive<u32> = cairo_air::OLDEST_VERSION..=cairo_air::PROTOCOL_VERSION;

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
    #[error("{} is no manifest of this version ({FORMAT}) or the one before: {message}", path.display())]
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
    /// What is said of proofs of several runs cannot be.
    #[error("what the manifest says of the proof {proof} makes no sense: {what}")]
    Batch {
        /// The proof.
        proof: Digest,
        /// What is wrong.
        what: String,
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
        if manifest.format != FORMAT && manifest.format != FORMAT_1 {
            return Err(no_manifest(format!("its format is `{}`", manifest.format)));
        }
        if manifest.format == FORMAT_1 && !(manifest.batches.is_empty() && manifest.keep_proofs.is_all()) {
            return Err(no_manifest("it has batches, which its format does not know".to_owned()));
        }
        if !PROOF_VERSIONS.contains(&manifest.proof_version) {
            return Err(no_manifest(format!(
                "its proofs have version {}, and this program verifies versions {} to {}",
                manifest.proof_version,
                PROOF_VERSIONS.start(),
                PROOF_VERSIONS.end()
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
    let claimed = claimed(manifest, &rows)?;
    let mut refused: Vec<Refused> = claimed
        .into_par_iter()
        .flat_map_iter(|(claimed, rows)| {
            let path = proofs.join(proof_file(&claimed.proof));
            let shown = read_limited(&path, MAX_PROOF_BYTES as u64)
                .map_err(|error| Refusal::NoProof(format!("{}: {error}", path.display())))
                .and_then(|file| claimed.check(program, &file, policy));
            let check = |row: &Row| match &shown {
                Ok(shown) => shown.check_row(row).err(),
                Err(reason) => Some(reason.clone()),
            };
            let refused = rows.iter().filter_map(|row| Some(Refused { unit: row.unit.clone(), reason: check(row)? }));
            refused.collect::<Vec<_>>()
        })
        .collect();
    refused.sort_by(|a, b| a.unit.cmp(&b.unit));
    if refused.is_empty() { Ok(()) } else { Err(CheckError::Refused { refused, total: rows.len() }) }
}

/// Each proof file once, with what it is said to be of and the rows that refer to it. What is not in the list of batches is a proof of
/// one run: its row's.
fn claimed<'a>(manifest: &'a Manifest, rows: &'a [Row]) -> Result<Vec<(Claimed, Vec<&'a Row>)>, CheckError> {
    let mut by_proof: BTreeMap<[u8; 32], Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_proof.entry(*row.proof.as_bytes()).or_default().push(row);
    }
    let mut batches: HashMap<Digest, &ManifestBatch> = HashMap::with_capacity(manifest.batches.len());
    for batch in &manifest.batches {
        let wrong = |what: String| Err(CheckError::Batch { proof: batch.proof, what });
        if !(2..=MAX_LEASE_UNITS).contains(&batch.runs.len()) {
            return wrong(format!("it has {} runs", batch.runs.len()));
        }
        if batches.insert(batch.proof, batch).is_some() {
            return wrong("it stands there twice".to_owned());
        }
        if !by_proof.contains_key(batch.proof.as_bytes()) {
            return wrong("no row refers to it".to_owned());
        }
    }
    let claim = |rows: Vec<&'a Row>| {
        let first = rows.first()?;
        let (prover, arguments) = match batches.get(&first.proof) {
            Some(batch) => (batch.prover, batch.runs.iter().map(|run| run.0.clone()).collect()),
            None => (first.prover, vec![first.arguments.clone()]),
        };
        Some((Claimed { proof: first.proof, prover, arguments }, rows))
    };
    Ok(by_proof.into_values().filter_map(claim).collect())
}
