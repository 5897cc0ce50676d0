//! Core libraries of Cairo 2 that the user had remembered.

use super::error::StateError;
use super::file::{read_checked, write_checked};
use super::state::State;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const ADVICE: &str = "Remove it and add the core libraries again with `uploader corelib add`.";

/// Folders that hold core libraries, in the order in which they were added.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corelibs(Vec<PathBuf>);

impl Corelibs {
    /// Reads them.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn load(state: &State) -> Result<Self, StateError> {
        Ok(read_checked(&state.corelibs(), ADVICE)?.unwrap_or_default())
    }

    /// Writes them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        write_checked(&state.corelibs(), self)
    }

    /// The folders.
    pub fn folders(&self) -> &[PathBuf] {
        &self.0
    }

    /// Takes a folder in; whether it is new.
    pub fn insert(&mut self, folder: PathBuf) -> bool {
        let is_new = !self.0.contains(&folder);
        if is_new {
            self.0.push(folder);
        }
        is_new
    }

    /// Takes a folder out; whether it was there.
    pub fn remove(&mut self, folder: &Path) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known != folder);
        self.0.len() < before
    }
}
