use super::*;
use std::ffi::OsString;

const CAIRO0: &str = "%builtins output\nfunc main{output_ptr: felt*}() {\n    return ();\n}\n";
const CAIRO2: &str = "#[executable]\nfn main() -> felt252 {\n    5\n}\n";

fn write(path: &Path, text: &str) -> PathBuf {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a write");
    path.to_owned()
}

/// A stand-in for a compiler: a shell script.
#[cfg(unix)]
fn script(path: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    write(path, &format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    path.to_owned()
}

fn variable(name: &'static str, value: impl Into<OsString>) -> (&'static str, OsString) {
    (name, value.into())
}

const NONE: Wishes<'_> = Wishes { corelib: None, executable: None, remembered: &[], begins: &|_| Busy::silent() };

fn error(path: &Path, corelib: Option<&Path>, places: &Places) -> String {
    error_with(path, &Wishes { corelib, ..NONE }, places)
}

fn error_with(path: &Path, wishes: &Wishes<'_>, places: &Places) -> String {
    let folder = path.parent().expect("a folder").display().to_string();
    load(path, wishes, places).expect_err("an error").to_string().replace(&folder, "FOLDER")
}

#[test]
fn languages() {
    assert_eq!(language(CAIRO0), Some(SourceLanguage::Cairo0));
    assert_eq!(language(CAIRO2), Some(SourceLanguage::Cairo2));
    assert_eq!(language("// %builtins\nfn f() {}"), None);
}

#[test]
fn without_compilers_it_says_how_to_get_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = Places::given([], None, None);
    let cairo0 = write(&folder.path().join("a.cairo"), CAIRO0);
    insta::assert_snapshot!(error(&cairo0, None, &nowhere), @r"
    FOLDER/a.cairo is Cairo 0 source, and there is no cairo-compile for it: none in $CAIRO_COMPILE, none on PATH, no .venv/bin/cairo-compile here or in a folder above.
    To get one, with Python 3.9, 3.10 or 3.11:
      in Cairn's folder   make cairo-compile
      anywhere else       python3.11 -m venv .venv && .venv/bin/pip install cairo-lang==0.14.0.1
    Without one, push a compiled program, made with cairo-compile --proof_mode
    ");
    write(&folder.path().join("a.json"), "{}");
    let beside = error(&cairo0, None, &nowhere);
    assert!(beside.ends_with("push a compiled program; one lies beside it: uploader push FOLDER/a.json"), "{beside}");
    let cairo2 = write(&folder.path().join("b.cairo"), CAIRO2);
    insta::assert_snapshot!(error(&cairo2, None, &nowhere), @r"
    FOLDER/b.cairo is Cairo 2 source, and there is no cairn-compile-cairo2 for it: none in $CAIRN_COMPILE_CAIRO2, none beside uploader, none on PATH, no target/release/cairn-compile-cairo2 here or in a folder above.
    To get it, in some minutes:
      in Cairn's folder   make install
    Without it, push an executable, made with cairo-execute --single-file --build-only
    ");
    let neither = write(&folder.path().join("c.cairo"), "fn main() {}");
    insta::assert_snapshot!(error(&neither, None, &nowhere), @"FOLDER/c.cairo: this is neither a Cairo 0 program (with `%builtins` and `func main`) nor a Cairo 2 executable (with a function marked `#[executable]`)");
    insta::assert_snapshot!(error(&folder.path().join("d.cairo"), None, &nowhere), @"cannot read the program FOLDER/d.cairo: No such file or directory (os error 2)");
    let json = write(&folder.path().join("e.json"), "{}");
    insta::assert_snapshot!(error(&json, None, &nowhere), @"FOLDER/e.json: the file is JSON, but nothing of Cairo's, not a program; give a Cairo 0 program compiled with --proof_mode or a Cairo 2 `*.executable.json`");
}

#[cfg(unix)]
#[test]
fn a_core_library_is_looked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = write(&folder.path().join("b.cairo"), CAIRO2);
    let compiler = script(&folder.path().join("bin/cairn-compile-cairo2"), "echo \"corelib $3\"; exit 1");
    let uploader = folder.path().join("bin/uploader");
    let places = |variables: Vec<(&'static str, OsString)>| Places::given(variables, Some(&uploader), None);
    let cache = folder.path().join("cache");
    let with_cache = || places(vec![variable("SCARB_CACHE", &cache)]);
    let none = error(&source, None, &with_cache());
    assert!(
        none.contains("none in Scarb's cache. Versions 2.20 to 2.21 fit.\nTo get one:")
            && none.contains("--branch v2.20.0"),
        "{none}"
    );

    for (tag, version) in [("v2.9.2", "2.9.2"), ("v2.13.0", "2.13.0")] {
        let core = cache.join("registry/std").join(tag).join("core");
        write(&core.join("Scarb.toml"), &format!("[package]\nname = \"core\"\nversion = \"{version}\"\n"));
        write(&core.join("src/lib.cairo"), "");
    }
    let older = error(&source, None, &with_cache());
    assert!(older.contains("none in Scarb's cache that fits (it has 2.9.2, 2.13.0)."), "{older}");

    let core = cache.join("registry/std/abc123/core");
    write(&core.join("Scarb.toml"), "[package]\nversion = \"2.21.0\"\n");
    write(&core.join("src/lib.cairo"), "");
    let cached = error(&source, None, &with_cache());
    assert!(cached.ends_with("corelib FOLDER/cache/registry/std/abc123/core/src"), "{cached}");

    // What was remembered goes before Scarb's, the newest first; what is gone or does not fit is left out, and named if nothing is left.
    let remembered = ["older", "newer", "other", "gone"].map(|name| folder.path().join("remembered").join(name));
    for (core, version) in remembered.iter().zip(["2.20.0", "2.21.1", "2.13.0"]) {
        write(&core.join("Scarb.toml"), &format!("[package]\nversion = \"{version}\"\n"));
        write(&core.join("src/lib.cairo"), "");
    }
    let with = |remembered: &[PathBuf], places: &Places| error_with(&source, &Wishes { remembered, ..NONE }, places);
    assert!(with(&remembered, &with_cache()).ends_with("corelib FOLDER/remembered/newer/src"));
    assert!(with(&remembered[..1], &with_cache()).ends_with("corelib FOLDER/remembered/older/src"));
    assert!(with(&remembered[2..], &with_cache()).ends_with("registry/std/abc123/core/src"));
    let gone = with(&remembered[2..], &places(vec![]));
    assert!(gone.contains("still there and fits (") && gone.contains("/remembered/gone)"), "{gone}");
    let other = error(&source, Some(&remembered[2]), &places(vec![]));
    assert!(other.contains("of version 2.13.0, but the compiler takes those of versions 2.20 to 2.21"), "{other}");

    let own = folder.path().join("corelib");
    write(&own.join("src/lib.cairo"), "");
    let named = error(&source, None, &places(vec![variable("CAIRO_CORELIB", &own)]));
    assert!(named.ends_with("corelib FOLDER/corelib/src"), "{named}");
    let given = error(&source, Some(&own.join("src")), &places(vec![]));
    assert!(
        given.ends_with("corelib FOLDER/corelib/src")
            && given.contains(&compiler.file_name().expect("a name").to_string_lossy().into_owned()),
        "{given}"
    );
    let bad = error(&source, Some(folder.path()), &places(vec![]));
    assert!(!bad.contains("no core library"), "corelib/src below the given folder is found: {bad}");
    let bad = error(&source, Some(&cache), &places(vec![]));
    assert!(bad.contains("no core library, since it has no lib.cairo"), "{bad}");
}

#[cfg(unix)]
#[test]
fn the_compiler_is_found_and_its_errors_are_passed_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = write(&folder.path().join("sub/a.cairo"), CAIRO0);
    let named = script(&folder.path().join("named"), "echo named >&2; exit 1");
    let on_path = script(&folder.path().join("bin/cairo-compile"), "echo path >&2; exit 1");
    let venv = script(&folder.path().join(".venv/bin/cairo-compile"), "echo venv >&2; exit 1");
    let bin = on_path.parent().expect("a folder");
    let says = |places: &Places| error(&source, None, places).lines().last().expect("a line").to_owned();
    assert_eq!(says(&Places::given([variable("CAIRO_COMPILE", &named), variable("PATH", bin)], None, None)), "named");
    assert_eq!(says(&Places::given([variable("PATH", bin)], None, None)), "path");
    assert_eq!(says(&Places::given([], None, None)), "venv");
    // Cairo 2 has a compiler of the same name.
    script(&on_path, "test \"$1\" = --version && echo 'cairo-compile 2.13.1' && exit 0; exit 1");
    assert_eq!(says(&Places::given([variable("PATH", bin)], None, None)), "venv");
    std::fs::remove_file(venv).expect("the script");
    let other = error(&source, None, &Places::given([variable("PATH", bin)], None, None));
    assert!(
        other.contains("/bin/cairo-compile is for another Cairo)") && other.contains("make cairo-compile"),
        "{other}"
    );
    let gone = Places::given([variable("CAIRO_COMPILE", folder.path().join("gone"))], None, None);
    assert!(error(&source, None, &gone).starts_with("cannot run the compiler"));
}

#[cfg(unix)]
#[test]
fn what_the_compiler_writes_is_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = write(&folder.path().join("a.cairo"), CAIRO0);
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/primes/primes.json");
    let compiler = script(
        &folder.path().join("good"),
        &format!(
            "echo 'warning: one' >&2; echo 'warning: two'; test \"$1 $2\" = '--proof_mode --no_debug_info' && cp {} \"$5\"",
            compiled.display()
        ),
    );
    let places = Places::given([variable("CAIRO_COMPILE", &compiler)], None, None);
    let begun = std::cell::RefCell::new(Vec::new());
    let begins = |what: &str| {
        begun.borrow_mut().push(what.to_owned());
        Busy::silent()
    };
    let loaded = load(&source, &Wishes { begins: &begins, ..NONE }, &places).expect("a program");
    assert_eq!(loaded.bytes, std::fs::read(&compiled).expect("the program"));
    assert_eq!(loaded.messages, "warning: one\nwarning: two\n");
    assert_eq!(*begun.borrow(), [format!("Compiling {} with {}", source.display(), compiler.display())]);

    let silent = script(&folder.path().join("silent"), "exit 0");
    assert!(
        error(&source, None, &Places::given([variable("CAIRO_COMPILE", &silent)], None, None))
            .contains("wrote no program")
    );
    let wrong = script(&folder.path().join("wrong"), "echo '{}' > \"$5\"");
    assert!(
        error(&source, None, &Places::given([variable("CAIRO_COMPILE", &wrong)], None, None))
            .contains("/wrong), but cannot be proved")
    );
    let crashing = script(&folder.path().join("crashing"), "echo 'and then'; kill -SEGV $$");
    let crashed = error(&source, None, &Places::given([variable("CAIRO_COMPILE", &crashing)], None, None));
    assert!(crashed.contains("says):\nand then\n\nthe compiler itself crashed (signal: 11"), "{crashed}");
}

