//! The proofs that `cairo-air` keeps of every kind of table, committed and disclosed (`crates/cairo-air/tests/fixtures/kinds`): the prover still
//! makes them to the byte. With `UPDATE_FIXTURES=1` this test writes them, which only a new version of the protocol needs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::components::range::Range;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::range_row::RangeRow;
use cairo_air::components::{Limb, Path, Word, range_check96, word96};
use cairo_air::decode::Decoded;
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{Builtin, CairoProof, TableEntry, TableKind, Version, public_tuples};
use cairo_execution::Execution;
use cairo_prover::planner::Assignment;
use cairo_prover::planner::builtins::modular;
use cairo_prover::planner::range_rows::CheckedRows;
use cairo_prover::planner::ranges::Checks;
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::build;
use cairo_prover::witness::builtins::{range_check, range_check96 as range_check96_witness};
use cairo_prover::witness::multiplicities::Multiplicities;
use cairo_prover::witness::{
    byte as byte_witness, word12 as word12_witness, word16 as word16_witness, word96 as word96_witness,
};
use cairo_prover::{StepTable, Witness};
use common::instances::{classes, witness_with};
use common::{disclose_all, execution, owning_words, report};
use felt::encoding;
use stark::{MIN_LOG_HEIGHT, NoControl, Parameters, Shape};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Few queries, so that the files are small and a slow verifier reads them soon; every kind of check is in them.
const PARAMETERS: Parameters = Parameters { log_blowup: 1, queries: 5, grinding_bits: 3, log_fold: 2 };

const PROVER: [u8; 32] = [0x5a; 32];

/// A signature by the private key 6.
const ECDSA: &str = r#"{
    "key": "0x1efc3d7c9649900fcbd03f578a8248d095bc4b6a13b3c25f9886ef971ff96fa",
    "message": 12345,
    "r": "0x759ca09377679ecd535a81e83039658bf40959283187c654c5416f439403cf5",
    "s": "0x20d5e1ba6636d9bffa0f85b890ac30af2ff12a50e0637b298fbaf3879510e06",
    "n": 1
}"#;

/// `P0 + (p − 1)·G`: the largest scalar.
const EC_OP: &str = r#"{
    "p_x": "0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804",
    "p_y": "0x3ca0cfe4b3bc6ddf346d49d06ea0ed34e621062c0e056c1d0405d266e10268a",
    "q_x": "0x1ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca",
    "q_y": "0x5668060aa49730b7be4801df46ec62de53ecd11abe43a32873000c36e8dc1f",
    "m": -1,
    "n": 1
}"#;

/// Outcomes of conditional jumps in word tables.
#[derive(Clone, Copy)]
enum Outcomes {
    Open,
    Fixed,
}

