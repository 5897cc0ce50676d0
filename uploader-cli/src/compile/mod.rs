//! From what the user names to a compiled program: as it is, or through a compiler.

mod cairo0;
mod cairo2;
mod corelib;
mod find;
mod scarb;

pub use corelib::Corelib;
pub use find::Places;

use crate::local::file::read_limited;
use crate::show::Busy;
use cairo_runner::{LoadError, RunnableProgram};
use protocol::MAX_PROGRAM_BYTES;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// A program to be pushed.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The compiled program's file.
    pub bytes: Vec<u8>,
    /// What the runner made of it.
    pub program: RunnableProgram,
    /// The name of the executable that a package was built for.
    pub name: Option<String>,
    /// What the compiler said, warnings mostly.
    pub messages: String,
}

/// What the user says about how source is compiled.
#[derive(Clone, Copy)]
pub struct Wishes<'a> {
    /// The core library for Cairo 2.
    pub corelib: Option<&'a Path>,
    /// Which of several executables.
    pub executable: Option<&'a str>,
    /// Folders of core libraries that the user had remembered.
    pub remembered: &'a [PathBuf],
    /// Told before something begins that takes long; it goes on as long as what this returns is kept.
    pub begins: &'a dyn Fn(&str) -> Busy,
}

/// What a compiler made.
struct Made {
    bytes: Vec<u8>,
    name: Option<String>,
    compiler: PathBuf,
    messages: String,
}

/// Languages of `.cairo` files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SourceLanguage {
    Cairo0,
    Cairo2,
}

