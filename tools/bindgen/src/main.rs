//! Writes the JavaScript that goes with a module of `wasm-bindgen`: `bindgen MODULE.wasm NAME FOLDER`.

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, name, folder] = arguments.as_slice() else { bail!("bindgen MODULE.wasm NAME FOLDER") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(name).typescript(true).web(true)?;
    bindgen.generate(folder).with_context(|| format!("no bindings of {module} could be written to {folder}"))
}
