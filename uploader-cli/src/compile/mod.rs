//! From what the user names to a compiled program: as it is, or through a compiler.

mod cairo0;
mod cairo2;
mod find;

pub use find::Places;

use crate::local::file::read_limited;
use cairo_runner::{LoadError, RunnableProgram};
use protocol::MAX_PROGRAM_BYTES;
use std::path::{Path, PathBuf};

/// A program to be pushed.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The compiled program's file.
    pub bytes: Vec<u8>,
    /// What the runner made of it.
    pub program: RunnableProgram,
    /// The compiler that was run, if one was.
    pub compiler: Option<PathBuf>,
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
    #[error("{} compiles, but cannot be proved: {source}", path.display())]
    Unprovable {
        /// The source.
        path: PathBuf,
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
         in Cairn's folder   make cairo2-compiler\n\
         Without it, push an executable{}",
        path.display(), compiled_beside(path, "executable.json", "cairo-execute --single-file --build-only")
    )]
    NoCairo2Compiler {
        /// The source.
        path: PathBuf,
    },
    /// No core library for Cairo 2.
    #[error(
        "{} is Cairo 2 source, and there is no core library for it: none at --corelib, none in $CAIRO_CORELIB, and none in \
         Scarb's cache{}.\nTo get one:\n  \
         git clone --depth 1 --branch v2.20.0 https://github.com/starkware-libs/cairo cairo-repository\n  \
         uploader push … --corelib cairo-repository/corelib/src",
        path.display(), found_older(older)
    )]
    NoCorelib {
        /// The source.
        path: PathBuf,
        /// Versions that were found and do not fit.
        older: Vec<String>,
    },
    /// A core library that is none.
    #[error("{}: this is no core library, since it has no lib.cairo; give the folder corelib/src of the Cairo repository", path.display())]
    BadCorelib {
        /// The folder.
        path: PathBuf,
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

fn found_older(versions: &[String]) -> String {
    if versions.is_empty() { String::new() } else { format!(" that fits (it has {})", versions.join(", ")) }
}

/// Reads a compiled program, or compiles a `.cairo` file.
///
/// # Errors
/// If there is no compiler, the source does not compile, or the program cannot be proved.
pub fn load(path: &Path, corelib: Option<&Path>, places: &Places) -> Result<Compiled, CompileError> {
    let bytes = read_limited(path, MAX_PROGRAM_BYTES as u64)
        .map_err(|source| CompileError::Read { path: path.to_owned(), source })?;
    if path.extension().is_none_or(|extension| extension != "cairo") {
        let program = RunnableProgram::from_json(&bytes)
            .map_err(|source| CompileError::Load { path: path.to_owned(), source })?;
        return Ok(Compiled { bytes, program, compiler: None });
    }
    let text = String::from_utf8_lossy(&bytes);
    let (compiler, bytes) = match language(&text) {
        Some(SourceLanguage::Cairo0) => cairo0::compile(path, places)?,
        Some(SourceLanguage::Cairo2) => cairo2::compile(path, corelib, places)?,
        None => return Err(CompileError::UnknownLanguage { path: path.to_owned() }),
    };
    let program = RunnableProgram::from_json(&bytes)
        .map_err(|source| CompileError::Unprovable { path: path.to_owned(), source })?;
    Ok(Compiled { bytes, program, compiler: Some(compiler) })
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
    arguments: impl FnOnce(&mut std::process::Command, &Path),
) -> Result<Vec<u8>, CompileError> {
    let start = |source| CompileError::Start { compiler: compiler.to_owned(), source };
    let folder = tempfile::tempdir().map_err(start)?;
    let target = folder.path().join("program.json");
    let mut command = std::process::Command::new(compiler);
    arguments(&mut command, &target);
    let output = command.stdin(std::process::Stdio::null()).output().map_err(start)?;
    let message = || String::from_utf8_lossy(&[output.stderr.as_slice(), &output.stdout].concat()).into_owned();
    let failed = |message| CompileError::Failed { path: path.to_owned(), compiler: compiler.to_owned(), message };
    if !output.status.success() {
        return Err(failed(message()));
    }
    std::fs::read(&target).map_err(|error| failed(format!("{}\nit wrote no program: {error}", message())))
}

#[cfg(test)]
mod tests;
