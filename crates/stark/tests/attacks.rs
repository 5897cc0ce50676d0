//! Provers that cheat, with consistent transcripts where it helps them, and proofs put together from parts of others.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::forge::{Columns, Statement, Tamper, forge, running_sum};
use common::mutation::add_modulus;
use common::tiny::{Refusal, Tiny};
use common::{
    CHAIN_TABLES, CONTEXT, GADGETS_TABLE, IDLE_TABLE, SQUARES_TABLE, System, features, felt, parameters, quiet,
};
use felt::{Felt, encoding};
use stark::proof::GroupOpenings;
use stark::verifier::Commitment;
use stark::{AirBuilder, Bus, DecodeError, Expr, Parameters, Proof, PublicTuple, Rows, Table, VerifyError, verify};
use std::sync::{Arc, LazyLock};

static HONEST: LazyLock<(System, Proof)> = LazyLock::new(|| {
    let system = features();
    let proof = system.prove(&parameters()).unwrap();
    (system, proof)
});

/// The verifier's answer. Where a word first misses the final polynomial is the transcript's affair: the index must be one of
/// the queries', and stands as 0.
fn answer(system: &System, proof: &Proof) -> Result<(), VerifyError> {
    let answer = system.verify(&parameters(), proof);
    let Err(VerifyError::FinalPolynomial(found)) = answer else { return answer };
    assert!(proof.indices.iter().any(|index| index % 128 == found), "{found}");
    Err(VerifyError::FinalPolynomial(0))
}

/// The verifier's answer to a cheating prover with an honest witness.
fn cheat(tamper: &impl Tamper) -> Result<(), VerifyError> {
    let (system, _) = &*HONEST;
    answer(system, &forge(system, &parameters(), tamper))
}

/// The transcript is another: the nonce no longer fits or, if it happens to, the queries are others.
fn assert_other_transcript(error: &VerifyError) {
    assert!(matches!(error, VerifyError::Grinding | VerifyError::Indices), "{error:?}");
}

/// `2^h` rows of the groups, in order: idle, chain, gadgets and chain, squares.
const GROUPS: [u32; 4] = [9, 8, 7, 6];

// Statements.

#[test]
fn a_proof_holds_for_its_statement_only() {
    let (system, proof) = &*HONEST;
    let System { tables, public, .. } = system;
    let refused = |tables: &[Table], public: &[PublicTuple], context: &[u8], parameters: &Parameters| {
        verify(tables, public, context, parameters, proof).unwrap_err()
    };
    // Whatever is absorbed makes another transcript.
    let differs = |tables: &[Table], public: &[PublicTuple], context: &[u8], parameters: &Parameters| {
        assert_other_transcript(&refused(tables, public, context, parameters));
    };
    assert_eq!(verify(tables, public, CONTEXT, &parameters(), proof), Ok(()));
    for context in [&b""[..], b"contexs", b"context\0", b"contex"] {
        differs(tables, public, context, &parameters());
    }
    let change_public = |change: fn(&mut Vec<PublicTuple>)| {
        let mut public = public.clone();
        change(&mut public);
        differs(tables, &public, CONTEXT, &parameters());
    };
    change_public(|public| public[0].tuple[1] += felt(1));
    change_public(|public| public[1].multiplicity = felt(1));
    change_public(|public| public[1].bus.id = 3);
    change_public(|public| public.truncate(1));
    change_public(Vec::clear);
    // These leave the sum as it is: only the transcript tells them apart.
    change_public(|public| public.swap(0, 1));
    change_public(|public| {
        public[0].multiplicity = felt(2);
        public.push(PublicTuple { multiplicity: -felt(1), ..public[0].clone() });
    });
    change_public(|public| public.push(PublicTuple { multiplicity: felt(0), ..public[0].clone() }));
    let no_work = Parameters { grinding_bits: 0, ..parameters() };
    assert_eq!(refused(tables, public, CONTEXT, &no_work), VerifyError::Indices);
}

