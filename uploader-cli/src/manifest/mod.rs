//! The manifest: what a project's verified results are, in a form that a third party checks with the program alone.

mod check;
mod file;
mod merkle;

pub use check::{CheckError, check};
pub use file::{FILE, FORMAT, FORMAT_1, Manifest, ManifestBatch, ManifestRow, PROOFS, proof_file};
