//! Files that cairo-vm itself writes, whole, damaged and contradicting each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::cairo0::Cairo0Hints;
use crate::cairo2::Cairo2Hints;
use crate::load::Source;
use crate::{run, unwatched};
use cairo_air::Builtin;
use cairo_vm::cairo_run::{CairoRunConfig, cairo_run_program, write_encoded_memory, write_encoded_trace};
use cairo_vm::serde::deserialize_program::ReferenceManager;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::vm::errors::cairo_run_errors::CairoRunError;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LIMITS: RunLimits = RunLimits { max_steps: 1 << 20, max_memory_cells: 1 << 23, max_time: None };

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load(name: &str) -> RunnableProgram {
    RunnableProgram::from_json(&fixture(name)).unwrap()
}

/// All runs of fixtures that end and can be proved: name, file, arguments.
fn all_runs() -> Vec<(String, String, String)> {
    let all: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    let runs = all.as_object().unwrap().iter();
    let runs =
        runs.filter(|(name, run)| !name.starts_with("bench") && run.get("panic").is_none() && run["file"].is_string());
    let runs =
        runs.map(|(name, run)| (name.clone(), run["file"].as_str().unwrap().to_owned(), run["args"].to_string()));
    runs.collect()
}

/// What cairo-vm makes of a program: a run in proof mode, filled up as its provers want it, or one from `main`.
fn machine(
    name: &str,
    arguments: &[felt::Felt],
    proof_mode: bool,
    padded: bool,
) -> Result<CairoRunner, Box<CairoRunError>> {
    let config = CairoRunConfig {
        trace_enabled: true,
        relocate_mem: proof_mode,
        relocate_trace: proof_mode,
        layout: LayoutName::all_cairo,
        proof_mode,
        fill_holes: proof_mode && padded,
        disable_trace_padding: proof_mode && !padded,
        secure_run: Some(false),
        ..CairoRunConfig::default()
    };
    let runnable = load(name);
    match &runnable.source {
        Source::Cairo0(source) => {
            let mut hints = Cairo0Hints::new(source, arguments);
            let program = VmProgram::from_bytes(&fixture(name), (!proof_mode).then_some("main")).unwrap();
            cairo_run_program(&program, &config, &mut hints).map_err(Box::new)
        }
        Source::Cairo2(source) => {
            let mut hints = Cairo2Hints::new(source, arguments);
            let program = if proof_mode { source.vm_program.clone() } else { from_bootloader(&source.vm_program) };
            cairo_run_program(&program, &config, &mut hints).map_err(Box::new)
        }
    }
}

/// An executable from its entry point for bootloaders, which stands behind the header.
fn from_bootloader(program: &VmProgram) -> VmProgram {
    let data = program.iter_data().cloned().collect();
    let hints: BTreeMap<_, _> = (&program.shared_program_data.hints_collection).into();
    let hints: HashMap<_, _> = hints.into_iter().collect();
    let builtins = program.iter_builtins().copied().collect();
    VmProgram::new(builtins, data, Some(6), hints, ReferenceManager::default(), HashMap::new(), Vec::new(), None)
        .unwrap()
}

/// A folder with the files of a relocated run.
fn written(runner: &CairoRunner) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| std::io::BufWriter::new(std::fs::File::create(folder.path().join(name)).unwrap());
    write_encoded_trace(runner.relocated_trace.as_ref().unwrap(), &mut file("trace.bin")).unwrap();
    write_encoded_memory(&runner.relocated_memory, &mut file("memory.bin")).unwrap();
    let public = runner.get_air_public_input().unwrap().serialize_json().unwrap();
    std::fs::write(folder.path().join("air_public_input.json"), public).unwrap();
    let private =
        runner.get_air_private_input().to_serializable("/elsewhere/trace.bin".to_owned(), "memory.bin".to_owned());
    std::fs::write(folder.path().join("air_private_input.json"), private.serialize_json().unwrap()).unwrap();
    folder
}

fn relocated(name: &str, arguments: &str, padded: bool) -> (RunnableProgram, TempDir) {
    let program = load(name);
    let bound = program.bind(&Arguments::from_json(arguments.as_bytes()).unwrap()).unwrap();
    let folder = written(&machine(name, &bound, true, padded).unwrap());
    (program, folder)
}

fn read(program: &RunnableProgram, path: &Path) -> Result<Execution, ForeignError> {
    ForeignRun::at(path)?.read(program, None, &LIMITS)
}

