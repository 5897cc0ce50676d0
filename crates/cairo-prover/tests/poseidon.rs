//! The poseidon builtin: forgers who break one constraint or interaction alone, which nothing else notices; full proofs of false instances; runs
//! from end to end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::claim::ClaimError;
use cairo_air::components::poseidon::{Columns, ROWS, SLOTS, WIDTH, air, sbox};
use cairo_air::{Builtin, CairoProof, Policy, Statement, TableKind, VerifyError, buses, verify};
use cairo_prover::{Options, Witness, prove};
use common::only::{accepted, refused_only_by};
use common::{execution, generic_witness, report};
use felt::Felt;
use felt::poseidon::{CONSTANTS, PARTIAL_ROUNDS, State, permute};
use proptest::prelude::*;
use stark::debug::{Report, check};
use stark::{Air, NoControl, PublicTuple, Shape, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use testkit::proofs::{CHEAP, policy};

/// A row of the table.
type Row = [Felt; WIDTH];

/// Where an instance is forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forged {
    Nothing,
    /// One more than the cube comes out of this S-box.
    Sbox(usize),
    /// The state changes between two rows of partial rounds, by this much in the sum and in half the difference of the first two elements.
    State {
        row: usize,
        sum: u64,
        before: u64,
    },
    /// This element of the state after the partial rounds is one more.
    FullRound(usize),
    /// A cell of the row is one more, but nothing that is computed from it.
    Cell {
        row: usize,
        column: usize,
    },
}

fn small(value: u64) -> Felt {
    Felt::from(value)
}

/// The rows of an instance, by the definition of the permutation and not by the prover's witness; what it makes of the state.
fn instance(address: u64, mut state: State, forged: Forged) -> (Vec<Row>, State) {
    let at = Columns::positions();
    let half = small(2).inv().unwrap();
    let mut rows = vec![[Felt::zero(); WIDTH]; ROWS];
    rows.iter_mut().for_each(|row| row[at.address] = small(address));
    (rows[0][at.sum], rows[0][at.cell], rows[1][at.cell]) = (state[0], state[1], state[2]);
    let mut index = 0;
    for round in 0..8 + PARTIAL_ROUNDS {
        let partial = round.checked_sub(4).filter(|partial| *partial < PARTIAL_ROUNDS);
        if let Some(partial) = partial.filter(|partial| partial % SLOTS == 0) {
            let number = 1 + partial / SLOTS;
            if let Forged::State { row, sum, before } = forged
                && row == number
            {
                let (sum, before) = (small(sum) * half, small(before));
                state = [state[0] + sum + before, state[1] + sum - before, state[2]];
            }
            rows[number][at.sum] = state[0] + state[1];
            rows[number][at.before] = (state[0] - state[1]) * half;
        }
        if let Forged::FullRound(element) = forged
            && round == 4 + PARTIAL_ROUNDS
        {
            state[element] += small(1);
        }
        for (element, value) in state.iter_mut().enumerate() {
            if partial.is_some() && element < 2 {
                continue;
            }
            let input = *value + CONSTANTS[index];
            let (row, slot) = place(index);
            rows[row][at.input[slot]] = input;
            *value = input.pow(3_u64) + small(u64::from(forged == Forged::Sbox(index)));
            index += 1;
        }
        let [a, b, c] = state;
        state = [small(3) * a + b + c, a - b + c, a + b - small(2) * c];
    }
    (rows[7][at.sum], rows[7][at.cell], rows[7][at.before], rows[6][at.cell]) =
        (state[0], state[1], state[2], state[2]);
    if let Forged::Cell { row, column } = forged {
        rows[row][column] += small(1);
    }
    (rows, state)
}

/// Row and slot of an S-box.
fn place(index: usize) -> (usize, usize) {
    let slots = (0..ROWS).flat_map(|row| (0..SLOTS).map(move |slot| (row, slot)));
    slots.into_iter().find(|(row, slot)| sbox(*row, *slot) == Some(index)).unwrap()
}

fn state(seed: u64) -> State {
    [1, 2, 3].map(|i| Felt::from(seed + i).pow(200_u64))
}

const BASE: u32 = 100;
const STOP: u32 = 118;

