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

fn error(path: &Path, corelib: Option<&Path>, places: &Places) -> String {
    let folder = path.parent().expect("a folder").display().to_string();
    load(path, corelib, places).expect_err("an error").to_string().replace(&folder, "FOLDER")
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
      in Cairn's folder   make cairo2-compiler
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
    assert!(none.contains("none in Scarb's cache.\nTo get one:") && none.contains("--branch v2.20.0"), "{none}");

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
        &format!("test \"$1 $2\" = '--proof_mode --no_debug_info' && cp {} \"$5\"", compiled.display()),
    );
    let places = Places::given([variable("CAIRO_COMPILE", &compiler)], None, None);
    let loaded = load(&source, None, &places).expect("a program");
    assert_eq!(loaded.bytes, std::fs::read(&compiled).expect("the program"));
    assert_eq!(loaded.compiler, Some(compiler));

    let silent = script(&folder.path().join("silent"), "exit 0");
    assert!(
        error(&source, None, &Places::given([variable("CAIRO_COMPILE", &silent)], None, None))
            .contains("wrote no program")
    );
    let wrong = script(&folder.path().join("wrong"), "echo '{}' > \"$5\"");
    assert!(
        error(&source, None, &Places::given([variable("CAIRO_COMPILE", &wrong)], None, None))
            .contains("compiles, but cannot be proved")
    );
}
