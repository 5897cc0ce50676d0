//! Damage to the files that a program keeps.

use crate::random::Random;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It loses its end.
    Truncated,
    /// One of its bits is another.
    Flipped,
    /// It is empty.
    Emptied,
    /// All of its bytes are others.
    Garbled,
    /// A folder is in its place.
    Folder,
    /// It may not be read.
    Unreadable,
    /// It may not be written.
    ReadOnly,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 7] =
        [Self::Truncated, Self::Flipped, Self::Emptied, Self::Garbled, Self::Folder, Self::Unreadable, Self::ReadOnly];

    /// Does it to a file.
    pub fn inject(self, path: &Path, random: &mut Random) {
        let mut bytes = fs::read(path).unwrap();
        match self {
            Self::Truncated => bytes.truncate(random.below(bytes.len())),
            Self::Flipped if !bytes.is_empty() => {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            Self::Garbled => bytes.fill_with(|| random.bits() as u8),
            Self::Emptied | Self::Flipped => bytes.clear(),
            Self::Folder => {
                fs::remove_file(path).unwrap();
                return fs::create_dir(path).unwrap();
            }
            Self::Unreadable => return set_mode(path, 0o000),
            Self::ReadOnly => return set_mode(path, 0o444),
        }
        fs::write(path, bytes).unwrap();
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What is wrong with a file is put right: it is once more as in another place.
pub fn restore(path: &Path, from: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        set_mode(path, 0o600);
    }
    fs::copy(from, path).unwrap();
}

/// The files below a folder, by their paths from there, in order.
pub fn files_of(root: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.iter().map(|file| file.strip_prefix(root).unwrap().to_owned()).collect()
}

/// Copies the files below a folder into another one.
pub fn copy_files(root: &Path, to: &Path) {
    for file in files_of(root) {
        let place = to.join(&file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(root.join(&file), place).unwrap();
    }
}

/// Plays faults in the files below a folder, so many rounds of those that are chosen by a file's number and the fault.
/// There must be a file for each of `kinds`: one whose path has that in it. `play` puts the fault into the file of a copy
/// and tells whether it was noticed.
pub fn play_all(
    template: &Path,
    kinds: &[&str],
    rounds: usize,
    chosen: impl Fn(usize, Fault) -> bool,
    mut play: impl FnMut(&Path, Fault, &mut Random) -> bool,
) {
    let (files, mut random) = (files_of(template), Random(1));
    for kind in kinds {
        assert!(files.iter().any(|file| file.to_string_lossy().contains(kind)), "no {kind} among {files:?}");
    }
    let (mut injected, mut noticed) = (0, 0);
    for _ in 0..rounds {
        for (index, file) in files.iter().enumerate() {
            for fault in Fault::ALL.into_iter().filter(|fault| chosen(index, *fault)) {
                injected += 1;
                noticed += u32::from(play(file, fault, &mut random));
            }
        }
    }
    let (files, harmless) = (files.len(), injected - noticed);
    println!(
        "{files} files: {injected} faults injected, {noticed} noticed, {harmless} harmless, nothing lost or doubled"
    );
}
