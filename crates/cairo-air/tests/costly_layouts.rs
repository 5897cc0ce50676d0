//! The dearest files that the verifier reads to the end: paths whose expressions grow with every step, and long outputs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cairo_air::components::Path;
use cairo_air::components::derived::MAX_STEPS;
use cairo_air::decode::{Decoded, Flags};
use cairo_air::layout::MAX_DERIVED_STEPS;
use cairo_air::{
    ArgumentBinding, Built, Builtin, CairoProof, Claim, Layout, LayoutError, Policy, Program, Segment, Statement,
    TableEntry, TableKind, VerifyError, verify,
};
use felt::Felt;
use stark::{Parameters, Proof, Shape};
use std::time::Instant;

const ASSERT_ADD_AP: u16 = 1 << 5 | 1 << 11 | 1 << 14;
const ASSERT_MUL: u16 = 1 << 4 | 1 << 6 | 1 << 14;
const ASSERT_MUL_IMM_AP: u16 = 1 << 2 | 1 << 6 | 1 << 11 | 1 << 14;

/// Stretches of 256 instructions. 192 of a stretch add a cell at a computed address to the sum so far, so that addresses and
/// values have ever more terms, or multiply it by a large number; the rest demands products of two such sums.
fn program(stretches: u32, terms: bool) -> Program {
    let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let mut words = header.map(Felt::from).to_vec();
    let word = |flags, offsets| Felt::from(Decoded { flags: Flags(flags), offsets }.encode());
    for _ in 0..stretches {
        for step in 0..MAX_STEPS as i32 {
            if step >= 192 {
                let k = step - 192;
                words.push(word(ASSERT_MUL, [-1 - k % 17, -1 - k % 40, -42 - k]));
            } else if terms && step % 8 == 7 {
                words.push(word(ASSERT_MUL_IMM_AP, [0, -1, 1]));
                words.push((0..4).fold(Felt::from(step as u64), |value, _| value * Felt::from(u64::MAX)));
            } else {
                words.push(word(ASSERT_ADD_AP, [0, -1, 7]));
            }
        }
    }
    Program::new(words, vec![Builtin::Output], ArgumentBinding::OutputPrefix).unwrap()
}

/// A file for that program with a path for each stretch and this many output values; the STARK proof in it is zeros.
fn file(program: Program, paths: u32, outputs: u32) -> (Statement, Vec<u8>) {
    let stretch = (program.bytecode().len() as u32 - 6).checked_div(paths).unwrap_or(0);
    let path = |k| Path {
        pc: 7 + k * stretch,
        frame: None,
        steps: MAX_STEPS,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: Vec::new(),
    };
    let cells = program.initial_ap() + 4 + outputs;
    let rows = cells.div_ceil(8).next_power_of_two().max(64);
    let memory = TableEntry { kind: TableKind::Memory, log_height: rows.ilog2() };
    let paths = (0..paths).map(|k| TableEntry { kind: TableKind::Path(path(k)), log_height: 6 });
    let layout = Layout { tables: std::iter::once(memory).chain(paths).collect(), open: Vec::new() };
    let base = program.initial_ap() + 4;
    let claim = Claim {
        n_steps: 1,
        final_ap: base,
        owned_end: 1,
        segments: vec![Segment { base, stop: base + outputs }],
        arguments_start: None,
        output: vec![Felt::one(); outputs as usize],
        fetches: Vec::new(),
    };
    let statement = Statement { program, arguments: Vec::new(), prover: [0; 32] };
    let parameters = Parameters { log_blowup: 1, queries: 1, grinding_bits: 0, log_fold: 3 };
    let bytes = match layout.build(&statement.program, &claim) {
        Ok(Built { tables, .. }) => vec![0; Proof::encoded_len(&[0], &Shape::new(&tables, &parameters))],
        Err(_) => Vec::new(),
    };
    let file = CairoProof::new(&statement, parameters, claim, layout, bytes).encode();
    (statement, file)
}

fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, ..Policy::default() }
}

/// At the limit the file is read to the end; one path more, and it is refused before a table is made.
#[test]
fn the_limit_is_named() {
    let most = MAX_DERIVED_STEPS / MAX_STEPS;
    let (statement, bytes) = file(program(most, true), most, 1);
    let result = verify(&statement, &bytes, &policy());
    assert!(matches!(result, Err(VerifyError::Stark(stark::VerifyError::BusSum))), "{result:?}");
    let (statement, bytes) = file(program(most + 1, true), most + 1, 1);
    let expected = LayoutError::TooManyDerivedSteps(u64::from(MAX_DERIVED_STEPS + MAX_STEPS));
    assert_eq!(verify(&statement, &bytes, &policy()), Err(VerifyError::Layout(expected)));
}

#[test]
#[ignore = "prints times"]
fn times() {
    for (name, paths, terms, outputs) in
        [("sums", 8, false, 1), ("weighted sums", 8, true, 1), ("output", 0, false, 1 << 20)]
    {
        let (statement, bytes) = file(program(paths, terms), paths, outputs);
        let begin = Instant::now();
        let result = verify(&statement, &bytes, &policy());
        println!("{name}: {} bytes, {:?}, {result:?}", bytes.len(), begin.elapsed());
        assert!(result.is_err());
    }
}