/// A table of three instances, padded, of which the second is forged.
fn table(forged: Forged) -> Vec<Row> {
    let mut rows = Vec::new();
    for block in 0..8 {
        let number = block.min(2);
        let forged = if number == 1 { forged } else { Forged::Nothing };
        rows.extend(instance(u64::from(BASE) + 6 * number, state(number), forged).0);
    }
    rows
}

/// The cells that each interaction looks up in a row: address and value.
fn lookups(row: usize, values: &Row) -> Vec<(&'static str, u64, Felt)> {
    let at = Columns::positions();
    let address = felt::integers::to_u64(&values[at.address]).unwrap();
    let (sum, cell) = (values[at.sum], values[at.cell]);
    match row % ROWS {
        0 => vec![("cell_sum", address, sum), ("cell", address + 1, cell)],
        1 => vec![("cell", address + 2, cell)],
        6 => vec![("cell", address + 5, cell)],
        7 => vec![("cell_sum", address + 3, sum), ("cell", address + 4, cell)],
        _ => Vec::new(),
    }
}

/// The memory that serves the rows, with how often each cell is used.
fn memory(rows: &[Row], interactions: &[&str]) -> BTreeMap<u64, (Felt, u64)> {
    let mut memory: BTreeMap<u64, (Felt, u64)> = BTreeMap::new();
    let all = rows.iter().enumerate().flat_map(|(row, values)| lookups(row, values));
    for (_, address, value) in all.filter(|(name, ..)| interactions.contains(name)) {
        let (known, uses) = memory.entry(address).or_insert((value, 0));
        assert_eq!(*known, value, "memory has one value at {address}");
        *uses += 1;
    }
    memory
}

const INTERACTIONS: [&str; 2] = ["cell_sum", "cell"];

/// What the checker says of rows with a memory.
fn checked(air: &Air, rows: &[Row], memory: &BTreeMap<u64, (Felt, u64)>) -> Report {
    let columns = (0..WIDTH).map(|column| rows.iter().map(|row| row[column]).collect()).collect();
    let public = memory.iter().map(|(address, (value, uses))| PublicTuple {
        bus: buses::MEMORY,
        multiplicity: small(*uses),
        tuple: vec![small(*address), *value],
    });
    let table = Table { air: Arc::new(air.clone()), log_height: rows.len().ilog2() };
    check(&[table], &[columns], &public.collect::<Vec<_>>())
}

/// Whether each instance of the segment is there and right.
fn is_true(memory: &BTreeMap<u64, (Felt, u64)>) -> bool {
    let cell = |address: u64| memory.get(&address).map(|(value, _)| *value);
    let mut instances = (BASE..STOP).step_by(6).map(u64::from);
    instances.all(|base| match [0, 1, 2].map(|i| cell(base + i)) {
        [Some(a), Some(b), Some(c)] => {
            let mut state = [a, b, c];
            permute(&mut state);
            (0..3).all(|i| cell(base + 3 + i as u64) == Some(state[i]))
        }
        _ => false,
    })
}

/// A false statement that one constraint alone refuses: it passes without it.
fn only(rows: &[Row], constraint: &str) {
    let air = air(BASE, STOP).unwrap();
    let memory = memory(rows, &INTERACTIONS);
    assert!(!is_true(&memory), "{constraint}: nothing is forged");
    let report = checked(&air, rows, &memory);
    let failing: BTreeSet<&str> = report.constraints.iter().map(|failure| failure.constraint.as_str()).collect();
    assert_eq!(failing, BTreeSet::from([constraint]), "{report}");
    assert!(report.imbalances.is_empty(), "{report}");
    let index = air.constraints().iter().position(|known| known.name == constraint).unwrap();
    let deleted = checked(&air.without_constraint(index), rows, &memory);
    assert!(deleted.is_clean(), "{constraint}: {deleted}");
}

#[test]
fn honest_rows_are_clean() {
    let rows = table(Forged::Nothing);
    let memory = memory(&rows, &INTERACTIONS);
    assert!(is_true(&memory));
    let report = checked(&air(BASE, STOP).unwrap(), &rows, &memory);
    assert!(report.is_clean(), "{report}");
}