/// The same run, but for where segments lie.
fn assert_same(found: &Execution, expected: &Execution, name: &str) {
    assert_eq!(found.n_steps(), expected.n_steps(), "{name}: steps");
    assert_eq!(found.output(), expected.output(), "{name}: output");
    assert_eq!(found.arguments, expected.arguments, "{name}: arguments");
    assert_eq!(found.signatures, expected.signatures, "{name}: signatures");
    let code = u32::try_from(expected.program.bytecode().len()).unwrap();
    for (found, expected) in found.trace.iter().zip(&expected.trace) {
        assert_eq!((found.ap, found.fp), (expected.ap, expected.fp), "{name}");
        assert!(found.pc == expected.pc || found.pc > code, "{name}");
    }
    let sizes = |execution: &Execution| {
        execution.segments.iter().map(|(builtin, segment)| (*builtin, segment.stop - segment.base)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(found), sizes(expected), "{name}: segments");
}

/// Runs whose room for a layout is written, too; it takes longer.
const PADDED: [&str; 3] = ["range_check_math", "ecdsa_args", "fib"];

#[test]
fn runs_of_cairo_0_are_read() {
    let (found, left_out) = runs_of_cairo_vm_are_read(|file| !file.starts_with("cairo2/"));
    assert!(found > 60 && left_out.len() * 8 < found, "{found} read; left out: {left_out:?}");
}

#[test]
fn runs_of_cairo_2_are_read() {
    let (found, left_out) = runs_of_cairo_vm_are_read(|file| file.starts_with("cairo2/"));
    assert!(found > 20 && left_out.len() * 8 < found, "{found} read; left out: {left_out:?}");
}

/// Runs of some fixtures, as cairo-run writes them with and without filling up, and as a PIE: how many there are, and what is not read.
fn runs_of_cairo_vm_are_read(takes: impl Fn(&str) -> bool) -> (usize, Vec<String>) {
    let (mut found, mut left_out) = (0, Vec::new());
    for (name, file, arguments) in all_runs().into_iter().filter(|(_, file, _)| takes(file)) {
        let Ok(program) = RunnableProgram::from_json(&fixture(&file)) else { continue };
        let arguments = Arguments::from_json(arguments.as_bytes()).unwrap();
        let Ok(expected) = run(&program, &arguments, &LIMITS, &mut unwatched) else { continue };
        let bound = program.bind(&arguments).unwrap();
        let check = |path: &Path, how: &str| {
            let read = read(&program, path).unwrap_or_else(|error| panic!("{name}, {how}: {error}"));
            assert_same(&read, &expected, &name);
        };
        for padded in [false, true] {
            if padded && !PADDED.iter().any(|part| file.contains(part)) {
                continue;
            }
            match machine(&file, &bound, true, padded) {
                Ok(runner) => check(written(&runner).path(), if padded { "padded" } else { "relocated" }),
                Err(error) => left_out.push(format!("{name}: {error}")),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let pie = folder.path().join("run.zip");
        match machine(&file, &bound, false, false) {
            Ok(runner) => {
                runner.get_cairo_pie().unwrap().write_zip_file(&pie, false).unwrap();
                match read(&program, &pie) {
                    // A PIE's segment of the execution ends at the last `ap`. A run that wrote beyond makes one that no tool takes.
                    Err(error) if matches!(error.inner(), ForeignError::PieCell { .. }) => {
                        left_out.push(format!("{name}, PIE: {error}"));
                    }
                    _ => check(&pie, "PIE"),
                }
            }
            // Programs that use a builtin in a way that only this runner completes.
            Err(error) => left_out.push(format!("{name}, PIE: {error}")),
        }
        found += 1;
    }
    (found, left_out)
}

/// A small run that uses several builtins.
const SMALL: (&str, &str) = ("cairo0/range_check_math.json", "[]");

/// The error of a run in a folder, without the file's name.
fn refused(program: &RunnableProgram, path: &Path) -> ForeignError {
    let mut error = read(program, path).expect_err("no such run");
    while let ForeignError::In { source, .. } = error {
        error = *source;
    }
    error
}

/// A run in a folder, of which files are changed.
struct Written {
    program: RunnableProgram,
    folder: TempDir,
}

impl Written {
    fn new((name, arguments): (&str, &str)) -> Self {
        let (program, folder) = relocated(name, arguments, true);
        Self { program, folder }
    }

    /// Without what fills it up, which takes longer to write and to read.
    fn unpadded((name, arguments): (&str, &str)) -> Self {
        let (program, folder) = relocated(name, arguments, false);
        Self { program, folder }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    /// The error with another content of a file, which is put back afterwards.
    fn with(&self, name: &str, content: impl AsRef<[u8]>) -> ForeignError {
        let before = self.bytes(name);
        std::fs::write(self.folder.path().join(name), content).unwrap();
        let error = refused(&self.program, self.folder.path());
        std::fs::write(self.folder.path().join(name), before).unwrap();
        error
    }

    /// The same with a changed JSON file.
    fn with_json(&self, name: &str, change: impl FnOnce(&mut Value)) -> ForeignError {
        let mut value = self.json(name);
        change(&mut value);
        self.with(name, value.to_string())
    }
}

#[test]
fn damaged_traces_are_told() {
    let run = Written::new(SMALL);
    let trace = run.bytes("trace.bin");
    let bytes = trace.len() as u64 - 1;
    assert!(
        matches!(run.with("trace.bin", &trace[..trace.len() - 1]), ForeignError::TraceTruncated { bytes: found } if found == bytes)
    );
    assert!(matches!(run.with("trace.bin", []), ForeignError::TraceEmpty));
    assert!(matches!(run.with("trace.bin", &trace[..48]), ForeignError::NoEnd { steps: 2, end: 5 }));
    let begins = run.with("trace.bin", &trace[24..]);
    assert!(matches!(begins, ForeignError::Begins { was_started_at_main: false, .. }), "{begins}");
    let mut large = trace.clone();
    large[28] = 1;
    let error = run.with("trace.bin", &large);
    assert!(matches!(error, ForeignError::Register { step: 1, register: "ap", .. }), "{error}");
    // Behind the end nothing may happen.
    let mut after = trace.clone();
    after[trace.len() - 24] ^= 1;
    assert!(matches!(run.with("trace.bin", &after), ForeignError::AfterEnd { .. }));
    // A step that is none of the machine's.
    let mut other = trace.clone();
    other[24] ^= 1;
    assert!(matches!(run.with("trace.bin", &other), ForeignError::NoRun(_)));
    let limits = RunLimits { max_steps: 3, ..LIMITS };
    let error = ForeignRun::at(run.folder.path()).unwrap().read(&run.program, None, &limits).unwrap_err();
    assert!(matches!(error.inner(), ForeignError::TooManySteps { limit: 3 }), "{error}");
}

#[test]
fn damaged_memories_are_told() {
    let run = Written::new(SMALL);
    let memory = run.bytes("memory.bin");
    assert!(matches!(run.with("memory.bin", &memory[..memory.len() - 1]), ForeignError::MemoryTruncated { .. }));
    assert!(matches!(run.with("memory.bin", []), ForeignError::MemoryTruncated { bytes: 0 }));
    let twice = [memory.as_slice(), &memory[..40]].concat();
    assert!(matches!(run.with("memory.bin", twice), ForeignError::MemoryTwice { address: 1 }));
    for (byte, value) in [(0, 0), (6, 1)] {
        let mut changed = memory.clone();
        changed[byte] = value;
        assert!(matches!(run.with("memory.bin", changed), ForeignError::MemoryAddress { entry: 0, .. }));
    }
    let mut large = memory.clone();
    large[8..40].fill(255);
    assert!(matches!(run.with("memory.bin", large), ForeignError::MemoryValue { .. }));
    let mut word = memory.clone();
    word[8] ^= 2;
    assert!(matches!(run.with("memory.bin", word), ForeignError::OtherProgram { word: 0, .. }));
    assert!(matches!(run.with("memory.bin", &memory[40..]), ForeignError::OtherProgram { word: 0, .. }));
    // Of another program, whose words are others.
    let other = load("cairo0/uint256.json");
    assert!(matches!(refused(&other, run.folder.path()), ForeignError::OtherProgram { .. }));
    let limits = RunLimits { max_memory_cells: 20, ..LIMITS };
    let error = ForeignRun::at(run.folder.path()).unwrap().read(&run.program, None, &limits).unwrap_err();
    assert!(matches!(error.inner(), ForeignError::MemoryAddress { limit: 20, .. }), "{error}");
    // The stack's last cells are the builtins' pointers.
    let trace = run.bytes("trace.bin");
    let last_ap = u64::from_le_bytes(trace[trace.len() - 24..trace.len() - 16].try_into().unwrap());
    let entry = memory.chunks(40).position(|cell| cell[..8] == (last_ap - 1).to_le_bytes()).unwrap();
    let mut pointer = memory.clone();
    pointer[entry * 40 + 20] = 1;
    let error = run.with("memory.bin", &pointer);
    assert!(matches!(error, ForeignError::BuiltinPointer { when: "end", .. }), "{error}");
    let mut pointer = memory.clone();
    pointer[entry * 40 + 8] = pointer[entry * 40 + 8].wrapping_add(1);
    let error = run.with("memory.bin", &pointer);
    assert!(
        matches!(error, ForeignError::PublicCell { .. } | ForeignError::SegmentDiffers { bound: "ends", .. }),
        "{error}"
    );
}

#[test]
fn contradicting_public_inputs_are_told() {
    const FILE: &str = "air_public_input.json";
    let run = Written::new(SMALL);
    let layout = |name: &str| run.with_json(FILE, |public| public["layout"] = json!(name));
    let unknown = layout("large").to_string();
    assert!(unknown.contains("the layout `large`") && unknown.contains("starknet_with_keccak"), "{unknown}");
    assert!(matches!(layout("dynamic"), ForeignError::DynamicLayout));
    assert!(matches!(layout("plain"), ForeignError::LayoutLacks { builtin: Builtin::RangeCheck, .. }));
    let steps = run.with_json(FILE, |public| public["n_steps"] = json!(7));
    assert!(matches!(steps, ForeignError::StepCount { said: 7, .. }), "{steps}");
    for field in ["layout", "n_steps"] {
        let missing = run.with_json(FILE, |public| drop(public.as_object_mut().unwrap().remove(field)));
        assert!(matches!(&missing, ForeignError::Missing { part, .. } if part == field), "{missing}");
    }
    let segments = ["program", "execution", "output", "range_check"];
    for (segment, bound) in segments.into_iter().flat_map(|segment| [(segment, "begin_addr"), (segment, "stop_ptr")]) {
        let error = run.with_json(FILE, |public| {
            let address = &mut public["memory_segments"][segment][bound];
            *address = json!(address.as_u64().unwrap() + 1);
        });
        assert!(matches!(&error, ForeignError::SegmentDiffers { segment: found, .. } if found == segment), "{error}");
    }
    let missing = run.with_json(FILE, |public| {
        public["memory_segments"].as_object_mut().unwrap().remove("range_check");
    });
    assert!(matches!(&missing, ForeignError::Missing { part, .. } if part == "memory_segments.range_check"));
    let unknown =
        run.with_json(FILE, |public| public["memory_segments"]["oracle"] = json!({"begin_addr": 1, "stop_ptr": 1}));
    assert!(matches!(&unknown, ForeignError::Builtin(_)), "{unknown}");
    assert!(unknown.to_string().contains("`oracle`"), "{unknown}");
    let value = run.with_json(FILE, |public| public["public_memory"][3]["value"] = json!("0x123456"));
    assert!(matches!(&value, ForeignError::PublicCell { said, .. } if said == "0x123456"), "{value}");
    let gone = run.with_json(FILE, |public| public["public_memory"][3]["address"] = json!(1 << 30));
    assert!(matches!(&gone, ForeignError::PublicCell { found, .. } if found == "nothing"), "{gone}");
    let text = run.bytes(FILE);
    assert!(matches!(run.with(FILE, &text[..text.len() / 2]), ForeignError::Json { what: What::PublicInput, .. }));
    assert!(matches!(run.with(FILE, "[]"), ForeignError::Json { .. }));
    assert!(matches!(run.with(FILE, [text.as_slice(), b"x"].concat()), ForeignError::Json { .. }));
}

#[test]
fn contradicting_private_inputs_are_told() {
    const FILE: &str = "air_private_input.json";
    // One run for each builtin.
    const FILES: [&str; 11] = [
        "pedersen_args",
        "range_check_math",
        "ecdsa_args",
        "bitwise_edges",
        "ec_op_args",
        "keccak_many",
        "poseidon_many",
        "range_check96_edges",
        "add_mod_batch",
        "mul_mod_batch",
        "uint256",
    ];
    let mut tried = BTreeMap::new();
    for (name, file, arguments) in all_runs() {
        if !FILES.iter().any(|part| file == format!("cairo0/{part}.json")) || tried.contains_key(&file) {
            continue;
        }
        let run = Written::unpadded((&file, &arguments));
        let private = run.json(FILE);
        for (builtin, instances) in private.as_object().unwrap() {
            let pointer = if builtin.ends_with("_mod") { "/instances/0" } else { "/0" };
            let Some(instance) = instances.pointer(pointer).and_then(Value::as_object) else { continue };
            for field in
                instance.keys().filter(|field| !matches!(field.as_str(), "index" | "batch" | "signature_input"))
            {
                let change = |value: Option<Value>| {
                    run.with_json(FILE, |private| {
                        let instance = private[builtin].pointer_mut(pointer).unwrap().as_object_mut().unwrap();
                        match value {
                            Some(value) => instance.insert(field.clone(), value),
                            None => instance.remove(field),
                        };
                    })
                };
                let other = change(Some(json!("0x7654321")));
                assert!(
                    matches!(&other, ForeignError::PrivateCell { field: found, .. } if found == field),
                    "{name}, {builtin}.{field}: {other}"
                );
                assert!(matches!(&change(None), ForeignError::PrivateField { field: found, .. } if found == field));
                *tried.entry(file.clone()).or_insert(0) += 1;
            }
            let beyond = run.with_json(FILE, |private| {
                *private[builtin].pointer_mut(pointer).unwrap().get_mut("index").unwrap() = json!(1_000_000);
            });
            assert!(matches!(beyond, ForeignError::PrivateInstance { index: 1_000_000, .. }), "{name}: {beyond}");
        }
    }
    assert!(tried.len() == FILES.len() && tried.values().sum::<usize>() > 35, "{tried:?}");
    let run = Written::new(SMALL);
    let unknown = run.with_json(FILE, |private| private["oracle"] = json!([]));
    assert!(matches!(&unknown, ForeignError::Builtin(_)), "{unknown}");
    let text = run.with_json(FILE, |private| private["range_check"] = json!([{"index": 0, "value": "five"}]));
    assert!(matches!(&text, ForeignError::Json { message, .. } if message.contains("no field element")), "{text}");
    let many: serde_json::Map<String, Value> = (0..40).map(|name| (format!("v{name}"), json!(1))).collect();
    let many = run.with_json(FILE, |private| private["range_check"] = json!([many]));
    assert!(matches!(many, ForeignError::Json { .. }), "{many}");
}

#[test]
fn signatures_come_from_the_private_input() {
    let (name, arguments) = {
        let runs = all_runs();
        let (_, file, arguments) = runs.iter().find(|(_, file, _)| file == "cairo0/ecdsa_args.json").unwrap().clone();
        (file, arguments)
    };
    let run = Written::unpadded((&name, &arguments));
    std::fs::remove_file(run.folder.path().join("air_private_input.json")).unwrap();
    assert!(matches!(refused(&run.program, run.folder.path()), ForeignError::NoSignature { instance: 0 }));
    let run = Written::unpadded((&name, &arguments));
    let error = run.with_json("air_private_input.json", |private| {
        private["ecdsa"][0]["signature_input"]["w"] = json!("0x5");
    });
    assert!(matches!(error, ForeignError::NoRun(cairo_execution::ExecutionError::Signature { .. })), "{error}");
    let error = run.with_json("air_private_input.json", |private| {
        private["ecdsa"][0]["signature_input"].as_object_mut().unwrap().remove("r");
    });
    assert!(matches!(error, ForeignError::PrivateField { field: "r", .. }), "{error}");
}

/// A run that began in `main` has no header before it; its PIE is what can be proved.
#[test]
fn runs_without_proof_mode_are_told() {
    let (name, _) = SMALL;
    let mut runner = machine(name, &[], false, false).unwrap();
    runner.relocate(true, true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| std::io::BufWriter::new(std::fs::File::create(folder.path().join(name)).unwrap());
    write_encoded_trace(runner.relocated_trace.as_ref().unwrap(), &mut file("trace.bin")).unwrap();
    write_encoded_memory(&runner.relocated_memory, &mut file("memory.bin")).unwrap();
    let error = refused(&load(name), folder.path());
    assert!(matches!(error, ForeignError::Begins { was_started_at_main: true, .. }), "{error}");
    assert!(error.to_string().contains("run it again with --proof_mode, or give its PIE"), "{error}");
}

#[test]
fn runs_are_found() {
    let (program, folder) = relocated(SMALL.0, SMALL.1, true);
    let at = |name: &str| folder.path().join(name);
    // The trace's path leads nowhere, but it lies beside.
    let by_input = ForeignRun::at(&at("air_private_input.json")).unwrap();
    assert_eq!(
        by_input,
        ForeignRun::Relocated {
            trace: at("trace.bin"),
            memory: at("memory.bin"),
            public: Some(at("air_public_input.json")),
            private: Some(at("air_private_input.json")),
        }
    );
    assert!(by_input.read(&program, None, &LIMITS).is_ok());
    let not_a_run = |path: &Path| ForeignRun::at(path).unwrap_err().to_string();
    assert!(not_a_run(&at("air_public_input.json")).contains("this is no run: give a Cairo PIE"));
    assert!(not_a_run(&at("memory.bin")).contains("this is no run"));
    std::fs::remove_file(at("memory.bin")).unwrap();
    assert!(not_a_run(folder.path()).contains("the folder holds no memory (looked for: memory.bin, memory)"));
    assert!(not_a_run(&at("nothing")).contains("cannot be read"));
}

/// Arguments that are given must be those of the run.
#[test]
fn other_arguments_are_refused() {
    let (program, folder) = relocated("cairo2/fib.executable.json", "[10]", false);
    let run = ForeignRun::at(folder.path()).unwrap();
    let with = |text: &str| {
        let arguments = Arguments::from_json(text.as_bytes()).unwrap();
        run.read(&program, Some(&arguments), &LIMITS)
    };
    assert_eq!(with("[10]").unwrap().arguments.len(), 1);
    assert!(matches!(with("[11]"), Err(ForeignError::NoRun(_))));
    assert!(matches!(with("{\"a\": 1}"), Err(ForeignError::Arguments(_))));
}

/// The files of a PIE's archive, to be changed.
type Archive = BTreeMap<String, Vec<u8>>;

fn pie_of(name: &str) -> (RunnableProgram, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.zip");
    machine(name, &[], false, false).unwrap().get_cairo_pie().unwrap().write_zip_file(&path, false).unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let mut files = Archive::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        files.insert(file.name().to_owned(), bytes);
    }
    (load(name), files)
}

fn packed(files: &Archive) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::FileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read_pie(program: &RunnableProgram, bytes: &[u8]) -> Result<Execution, ForeignError> {
    let (parts, signatures) = pie::read(std::io::Cursor::new(bytes), program.program(), &LIMITS)?;
    let execution = parts.finish(program, None, &signatures, &LIMITS)?;
    execution.check()?;
    Ok(execution)
}

#[test]
fn damaged_pies_are_told() {
    let (program, files) = pie_of(SMALL.0);
    assert!(read_pie(&program, &packed(&files)).is_ok());
    let with = |name: &str, bytes: &[u8]| {
        let mut files = files.clone();
        files.insert(name.to_owned(), bytes.to_vec());
        read_pie(&program, &packed(&files)).expect_err("no such run")
    };
    let with_json = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::from_slice(&files[name]).unwrap();
        change(&mut value);
        with(name, value.to_string().as_bytes())
    };
    let metadata = |change: &dyn Fn(&mut Value)| with_json("metadata.json", change);

    let whole = packed(&files);
    for cut in [10, whole.len() / 2, whole.len() - 1] {
        let error = read_pie(&program, &whole[..cut]).expect_err("cut off");
        assert!(matches!(error, ForeignError::Zip { .. } | ForeignError::Io { .. }), "{error}");
    }
    for name in ["metadata.json", "memory.bin", "execution_resources.json"] {
        let mut files = files.clone();
        files.remove(name);
        let error = read_pie(&program, &packed(&files)).expect_err("a file is missing");
        assert!(matches!(&error, ForeignError::Missing { part, .. } if part == name), "{error}");
        assert!(matches!(with(name, b""), ForeignError::Json { .. } | ForeignError::MemoryTruncated { .. }));
    }
    let version = with("version.json", br#"{"cairo_pie": "2.0"}"#);
    assert!(matches!(&version, ForeignError::PieVersion { found } if found == "2.0"), "{version}");
    let mut old = files.clone();
    old.remove("version.json");
    assert!(read_pie(&program, &packed(&old)).is_ok());

    let prime = metadata(&|metadata| metadata["program"]["prime"] = json!(17));
    assert!(matches!(&prime, ForeignError::PiePrime { found } if found == "17"), "{prime}");
    let builtins = metadata(&|metadata| metadata["program"]["builtins"] = json!(["output"]));
    assert!(matches!(&builtins, ForeignError::PieBuiltins { found, .. } if found == "output"), "{builtins}");
    let unknown = metadata(&|metadata| metadata["program"]["builtins"] = json!(["output", "oracle"]));
    assert!(matches!(unknown, ForeignError::Builtin(_)), "{unknown}");
    let word = metadata(&|metadata| metadata["program"]["data"][7] = json!(5));
    assert!(matches!(word, ForeignError::OtherProgram { word: 7, .. }), "{word}");
    let length = metadata(&|metadata| drop(metadata["program"]["data"].as_array_mut().unwrap().pop()));
    assert!(matches!(length, ForeignError::PieLength { .. }), "{length}");
    let main = metadata(&|metadata| metadata["program"]["main"] = json!(0));
    assert!(matches!(main, ForeignError::PieMain { found: 0, .. }), "{main}");
    for (segment, size) in [("program_segment", 3), ("ret_fp_segment", 1), ("ret_pc_segment", 1)] {
        let error = metadata(&|metadata| metadata[segment]["size"] = json!(size));
        assert!(matches!(error, ForeignError::PieSegment { .. }), "{segment}: {error}");
    }
    let same = metadata(&|metadata| metadata["execution_segment"]["index"] = json!(0));
    assert!(matches!(same, ForeignError::PieSegment { index: 0, .. }), "{same}");
    let huge = metadata(&|metadata| metadata["extra_segments"] = json!([{"index": 99, "size": u64::MAX}]));
    assert!(matches!(huge, ForeignError::TooManyCells { .. }), "{huge}");
    let missing = metadata(&|metadata| drop(metadata["builtin_segments"].as_object_mut().unwrap().remove("output")));
    assert!(matches!(missing, ForeignError::Missing { .. }), "{missing}");
    let short = metadata(&|metadata| metadata["execution_segment"]["size"] = json!(5));
    assert!(matches!(short, ForeignError::PieCell { .. }), "{short}");

    let steps = with_json("execution_resources.json", &|resources| resources["n_steps"] = json!(1));
    assert!(matches!(steps, ForeignError::StepCount { what: What::Pie, said: 1, .. }), "{steps}");

    let memory = &files["memory.bin"];
    let changed = |cell: usize, byte: usize, value: u8| {
        let mut memory = memory.clone();
        memory[cell * 40 + byte] = value;
        with("memory.bin", &memory)
    };
    assert!(matches!(
        with("memory.bin", &memory[1..]),
        ForeignError::PieCell { .. } | ForeignError::MemoryTruncated { .. }
    ));
    assert!(matches!(with("memory.bin", &memory[..memory.len() - 1]), ForeignError::MemoryTruncated { .. }));
    assert!(matches!(changed(0, 7, 0), ForeignError::PieCell { entry: 0, .. }), "no address");
    assert!(matches!(changed(1, 0, 0), ForeignError::PieCell { entry: 1, .. }), "the first one's address");
    assert!(matches!(changed(0, 39, 0x40), ForeignError::MemoryValue { .. }), "above the prime");
    assert!(matches!(changed(0, 39, 0x81), ForeignError::PieCell { entry: 0, .. }), "half a pointer");
    let pointer = memory.chunks(40).position(|cell| cell[39] == 0x80).unwrap();
    assert!(matches!(changed(pointer, 14, 0x70), ForeignError::PiePointer { .. }), "a segment that is none");
    let word = memory.chunks(40).position(|cell| cell[..8] == (8_u64 | 1 << 63).to_le_bytes()).unwrap();
    let error = changed(word, 39, memory[word * 40 + 39] ^ 8);
    assert!(matches!(error, ForeignError::OtherProgram { word: 8, .. }), "{error}");
    let gone = [&memory[..pointer * 40], &memory[(pointer + 2) * 40..]].concat();
    let error = with("memory.bin", &gone);
    assert!(matches!(error, ForeignError::PieStep { .. } | ForeignError::BuiltinPointer { .. }), "{error}");
}

/// An archive that unpacks to more than it may is not unpacked.
#[test]
fn bombs_are_not_unpacked() {
    let (program, mut files) = pie_of(SMALL.0);
    files.insert("execution_resources.json".to_owned(), vec![b' '; 3 << 20]);
    let error = read_pie(&program, &packed(&files)).expect_err("too large");
    assert!(matches!(error, ForeignError::PieTooLarge { name: "execution_resources.json", .. }), "{error}");
    let limits = RunLimits { max_memory_cells: 200, ..LIMITS };
    files.insert("memory.bin".to_owned(), vec![0; 40 * 300]);
    let error = pie::read(std::io::Cursor::new(packed(&files)), program.program(), &limits).map(|_| ()).unwrap_err();
    assert!(matches!(error, ForeignError::TooManyCells { .. } | ForeignError::PieTooLarge { .. }), "{error}");
}

/// The code of a program that was compiled without its header is the same behind it.
#[test]
fn pies_of_programs_without_header_are_read() {
    for name in [SMALL.0, "cairo0/bitwise_many.json", "cairo0/dict.json"] {
        let program = load(name);
        let config = CairoRunConfig { layout: LayoutName::all_cairo, ..CairoRunConfig::default() };
        let Source::Cairo0(source) = &program.source else { panic!("Cairo 0") };
        let mut json: Value = serde_json::from_slice(&fixture(name)).unwrap();
        // What the compiler writes without --proof_mode: no header, and everything six words earlier.
        let earlier = |pc: &mut Value| *pc = json!(pc.as_u64().unwrap() - 6);
        json["data"].as_array_mut().unwrap().drain(..6);
        let identifiers = json["identifiers"].as_object_mut().unwrap();
        identifiers.retain(|name, _| !name.ends_with("__start__") && !name.ends_with("__end__"));
        identifiers.values_mut().filter_map(|identifier| identifier.get_mut("pc")).for_each(earlier);
        let hints = json["hints"].as_object_mut().unwrap();
        let moved =
            std::mem::take(hints).into_iter().map(|(pc, hint)| ((pc.parse::<u64>().unwrap() - 6).to_string(), hint));
        hints.extend(moved.collect::<Vec<_>>());
        let references = json["reference_manager"]["references"].as_array_mut().unwrap();
        references.iter_mut().for_each(|reference| earlier(&mut reference["pc"]));
        let bare = VmProgram::from_bytes(json.to_string().as_bytes(), Some("main")).unwrap();
        let runner = cairo_run_program(&bare, &config, &mut Cairo0Hints::new(source, &[])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.zip");
        runner.get_cairo_pie().unwrap().write_zip_file(&path, true).unwrap();
        let found = read(&program, &path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = run(&program, &Arguments::none(), &LIMITS, &mut unwatched).unwrap();
        assert_same(&found, &expected, name);
    }
}

/// Whatever is changed in the files of a run: it is refused, or still a run, and nothing panics.
fn changed_somewhere(files: &[Vec<u8>], changes: &[(usize, usize, u8)], cut: Option<(usize, usize)>) -> Vec<Vec<u8>> {
    let mut files = files.to_vec();
    for (file, at, value) in changes {
        let count = files.len();
        let bytes = &mut files[file % count];
        if let Some(byte) = at.checked_rem(bytes.len()).and_then(|at| bytes.get_mut(at)) {
            *byte = *value;
        }
    }
    if let Some((file, length)) = cut {
        let count = files.len();
        let bytes = &mut files[file % count];
        let length = length % (bytes.len() + 1);
        bytes.truncate(length);
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn altered_files_are_refused_or_runs(
        changes in prop::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 0..4),
        cut in prop::option::of((any::<usize>(), any::<usize>())),
        name in prop::sample::select(vec!["cairo0/range_check_math.json", "cairo0/bitwise_unread.json", "cairo0/dict.json"]),
    ) {
        let (program, folder) = relocated_once(name);
        let files = changed_somewhere(folder, &changes, cut);
        let parts = trace::read(files[0].as_slice(), LIMITS.max_steps)
            .and_then(|states| Ok((states, Memory::read(files[1].as_slice(), LIMITS.max_memory_cells)?)))
            .and_then(|(states, memory)| Parts::of_trace(program.program(), states, memory));
        if let Ok(parts) = parts {
            let signatures = public::check(files[2].as_slice(), &parts)
                .and_then(|()| private::check(files[3].as_slice(), &parts));
            if let Ok(signatures) = signatures
                && let Ok(execution) = parts.finish(program, None, &signatures, &LIMITS)
            {
                // Files that pass are a run of the program, whatever was changed in them.
                let _ = execution.check();
            }
        }
    }

    #[test]
    fn altered_pies_are_refused_or_runs(
        changes in prop::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 0..4),
        cut in prop::option::of((any::<usize>(), any::<usize>())),
        whole in any::<bool>(),
    ) {
        let (program, files) = pie_once();
        let names: Vec<&String> = files.keys().collect();
        let bytes: Vec<Vec<u8>> = files.values().cloned().collect();
        let packed = if whole {
            changed_somewhere(&[packed(files)], &changes, cut).remove(0)
        } else {
            let changed = changed_somewhere(&bytes, &changes, cut);
            packed(&names.into_iter().cloned().zip(changed).collect())
        };
        let _ = read_pie(program, &packed);
    }
}

/// A program, and the files of a run of it.
type RunFiles = (RunnableProgram, Vec<Vec<u8>>);

/// Program and files of a run, made once.
fn relocated_once(name: &str) -> &'static RunFiles {
    static RUNS: std::sync::Mutex<BTreeMap<String, &'static RunFiles>> = std::sync::Mutex::new(BTreeMap::new());
    RUNS.lock().unwrap().entry(name.to_owned()).or_insert_with(|| {
        let run = Written::new((name, "[]"));
        let names = ["trace.bin", "memory.bin", "air_public_input.json", "air_private_input.json"];
        let files = names.map(|name| run.bytes(name)).to_vec();
        Box::leak(Box::new((run.program, files)))
    })
}

fn pie_once() -> &'static (RunnableProgram, Archive) {
    static PIE: std::sync::OnceLock<(RunnableProgram, Archive)> = std::sync::OnceLock::new();
    PIE.get_or_init(|| pie_of(SMALL.0))
}
