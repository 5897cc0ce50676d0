//! A folder of collected results: `rows.jsonl`, to which rows and cursors are appended, `proofs/`, and the manifest.
//!
//! Each line of `rows.jsonl` begins with a part of its own SHA-256: a flipped bit in an output would else go into sums and
//! manifests. Lines of earlier versions lack it and are read all the same.
//!
//! A kill at any moment leaves at worst half a last line, which is cut off, and proofs without a row, which are used when
//! the row comes again.

use crate::local::StateError;
use crate::local::file::{create_folder, read_limited, write_whole};
use crate::manifest::{FILE, Manifest, ManifestBatch, ManifestRow, PROOFS, proof_file};
use crate::row::Row;
use protocol::{Digest, ExternalId, MAX_PROOF_BYTES, ProgramHash, ProjectName};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const ROWS: &str = "rows.jsonl";

const ADVICE: &str =
    "Move the folder away or name another one with --out, and collect again: everything is at the distributor still.";

/// A line of `rows.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// First line: what the folder is about.
    Results(About),
    /// A verified row. One of a unit that has one already takes its place, if both say the same of the run: it was proven again.
    Row(ManifestRow),
    /// What a proof of several runs is of. It stands before its rows.
    Batch(ManifestBatch),
    /// Everything up to this cursor is there.
    Cursor(u64),
}

/// What a folder of results is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Where from.
    pub distributor: String,
    /// Of which project.
    pub project: ProjectName,
    /// Of which program.
    pub program_hash: ProgramHash,
}

/// Why a folder cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Local files.
    #[error(transparent)]
    State(#[from] StateError),
    /// Results of something else.
    #[error(
        "{} holds results of project `{}` at {} (program {}); name another folder with --out",
        path.display(), about.project, about.distributor, about.program_hash
    )]
    OtherResults {
        /// The folder.
        path: PathBuf,
        /// What it is about.
        about: Box<About>,
    },
    /// Another process collects into the folder.
    #[error("{}: another uploader is collecting into this folder now; wait for it or name another folder with --out", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
}

/// An open folder of results.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: File,
    rows: Vec<Row>,
    /// Where the row of each unit is.
    by_unit: HashMap<ExternalId, usize>,
    batches: HashMap<Digest, ManifestBatch>,
    cursor: u64,
}