#[test]
fn a_proof_holds_for_its_tables_only() {
    let (System { tables, public, .. }, proof) = &*HONEST;
    let refused = |change: &dyn Fn(&mut Vec<Table>)| {
        let mut tables = tables.clone();
        change(&mut tables);
        verify(&tables, public, CONTEXT, &parameters(), proof).unwrap_err()
    };
    // Same lengths: the transcript tells them apart.
    let [first_chain, second_chain] = CHAIN_TABLES;
    assert_other_transcript(&refused(&|tables| tables.swap(GADGETS_TABLE, second_chain)));
    assert_other_transcript(&refused(&|tables| tables.swap(SQUARES_TABLE, IDLE_TABLE)));
    assert_other_transcript(&refused(&|tables| tables.rotate_left(1)));
    let renamed = |name: &'static str, limit: u64| {
        move |tables: &mut Vec<Table>| {
            let mut b = AirBuilder::new(name);
            let z = b.column("z");
            b.constrain("starts at 1", Rows::First, &z - limit);
            b.constrain("squares up", Rows::Transition, b.next(&z) - &z * &z - 1);
            tables[IDLE_TABLE].air = Arc::new(b.build().unwrap());
        }
    };
    assert_other_transcript(&refused(&renamed("idlf", 1)));
    // Another AIR of the same name and size is told apart by its constraints.
    assert_eq!(refused(&renamed("idle", 2)), VerifyError::Constraints(9));
    for reduced in [0, 1] {
        let reduce = |tables: &mut Vec<Table>| {
            tables[IDLE_TABLE].air = Arc::new(tables[IDLE_TABLE].air.without_constraint(reduced));
        };
        assert_other_transcript(&refused(&reduce));
    }
    // Other lengths.
    let shape = |change: &dyn Fn(&mut Vec<Table>)| assert!(matches!(refused(change), VerifyError::Shape(_)));
    for position in 0..tables.len() {
        shape(&|tables| drop(tables.remove(position)));
        shape(&|tables| tables.push(tables[position].clone()));
        shape(&|tables| tables[position].log_height += 1);
    }
    for position in [IDLE_TABLE, first_chain, second_chain] {
        shape(&|tables| tables[position].log_height -= 1);
    }
}

/// The tables of the proof of a system with other heights do not stand for each other even where all lengths agree.
#[test]
fn heights_are_bound() {
    let table = |name: &str, log_height| {
        let mut b = AirBuilder::new(name);
        let x = b.column("x");
        b.constrain("is boolean", Rows::All, &x * &x - &x);
        Table { air: Arc::new(b.build().unwrap()), log_height }
    };
    let system = |heights: [u32; 2]| System {
        tables: vec![table("a", heights[0]), table("b", heights[1])],
        traces: heights.map(|log_height| vec![(0..1 << log_height).map(|row| felt(row % 3 % 2)).collect()]).to_vec(),
        public: vec![],
    };
    let (one, other) = (system([6, 8]), system([8, 6]));
    let proof = one.prove(&parameters()).unwrap();
    assert_eq!(answer(&one, &proof), Ok(()));
    assert_other_transcript(&answer(&other, &proof).unwrap_err());
}

// Parts of other proofs.