/// Every one of the 107 S-boxes, and every constraint that carries the state on: without it the forgery passes.
#[test]
fn each_constraint_is_needed() {
    let at = Columns::positions();
    let mut done = BTreeSet::new();
    let mut expect = |rows: Vec<Row>, constraint: String| {
        only(&rows, &constraint);
        done.insert(constraint);
    };
    for index in 0..CONSTANTS.len() {
        expect(table(Forged::Sbox(index)), format!("sbox[{}]", place(index).1));
    }
    for row in 2..ROWS - 1 {
        expect(table(Forged::State { row, sum: 1, before: 0 }), "next_sum".to_owned());
        expect(table(Forged::State { row, sum: 0, before: 1 }), "next_before".to_owned());
    }
    for element in 0..2 {
        expect(table(Forged::FullRound(element)), format!("full_round[{element}]"));
    }
    for (row, column, constraint) in [
        (0, at.sum, "first_input"),
        (0, at.cell, "second_input"),
        (1, at.cell, "third_input"),
        (6, at.cell, "third_output"),
    ] {
        expect(table(Forged::Cell { row, column }), constraint.to_owned());
    }
    // Instances that no row visits: the first, the last, the one in between, and halves of two that are taken for one.
    let blocks = |numbers: [u64; 8]| {
        let block = |number: u64| instance(u64::from(BASE) + 6 * number, state(number), Forged::Nothing).0;
        numbers.into_iter().flat_map(block).collect::<Vec<_>>()
    };
    expect(blocks([1, 2, 2, 2, 2, 2, 2, 2]), "first_address".to_owned());
    expect(blocks([0, 1, 1, 1, 1, 1, 1, 1]), "last_address".to_owned());
    expect(blocks([0, 2, 2, 2, 2, 2, 2, 2]), "next_address".to_owned());
    let mut halves = blocks([0, 2, 2, 2, 2, 2, 2, 2]);
    halves[4..ROWS].iter_mut().for_each(|row| row[at.address] += small(6));
    expect(halves, "same_address".to_owned());

    let all: BTreeSet<String> = air(BASE, STOP).unwrap().constraints().iter().map(|c| c.name.clone()).collect();
    assert_eq!(done, all);
}

/// Slots without an S-box hold nothing: a value there is refused, and would otherwise enter the state.
#[test]
fn slots_without_an_sbox_are_zero() {
    let at = Columns::positions();
    let unused = (0..ROWS).flat_map(|row| (0..SLOTS).map(move |slot| (row, slot)));
    let unused: Vec<_> = unused.filter(|(row, slot)| sbox(*row, *slot).is_none()).collect();
    assert_eq!(unused, [(0, 12), (0, 13), (6, 13), (7, 12), (7, 13)]);
    for (row, slot) in unused {
        let rows = table(Forged::Cell { row, column: at.input[slot] });
        let report = checked(&air(BASE, STOP).unwrap(), &rows, &memory(&rows, &INTERACTIONS));
        assert!(report.has_constraint("poseidon", &format!("sbox[{slot}]")), "{row}, {slot}: {report}");
    }
}

/// Each cell of an instance, changed in memory: the lookup that misses it is named, and without it nobody notices.
#[test]
fn each_interaction_is_needed() {
    let air = air(BASE, STOP).unwrap();
    let rows = table(Forged::Nothing);
    for (index, name) in INTERACTIONS.into_iter().enumerate() {
        assert_eq!(air.interactions()[index].name, name);
        let others: Vec<&str> = INTERACTIONS.into_iter().filter(|other| *other != name).collect();
        let deleted = checked(&air.without_interaction(index), &rows, &memory(&rows, &others));
        assert!(deleted.is_clean(), "{name}: {deleted}");
        for address in memory(&rows, &[name]).into_keys() {
            let mut memory = memory(&rows, &INTERACTIONS);
            memory.get_mut(&address).unwrap().0 += small(1);
            assert!(!is_true(&memory));
            let report = checked(&air, &rows, &memory);
            let party = format!("poseidon/{name}");
            let named = |imbalance: &stark::debug::Imbalance| imbalance.parties.iter().any(|(name, ..)| *name == party);
            // What the table requires and what memory has instead.
            assert!(report.imbalances.iter().any(named) && report.imbalances.len() == 2, "{address}: {report}");
        }
    }
}

/// A proof of a witness as it is, and what the verifier says of it.
fn verdict(witness: &Witness) -> Result<u64, VerifyError> {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context(claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(tables, &CHEAP));
    let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes).encode();
    verify(statement, &file, &policy()).map(|verified| verified.runs[0].n_steps)
}

