//! `cairn-compile-cairo2 SOURCE --corelib DIR --output FILE`: a Cairo 2 source file with one `#[executable]` function in,
//! `*.executable.json` out.
//!
//! Exit codes: 0 done, 1 the source does not compile or a file cannot be read or written, 2 usage.

use anyhow::{Context as _, ensure};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::{check_compiler_path, setup_project};
use cairo_lang_executable::compile::{ExecutableConfig, compile_executable_in_prepared_db};
use cairo_lang_executable::executable::Executable;
use cairo_lang_executable_plugin::executable_plugin_suite;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compiles a Cairo 2 source file into an executable that can be proved.
#[derive(Parser)]
#[command(version)]
struct Inputs {
    /// The source file; one function in it is marked `#[executable]`.
    source: PathBuf,
    /// The folder `corelib/src` of Cairo 2.21 or 2.20.
    #[arg(long, env = "CAIRO_CORELIB")]
    corelib: PathBuf,
    /// Where to write the executable.
    #[arg(long)]
    output: PathBuf,
    /// The function, if more than one is marked `#[executable]`.
    #[arg(long)]
    executable: Option<String>,
}

fn main() -> ExitCode {
    match compile(&Inputs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compile(inputs: &Inputs) -> anyhow::Result<()> {
    ensure!(
        inputs.corelib.join("lib.cairo").is_file(),
        "{} holds no corelib (no lib.cairo); give the folder `corelib/src` of the Cairo repository",
        inputs.corelib.display()
    );
    check_compiler_path(true, &inputs.source)?;
    // The same settings as cairo-execute's, so that both give the same bytes.
    let mut db = RootDatabase::builder()
        .skip_auto_withdraw_gas()
        .with_cfg(CfgSet::from_iter([Cfg::kv("gas", "disabled")]))
        .with_default_plugin_suite(executable_plugin_suite())
        .build()?;
    init_dev_corelib(&mut db, inputs.corelib.clone());
    let crates = setup_project(&mut db, &inputs.source)?;
    let config = ExecutableConfig { allow_syscalls: false, unsafe_panic: false, builtin_list: None };
    let reporter = DiagnosticsReporter::stderr().with_crates(&crates).allow_warnings();
    let ids = CrateInput::into_crate_ids(&db, crates);
    let name = inputs.executable.as_deref();
    let result = compile_executable_in_prepared_db(&db, name, ids, reporter, config)?;
    let executable = serde_json::to_vec(&Executable::new(result.compiled_function))?;
    write_whole(&inputs.output, &executable)
}

/// Writes beside the target first, so that the target is never a part of a file.
fn write_whole(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    std::fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, target).with_context(|| format!("cannot write {}", target.display()))
}