#[test]
fn parts_of_another_proof() {
    let (system, honest) = &*HONEST;
    // Another honest proof of the same lengths: of the same system, in another witness.
    let other = quiet().prove(&parameters()).unwrap();
    assert_eq!(answer(&quiet(), &other), Ok(()));
    // The same, opened where the honest proof is.
    let here = forge(&quiet(), &parameters(), &At(&honest.indices));
    assert_eq!(answer(&quiet(), &here), Err(VerifyError::Indices));
    let with = |change: &dyn Fn(&mut Proof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        answer(system, &proof).unwrap_err()
    };
    let quotient = |proof: &mut Proof| {
        proof.quotient_cap.clone_from(&other.quotient_cap);
        for (own, other) in proof.openings.iter_mut().zip(&other.openings) {
            own.quotient.clone_from(&other.quotient);
        }
        proof.quotient.clone_from(&here.quotient);
    };
    // Every message enters the transcript.
    let messages: [&dyn Fn(&mut Proof); 12] = [
        &|proof| std::mem::swap(&mut proof.main_cap, &mut proof.lookup_cap),
        &|proof| proof.main_cap.clone_from(&other.main_cap),
        &|proof| proof.main_cap.swap(0, 1),
        &|proof| proof.totals.clone_from(&other.totals),
        &|proof| proof.lookup_cap.clone_from(&other.lookup_cap),
        &|proof| proof.quotient_cap.clone_from(&other.quotient_cap),
        &|proof| proof.openings.clone_from(&other.openings),
        &quotient,
        &|proof| proof.fold_caps.clone_from(&other.fold_caps),
        &|proof| proof.fold_caps[2].clone_from(&other.fold_caps[2]),
        &|proof| proof.final_polynomial.clone_from(&other.final_polynomial),
        &|proof| proof.fold_caps.swap(0, 1),
    ];
    for change in messages {
        assert_other_transcript(&with(change));
    }
    let all = |from: &Proof| {
        let Proof { indices, main, lookup, quotient, folds, .. } = from.clone();
        let parts = Proof { indices, main, lookup, quotient, folds, ..honest.clone() };
        answer(system, &parts).unwrap_err()
    };
    let opening = |commitment| VerifyError::Opening { commitment };
    assert_eq!(all(&other), VerifyError::Indices);
    assert_eq!(all(&here), opening(Commitment::Main));
    assert_eq!(with(&|proof| proof.main.clone_from(&here.main)), opening(Commitment::Main));
    assert_eq!(with(&|proof| proof.lookup.clone_from(&here.lookup)), opening(Commitment::Lookup));
    assert_eq!(with(&|proof| proof.quotient.clone_from(&here.quotient)), opening(Commitment::Quotient));
    for layer in 0..3 {
        let fold = with(&|proof| proof.folds[layer].clone_from(&here.folds[layer]));
        assert_eq!(fold, VerifyError::FoldOpening { layer });
    }
}

/// Opens everything at these indices.
struct At<'a>(&'a [u64]);

impl Tamper for At<'_> {
    fn query_indices(&self, indices: &mut [u64]) {
        indices.copy_from_slice(self.0);
    }
}

// Dishonest witnesses whose faults would cancel.

fn one_table(build: impl FnOnce(&mut AirBuilder), trace: Vec<Vec<Felt>>) -> System {
    let mut b = AirBuilder::new("table");
    build(&mut b);
    System {
        tables: vec![Table { air: Arc::new(b.build().unwrap()), log_height: 6 }],
        traces: vec![trace],
        public: vec![],
    }
}

/// Constraints enter with powers of a challenge, so two broken ones do not make up for each other.
#[test]
fn broken_constraints_do_not_cancel() {
    let column: Vec<_> = (3..67).map(felt).collect();
    for rows in [Rows::All, Rows::Transition, Rows::First, Rows::Last] {
        for scales in [[1, 2, 3], [1, 1, 2], [5, 0, 5]] {
            let build = |b: &mut AirBuilder| {
                let x = b.column("x");
                b.constrain("a", rows, &x * scales[0]);
                b.constrain("b", rows, &x * scales[1]);
                b.constrain("c", rows, -(&x * scales[2]));
            };
            let system = one_table(build, vec![column.clone()]);
            assert_eq!(answer(&system, &system.prove(&parameters()).unwrap()), Err(VerifyError::Constraints(6)));
        }
    }
    // Of two tables.
    let first = |b: &mut AirBuilder| {
        let x = b.column("x");
        b.constrain("a", Rows::All, x);
    };
    let second = |b: &mut AirBuilder| {
        let x = b.column("x");
        b.constrain("b", Rows::All, -x);
    };
    let mut system = one_table(first, vec![column.clone()]);
    let other = one_table(second, vec![column]);
    system.tables.extend(other.tables);
    system.traces.extend(other.traces);
    assert_eq!(answer(&system, &system.prove(&parameters()).unwrap()), Err(VerifyError::Constraints(6)));
}