fn args3(b: &str, c: &str) -> Execution {
    execution("cairo0/args3", Some(&format!(r#"{{"a": 5, "b": "{b}", "c": "{c}"}}"#)))
}

fn decoded(execution: &Execution, step: usize) -> Decoded {
    Decoded::new(&execution.memory[execution.trace[step].pc as usize]).unwrap()
}

/// Whether the conditional jump at a step jumps.
fn jumps(execution: &Execution, step: usize) -> bool {
    let size = decoded(execution, step).flags.size();
    execution.trace[step + 1].pc != execution.trace[step].pc + size
}

fn table(kind: TableKind, starts: Vec<u32>) -> StepTable {
    let log_height = starts.len().max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2();
    StepTable { kind, log_height, starts }
}

/// Steps in the tables of their words, if those have one.
fn words(execution: &Execution, steps: impl IntoIterator<Item = u32>, outcomes: Outcomes) -> Vec<StepTable> {
    let mut starts: BTreeMap<TableKind, Vec<u32>> = BTreeMap::new();
    for step in steps {
        let instruction = decoded(execution, step as usize);
        let fixed = matches!(outcomes, Outcomes::Fixed) && instruction.flags.pc_jnz();
        let word = Word { flags: instruction.flags.0, taken: fixed.then(|| jumps(execution, step as usize)) };
        let kind = if word.covers(&instruction) { TableKind::Word(word) } else { TableKind::Generic };
        starts.entry(kind).or_default().push(step);
    }
    starts.into_iter().map(|(kind, starts)| table(kind, starts)).collect()
}

/// A path as [`open_path`] finds it, with all other steps in word tables.
fn open_path_and_words(execution: &Execution) -> Vec<StepTable> {
    let mut steps = open_path(execution);
    let generic = steps.remove(0);
    steps.extend(words(execution, generic.starts, Outcomes::Fixed));
    steps
}

/// [`disclosed`], but bytes are what a proof commits to.
fn disclosed_but_bytes(mut witness: Witness) -> Witness {
    let Witness { layout, tables, traces, .. } = &mut witness;
    let at = layout.tables.iter().position(|entry| entry.kind == TableKind::Limb(Limb::Bits8)).unwrap();
    layout.tables[at..].rotate_left(1);
    tables[at..].rotate_left(1);
    traces[at..].rotate_left(1);
    disclose_all(witness)
}

/// All rows disclosed that may be, but for the calls of blake's mixing function: to look at so many takes a slow verifier long.
fn disclosed_but_mixing(mut witness: Witness) -> Witness {
    let Witness { layout, tables, traces, .. } = &mut witness;
    let at = layout.tables.iter().position(|entry| entry.kind == TableKind::BlakeMix).unwrap();
    let mixing = (layout.tables.remove(at), tables.remove(at), traces.remove(at));
    let mut witness = disclose_all(witness);
    let Witness { statement, claim, layout, tables, public, traces } = &mut witness;
    let at = layout.tables.partition_point(|entry| entry.kind < TableKind::BlakeMix);
    layout.tables.insert(at, mixing.0);
    tables.insert(at, mixing.1);
    traces.insert(at, mixing.2);
    *public = public_tuples(statement, claim, layout);
    public.extend(layout.build(&statement.program, claim).unwrap().disclosed);
    witness
}

/// The first path that owns a cell and ends in a conditional jump, which it leaves open; all other steps in the generic table.
fn open_path(execution: &Execution) -> Vec<StepTable> {
    let pcs = |first: usize, last: usize| (first..=last).map(|step| execution.trace[step].pc).collect::<Vec<_>>();
    let outcomes = |first: usize, last: usize| {
        let conditional = (first..last).filter(|step| decoded(execution, *step).flags.pc_jnz());
        conditional.map(|step| jumps(execution, step)).collect::<Vec<_>>()
    };
    let found = (1..execution.n_steps()).filter(|step| decoded(execution, *step).flags.pc_jnz()).find_map(|last| {
        (last.saturating_sub(6)..last).find_map(|first| {
            let taken = outcomes(first, last);
            let followed = Path::follow(&execution.program, &pcs(first, last), taken, None, |_, _| None).ok()?;
            let path = Path { owned: vec![0; followed.cells.len()], ..followed.path };
            (!path.owned.is_empty()).then_some((path, pcs(first, last), outcomes(first, last)))
        })
    });
    let (path, visited, taken) = found.expect("a conditional jump after a push");
    let mut generic = all_generic(execution).remove(0);
    let (mut starts, mut step) = (Vec::new(), 0);
    while step + visited.len() <= execution.n_steps() {
        let last = step + visited.len() - 1;
        if pcs(step, last) == visited && outcomes(step, last) == taken {
            starts.push(step as u32);
            generic.starts.retain(|start| !(step..=last).contains(&(*start as usize)));
            step = last;
        }
        step += 1;
    }
    vec![table(generic.kind, generic.starts), table(TableKind::Path(path), starts)]
}

/// The same witness with other limbs.
fn with_limbs(mut witness: Witness, memory: &[felt::Felt], limbs: Limbs) -> Witness {
    let segment = witness.claim.segment(&witness.statement.program, Builtin::RangeCheck).unwrap();
    let bytes = TableKind::RangeCheck(Limbs::Bytes);
    exchange(&mut witness, memory, &bytes, TableKind::RangeCheck(limbs), limbs.limb(), |log_height, multiplicities| {
        range_check::fill(limbs, memory, segment, log_height, multiplicities, &NoControl).unwrap()
    });
    witness
}

/// The same witness with other limbs of range_check96.
fn with_limbs96(mut witness: Witness, memory: &[felt::Felt], limbs: Limbs) -> Witness {
    let segment = witness.claim.segment(&witness.statement.program, Builtin::RangeCheck96).unwrap();
    let [bytes, table] = [Limbs::Bytes, limbs].map(range_check96::Table);
    let kind = TableKind::RangeCheck96(table);
    exchange(
        &mut witness,
        memory,
        &TableKind::RangeCheck96(bytes),
        kind,
        limbs.limb(),
        |log_height, multiplicities| {
            range_check96_witness::fill(table, memory, segment, log_height, multiplicities, &NoControl).unwrap()
        },
    );
    witness
}

/// The same witness with other limbs of the modular builtins' words.
fn with_words96(mut witness: Witness, execution: &Execution, limbs: Limbs) -> Witness {
    let [bytes, table] = [Limbs::Bytes, limbs].map(word96::Table);
    let (old, new) = (TableKind::Word96(bytes), TableKind::Word96(table));
    exchange(&mut witness, &execution.memory, &old, new, limbs.limb(), |log_height, multiplicities| {
        word96_witness::fill(table, &modular::words(execution), log_height, multiplicities, &NoControl).unwrap()
    });
    witness
}

/// Puts another table in the place of one with bytes for limbs, and that of its limbs in the place of the bytes.
fn exchange(
    witness: &mut Witness,
    memory: &[felt::Felt],
    old: &TableKind,
    new: TableKind,
    limb: Limb,
    fill: impl Fn(u32, &Multiplicities) -> Vec<Vec<felt::Felt>>,
) {
    let Witness { statement, claim, layout, tables, traces, .. } = witness;
    let multiplicities = Multiplicities::new(memory.len());
    let position = |layout: &cairo_air::Layout, kind: &TableKind| {
        layout.tables.iter().position(|entry| entry.kind == *kind).unwrap()
    };
    let at = position(layout, old);
    let trace = fill(layout.tables[at].log_height, &multiplicities);
    (layout.tables[at].kind, traces[at]) = (new, trace);
    // Nothing else uses bytes: the instructions are counted in the claim.
    let byte = position(layout, &TableKind::Limb(Limb::Bits8));
    layout.tables.remove(byte);
    traces.remove(byte);
    let words = TableEntry { kind: TableKind::Limb(limb), log_height: u32::from(limb.bits()) };
    let filled = match limb {
        Limb::Bits8 => byte_witness::fill(&multiplicities),
        Limb::Bits12 => word12_witness::fill(&multiplicities),
        Limb::Bits16 => word16_witness::fill(&multiplicities),
    };
    let at = layout.tables.partition_point(|entry| entry.kind < words.kind);
    layout.tables.insert(at, words);
    traces.insert(at, filled);
    *tables = layout.build(&statement.program, claim).unwrap().tables;
}

struct Kept {
    name: &'static str,
    program: &'static str,
    what: &'static str,
    witness: Witness,
}

fn kept(name: &'static str, program: &'static str, what: &'static str, witness: Witness) -> Kept {
    let report = report(&witness);
    assert!(report.is_clean(), "{name}: {report}");
    Kept { name, program, what, witness }
}

fn all() -> Vec<Kept> {
    let make =
        |execution: &Execution, steps, fetches| witness(execution.clone(), PROVER, steps, fetches, &NoControl).unwrap();
    let generic = |execution: &Execution, fetches| make(execution, all_generic(execution), fetches);
    let edges = execution("cairo0/bitwise_edges", None);
    let rows = |bits, limbs, owned| witness_with(&edges, classes(&edges, bits, limbs, owned), PROVER);
    let cells = |bits, width, offset| Range::new(bits, width, offset).unwrap();
    let small = args3("6", "12");
    let bits32 = args3("70000", "1048577");
    let bits64 = args3("1125899906842624", "1125899906842625");
    let bits128 = args3("1267650600228229401496703205376", "1267650600228229401496703205377");
    let any = args3("7", "1606938044258990275541962092341162602522202993782792835301376");
    let args3 = "cairo0/args3";
    let by_words = |execution: &Execution, outcomes, limbs| {
        with_limbs(
            make(execution, words(execution, 0..execution.n_steps() as u32, outcomes), MAX_FETCHES),
            &execution.memory,
            limbs,
        )
    };
    let sum = execution("cairo0/sum_to_n", Some(r#"{"n": 5}"#));
    let checked = execution("cairo0/range_count", Some(r#"{"lo": 2, "hi": 6}"#));
    let checked96 = execution("cairo0/range_check96_many", Some(r#"{"n": 5}"#));
    let limbs96 = |limbs| with_limbs96(generic(&checked96, MAX_FETCHES), &checked96.memory, limbs);
    let sums = execution("cairo0/add_mod_batch", None);
    let products = execution("cairo0/mul_mod_batch", None);
    let many96 = "cairo0/range_check96_many";
    let hashed = execution("cairo0/pedersen_args", Some(r#"{"x": -1, "y": 5, "n": 1}"#));
    let signed = execution("cairo0/ecdsa_args", Some(ECDSA));
    let curve = execution("cairo0/ec_op_args", Some(EC_OP));
    let keccak = execution("cairo0/keccak_unread", Some(r#"{"a": 11, "b": 5}"#));
    let poseidon = execution("cairo0/poseidon_unread", Some(r#"{"a": 11, "b": 5}"#));
    let everything = execution("cairo0/all_builtins", None);
    let qm31 = execution("cairo0/qm31_edges", None);
    let blake = execution("cairo0/blake_many", Some(r#"{"n": 1}"#));
    vec![
        kept(
            "generic",
            args3,
            "memory, instruction, generic, byte, range_check8, nibble_and and bitwise16 committed",
            generic(&small, 0),
        ),
        kept(
            "generic_disclosed",
            args3,
            "the same run, all rows disclosed that may be",
            disclose_all(generic(&small, 0)),
        ),
        kept("fetches", args3, "instructions counted in the claim, bitwise32", generic(&bits32, MAX_FETCHES)),
        kept(
            "words",
            args3,
            "word tables with open conditional jumps, range_check12 and word12, bitwise64",
            by_words(&bits64, Outcomes::Open, Limbs::Words12),
        ),
        kept(
            "words_disclosed",
            args3,
            "the same run with outcomes of conditional jumps fixed, range_check16 and word16, all rows disclosed that may be",
            disclose_all(by_words(&bits64, Outcomes::Fixed, Limbs::Words16)),
        ),
        kept(
            "bitwise128",
            args3,
            "bitwise128, word tables with open conditional jumps disclosed",
            disclose_all(by_words(&bits128, Outcomes::Open, Limbs::Bytes)),
        ),
        kept("bitwise_any", args3, "bitwise of any inputs", generic(&any, MAX_FETCHES)),
        kept(
            "path",
            "cairo0/sum_to_n",
            "a path that owns a cell and leaves its conditional jump open, and the cell table",
            make(&sum, open_path(&sum), MAX_FETCHES),
        ),
        kept(
            "path_disclosed",
            "cairo0/sum_to_n",
            "the same run, all rows disclosed that may be",
            disclose_all(make(&sum, open_path(&sum), MAX_FETCHES)),
        ),
        kept(
            "range",
            "cairo0/range_count",
            "range tables, a path that owns a cell and leaves its conditional jump open",
            make(&checked, open_path(&checked), 0),
        ),
        kept(
            "range_disclosed",
            "cairo0/range_count",
            "the same run with word tables of fixed outcomes in place of the generic one, all rows disclosed but bytes",
            disclosed_but_bytes(make(&checked, open_path_and_words(&checked), 0)),
        ),
        kept("range_check96_8", many96, "range_check96 in bytes", generic(&checked96, MAX_FETCHES)),
        kept("range_check96_12", many96, "range_check96 in words of 12 bits", limbs96(Limbs::Words12)),
        kept(
            "range_check96_16",
            many96,
            "range_check96 in words of 16 bits, all rows disclosed that may be",
            disclose_all(limbs96(Limbs::Words16)),
        ),
        kept("pedersen", "cairo0/pedersen_args", "pedersen and its points", generic(&hashed, MAX_FETCHES)),
        kept(
            "pedersen_disclosed",
            "cairo0/pedersen_args",
            "the same run, all rows disclosed that may be, those of the points too",
            disclose_all(generic(&hashed, MAX_FETCHES)),
        ),
        kept("ecdsa", "cairo0/ecdsa_args", "ecdsa and its products", generic(&signed, MAX_FETCHES)),
        kept("ec_op", "cairo0/ec_op_args", "ec_op and its products", generic(&curve, MAX_FETCHES)),
        kept("add_mod", "cairo0/add_mod_batch", "add_mod, with words in bytes", generic(&sums, MAX_FETCHES)),
        kept(
            "add_mod_disclosed",
            "cairo0/add_mod_batch",
            "the same run with words in limbs of 16 bits, all rows disclosed that may be",
            disclose_all(with_words96(generic(&sums, MAX_FETCHES), &sums, Limbs::Words16)),
        ),
        kept(
            "mul_mod",
            "cairo0/mul_mod_batch",
            "mul_mod, with words in limbs of 16 bits",
            with_words96(generic(&products, MAX_FETCHES), &products, Limbs::Words16),
        ),
        kept(
            "mul_mod_disclosed",
            "cairo0/mul_mod_batch",
            "the same run with words in bytes, all rows disclosed that may be",
            disclose_all(generic(&products, MAX_FETCHES)),
        ),
        kept(
            "words96_of_12_bits",
            "cairo0/mul_mod_batch",
            "the same run with words in limbs of 12 bits",
            with_words96(generic(&products, MAX_FETCHES), &products, Limbs::Words12),
        ),
        kept(
            "words96_of_12_bits_disclosed",
            "cairo0/mul_mod_batch",
            "the same run, all rows disclosed that may be",
            disclose_all(with_words96(generic(&products, MAX_FETCHES), &products, Limbs::Words12)),
        ),
        kept("keccak", "cairo0/keccak_unread", "keccak and its tables", generic(&keccak, MAX_FETCHES)),
        kept(
            "keccak_disclosed",
            "cairo0/keccak_unread",
            "the same run, all rows disclosed that may be, those of spread bytes too",
            disclose_all(generic(&keccak, MAX_FETCHES)),
        ),
        kept("poseidon", "cairo0/poseidon_unread", "poseidon", disclose_all(generic(&poseidon, MAX_FETCHES))),
        kept("all_builtins", "cairo0/all_builtins", "every builtin in one run", generic(&everything, MAX_FETCHES)),
        kept("qm31", "cairo0/qm31_edges", "the opcode extension for QM31", generic(&qm31, MAX_FETCHES)),
        kept(
            "qm31_disclosed",
            "cairo0/qm31_edges",
            "the same run, all rows disclosed that may be",
            disclose_all(generic(&qm31, MAX_FETCHES)),
        ),
        kept("blake", "cairo0/blake_many", "the opcode extensions for blake2s", generic(&blake, MAX_FETCHES)),
        kept(
            "blake_disclosed",
            "cairo0/blake_many",
            "the same run, all rows disclosed that may be, but for the mixing function",
            disclosed_but_mixing(generic(&blake, MAX_FETCHES)),
        ),
        kept(
            "bitwise_rows",
            "cairo0/bitwise_edges",
            "bitwise rows of bytes that own their cells, the pairs of bytes",
            rows(8, 4, true),
        ),
        kept(
            "bitwise_rows_of_nibbles",
            "cairo0/bitwise_edges",
            "bitwise rows of nibbles that own nothing",
            rows(4, 1, false),
        ),
        kept(
            "bitwise_rows_disclosed",
            "cairo0/bitwise_edges",
            "bitwise rows of bytes that own their cells, all rows disclosed that may be",
            disclose_all(rows(8, 1, true)),
        ),
        kept(
            "bitwise_rows_of_nibbles_disclosed",
            "cairo0/bitwise_edges",
            "bitwise rows of nibbles that own nothing, all rows disclosed that may be",
            disclose_all(rows(4, 63, false)),
        ),
        kept(
            "range_rows",
            "cairo0/range_count",
            "rows of two checked cells, one of them in limbs of 12 bits, beside a range table",
            range_rows(&checked, &[cells(8, 128, 0), cells(12, 128, 0)]),
        ),
        kept(
            "range_rows_disclosed",
            "cairo0/range_count",
            "rows of three checked cells beside a range table, all rows disclosed but bytes",
            disclosed_but_bytes(range_rows(&checked, &[cells(8, 128, 0), cells(8, 126, 0), cells(8, 128, 0)])),
        ),
        kept(
            "owning_words",
            "cairo0/sum_to_n",
            "owning words, plain ones for what moves no ap, and the cell table",
            make(&sum, owning_words(&sum), MAX_FETCHES),
        ),
        kept(
            "owning_words_disclosed",
            "cairo0/sum_to_n",
            "the same run, all rows disclosed that may be",
            disclose_all(make(&sum, owning_words(&sum), MAX_FETCHES)),
        ),
    ]
}

/// The first path that owns a cell, and the checked cells from the second on in rows of these ranges; what is left, in range tables of bytes.
fn range_rows(run: &Execution, ranges: &[Range]) -> Witness {
    let mut assignment = Assignment::new(run, open_path(run)).unwrap();
    let segment = run.segments[&Builtin::RangeCheck];
    let row = RangeRow::once(ranges.iter().copied()).unwrap();
    let count = (segment.stop - segment.base - 1) as usize / row.cells();
    let addresses: Vec<u32> = (segment.base + 1..segment.stop).step_by(row.cells()).take(count).collect();
    let rest = (segment.base..=segment.base).chain(segment.base + 1 + (count * row.cells()) as u32..segment.stop);
    let range = Range::new(8, 128, 0).unwrap();
    let cover = &mut assignment.cover;
    assert!(!cover.checks.is_empty() && !addresses.is_empty());
    cover.checks = vec![Checks { range, addresses: rest.collect() }];
    cover.rows = vec![CheckedRows { row, addresses, log_heights: vec![MIN_LOG_HEIGHT] }];
    build(run.clone(), PROVER, assignment, 0, &NoControl).unwrap()
}

fn proof(witness: &Witness) -> Vec<u8> {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context_in(Version::Single, claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &PARAMETERS, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(tables, &PARAMETERS));
    CairoProof::new_in(Version::Single, statement, PARAMETERS, claim.clone(), layout.clone(), bytes).encode()
}

/// What the proofs prove, as JSON.
fn list(all: &[Kept]) -> String {
    let mut out = String::from("[\n");
    for (number, Kept { name, program, what, witness }) in all.iter().enumerate() {
        let felts = |felts: &[felt::Felt]| {
            let felts: Vec<_> = felts.iter().map(|felt| format!("\"{}\"", encoding::to_hex(felt))).collect();
            felts.join(", ")
        };
        let kinds = |kinds: Vec<&TableKind>| {
            let mut names: Vec<_> = kinds.into_iter().map(|kind| format!("\"{kind}\"")).collect();
            names.dedup();
            names.join(", ")
        };
        let committed = kinds(witness.layout.tables.iter().map(|entry| &entry.kind).collect());
        let disclosed = kinds(witness.layout.disclosed.iter().map(|open| &open.kind).collect());
        let (arguments, output) = (felts(&witness.statement.runs[0]), felts(&witness.claim.runs[0].output));
        let end = if number + 1 == all.len() { "" } else { "," };
        write!(
            out,
            "  {{\n    \"proof\": \"{name}.v6.proof\",\n    \"program\": \"programs/fixtures/{program}.json\",\n    \
             \"what\": \"{what}\",\n    \"arguments\": [{arguments}],\n    \"steps\": {},\n    \"output\": [{output}],\n    \
             \"committed\": [{committed}],\n    \"disclosed\": [{disclosed}]\n  }}{end}\n",
            witness.claim.runs[0].n_steps
        )
        .unwrap();
    }
    out.push_str("]\n");
    out
}

#[test]
fn are_made_again_to_the_byte() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cairo-air/tests/fixtures/kinds");
    let all = all();
    let files = all.iter().map(|kept| (format!("{}.v6.proof", kept.name), proof(&kept.witness)));
    let files: Vec<(String, Vec<u8>)> = files.chain([("list.json".to_owned(), list(&all).into_bytes())]).collect();
    for (name, bytes) in files {
        let path = format!("{folder}/{name}");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == bytes, "{name} is another: of a new version of the protocol make it with UPDATE_FIXTURES=1");
    }
}
