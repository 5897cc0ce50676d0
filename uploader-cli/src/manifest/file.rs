//! The manifest's file and its Merkle root.

use super::merkle;
use crate::row::Row;
use felt::{Felt, encoding};
use protocol::{Digest, DonorKey, ExternalId, Felts, KeepProofs, Preset, ProgramHash, ProjectName};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The format's name and version.
pub const FORMAT: &str = "cairn-manifest-2";

/// The format before, in which each proof is of one run.
pub const FORMAT_1: &str = "cairn-manifest-1";

/// File name within a folder of results.
pub const FILE: &str = "manifest.json";

/// Folder of the proofs, beside the manifest.
pub const PROOFS: &str = "proofs";

/// Verified results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`], or [`FORMAT_1`].
    pub format: String,
    /// The project's name.
    pub project: ProjectName,
    /// The program's identity in proofs.
    pub program_hash: ProgramHash,
    /// Version of the proofs.
    pub proof_version: u32,
    /// Security that the proofs have.
    #[serde(with = "protocol::preset")]
    pub preset: Preset,
    /// Units of the project, as far as the uploader pushed them.
    pub units_pushed: u64,
    /// Which proofs the distributor keeps, as it says: where a sample stays, the root draws it.
    #[serde(default, skip_serializing_if = "KeepProofs::is_all")]
    pub keep_proofs: KeepProofs,
    /// Root of the Merkle tree over header, rows and batches.
    pub root: Digest,
    /// The results, ascending by unit.
    pub rows: Vec<ManifestRow>,
    /// The proofs of more than one run, ascending by digest: what else is needed to verify them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<ManifestBatch>,
}

/// A proof of more than one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestBatch {
    /// SHA-256 of the proof.
    pub proof: Digest,
    /// The prover's identity.
    pub prover: DonorKey,
    /// The arguments of each run, in order, whether or not it is a row's.
    pub runs: Vec<Felts>,
}

/// The result of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRow {
    /// The uploader's name for the unit.
    pub unit: ExternalId,
    /// Its arguments.
    pub arguments: Felts,
    /// The run's output.
    pub output: Felts,
    /// The run's steps.
    pub n_steps: u64,
    /// SHA-256 of the proof, which lies in `proofs/SHA256.proof`.
    pub proof: Digest,
    /// Which of its runs is the unit's, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u32,
    /// The prover's identity, which the proof binds.
    pub prover: DonorKey,
}

const fn is_zero(index: &u32) -> bool {
    *index == 0
}

impl Manifest {
    /// A manifest of these rows, given what is known of proofs of several runs.
    pub fn new(
        project: ProjectName,
        program_hash: ProgramHash,
        preset: Preset,
        units_pushed: u64,
        keep_proofs: KeepProofs,
        rows: &[Row],
        batches: impl IntoIterator<Item = ManifestBatch>,
    ) -> Self {
        let mut rows: Vec<ManifestRow> = rows.iter().map(ManifestRow::from).collect();
        rows.sort_by(|a, b| a.unit.cmp(&b.unit));
        let proofs: HashSet<Digest> = rows.iter().map(|row| row.proof).collect();
        let mut batches: Vec<_> = batches.into_iter().filter(|batch| proofs.contains(&batch.proof)).collect();
        batches.sort_by_key(|batch| *batch.proof.as_bytes());
        batches.dedup_by_key(|batch| batch.proof);
        let mut manifest = Self {
            format: FORMAT.to_owned(),
            project,
            program_hash,
            proof_version: cairo_air::PROTOCOL_VERSION,
            preset,
            units_pushed,
            keep_proofs,
            root: Digest::from_bytes([0; 32]),
            rows,
            batches,
        };
        manifest.root = manifest.compute_root();
        manifest
    }

    /// Whether it is in the format before.
    fn is_old(&self) -> bool {
        self.format == FORMAT_1
    }

    /// The root that header, rows and batches have.
    pub fn compute_root(&self) -> Digest {
        let mut leaves = vec![self.header_bytes()];
        leaves.extend((0..).zip(&self.rows).map(|(place, row)| row.bytes(place, self.is_old())));
        leaves.extend((0..).zip(&self.batches).map(|(place, batch)| batch.bytes(place)));
        // There is always a header.
        merkle::root(&leaves).unwrap_or_else(|| unreachable!("the header is a leaf"))
    }

    /// Canonical bytes of the header.
    fn header_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for text in [self.format.as_str(), self.project.as_str()] {
            put_text(&mut out, text);
        }
        out.extend_from_slice(self.program_hash.as_bytes());
        out.extend_from_slice(&self.proof_version.to_le_bytes());
        put_text(&mut out, self.preset.name());
        out.extend_from_slice(&self.units_pushed.to_le_bytes());
        out.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        if !self.is_old() {
            put_text(&mut out, &self.keep_proofs.to_string());
            out.extend_from_slice(&(self.batches.len() as u64).to_le_bytes());
        }
        out
    }

    /// The rows, as collected ones.
    pub fn to_rows(&self) -> Vec<Row> {
        let row = |row: &ManifestRow| Row {
            unit: row.unit.clone(),
            arguments: row.arguments.0.clone(),
            output: row.output.0.clone(),
            n_steps: row.n_steps,
            proof: row.proof,
            index: row.index,
            prover: row.prover,
            verified: true,
        };
        self.rows.iter().map(row).collect()
    }
}