/// What one bus provides another does not take, nor the same bus in another order.
#[test]
fn tuples_do_not_meet_others() {
    let bus = |id, arity| Bus { id, name: "bus", arity };
    let tuple = |entries: &[u64]| entries.iter().map(|&entry| Expr::from(entry)).collect::<Vec<_>>();
    let balances = |provided: (u32, &[u64]), required: (u32, &[u64])| {
        let build = |b: &mut AirBuilder| {
            b.provide("provided", bus(provided.0, provided.1.len()), 1, tuple(provided.1));
            b.require("required", bus(required.0, required.1.len()), 1, tuple(required.1));
        };
        let system = one_table(build, vec![]);
        answer(&system, &system.prove(&parameters()).unwrap())
    };
    assert_eq!(balances((1, &[2, 3]), (1, &[2, 3])), Ok(()));
    let others: [(u32, &[u64]); 5] = [(2, &[2, 3]), (1, &[3, 2]), (1, &[2, 4]), (1, &[1, 3]), (2, &[2, 3, 0])];
    for other in others {
        assert_eq!(balances((1, &[2, 3]), other), Err(VerifyError::BusSum), "{other:?}");
        assert_eq!(balances(other, (1, &[2, 3])), Err(VerifyError::BusSum), "{other:?}");
    }
    // The numbers of buses do not stand in for entries.
    assert_eq!(balances((1, &[0]), (2, &[])), Err(VerifyError::BusSum));
    assert_eq!(balances((1, &[]), (1, &[])), Ok(()));
}

// Dishonest LogUp columns.

/// Changes the LogUp columns (on the trace domain) and totals.
struct Lookup<F: Fn(&mut Columns, &mut [Felt])>(F);

impl<F: Fn(&mut Columns, &mut [Felt])> Tamper for Lookup<F> {
    fn lookup_columns(&self, columns: &mut Columns, totals: &mut [Felt]) {
        self.0(columns, totals);
    }
}

#[test]
fn totals_shifted_between_groups() {
    for (from, to) in [(1, 2), (2, 1), (2, 3), (3, 1)] {
        let shift = |_: &mut Columns, totals: &mut [Felt]| {
            totals[from] = totals[from] - felt(1);
            totals[to] += felt(1);
        };
        assert_eq!(cheat(&Lookup(shift)), Err(VerifyError::Constraints(GROUPS[from.min(to)])));
    }
    // A share for the group that has no LogUp columns.
    let idle = |_: &mut Columns, totals: &mut [Felt]| {
        totals[0] += felt(1);
        totals[1] = totals[1] - felt(1);
    };
    assert_eq!(cheat(&Lookup(idle)), Err(VerifyError::IdleTotal(9)));
}