/// Why there is no compiled program.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A file that cannot be read.
    #[error("cannot read the program {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A compiled file that cannot be run.
    #[error("{}: {source}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// What a compiler made cannot be run.
    #[error("{} compiles (with {}), but cannot be proved: {source}", path.display(), compiler.display())]
    Unprovable {
        /// The source.
        path: PathBuf,
        /// The compiler.
        compiler: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// A `.cairo` file of neither language.
    #[error(
        "{}: this is neither a Cairo 0 program (with `%builtins` and `func main`) nor a Cairo 2 executable (with a \
         function marked `#[executable]`)",
        path.display()
    )]
    UnknownLanguage {
        /// The file.
        path: PathBuf,
    },
    /// No compiler for Cairo 0.
    #[error(
        "{} is Cairo 0 source, and there is no cairo-compile for it: none in $CAIRO_COMPILE, none on PATH, no \
         .venv/bin/cairo-compile here or in a folder above{}.\nTo get one, with Python 3.9, 3.10 or 3.11:\n  \
         in Cairn's folder   make cairo-compile\n  \
         anywhere else       python3.11 -m venv .venv && .venv/bin/pip install cairo-lang==0.14.0.1\n\
         Without one, push a compiled program{}",
        path.display(), list_others(others), compiled_beside(path, "json", "cairo-compile --proof_mode")
    )]
    NoCairo0Compiler {
        /// The source.
        path: PathBuf,
        /// Compilers of that name that are for another Cairo.
        others: Vec<PathBuf>,
    },
    /// No compiler for Cairo 2.
    #[error(
        "{} is Cairo 2 source, and there is no cairn-compile-cairo2 for it: none in $CAIRN_COMPILE_CAIRO2, none beside uploader, \
         none on PATH, no target/release/cairn-compile-cairo2 here or in a folder above.\nTo get it, in some minutes:\n  \
         in Cairn's folder   make install\n\
         Without it, push an executable{}",
        path.display(), compiled_beside(path, "executable.json", "cairo-execute --single-file --build-only")
    )]
    NoCairo2Compiler {
        /// The source.
        path: PathBuf,
    },
    /// No core library for Cairo 2.
    #[error(
        "{} is Cairo 2 source, and there is no core library for it: none at --corelib, none in $CAIRO_CORELIB, {}, and none in \
         Scarb's cache{}. Versions {} fit.\nTo get one:\n  \
         git clone --depth 1 --branch v2.20.0 https://github.com/starkware-libs/cairo cairo-repository\n  \
         uploader corelib add cairo-repository/corelib",
        path.display(), say_gone(gone), found_older(older), corelib::versions()
    )]
    NoCorelib {
        /// The source.
        path: PathBuf,
        /// Folders that were remembered, and hold none that fits.
        gone: Vec<PathBuf>,
        /// Versions that were found and do not fit.
        older: Vec<String>,
    },
    /// A core library that is none.
    #[error("{}: this is no core library, since it has no lib.cairo; give the folder corelib/src of the Cairo repository", path.display())]
    BadCorelib {
        /// The folder.
        path: PathBuf,
    },
    /// A core library of another version.
    #[error(
        "{}: this core library is of version {found}, but the compiler takes those of versions {}",
        path.display(), corelib::versions()
    )]
    CorelibVersion {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A folder that is no package.
    #[error("there is no Scarb package: {} does not exist. Name a program, or the folder of a package", path.display())]
    NoPackage {
        /// Where its manifest would be.
        path: PathBuf,
    },
    /// No Scarb.
    #[error(
        "{} is the manifest of a Scarb package, and there is no scarb to build it: none in $SCARB, none on PATH. Any version from 2.10 \
         on builds executables that can be proved. Without one, push an executable that was built elsewhere: \
         target/release/NAME.executable.json",
        path.display()
    )]
    NoScarb {
        /// The manifest.
        path: PathBuf,
    },
    /// A package without an executable.
    #[error(
        "{}: the package builds, but no executable of it. It needs the line [executable], or [[target.executable]] for each of several, \
         `enable-gas = false` below [cairo], the dependency `cairo_execute`, a function marked `#[executable]`, and a Scarb of version \
         2.10 or later",
        path.display()
    )]
    NoExecutable {
        /// The manifest.
        path: PathBuf,
    },
    /// A package with several executables.
    #[error("{}: the package has several executables; choose one with --executable NAME: {}", path.display(), names.join(", "))]
    SeveralExecutables {
        /// The manifest.
        path: PathBuf,
        /// Their names.
        names: Vec<String>,
    },
    /// An executable that the package has not.
    #[error("{}: the package has no executable `{wanted}`; it has: {}", path.display(), names.join(", "))]
    UnknownExecutable {
        /// The manifest.
        path: PathBuf,
        /// The name that was given.
        wanted: String,
        /// The names that there are.
        names: Vec<String>,
    },
    /// A choice where there is none.
    #[error("{}: --executable chooses among the functions of Cairo 2 source; this is {what}", path.display())]
    NoChoice {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A compiler that does not start.
    #[error("cannot run the compiler {}: {source}", compiler.display())]
    Start {
        /// The compiler.
        compiler: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A source that does not compile.
    #[error("{} does not compile ({} says):\n{}", path.display(), compiler.display(), message.trim_end())]
    Failed {
        /// The source.
        path: PathBuf,
        /// The compiler.
        compiler: PathBuf,
        /// What it says.
        message: String,
    },
}

/// The compiled program, if it lies beside its source, or how it is made.
fn compiled_beside(source: &Path, extension: &str, command: &str) -> String {
    let compiled = source.with_extension(extension);
    if compiled.is_file() {
        return format!("; one lies beside it: uploader push {}", compiled.display());
    }
    format!(", made with {command}")
}

fn list_others(others: &[PathBuf]) -> String {
    let others: Vec<String> = others.iter().map(|path| path.display().to_string()).collect();
    if others.is_empty() { String::new() } else { format!(" ({} is for another Cairo)", others.join(", ")) }
}

fn say_gone(gone: &[PathBuf]) -> String {
    let gone: Vec<String> = gone.iter().map(|path| path.display().to_string()).collect();
    match gone.as_slice() {
        [] => "none remembered by `uploader corelib add`".to_owned(),
        gone => {
            format!("none of those that `uploader corelib list` shows is still there and fits ({})", gone.join(", "))
        }
    }
}

fn found_older(versions: &[String]) -> String {
    if versions.is_empty() { String::new() } else { format!(" that fits (it has {})", versions.join(", ")) }
}

/// Reads a compiled program, compiles a `.cairo` file, or has a Scarb package built: a folder, its `Scarb.toml`, or a source in its `src`.
///
/// # Errors
/// If there is no compiler, the source does not compile, or the program cannot be proved.
pub fn load(path: &Path, wishes: &Wishes<'_>, places: &Places) -> Result<Compiled, CompileError> {
    if let Some(manifest) = scarb::named(path) {
        return provable(&manifest, scarb::build(&manifest, wishes, places)?);
    }
    let bytes = read_limited(path, MAX_PROGRAM_BYTES as u64)
        .map_err(|source| CompileError::Read { path: path.to_owned(), source })?;
    if path.extension().is_none_or(|extension| extension != "cairo") {
        check_choice(path, wishes, "a compiled program")?;
        let program = RunnableProgram::from_json(&bytes)
            .map_err(|source| CompileError::Load { path: path.to_owned(), source })?;
        return Ok(Compiled { bytes, program, name: None, messages: String::new() });
    }
    let language = language(&String::from_utf8_lossy(&bytes));
    if language == Some(SourceLanguage::Cairo0) {
        check_choice(path, wishes, "Cairo 0 source")?;
        return provable(path, cairo0::compile(path, wishes, places)?);
    }
    // A source in a package may need its other files and dependencies.
    if let Some(manifest) = scarb::around(path, places).filter(|_| scarb::find(places).is_some()) {
        return provable(&manifest, scarb::build(&manifest, wishes, places)?);
    }
    match language {
        Some(_) => provable(path, cairo2::compile(path, wishes, places)?),
        None => Err(CompileError::UnknownLanguage { path: path.to_owned() }),
    }
}

fn check_choice(path: &Path, wishes: &Wishes<'_>, what: &'static str) -> Result<(), CompileError> {
    match wishes.executable {
        Some(_) => Err(CompileError::NoChoice { path: path.to_owned(), what }),
        None => Ok(()),
    }
}

fn provable(path: &Path, made: Made) -> Result<Compiled, CompileError> {
    let Made { bytes, name, compiler, messages } = made;
    let program = RunnableProgram::from_json(&bytes).map_err(|source| CompileError::Unprovable {
        path: path.to_owned(),
        compiler,
        source,
    })?;
    Ok(Compiled { bytes, program, name, messages })
}

fn language(text: &str) -> Option<SourceLanguage> {
    text.lines().map(str::trim_start).find_map(|line| {
        if line.starts_with("#[executable") {
            Some(SourceLanguage::Cairo2)
        } else if line.starts_with("%builtins") || line.starts_with("func main") {
            Some(SourceLanguage::Cairo0)
        } else {
            None
        }
    })
}

/// Runs a compiler and gives what it wrote.
fn run_compiler(
    path: &Path,
    compiler: &Path,
    wishes: &Wishes<'_>,
    arguments: impl FnOnce(&mut Command, &Path),
) -> Result<Made, CompileError> {
    let start = |source| CompileError::Start { compiler: compiler.to_owned(), source };
    let folder = tempfile::tempdir().map_err(start)?;
    let target = folder.path().join("program.json");
    let mut command = Command::new(compiler);
    arguments(&mut command, &target);
    let busy = (wishes.begins)(&format!("Compiling {} with {}", path.display(), compiler.display()));
    let (status, messages) = said(&mut command).map_err(start)?;
    drop(busy);
    let failed = |message| CompileError::Failed { path: path.to_owned(), compiler: compiler.to_owned(), message };
    if !status.success() {
        return Err(failed(messages + &signal(status)));
    }
    match read_limited(&target, MAX_PROGRAM_BYTES as u64) {
        Ok(bytes) => Ok(Made { bytes, name: None, compiler: compiler.to_owned(), messages }),
        Err(error) => Err(failed(format!("{messages}\nit wrote no program: {error}"))),
    }
}

/// Runs a program, and gives what it says to both outputs, in that order.
fn said(command: &mut Command) -> io::Result<(ExitStatus, String)> {
    let (mut reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = begun(command)?;
    // The command holds the pipe's other end, too: it would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok((child.wait()?, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Starts a program. One that was written a moment ago may still be held open for writing by a process that was forked meanwhile, until
/// that has become another program.
fn begun(command: &mut Command) -> io::Result<Child> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => thread::sleep(Duration::from_millis(20)),
            other => return other,
        }
    }
    command.spawn()
}

/// What else is to be said of a program that did not end by itself.
fn signal(status: ExitStatus) -> String {
    match status.code() {
        Some(_) => String::new(),
        None => format!("\nthe compiler itself crashed ({status}); this is a fault of the compiler"),
    }
}

#[cfg(test)]
mod tests;