impl ManifestRow {
    /// Canonical bytes of the row at a place, counted from 0.
    fn bytes(&self, place: u64, old: bool) -> Vec<u8> {
        let mut out = place.to_le_bytes().to_vec();
        put_text(&mut out, self.unit.as_str());
        put_felts(&mut out, &self.arguments.0);
        put_felts(&mut out, &self.output.0);
        out.extend_from_slice(&self.n_steps.to_le_bytes());
        out.extend_from_slice(self.proof.as_bytes());
        if !old {
            out.extend_from_slice(&self.index.to_le_bytes());
        }
        out.extend_from_slice(self.prover.as_bytes());
        out
    }
}

impl ManifestBatch {
    /// Canonical bytes of the batch at a place, counted from 0.
    fn bytes(&self, place: u64) -> Vec<u8> {
        let mut out = place.to_le_bytes().to_vec();
        out.extend_from_slice(self.proof.as_bytes());
        out.extend_from_slice(self.prover.as_bytes());
        out.extend_from_slice(&(self.runs.len() as u64).to_le_bytes());
        self.runs.iter().for_each(|arguments| put_felts(&mut out, &arguments.0));
        out
    }
}

impl From<&Row> for ManifestRow {
    fn from(row: &Row) -> Self {
        Self {
            unit: row.unit.clone(),
            arguments: Felts(row.arguments.clone()),
            output: Felts(row.output.clone()),
            n_steps: row.n_steps,
            proof: row.proof,
            index: row.index,
            prover: row.prover,
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_felts(out: &mut Vec<u8>, felts: &[Felt]) {
    out.extend_from_slice(&(felts.len() as u64).to_le_bytes());
    for felt in felts {
        out.extend_from_slice(&encoding::to_canonical_be(felt));
    }
}

/// Name of a proof's file.
pub fn proof_file(proof: &Digest) -> String {
    format!("{proof}.proof")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unit: &str, output: u64) -> Row {
        Row {
            unit: unit.parse().expect("an id"),
            arguments: vec![Felt::from(1)],
            output: vec![Felt::from(1), Felt::from(output)],
            n_steps: 10,
            proof: Digest::of(unit.as_bytes()),
            index: 0,
            prover: DonorKey::from_bytes([9; 32]),
            verified: true,
        }
    }

    fn manifest(rows: &[Row]) -> Manifest {
        let project = "primes".parse().expect("a name");
        let batch = ManifestBatch {
            proof: Digest::of(b"b"),
            prover: DonorKey::from_bytes([9; 32]),
            runs: [7, 1].map(|number| Felts(vec![Felt::from(number)])).into(),
        };
        let hash = ProgramHash::from_bytes([1; 32]);
        let unused = ManifestBatch { proof: Digest::of(b"of no row"), ..batch.clone() };
        let batches = [unused, batch.clone(), batch];
        Manifest::new(project, hash, Preset::Default100, 3, KeepProofs::All, rows, batches)
    }

    #[test]
    fn the_order_of_collection_does_not_matter() {
        let (a, b, c) = (row("a", 1), row("b", 2), row("c", 3));
        let first = manifest(&[a.clone(), b.clone(), c.clone()]);
        assert_eq!(first, manifest(&[c, a, b]));
        let json = serde_json::to_string(&first).expect("JSON");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), first);
    }

    #[test]
    fn every_field_changes_the_root() {
        let good = manifest(&[row("a", 1), row("b", 2), row("c", 3)]);
        let root = good.root;
        assert_eq!(good.compute_root(), root);
        let changes: [fn(&mut Manifest); 20] = [
            |m| m.keep_proofs = KeepProofs::UntilCollected { days: 1 },
            |m| m.rows[1].index = 1,
            |m| m.batches[0].proof = Digest::of(b"x"),
            |m| m.batches[0].prover = DonorKey::from_bytes([8; 32]),
            |m| m.batches[0].runs.swap(0, 1),
            |m| drop(m.batches[0].runs.pop()),
            |m| m.batches.clear(),
            |m| m.project = "other".parse().expect("a name"),
            |m| m.program_hash = ProgramHash::from_bytes([2; 32]),
            |m| m.proof_version += 1,
            |m| m.preset = Preset::Compact,
            |m| m.units_pushed += 1,
            |m| m.rows[1].unit = "bb".parse().expect("an id"),
            |m| m.rows[1].arguments.0[0] = Felt::from(2),
            |m| m.rows[1].output.0[1] = Felt::from(3),
            |m| m.rows[1].n_steps += 1,
            |m| m.rows[1].proof = Digest::of(b"x"),
            |m| m.rows[1].prover = DonorKey::from_bytes([8; 32]),
            |m| m.rows.push(m.rows[2].clone()),
            |m| {
                // A value moves from the output into the arguments.
                let value = m.rows[0].output.0.remove(0);
                m.rows[0].arguments.0.push(value);
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = good.clone();
            change(&mut changed);
            assert_ne!(changed.compute_root(), root, "change {index}");
        }
    }

    #[test]
    fn the_root_is_pinned() {
        // A change of this value breaks every manifest that was published. It was computed once more, in Python, from
        // docs/UPLOADING.md.
        let mut manifest = manifest(&[row("a", 1), row("b", 2)]);
        manifest.proof_version = 1;
        assert_eq!(manifest.batches.len(), 1);
        let root = manifest.compute_root();
        insta::assert_snapshot!(root, @"d064c77eedd159923e019993d26f31adc94015dc062e31626ef461c2711bebcc");
        (manifest.format, manifest.batches) = (FORMAT_1.to_owned(), Vec::new());
        let root = manifest.compute_root();
        insta::assert_snapshot!(root, @"fffd7c0b302541ebfdcbddce789b1d247e93e98db5200db546614d79f691b922");
    }
}