/// A witness that requires a square which is in no table, and a total that says otherwise.
#[test]
fn an_unbalanced_witness_cannot_be_balanced() {
    let mut system = features();
    *system.cell(SQUARES_TABLE, "multiplicity", 9) += felt(1);
    let answer =
        |tamper: &dyn Fn(&mut Columns, &mut [Felt])| answer(&system, &forge(&system, &parameters(), &Lookup(tamper)));
    assert_eq!(answer(&|_, _| ()), Err(VerifyError::BusSum));
    for group in 1..4 {
        let with_sum = |columns: &mut Columns, totals: &mut [Felt], how: fn(&mut Vec<Vec<Felt>>, &Felt, &Felt)| {
            // 1/(z − fingerprint) of the surplus is the last entry's share: row 9 of the squares, whose multiplicity is 1.
            let share = totals[3] * felt(64).inv().unwrap();
            let surplus = columns[3][0][10] - columns[3][0][9] + share;
            let old = totals[group];
            totals[group] = old - surplus;
            how(&mut columns[group], &old, &totals[group]);
        };
        let error = Err(VerifyError::Constraints(GROUPS[group]));
        // The running sum as it was: every step is wrong.
        assert_eq!(answer(&|columns, totals| with_sum(columns, totals, |_, _, _| ())), error);
        // Recomputed with the new total: it does not come back to its start.
        let recompute = |columns: &mut Vec<Vec<Felt>>, old: &Felt, new: &Felt| {
            let terms = terms(columns.last().unwrap(), old);
            *columns.last_mut().unwrap() = running_sum(&terms, new);
        };
        assert_eq!(answer(&|columns, totals| with_sum(columns, totals, recompute)), error);
        // One batch of fractions lies, in a column of its own or in the running sum, and the sum closes.
        let lie = |columns: &mut Vec<Vec<Felt>>, old: &Felt, new: &Felt| {
            let mut terms = terms(columns.last().unwrap(), old);
            terms[17] += *new - *old;
            *columns.last_mut().unwrap() = running_sum(&terms, new);
            if columns.len() > 1 {
                columns[0][17] += *new - *old;
            }
        };
        assert_eq!(answer(&|columns, totals| with_sum(columns, totals, lie)), error);
    }
}

/// The rows' sums of fractions, from the running sum.
fn terms(running: &[Felt], total: &Felt) -> Vec<Felt> {
    let share = *total * felt(running.len() as u64).inv().unwrap();
    (0..running.len()).map(|row| running[(row + 1) % running.len()] - running[row] + share).collect()
}

#[test]
fn every_lookup_column_is_constrained() {
    let widths: Vec<_> = HONEST.1.openings.iter().map(|openings| openings.aux.len()).collect();
    assert_eq!(widths, [0, 2, 6, 1]);
    for (group, width) in widths.into_iter().enumerate() {
        for column in 0..width {
            let last_row = (1usize << GROUPS[group]) - 1;
            for row in [0, 40, last_row] {
                let change = |columns: &mut Columns, _: &mut [Felt]| columns[group][column][row] += felt(1);
                assert_eq!(cheat(&Lookup(change)), Err(VerifyError::Constraints(GROUPS[group])));
            }
        }
        // A constant added to a running sum changes nothing that it says.
        if width > 0 {
            let raise = |columns: &mut Columns, _: &mut [Felt]| {
                columns[group][width - 1].iter_mut().for_each(|sum| *sum += felt(1));
            };
            assert_eq!(cheat(&Lookup(raise)), Ok(()));
        }
    }
}

// Openings that are not those of the committed columns, with quotient openings that fit them: only the low-degree test is
// left to notice.

struct Opening<F: Fn(&mut GroupOpenings)> {
    group: usize,
    change: F,
}

impl<F: Fn(&mut GroupOpenings)> Tamper for Opening<F> {
    fn openings(&self, openings: &mut [GroupOpenings], statement: &Statement<'_>) {
        let openings = &mut openings[self.group];
        (self.change)(openings);
        statement.fit_quotient(self.group, openings);
    }
}

/// In the tallest group or in the smallest only: far words are noticed at every height.
#[test]
fn openings_of_other_values() {
    type Part = fn(&mut GroupOpenings) -> &mut Vec<Felt>;
    let parts: [Part; 5] =
        [|o| &mut o.main, |o| &mut o.main_next, |o| &mut o.aux, |o| &mut o.aux_next, |o| &mut o.quotient];
    let mut lies = 0;
    for group in 0..4 {
        for part in parts {
            for last in [false, true] {
                let count = part(&mut HONEST.1.openings[group].clone()).len();
                if count == 0 {
                    continue;
                }
                let change = |openings: &mut GroupOpenings| part(openings)[if last { count - 1 } else { 0 }] += felt(1);
                let answer = cheat(&Opening { group, change });
                // The first quotient chunk is fitted to the others, so a change of it alone is undone.
                let undone = part(&mut HONEST.1.openings[group].clone()) == &HONEST.1.openings[group].quotient && !last;
                let expected = if undone { Ok(()) } else { Err(VerifyError::FinalPolynomial(0)) };
                assert_eq!(answer, expected, "group {group}");
                lies += 1;
            }
        }
    }
    assert_eq!(lies, 4 * 2 * 5 - 2 * 2 - 2);
}

