//! Build script of the programs: which commit they are of, for `--version`. It sets `CAIRN_COMMIT` (empty if it is not known) and
//! `CAIRN_VERSION`, the package's version with the commit behind it.
//!
//! The commit is what the environment variable `CAIRN_COMMIT` says or, in builds for use (`release`, `dist`), what git says of this
//! folder. Builds for tests do not look: each commit would build the programs anew. Without git, or in sources that are no work
//! tree of their own, the version stands alone.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells cargo the commit and the version.
pub fn main() {
    println!("cargo::rerun-if-env-changed=CAIRN_COMMIT");
    // Written once, so that it is not asked for at each build.
    println!("cargo::rerun-if-changed=../tools/version.rs");
    let given = env::var("CAIRN_COMMIT").ok().filter(|commit| is_name(commit));
    let root =
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).and_then(|folder| Some(folder.parent()?.to_owned()));
    let looks = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = root.filter(|_| given.is_none() && looks).and_then(|root| {
        watched(&root).iter().for_each(|path| println!("cargo::rerun-if-changed={}", path.display()));
        commit(&root)
    });
    let commit = given.or(found).unwrap_or_default();
    println!("cargo::rustc-env=CAIRN_COMMIT={commit}");
    println!("cargo::rustc-env=CAIRN_VERSION={}", version(&env::var("CARGO_PKG_VERSION").unwrap_or_default(), &commit));
}

/// `0.1.0 (0123456789ab)`, or the version alone.
pub fn version(version: &str, commit: &str) -> String {
    if commit.is_empty() { version.to_owned() } else { format!("{version} ({commit})") }
}

/// Whether a text may stand for a commit: some letters, digits, `-`, `_`, `.`.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The commit of the work tree in a folder, with `-dirty` if files differ from it; `None` if the folder is none.
pub fn commit(root: &Path) -> Option<String> {
    // A tarball may lie within somebody else's repository.
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    let own = root.canonicalize().is_ok_and(|root| root == top);
    git(root, &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).filter(|name| own && is_name(name))
}

/// What changes when another commit is checked out or made.
pub fn watched(root: &Path) -> Vec<PathBuf> {
    let paths = ["HEAD", "logs/HEAD"].into_iter().filter_map(|name| git(root, &["rev-parse", "--git-path", name]));
    // A path that does not exist would build anew at each time.
    paths.map(|path| root.join(path)).filter(|path| path.exists()).collect()
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
