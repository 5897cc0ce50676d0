//! Which commit the program is of, and the files that `make web` put into `web/`, so that the distributor carries them. Without them
//! it says that it has none.

#[path = "../tools/version.rs"]
mod version;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    version::main();
    println!("cargo::rerun-if-changed=web");
    let web = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("web");
    let digest = fs::read_to_string(web.join("bundle")).unwrap_or_default();
    let digest = digest.trim();
    let mut list = String::new();
    if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        for name in names(&web)? {
            let bytes = |suffix: &str| format!("include_bytes!({:?})", web.join(format!("{name}{suffix}")));
            let (plain, br, gz) = (bytes(""), bytes(".br"), bytes(".gz"));
            // Writing to a String cannot fail.
            let _ = writeln!(list, "    File {{ name: {name:?}, plain: {plain}, br: {br}, gz: {gz} }},");
        }
    }
    let digest = if list.is_empty() { "None".to_owned() } else { format!("Some({digest:?})") };
    let source = format!("const DIGEST: Option<&str> = {digest};\nconst FILES: &[File] = &[\n{list}];\n");
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("bundle.rs"), source)
}

/// The files that are there in all three forms, by name.
fn names(web: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(web)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        }
        if ["br", "gz"].iter().all(|form| web.join(format!("{name}.{form}")).is_file()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