/// A dishonest witness whose opened quotient fits.
#[test]
fn a_broken_constraint_with_fitted_openings() {
    for (table, column, row, group) in [
        (IDLE_TABLE, "z", 300, 0),
        (CHAIN_TABLES[0], "on", 255, 1),
        (GADGETS_TABLE, "c", 5, 2),
        (SQUARES_TABLE, "n", 63, 3),
    ] {
        let mut system = quiet();
        *system.cell(table, column, row) += felt(2);
        if column == "on" {
            // Required and provided twice over, so the buses do not notice.
            let (step, value) = (*system.cell(table, "step", row), *system.cell(table, "value", row));
            let (root, square) = (*system.cell(table, "root", row), *system.cell(table, "square", row));
            *system.cell(SQUARES_TABLE, "multiplicity", 3) = felt(2);
            let bus = common::CHAIN;
            let next = vec![step + felt(1), value * root + square];
            system.public.push(PublicTuple { bus, multiplicity: felt(2), tuple: vec![step, value] });
            system.public.push(PublicTuple { bus, multiplicity: -felt(2), tuple: next });
        }
        let proof = system.prove(&parameters()).unwrap();
        assert_eq!(answer(&system, &proof), Err(VerifyError::Constraints(GROUPS[group])));
        let proof = forge(&system, &parameters(), &Opening { group, change: |_| () });
        assert_eq!(answer(&system, &proof), Err(VerifyError::FinalPolynomial(0)));
    }
}

// Words that are not of low degree.

/// Columns altered on every other point of the largest coset, with openings that fit.
struct Far {
    commitment: Commitment,
    group: usize,
}

impl Far {
    fn alter(&self, commitment: Commitment, columns: &mut Columns) {
        if self.commitment == commitment {
            let column = columns[self.group].last_mut().unwrap();
            column.iter_mut().skip(1).step_by(2).for_each(|value| *value += felt(1));
        }
    }
}

impl Tamper for Far {
    fn main_extensions(&self, columns: &mut Columns) {
        self.alter(Commitment::Main, columns);
    }
    fn lookup_extensions(&self, columns: &mut Columns) {
        self.alter(Commitment::Lookup, columns);
    }
    fn quotients(&self, columns: &mut Columns) {
        self.alter(Commitment::Quotient, columns);
    }
    fn openings(&self, openings: &mut [GroupOpenings], statement: &Statement<'_>) {
        statement.fit_quotient(self.group, &mut openings[self.group]);
    }
}

#[test]
fn far_words_at_every_height() {
    for group in 0..4 {
        for commitment in [Commitment::Main, Commitment::Lookup, Commitment::Quotient] {
            if (group, commitment) != (0, Commitment::Lookup) {
                assert_eq!(
                    cheat(&Far { commitment, group }),
                    Err(VerifyError::FinalPolynomial(0)),
                    "{group} {commitment}"
                );
            }
        }
    }
}

/// A prover that lies about an opening and folds low-degree words in place of the DEEP quotients.
struct OtherWord {
    group: usize,
}

impl Tamper for OtherWord {
    fn openings(&self, openings: &mut [GroupOpenings], statement: &Statement<'_>) {
        openings[self.group].main[0] += felt(1);
        statement.fit_quotient(self.group, &mut openings[self.group]);
    }
    fn deep_quotients(&self, quotients: &mut [Vec<Felt>]) {
        quotients[self.group].fill(Felt::zero());
    }
}