/// The run of a program that reads few of its instances' cells.
fn unread() -> Witness {
    let b = "3618502788666131213697322783095070105623107215331596699973092056135872020480";
    generic_witness(execution("cairo0/poseidon_unread", Some(&format!(r#"{{"a": 11, "b": "{b}"}}"#))))
}

fn base(witness: &Witness) -> u64 {
    u64::from(witness.claim.segment(&witness.statement.program, Builtin::Poseidon).unwrap().base)
}

/// Writes rows into the table from a row on, and what they say of memory into the memory table.
fn write(witness: &mut Witness, first: usize, rows: &[Row]) {
    let (_, trace) = common::table(witness, &TableKind::Poseidon);
    for (row, values) in rows.iter().enumerate() {
        trace.iter_mut().zip(values).for_each(|(column, value)| column[first + row] = *value);
    }
    let owned_end = u64::from(witness.claim.owned_end);
    let (_, trace) = common::table(witness, &TableKind::Memory);
    for (address, (value, _)) in memory(rows, &INTERACTIONS) {
        let at = (address - owned_end) as usize;
        trace[1 + at % 8][at / 8] = value;
    }
}

/// Instance 0 of that run, whose outputs no step reads, with other outputs in memory: everything fits but one constraint.
#[test]
fn false_instances_have_no_proof() {
    let honest = unread();
    assert!(report(&honest).is_clean());
    assert_eq!(verdict(&honest), Ok(honest.claim.runs[0].n_steps));
    let inputs = [1, 2, 3].map(small);
    let forge = |forged| {
        let mut witness = unread();
        write(&mut witness, 0, &instance(base(&honest), inputs, forged).0);
        witness
    };
    // The rows of this file are those of the prover.
    assert_eq!(forge(Forged::Nothing).traces, honest.traces);
    let at = Columns::positions();
    let mut forgeries: Vec<Forged> = [0, 5, 11, 12, 13, 25, 26, 60, 93, 94, 95, 106].map(Forged::Sbox).to_vec();
    forgeries.extend([0, 1].map(Forged::FullRound));
    forgeries.push(Forged::State { row: 4, sum: 1, before: 1 });
    forgeries.extend([at.sum, at.cell].map(|column| Forged::Cell { row: 7, column }));
    forgeries.push(Forged::Cell { row: 6, column: at.cell });
    for forged in forgeries {
        let verdict = verdict(&forge(forged));
        assert!(matches!(verdict, Err(VerifyError::Stark(_))), "{forged:?}: {verdict:?}");
    }
}

/// Another instance at the address of the last one, in its padding rows: two values for one cell.
#[test]
fn padding_has_no_values_of_its_own() {
    let honest = unread();
    let last = base(&honest) + 4 * 6;
    let rows = instance(last, [7, 0, 1].map(small), Forged::Nothing).0;
    let mut witness = unread();
    let (_, trace) = common::table(&mut witness, &TableKind::Poseidon);
    let height = trace[0].len();
    for (row, values) in rows.iter().enumerate() {
        trace.iter_mut().zip(values).for_each(|(column, value)| column[height - ROWS + row] = *value);
    }
    let report = report(&witness);
    assert!(report.constraints.is_empty() && report.has_imbalance(buses::MEMORY), "{report}");
    assert!(matches!(verdict(&witness), Err(VerifyError::Stark(stark::VerifyError::BusSum))));
}

/// A table of half the height, which has no place for all instances: two that follow each other are left out, and their outputs that no step reads
/// are others.
#[test]
fn a_table_that_is_too_low() {
    let mut witness = generic_witness(execution("cairo0/poseidon_many", Some(r#"{"n": 4}"#)));
    let first = base(&witness);
    let owned_end = u64::from(witness.claim.owned_end);
    let at = Columns::positions();
    let (_, memory) = common::table(&mut witness, &TableKind::Memory);
    let mut cell = |address: u64, value: Option<Felt>| {
        let place = (address - owned_end) as usize;
        let cell = &mut memory[1 + place % 8][place / 8];
        *cell = value.unwrap_or(*cell);
        *cell
    };
    // Pairs have 2 for the third input, and are read in their first output.
    let pairs: Vec<u64> = (0..10).filter(|instance| cell(first + 6 * instance + 2, None) == small(2)).collect();
    let skipped = pairs.windows(2).find(|pair| pair[0] + 1 == pair[1]).map(|pair| pair[0]).unwrap();
    for instance in [skipped, skipped + 1] {
        cell(first + 6 * instance + 4, Some(small(99)));
    }
    let position = witness.layout.tables.iter().position(|entry| entry.kind == TableKind::Poseidon).unwrap();
    let trace = &mut witness.traces[position];
    assert_eq!(trace[0].len(), 16 * ROWS);
    let skipped = skipped as usize * ROWS;
    for column in trace.iter_mut() {
        column.truncate(10 * ROWS);
        drop(column.drain(skipped..skipped + 2 * ROWS));
    }
    assert_eq!(trace[at.address][8 * ROWS - 1], small(first + 9 * 6));
    witness.layout.tables[position].log_height -= 1;
    refused_only_by(witness, &["poseidon/next_address"]);
}

/// Cells that nothing reads may hold anything, as the README says.
#[test]
fn cells_that_are_free() {
    let mut witness = unread();
    let at = Columns::positions();
    let (_, trace) = common::table(&mut witness, &TableKind::Poseidon);
    for row in 0..trace[0].len() {
        match row % ROWS {
            0 => trace[at.before][row] = small(row as u64 + 7),
            2..=5 => trace[at.cell][row] = -small(row as u64 + 7),
            _ => {}
        }
    }
    assert_eq!(accepted(witness).runs[0].n_steps, unread().claim.runs[0].n_steps);
}

/// A segment that ends within an instance, and one that leaves the last instance out.
#[test]
fn segments_of_other_lengths() {
    for cells in [1, 3, 5, 6] {
        let mut witness = unread();
        let position = witness.statement.program.builtins().iter().position(|b| *b == Builtin::Poseidon).unwrap();
        witness.claim.runs[0].segments[position].stop -= cells;
        let verdict = verdict(&witness);
        match cells {
            6 => assert!(verdict.is_err(), "{verdict:?}"),
            _ => {
                let error = ClaimError::SegmentSize { builtin: Builtin::Poseidon, cells: 30 - cells, instance: 6 };
                assert_eq!(verdict, Err(VerifyError::Claim(error)));
            }
        }
    }
}

/// Proves as the planner would and verifies; gives the verified output.
fn end_to_end(name: &str, arguments: &str) -> Vec<Felt> {
    let execution = execution(name, Some(arguments));
    assert_eq!(execution.check(), Ok(()));
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [3; 32]);
    let options = Options { parameters: CHEAP, ..Options::default() };
    let output = execution.output().to_vec();
    let proof = prove(execution, [3; 32], &options, &NoControl).unwrap().encode();
    let verified = verify(&statement, &proof, &Policy { min_conjectured_bits: 0.0, ..Policy::default() }).unwrap();
    assert_eq!(verified.runs[0].output, output);
    verified.runs[0].output.clone()
}

#[test]
fn runs_are_proven() {
    for n in [0, 1, 20, 60] {
        let output = end_to_end("cairo0/poseidon_many", &format!(r#"{{"n": {n}}}"#));
        // The chain of pairs.
        let hash = |[a, b, c]: [Felt; 3]| {
            let mut state = [a, b, c];
            permute(&mut state);
            state
        };
        let chain = (1..=n).rev().fold(small(3), |value, i| hash([value, small(i), small(2)])[0]);
        assert_eq!(output[2..4], [chain, hash([chain, small(0), small(1)])[0]]);
        assert_eq!(output[4], hash([small(0); 3])[2]);
    }
    end_to_end("cairo0/poseidon_unread", r#"{"a": 11, "b": 5}"#);
    end_to_end("cairo2/poseidon", "[1, 2]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The rows of random instances hold, and say what the permutation says.
    #[test]
    fn random_instances(seed in any::<[u64; 3]>(), negative in any::<bool>()) {
        let state: State = seed.map(|x| if negative { -Felt::from(x) } else { Felt::from(x).pow(5_u64) });
        let (block, outputs) = instance(u64::from(BASE), state, Forged::Nothing);
        let mut expected = state;
        permute(&mut expected);
        prop_assert_eq!(outputs, expected);
        let rows: Vec<Row> = block.iter().copied().cycle().take(8 * ROWS).collect();
        let report = checked(&air(BASE, BASE + 6).unwrap(), &rows, &memory(&rows, &INTERACTIONS));
        prop_assert!(report.is_clean(), "{}", report);
    }
}
