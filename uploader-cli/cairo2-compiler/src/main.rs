//! `cairn-compile-cairo2 SOURCE --corelib DIR --output FILE`: a Cairo 2 source file with `#[executable]` functions in,
//! `*.executable.json` of one of them out.
//!
//! Exit codes: 0 done, 1 the source does not compile or a file cannot be read or written, 2 usage.

mod compile;
mod refuse;

use anyhow::Context as _;
use clap::Parser;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Compiles a Cairo 2 source file into an executable that can be proved.
#[derive(Parser)]
#[command(version)]
struct Inputs {
    /// The source file; a function in it is marked `#[executable]`.
    source: PathBuf,
    /// The folder `corelib/src` of Cairo 2.21 or 2.20.
    #[arg(long, env = "CAIRO_CORELIB")]
    corelib: PathBuf,
    /// Where to write the executable.
    #[arg(long)]
    output: PathBuf,
    /// The function, if more than one is marked `#[executable]`: its name, or its path within the file.
    #[arg(long)]
    executable: Option<String>,
}

/// Bytes of stack for each thread of the compiler, which recurses as deep as the source is nested.
const STACK: usize = 256 << 20;

/// What panics said, the first one first.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let inputs = Inputs::parse();
    std::panic::set_hook(Box::new(note_panic));
    let threads = rayon::ThreadPoolBuilder::new().stack_size(STACK).build_global();
    let done = threads.context("cannot start threads").and_then(|()| guarded(move || compile::compile(&inputs)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn note_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{message}{place}"));
}

/// Does the work on a thread with room for deep sources; a panic of the compiler's own becomes an error.
fn guarded(work: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> anyhow::Result<()> {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
    thread.context("cannot start a thread")?.join().unwrap_or_else(|_| {
        let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        let said = panics.first().map_or("no message", String::as_str);
        Err(anyhow::anyhow!(
            "the Cairo compiler {} failed on this source, which is a fault of the compiler: {said}. If the source does something \
             unusual, such as calling functions of core::internal, do without it",
            compile::COMPILER_VERSION
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test may panic")]

    use super::{guarded, note_panic};

    #[test]
    fn panics_of_the_compiler_become_errors() {
        std::panic::set_hook(Box::new(note_panic));
        let error = guarded(|| panic!("Unexpected argument type: System")).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("a fault of the compiler: Unexpected argument type: System (src/main.rs:"), "{text}");
        assert!(guarded(|| Ok(())).is_ok());
    }
}
