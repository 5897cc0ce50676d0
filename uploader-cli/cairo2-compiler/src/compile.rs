//! From the source file to the executable's file.

use crate::{Inputs, refuse};
use anyhow::{Context as _, bail, ensure};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::ensure_diagnostics;
use cairo_lang_compiler::project::{check_compiler_path, setup_project};
use cairo_lang_executable::compile::{
    ExecutableConfig, compile_executable_function_in_prepared_db, find_executable_functions, originating_function_path,
};
use cairo_lang_executable::executable::Executable;
use cairo_lang_executable_plugin::executable_plugin_suite;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use std::path::{Path, PathBuf};

/// Version of the compiler's crates, which `Cargo.toml` pins.
pub(crate) const COMPILER_VERSION: &str = "2.21.0";

/// Compiles what the command line says.
pub(crate) fn compile(inputs: &Inputs) -> anyhow::Result<()> {
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
    let mut unserialised = Vec::new();
    let reporter = DiagnosticsReporter::callback(|diagnostic| {
        eprint!("{diagnostic}");
        unserialised.extend(refuse::unserialised(diagnostic.message()));
    });
    let clean = ensure_diagnostics(&db, &mut reporter.with_crates(&crates).allow_warnings());
    if clean.is_err() {
        for note in unserialised {
            eprintln!("{note}");
        }
        bail!("the source does not compile");
    }

    let ids = CrateInput::into_crate_ids(&db, crates);
    let found = find_executable_functions(&db, ids, None);
    let paths: Vec<String> =
        found.iter().map(|function| refuse::plain(&originating_function_path(&db, *function))).collect();
    let function = found.get(choose(&paths, inputs.executable.as_deref())?).context("there is no such function")?;
    refuse::system_calls(&db, *function)?;
    let config = ExecutableConfig { allow_syscalls: false, unsafe_panic: false, builtin_list: None };
    let result = compile_executable_function_in_prepared_db(&db, *function, config)?;
    let executable = serde_json::to_vec(&Executable::new(result.compiled_function))?;
    write_whole(&inputs.output, &executable)
}

/// The place of the function that is meant, by its path or the end of it.
fn choose(paths: &[String], wanted: Option<&str>) -> anyhow::Result<usize> {
    let Some(wanted) = wanted else {
        match paths {
            [] => bail!("no function is marked `#[executable]`"),
            [_] => return Ok(0),
            _ => bail!(
                "several functions are marked `#[executable]`; choose one with --executable NAME: {}",
                paths.join(", ")
            ),
        }
    };
    if let Some(place) = paths.iter().position(|path| path == wanted) {
        return Ok(place);
    }
    let means = |path: &str| path.strip_suffix(wanted).is_some_and(|rest| rest.ends_with("::"));
    let meant: Vec<usize> = (0..).zip(paths).filter(|(_, path)| means(path)).map(|(place, _)| place).collect();
    match meant.as_slice() {
        [place] => Ok(*place),
        [] if paths.is_empty() => bail!("no function is marked `#[executable]`"),
        [] => bail!("no function `{wanted}` is marked `#[executable]`; there are: {}", paths.join(", ")),
        _ => bail!("`{wanted}` is the name of several functions; give one of them by its path: {}", paths.join(", ")),
    }
}

/// Writes beside the target first, so that the target is never a part of a file.
fn write_whole(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    std::fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, target).with_context(|| format!("cannot write {}", target.display()))
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn functions_are_chosen_by_the_end_of_their_path() {
        let paths = ["main", "inner::main", "inner::other"].map(str::to_owned);
        let chosen = |wanted| choose(&paths, wanted).map_err(|error| error.to_string());
        assert_eq!(chosen(Some("other")), Ok(2));
        assert_eq!(chosen(Some("inner::main")), Ok(1));
        // The whole path goes before the end of another.
        assert_eq!(chosen(Some("main")), Ok(0));
        assert!(choose(&paths[1..], Some("main")).is_ok());
        let twice = ["a::main", "b::main"].map(str::to_owned);
        assert!(choose(&twice, Some("main")).is_err_and(|error| error.to_string().contains("the name of several")));
        assert!(chosen(Some("ther")).is_err_and(|error| error.contains("there are: main, ")));
        assert!(chosen(None).is_err_and(|error| error.contains("choose one with --executable NAME: main, ")));
        assert_eq!(choose(&paths[..1], None).ok(), Some(0));
        assert!(choose(&[], None).is_err_and(|error| error.to_string().contains("no function is marked")));
    }
}
