//! Where local files are.

use super::error::StateError;
use super::file::create_folder;
use protocol::ProjectName;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Where local files are.
#[derive(Debug, Clone)]
pub struct State {
    config: PathBuf,
    data: PathBuf,
}

impl State {
    /// All in one folder, or by the XDG rules: keys in `~/.config/cairn/uploader`, records in
    /// `~/.local/share/cairn/uploader`.
    ///
    /// # Errors
    /// If there is no home folder.
    pub fn new(folder: Option<&Path>) -> Result<Self, StateError> {
        if let Some(folder) = folder {
            return Ok(Self { config: folder.to_owned(), data: folder.to_owned() });
        }
        let base = |variable: &str, below_home: &str| {
            let given = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            given.or_else(|| std::env::home_dir().map(|home| home.join(below_home)))
        };
        let own = |base: Option<PathBuf>| base.map(|base| base.join("cairn/uploader")).ok_or(StateError::NoHome);
        Ok(Self { config: own(base("XDG_CONFIG_HOME", ".config"))?, data: own(base("XDG_DATA_HOME", ".local/share"))? })
    }

    /// The file of the ed25519 key that signs programs.
    pub fn signing_key(&self) -> PathBuf {
        self.config.join("signing-key")
    }

    /// The file of access keys.
    pub fn keys(&self) -> PathBuf {
        self.config.join("keys.json")
    }

    /// The file of remembered core libraries.
    pub fn corelibs(&self) -> PathBuf {
        self.config.join("corelibs.json")
    }

    /// Waits until no other process changes the record of the project, and keeps others waiting until the file is dropped.
    /// `waits` is told if there is another.
    ///
    /// # Errors
    /// If the lock's file cannot be made.
    pub fn lock(&self, distributor: &str, name: &ProjectName, waits: impl FnOnce()) -> Result<File, StateError> {
        let folder = self.data.join("locks").join(folder_name(distributor));
        create_folder(&folder)?;
        let path = folder.join(name.as_str());
        let failed = |source| StateError::Write { path: path.clone(), source };
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => waits(),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// The folder of what was pushed to a distributor under a name.
    pub fn project(&self, distributor: &str, name: &ProjectName) -> PathBuf {
        self.data.join("projects").join(folder_name(distributor)).join(name.as_str())
    }
}

/// An address as a folder's name: readable, and different for different addresses.
fn folder_name(distributor: &str) -> String {
    let host = distributor.split_once("://").map_or(distributor, |(_, rest)| rest);
    let readable: String =
        host.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let digest = protocol::Digest::of(distributor.as_bytes()).to_string();
    format!("{readable}-{}", digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_distributors_differ() {
        assert!(folder_name("https://grid.example.org").starts_with("grid.example.org-"));
        assert_ne!(folder_name("https://grid.example.org"), folder_name("http://grid.example.org"));
        assert!(!folder_name("http://[::1]:80/../..").contains('/'));
    }
}