#[test]
fn low_degree_words_in_place_of_quotients() {
    for (group, expected) in [
        VerifyError::FoldOpening { layer: 0 },
        VerifyError::FoldOpening { layer: 1 },
        VerifyError::FoldOpening { layer: 2 },
        VerifyError::FinalPolynomial(0),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(cheat(&OtherWord { group }), Err(expected));
    }
}

/// A layer replaced by another word of low degree.
struct OtherLayer {
    number: usize,
}

impl Tamper for OtherLayer {
    fn layer(&self, number: usize, codeword: &mut Vec<Felt>) {
        if number == self.number {
            codeword.iter_mut().for_each(|value| *value += felt(1));
        }
    }
}

#[test]
fn layers_of_other_words() {
    for number in 0..3 {
        let expected = VerifyError::FoldOpening { layer: number };
        assert_eq!(cheat(&OtherLayer { number }), Err(expected));
    }
}

/// Another final polynomial.
struct FinalPolynomial(fn(&mut [Felt]));

impl Tamper for FinalPolynomial {
    fn final_polynomial(&self, coefficients: &mut [Felt]) {
        self.0(coefficients);
    }
}

#[test]
fn other_final_polynomials() {
    let changes: [fn(&mut [Felt]); 4] = [
        |coefficients| coefficients[0] += felt(1),
        |coefficients| coefficients[63] += felt(1),
        |coefficients| coefficients.fill(Felt::zero()),
        |coefficients| coefficients.reverse(),
    ];
    for change in changes {
        assert_eq!(cheat(&FinalPolynomial(change)), Err(VerifyError::FinalPolynomial(0)));
    }
}

// Encoding.

/// Every field element of the encoding has one form only, and so do the integers.
#[test]
fn no_element_has_two_encodings() {
    let tiny = Tiny::new();
    let modulus = add_modulus([0; 32]);
    let one = encoding::to_bytes(&Felt::from_raw(1u64.into()));
    let (mut elements, mut shifted) = (0, 0);
    // All 32-byte words, before nonce and query indices and after them.
    let integers = tiny.integers();
    let words = (0..integers.start).step_by(32).chain((integers.end..tiny.honest.len()).step_by(32));
    for offset in words {
        let with = |word: [u8; 32]| {
            let mut bytes = tiny.honest.clone();
            bytes[offset..offset + 32].copy_from_slice(&word);
            tiny.check(&bytes)
        };
        let refused = Err(Refusal::Decode(DecodeError::NonCanonical { offset }));
        if with([0xff; 32]) != refused {
            // A digest. It has no form but one, since all its bits are hashed or compared.
            continue;
        }
        elements += 1;
        assert_eq!(with(modulus), refused);
        assert_eq!(with(add_modulus(one)), refused);
        let own = *tiny.honest[offset..].first_chunk().unwrap();
        let raised = add_modulus(own);
        // The same residue, if it fits 32 bytes; p is about 2^251, so it nearly always does.
        assert_eq!(with(raised), refused);
        shifted += 1;
        // The largest reduced value is read, and then refused for what it says.
        let largest = encoding::to_bytes(&-Felt::from_raw(1u64.into()));
        assert!(matches!(with(largest), Err(Refusal::Verify(_))));
    }
    let proof = Proof::decode(&tiny.honest, &tiny.shape).unwrap();
    let opened: usize = tiny.shape.groups.iter().map(|group| group.openings() + 1).sum();
    let rows =
        [&proof.main, &proof.lookup, &proof.quotient].into_iter().flat_map(|opening| opening.rows.iter().flatten());
    let siblings = proof.folds.iter().flat_map(|opening| &opening.siblings);
    assert_eq!(elements, opened + 64 + rows.chain(siblings).map(Vec::len).sum::<usize>());
    assert_eq!(elements, shifted);
    // Nor has an index: its high bits change nothing that is read, but it would be another.
    for at in integers {
        let mut bytes = tiny.honest.clone();
        bytes[at] ^= 0x80;
        assert!(tiny.check(&bytes).is_err(), "{at}");
    }
}