/// A package, and a stand-in for Scarb that builds what `built` says: names of executables, into the folder that it is told.
#[cfg(unix)]
fn package(folder: &Path, built: &[&str]) -> (PathBuf, Places) {
    write(&folder.join("package/Scarb.toml"), "[package]\nname = \"package\"\n");
    let source = write(&folder.join("package/src/inner/deep.cairo"), "fn helper() {}");
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/collatz/collatz.executable.json");
    let copies: String = built
        .iter()
        .map(|name| format!("cp {} \"$SCARB_TARGET_DIR/dev/{name}.executable.json\"\n", compiled.display()))
        .collect();
    let scarb = script(
        &folder.join("bin/scarb"),
        &format!(
            "test \"$1\" = --manifest-path && test -f \"$2\" && test \"$3\" = build || exit 9\n\
             echo \"   Compiling package\"\necho 'warn: Unused variable' >&2\n\
             mkdir -p \"$SCARB_TARGET_DIR/dev\"\necho x > \"$SCARB_TARGET_DIR/dev/package.sierra.json\"\n{copies}"
        ),
    );
    (source, Places::given([variable("PATH", scarb.parent().expect("a folder"))], None, None))
}

#[cfg(unix)]
#[test]
fn scarb_builds_packages() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, places) = package(folder.path(), &["package"]);
    let manifest = folder.path().join("package/Scarb.toml");
    // The folder, its manifest, and any of its sources are the package.
    for path in [&folder.path().join("package"), &manifest, &source] {
        let loaded = load(path, &NONE, &places).expect("a program");
        assert_eq!(loaded.name.as_deref(), Some("package"));
        assert_eq!(loaded.messages, "   Compiling package\nwarn: Unused variable\n");
    }
    assert!(load(&manifest, &Wishes { executable: Some("package"), ..NONE }, &places).is_ok());
    let unknown = error_with(&manifest, &Wishes { executable: Some("main"), ..NONE }, &places);
    assert_eq!(unknown, "FOLDER/Scarb.toml: the package has no executable `main`; it has: package");
    // A relative path, too.
    let inside = Places::given(
        [variable("SCARB", folder.path().join("bin/scarb"))],
        None,
        Some(&folder.path().join("package/src")),
    );
    assert_eq!(scarb::around(Path::new("inner/deep.cairo"), &inside), Some(manifest.clone()));
    assert_eq!(scarb::around(&folder.path().join("package/tests/a.cairo"), &inside), None);

    package(folder.path(), &["two", "one"]);
    insta::assert_snapshot!(error(&manifest, None, &places), @"FOLDER/Scarb.toml: the package has several executables; choose one with --executable NAME: one, two");
    let one = load(&manifest, &Wishes { executable: Some("one"), ..NONE }, &places).expect("a program");
    assert_eq!(one.name.as_deref(), Some("one"));
    package(folder.path(), &[]);
    let none = error(&manifest, None, &places);
    assert!(none.contains("the package builds, but no executable of it") && none.contains("2.10"), "{none}");

    script(&folder.path().join("bin/scarb"), "echo 'error: Type not found.'; echo ' --> lib.cairo:1:5'; exit 1");
    let failed = error(&manifest, None, &places);
    assert!(failed.ends_with("/bin/scarb says):\nerror: Type not found.\n --> lib.cairo:1:5"), "{failed}");
}