impl Journal {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// If it cannot be read or written, is damaged, in use, or about something else.
    pub fn open(folder: &Path, about: &About) -> Result<Self, JournalError> {
        create_folder(&folder.join(PROOFS))?;
        let path = folder.join(ROWS);
        let write = |source| StateError::Write { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(write)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(JournalError::Busy { path: folder.to_owned() }),
            Err(std::fs::TryLockError::Error(source)) => return Err(write(source).into()),
        }
        let mut text = String::new();
        let read = |source| StateError::Read { path: path.clone(), source };
        match io::Read::read_to_string(&mut file, &mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let what = "it is not text".to_owned();
                return Err(StateError::Damaged { path, what, advice: ADVICE.to_owned() }.into());
            }
            outcome => outcome.map_err(read)?,
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(write)?;
            text.truncate(whole);
        }
        let mut journal = Self {
            folder: folder.to_owned(),
            file,
            rows: Vec::new(),
            by_unit: HashMap::new(),
            batches: HashMap::new(),
            cursor: 0,
        };
        if text.is_empty() {
            journal.append(&[Line::Results(about.clone())])?;
        } else {
            journal.replay(&text, about)?;
        }
        journal.forget_rows_without_proof();
        Ok(journal)
    }

    fn replay(&mut self, text: &str, about: &About) -> Result<(), JournalError> {
        let path = self.folder.join(ROWS);
        let damaged = |line: usize, what: String| StateError::Damaged {
            path: path.clone(),
            what: format!("line {line}: {what}"),
            advice: ADVICE.to_owned(),
        };
        for (number, text) in (1..).zip(text.lines()) {
            let json = unsealed(text).ok_or_else(|| damaged(number, "its checksum differs".to_owned()))?;
            let line = serde_json::from_str(json).map_err(|error| damaged(number, error.to_string()))?;
            match line {
                Line::Results(found) if number == 1 && found == *about => {}
                Line::Results(found) if number == 1 => {
                    return Err(JournalError::OtherResults { path: self.folder.clone(), about: Box::new(found) });
                }
                // A row whose proof was deleted stands there a second time, and so does one that was proven again.
                Line::Row(row) if number > 1 => {
                    let row = Row::from(row);
                    if self.row_of(&row.unit).is_some_and(|before| !before.is_same_run(&row)) {
                        return Err(damaged(number, format!("unit `{}` has two results", row.unit)).into());
                    }
                    self.take_in(row);
                }
                Line::Batch(batch) if number > 1 => drop(self.batches.insert(batch.proof, batch)),
                Line::Cursor(cursor) if number > 1 => self.cursor = cursor,
                _ => return Err(damaged(number, "it stands at the wrong place".to_owned()).into()),
            }
        }
        Ok(())
    }

    /// A row whose proof somebody deleted, or which a crash emptied, is collected again.
    fn forget_rows_without_proof(&mut self) {
        let folder = self.folder.join(PROOFS);
        let before = self.rows.len();
        let is_there = |path: PathBuf| path.metadata().is_ok_and(|about| about.is_file() && about.len() > 0);
        self.rows.retain(|row| is_there(folder.join(proof_file(&row.proof))));
        if self.rows.len() < before {
            self.by_unit = self.rows.iter().enumerate().map(|(place, row)| (row.unit.clone(), place)).collect();
            self.cursor = 0;
        }
    }

    fn take_in(&mut self, row: Row) {
        let place = self.by_unit.get(&row.unit).and_then(|place| self.rows.get_mut(*place));
        match place {
            Some(before) => *before = row,
            None => {
                self.by_unit.insert(row.unit.clone(), self.rows.len());
                self.rows.push(row);
            }
        }
    }

    /// Appends lines and syncs them.
    fn append(&mut self, lines: &[Line]) -> Result<(), StateError> {
        let failed = |source| StateError::Write { path: self.folder.join(ROWS), source };
        let mut bytes = Vec::new();
        for line in lines {
            let json = serde_json::to_string(line).map_err(|error| failed(error.into()))?;
            bytes.extend_from_slice(sealed(&json).as_bytes());
        }
        self.file.write_all(&bytes).and_then(|()| self.file.sync_data()).map_err(failed)
    }

    /// Takes verified rows in, with the proofs of several runs that they are of, and the cursor up to which everything is there, if it
    /// moved.
    ///
    /// # Errors
    /// If writing fails; the rows are then not taken in.
    pub fn add(&mut self, rows: Vec<Row>, batches: Vec<ManifestBatch>, cursor: Option<u64>) -> Result<(), StateError> {
        let new: Vec<_> = batches.into_iter().filter(|batch| self.batches.get(&batch.proof) != Some(batch)).collect();
        let mut lines: Vec<Line> = new.iter().cloned().map(Line::Batch).collect();
        lines.extend(rows.iter().map(|row| Line::Row(ManifestRow::from(row))));
        lines.extend(cursor.filter(|cursor| *cursor != self.cursor).map(Line::Cursor));
        if lines.is_empty() {
            return Ok(());
        }
        self.append(&lines)?;
        self.batches.extend(new.into_iter().map(|batch| (batch.proof, batch)));
        rows.into_iter().for_each(|row| self.take_in(row));
        self.cursor = cursor.unwrap_or(self.cursor);
        Ok(())
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of a unit that was collected.
    pub fn row_of(&self, unit: &ExternalId) -> Option<&Row> {
        self.by_unit.get(unit).and_then(|place| self.rows.get(*place))
    }

    /// What the proofs of several runs are of.
    pub fn batches(&self) -> impl Iterator<Item = &ManifestBatch> {
        self.batches.values()
    }

    /// Where to go on.
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// A proof that is here already and whole.
    pub fn stored_proof(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.folder.join(PROOFS).join(proof_file(digest));
        let bytes = read_limited(&path, MAX_PROOF_BYTES as u64).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps a proof.
    ///
    /// # Errors
    /// If writing fails.
    pub fn store_proof(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StateError> {
        write_whole(&self.folder.join(PROOFS).join(proof_file(digest)), bytes)
    }

    /// Writes the manifest of the rows.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<PathBuf, StateError> {
        let path = self.folder.join(FILE);
        let failed = |error: serde_json::Error| StateError::Write { path: path.clone(), source: error.into() };
        let mut json = serde_json::to_vec_pretty(manifest).map_err(failed)?;
        json.push(b'\n');
        write_whole(&path, &json)?;
        Ok(path)
    }
}

/// Hexadecimal digits of the digest before a line.
const SEAL: usize = 16;

fn seal(json: &str) -> String {
    Digest::of(json.as_bytes()).to_string().chars().take(SEAL).collect()
}

/// A line with its checksum.
fn sealed(json: &str) -> String {
    format!("{} {json}\n", seal(json))
}

/// The JSON of a line; `None` if it is not what was written.
fn unsealed(line: &str) -> Option<&str> {
    if line.starts_with('{') {
        return Some(line);
    }
    let (found, json) = line.split_once(' ')?;
    (found == seal(json)).then_some(json)
}

impl From<ManifestRow> for Row {
    fn from(row: ManifestRow) -> Self {
        Self {
            unit: row.unit,
            arguments: row.arguments.0,
            output: row.output.0,
            n_steps: row.n_steps,
            proof: row.proof,
            index: row.index,
            prover: row.prover,
            verified: true,
        }
    }
}
