//! What a donor keeps on disk, so that it can be killed at any moment.
//!
//! | place | what |
//! |---|---|
//! | `key` | the donor's secret key |
//! | `config.toml` | settings |
//! | `lock` | held by the running donor |
//! | `leases/` | units that it holds, and the key of a lease request on its way |
//! | `programs/` | program files under their digests, within [bounds](tidy::BOUNDS) |
//! | `work/` | what running units write; nothing here is kept beyond the donor's end |
//! | `executions/` | finished executions of units that are not proved yet |
//! | `outbox/` | finished proofs and executions that no distributor has acknowledged |
//! | `refused/` | results that a distributor refused, with its reason, within bounds |
//! | `set-aside/` | files that turned out to be damaged, within bounds |
//! | `control/` | wishes of `donor pause`, `resume` and `finish` |
//! | `pause.json` | a pause for some time, and what is left of it |
//! | `network.json` | bytes that went over the network today and this month |
//! | `status.json` | what the running donor does, for `donor status` |
//! | `history.jsonl` | one line for each acknowledged result |
//! | `speed.json`, `totals.json`, `signers.json` | measured speed, sums, whose programs were run before |

pub mod atomic;
pub mod config;
pub mod control;
pub mod lease;
pub mod ledger;
pub mod network;
pub mod outbox;
pub mod pause;
pub mod record;
pub mod settings;
pub mod tidy;

use atomic::FileError;
use etcetera::BaseStrategy as _;
use protocol::{Digest, Identity, KeyFileError, UnitId};
use record::RecordError;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Another donor uses the folder.
    #[error("a donor already runs with the state folder {}{}; stop it first, or give this one another folder with --state", path.display(), process(pid))]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The other's process, if known.
        pid: Option<u32>,
    },
    /// There is no home folder to keep the state in.
    #[error("there is no home folder to keep the state in; give a folder with --state")]
    NoHome,
}

fn process(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

const FOLDERS: [&str; 8] = ["leases", "programs", "work", "executions", "outbox", "refused", "set-aside", "control"];

/// A state folder. Having one says nothing about who else uses it; see [`lock`](Self::lock).
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// How long a lock that somebody has is asked for. It may be nobody who runs: a process between `fork` and `exec` has all files of the
/// donor that made it, also when that one was killed meanwhile, and [`Folder::running`] takes the lock for a moment to see whether it is free.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

fn lock_soon(file: &File) -> Result<(), TryLockError> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

/// Held by the only donor that runs with a folder, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Folder {
    /// The standard place: `~/.local/share/cairn/donor`, or as `XDG_DATA_HOME` says.
    ///
    /// # Errors
    /// If there is no home folder.
    pub fn standard() -> Result<PathBuf, StateError> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| StateError::NoHome)?;
        Ok(strategy.data_dir().join("cairn").join("donor"))
    }

    /// Opens a folder, making what is not there.
    ///
    /// # Errors
    /// If a folder cannot be made.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        // Jobs name files by absolute paths.
        let root = std::path::absolute(root).map_err(FileError::of("find", root))?;
        for folder in std::iter::once(root.clone()).chain(FOLDERS.map(|name| root.join(name))) {
            make_private(&folder).map_err(FileError::of("make the folder", &folder))?;
        }
        Ok(Self { root })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Takes the folder for this process, and removes what a crash left half-written.
    ///
    /// # Errors
    /// [`StateError::Locked`] if another donor has it.
    pub fn lock(&self) -> Result<Lock, StateError> {
        let path = self.path("lock");
        let open = File::options().create(true).read(true).write(true).truncate(false).open(&path);
        let mut file = open.map_err(FileError::of("open", &path))?;
        match lock_soon(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Only for the message.
                let _ = file.read_to_string(&mut text);
                return Err(StateError::Locked { path: self.root.clone(), pid: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(FileError::of("lock", &path)(error).into()),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(FileError::of("write", &path))?;
        atomic::sweep(&self.root)?;
        FOLDERS.iter().try_for_each(|name| atomic::sweep(&self.path(name)))?;
        atomic::clear(&self.path("work"))?;
        Ok(Lock { _file: file })
    }

    /// The process that runs with the folder, if there is one: `Some(None)` if its number is not known.
    pub fn running(&self) -> Option<Option<u32>> {
        let mut file = File::open(self.path("lock")).ok()?;
        match file.try_lock_shared() {
            Ok(()) => None,
            Err(_) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                Some(text.trim().parse().ok())
            }
        }
    }

    /// The donor's key, made if there is none.
    ///
    /// # Errors
    /// If it cannot be read or made.
    pub fn identity(&self) -> Result<Identity, StateError> {
        let path = self.path("key");
        let identity = Identity::load_or_create(&path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(FileError::of("protect", &path))?;
        }
        Ok(identity)
    }

    /// Where a program file is kept.
    pub fn program(&self, digest: &Digest) -> PathBuf {
        self.root.join("programs").join(format!("{digest}.json"))
    }

    /// Where a unit's execution is kept.
    pub fn execution(&self, unit: &UnitId) -> PathBuf {
        self.root.join("executions").join(format!("{unit}.run"))
    }

    /// Where a unit's process writes what it makes.
    pub fn work(&self, unit: &UnitId, kind: outbox::Kind) -> PathBuf {
        self.root.join("work").join(format!("{unit}.{}", kind.name()))
    }

    /// Moves a damaged file out of the way. Says what was done.
    pub fn set_aside(&self, path: &Path, why: &str) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = self.root.join("set-aside").join(format!("{}-{name}", protocol::Timestamp::now()));
        match atomic::rename(path, &place) {
            Ok(()) => format!("{why}. It was set aside as {}", place.display()),
            Err(error) => format!("{why}. It could not be set aside: {error}"),
        }
    }
}

/// Makes a folder that nobody else reads: leases and keys are secrets.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_donor_for_a_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&place.path().join("a/b")).expect("made");
        assert_eq!(folder.running(), None);
        let lock = folder.lock().expect("free");
        assert_eq!(folder.running(), Some(Some(std::process::id())));
        let error = folder.lock().expect_err("taken");
        assert!(matches!(error, StateError::Locked { pid: Some(_), .. }), "{error}");
        drop(lock);
        assert_eq!(folder.running(), None);
        drop(folder.lock().expect("free again"));

        // Somebody who only looks does not keep a donor from its folder.
        let looking = File::open(folder.path("lock")).expect("the lock");
        looking.lock_shared().expect("free");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                drop(looking);
            });
            drop(folder.lock().expect("free in a moment"));
        });
    }

    #[test]
    fn a_key_that_only_its_owner_reads() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let key = folder.identity().expect("made").donor_key();
        let path = folder.path("key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        assert_eq!(folder.identity().expect("read").donor_key(), key);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, "cairn-ed25519-secret 00").expect("written");
        let error = folder.identity().expect_err("damaged").to_string();
        assert!(error.contains("damaged") && error.contains("backup"), "{error}");
    }

    #[test]
    fn damaged_files_are_kept_for_a_look() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let path = folder.path("leases").join("x.json");
        fs::write(&path, "?").expect("written");
        let message = folder.set_aside(&path, "the lease x.json is damaged");
        assert!(message.starts_with("the lease x.json is damaged. It was set aside as "), "{message}");
        assert!(!path.exists());
        assert_eq!(fs::read_dir(folder.path("set-aside")).expect("there").count(), 1);
    }
}