#[cfg(unix)]
#[test]
fn without_scarb_it_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, _) = package(folder.path(), &["package"]);
    let nowhere = Places::given([], None, None);
    let none = error(&folder.path().join("package/Scarb.toml"), None, &nowhere);
    assert!(none.contains("no scarb to build it: none in $SCARB, none on PATH. Any version from 2.10 on"), "{none}");
    // A single source is compiled alone.
    assert!(error(&source, None, &nowhere).contains("neither a Cairo 0 program"));
    let missing = error(&folder.path().join("bin"), None, &nowhere);
    assert!(missing.contains("there is no Scarb package: ") && missing.contains("bin/Scarb.toml"), "{missing}");
}

#[cfg(unix)]
#[test]
fn executables_are_chosen_where_there_is_a_choice() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = write(&folder.path().join("b.cairo"), CAIRO2);
    let core = folder.path().join("corelib/src");
    write(&core.join("lib.cairo"), "");
    let compiler = script(&folder.path().join("compiler"), "echo \"$*\"; exit 1");
    let places = Places::given([variable("CAIRN_COMPILE_CAIRO2", &compiler)], None, None);
    let wishes = Wishes { executable: Some("second"), corelib: Some(&core), ..NONE };
    assert!(error_with(&source, &wishes, &places).ends_with("--executable second"));
    let cairo0 = write(&folder.path().join("a.cairo"), CAIRO0);
    let compiled = write(&folder.path().join("a.json"), "{}");
    for (path, what) in [(cairo0, "Cairo 0 source"), (compiled, "a compiled program")] {
        let error = error_with(&path, &wishes, &places);
        assert!(error.ends_with(&format!("the functions of Cairo 2 source; this is {what}")), "{error}");
    }
}
