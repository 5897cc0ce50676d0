//! One refusal for every variant of every error, by one change to an honest proof or input.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::forge::{Columns, Statement, Tamper, forge};
use common::{CONTEXT, PAIRS, System, features, felt, parameters};
use felt::Felt;
use stark::parameters::ParametersError;
use stark::proof::GroupOpenings;
use stark::proof_shape::{Part, ShapeError};
use stark::shape::distinct;
use stark::verifier::Commitment;
use stark::{
    Air, AirBuilder, AirError, Bus, Cancelled, Control, DecodeError, Expr, MAX_TABLES, MAX_TERMS, Parameters, Proof,
    ProveError, PublicTuple, Rows, Shape, Table, TableError, VerifyError, bind, prove, verify,
};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// A proof whose queries stay apart in every domain, so that lengths below can be stated.
static HONEST: LazyLock<(System, Proof)> = LazyLock::new(|| {
    let candidate = |number: u64| {
        let mut system = features();
        // Public tuples that cancel give another transcript.
        let tuple = vec![felt(number), felt(number)];
        system.public.extend([PublicTuple::provide(PAIRS, tuple.clone()), PublicTuple::require(PAIRS, tuple)]);
        let proof = system.prove(&parameters()).unwrap();
        assert_eq!(system.verify(&parameters(), &proof), Ok(()));
        (system, proof)
    };
    (0..).map(candidate).find(|(_, proof)| distinct(&proof.indices, 6).len() == 8).unwrap()
});

/// The verifier's answer to the honest proof after a change.
fn answer(change: impl FnOnce(&mut Proof)) -> VerifyError {
    let (system, mut proof) = HONEST.clone();
    change(&mut proof);
    system.verify(&parameters(), &proof).unwrap_err()
}

/// Names of variants. A new variant does not compile until it has a name here, and the tests fail until it has a case.
mod variants {
    use super::*;

    pub const VERIFY: [&str; 13] = [
        "Parameters",
        "Tables",
        "Shape",
        "IdleTotal",
        "BusSum",
        "Constraints",
        "Grinding",
        "Indices",
        "Opening",
        "FoldOpening",
        "FinalPolynomial",
        "PublicDenominator",
        "Outline",
    ];

    pub fn verify(error: &VerifyError) -> &'static str {
        match error {
            VerifyError::Parameters(_) => "Parameters",
            VerifyError::Tables(_) => "Tables",
            VerifyError::Shape(_) => "Shape",
            VerifyError::PublicDenominator(_) => "PublicDenominator",
            VerifyError::IdleTotal(_) => "IdleTotal",
            VerifyError::Outline(_) => "Outline",
            VerifyError::BusSum => "BusSum",
            VerifyError::Constraints(_) => "Constraints",
            VerifyError::Grinding => "Grinding",
            VerifyError::Indices => "Indices",
            VerifyError::Opening { .. } => "Opening",
            VerifyError::FoldOpening { .. } => "FoldOpening",
            VerifyError::FinalPolynomial(_) => "FinalPolynomial",
        }
    }

    pub const PROVE: [&str; 6] = ["Cancelled", "Parameters", "Tables", "Traces", "Trace", "Denominator"];

    pub fn prove(error: &ProveError) -> &'static str {
        match error {
            ProveError::Cancelled(_) => "Cancelled",
            ProveError::Parameters(_) => "Parameters",
            ProveError::Tables(_) => "Tables",
            ProveError::Traces { .. } => "Traces",
            ProveError::Trace { .. } => "Trace",
            ProveError::Denominator => "Denominator",
        }
    }

    pub const PARTS: usize = 18;

    pub fn part(part: Part) -> usize {
        match part {
            Part::MainCap => 0,
            Part::LookupCap => 1,
            Part::Totals => 2,
            Part::QuotientCap => 3,
            Part::Groups => 4,
            Part::Openings => 5,
            Part::FoldLayers => 6,
            Part::FoldCap => 7,
            Part::FinalPolynomial => 8,
            Part::Indices => 9,
            Part::Matrices => 10,
            Part::Rows => 11,
            Part::Row => 12,
            Part::Path => 13,
            Part::FoldOpenings => 14,
            Part::Leaves => 15,
            Part::Siblings => 16,
            Part::FoldPath => 17,
        }
    }

    pub const TABLES: usize = 6;

    pub fn table(error: &TableError) -> usize {
        match error {
            TableError::NoTables => 0,
            TableError::TooManyTables(_) => 1,
            TableError::Height { .. } => 2,
            TableError::Period { .. } => 3,
            TableError::Arity { .. } => 4,
            TableError::TooManyTerms(_) => 5,
        }
    }

    pub const AIRS: usize = 6;

    pub fn air(error: &AirError) -> usize {
        match error {
            AirError::Degree { .. } => 0,
            AirError::InteractionDegree { .. } => 1,
            AirError::Arity { .. } => 2,
            AirError::Period { .. } => 3,
            AirError::UnknownColumn { .. } => 4,
            AirError::InteractionReadsNext { .. } => 5,
        }
    }

    pub const PARAMETERS: usize = 4;

    pub fn parameters(error: &ParametersError) -> usize {
        match error {
            ParametersError::LogBlowup(_) => 0,
            ParametersError::Queries(_) => 1,
            ParametersError::GrindingBits(_) => 2,
            ParametersError::LogFold(_) => 3,
        }
    }

    pub const DECODE: usize = 3;

    pub fn decode(error: &DecodeError) -> usize {
        match error {
            DecodeError::Length { .. } => 0,
            DecodeError::NonCanonical { .. } => 1,
            DecodeError::Short { .. } => 2,
        }
    }
}

fn shorten<T>(list: &mut Vec<T>) {
    list.truncate(list.len() - 1);
}

fn assert_all(found: impl IntoIterator<Item = usize>, count: usize) {
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), (0..count).collect());
}

/// Alters the last coefficient before it is committed to.
struct FinalPolynomial;

impl Tamper for FinalPolynomial {
    fn final_polynomial(&self, coefficients: &mut [Felt]) {
        coefficients[63] += felt(1);
    }
}

/// Alters the totals.
struct Totals(fn(&mut [Felt]));

impl Tamper for Totals {
    fn lookup_columns(&self, _: &mut Columns, totals: &mut [Felt]) {
        self.0(totals);
    }
}

/// Alters the openings.
struct Openings(fn(&mut [GroupOpenings]));

impl Tamper for Openings {
    fn openings(&self, openings: &mut [GroupOpenings], _: &Statement<'_>) {
        self.0(openings);
    }
}

/// The verifier's answer to a prover with an honest witness whose one message is altered before it is absorbed.
fn tampered(tamper: &impl Tamper) -> VerifyError {
    let (system, _) = &*HONEST;
    system.verify(&parameters(), &forge(system, &parameters(), tamper)).unwrap_err()
}

/// The verifier's answer if it is given the tables of another system once the proof is bound.
fn other_tables(change: impl FnOnce(&mut Vec<Table>)) -> VerifyError {
    let (System { tables, public, .. }, honest) = &*HONEST;
    let mut others = tables.clone();
    change(&mut others);
    bind(tables, &public[..].into(), CONTEXT, &parameters(), honest).unwrap().check(&others).unwrap_err()
}

/// The first nonce that does not solve the puzzle of this proof, whatever its transcript. Most do not.
fn wrong_nonce(proof: &mut Proof) {
    let (system, _) = &*HONEST;
    let fails = |nonce: &u64| {
        let proof = Proof { nonce: *nonce, ..proof.clone() };
        system.verify(&parameters(), &proof) == Err(VerifyError::Grinding)
    };
    proof.nonce = (0..100).find(fails).unwrap();
}

#[test]
fn verify_errors() {
    let (system, honest) = &*HONEST;
    let no_query = Parameters { queries: 0, ..parameters() };
    let parameters_error = system.verify(&no_query, honest).unwrap_err();
    let tables_error = verify(&[], &[], CONTEXT, &parameters(), honest).unwrap_err();
    let forged = forge(system, &parameters(), &FinalPolynomial);
    let final_polynomial = system.verify(&parameters(), &forged).unwrap_err();
    let one = Felt::one();
    let opening = |commitment| VerifyError::Opening { commitment };
    // The last coefficient tells at every point; the smallest is compared first.
    let first = forged.indices.iter().map(|index| index % 128).min().unwrap();
    let cases = [
        (parameters_error, VerifyError::Parameters(ParametersError::Queries(0))),
        (tables_error, VerifyError::Tables(TableError::NoTables)),
        (
            answer(|proof| proof.totals.truncate(3)),
            VerifyError::Shape(ShapeError { part: Part::Totals, expected: 4, found: 3 }),
        ),
        // Group 0 is the idle table, alone on its height.
        (tampered(&Totals(|totals| totals[0] = Felt::one())), VerifyError::IdleTotal(9)),
        (tampered(&Totals(|totals| totals[1] += Felt::one())), VerifyError::BusSum),
        (tampered(&Openings(|groups| groups[0].main[0] += Felt::one())), VerifyError::Constraints(9)),
        (tampered(&Openings(|groups| groups[2].main_next[1] += Felt::one())), VerifyError::Constraints(7)),
        (tampered(&Openings(|groups| groups[3].aux[0] += Felt::one())), VerifyError::Constraints(6)),
        (tampered(&Openings(|groups| groups[1].aux_next[0] += Felt::one())), VerifyError::Constraints(8)),
        (tampered(&Openings(|groups| groups[1].quotient[1] += Felt::one())), VerifyError::Constraints(8)),
        (other_tables(|tables| tables.swap(0, 1)), VerifyError::Outline(0)),
        (other_tables(|tables| tables[3].log_height += 1), VerifyError::Outline(3)),
        (other_tables(|tables| tables.truncate(4)), VerifyError::Outline(4)),
        (other_tables(|tables| tables.push(tables[4].clone())), VerifyError::Outline(5)),
        (answer(wrong_nonce), VerifyError::Grinding),
        (answer(|proof| proof.indices.swap(0, 1)), VerifyError::Indices),
        (answer(|proof| proof.indices[5] += 1 << 10), VerifyError::Indices),
        (answer(|proof| proof.main.rows[3][2][0] += one), opening(Commitment::Main)),
        (answer(|proof| proof.main.rows[0].swap(6, 7)), opening(Commitment::Main)),
        (answer(|proof| proof.lookup.rows[1][2][0] += one), opening(Commitment::Lookup)),
        (answer(|proof| proof.quotient.rows[0][2][1] += one), opening(Commitment::Quotient)),
        (answer(|proof| proof.quotient.path[0][31] ^= 1), opening(Commitment::Quotient)),
        (answer(|proof| proof.folds[1].siblings[7][0] += one), VerifyError::FoldOpening { layer: 1 }),
        (answer(|proof| proof.folds[2].path.last_mut().unwrap()[0] ^= 128), VerifyError::FoldOpening { layer: 2 }),
        (final_polynomial, VerifyError::FinalPolynomial(first)),
    ];
    for (found, expected) in &cases {
        assert_eq!(found, expected);
        assert!(!found.to_string().is_empty());
    }
    // A public tuple meets the challenge with probability 2^-250: that case stands beside the function, with a challenge
    // made to fit.
    let unreachable = ["PublicDenominator"];
    let found: BTreeSet<_> = cases.iter().map(|(error, _)| variants::verify(error)).chain(unreachable).collect();
    assert_eq!(found, BTreeSet::from(variants::VERIFY));
}

/// The checks of the verifier in their order, each with a fault that it finds. A tampering prover's faults are in its messages, the others
/// are changes to its proof. If a proof has two faults, the verifier names the first: what comes later is not looked at.
#[test]
fn the_first_of_two_faults_is_named() {
    let (system, _) = &*HONEST;
    let opening = |commitment| VerifyError::Opening { commitment };
    type Change = fn(&mut Proof);
    let late: [(Change, VerifyError); 6] = [
        (
            |proof| shorten(&mut proof.folds[2].path),
            VerifyError::Shape(ShapeError { part: Part::FoldPath, expected: 0, found: 0 }),
        ),
        (wrong_nonce, VerifyError::Grinding),
        (|proof| proof.indices.reverse(), VerifyError::Indices),
        (|proof| proof.main.rows[3][0][0] += Felt::one(), opening(Commitment::Main)),
        (|proof| proof.lookup.rows[0][0][0] += Felt::one(), opening(Commitment::Lookup)),
        (|proof| proof.quotient.rows[0][0][0] += Felt::one(), opening(Commitment::Quotient)),
    ];
    let early = [VerifyError::IdleTotal(9), VerifyError::BusSum, VerifyError::Constraints(9)];
    let last: (Change, VerifyError) = (|proof| proof.folds[0].path[0][0] ^= 1, VerifyError::FoldOpening { layer: 0 });
    let name = variants::verify;
    // Faults in messages, alone and together, in the order of their checks; behind them a fault in the last check.
    for (first, expected) in early.iter().enumerate() {
        let forged = forge(system, &parameters(), &Faults(first));
        let refused = |change: &dyn Fn(&mut Proof)| {
            let mut proof = forged.clone();
            change(&mut proof);
            system.verify(&parameters(), &proof).unwrap_err()
        };
        assert_eq!(refused(&|_| ()), *expected);
        assert_eq!(refused(&last.0), *expected);
        for (number, (change, error)) in late.iter().enumerate() {
            assert_eq!(name(&refused(change)), name(error));
            for (other, _) in &late[number + 1..] {
                let both = refused(&|proof| {
                    other(proof);
                    change(proof);
                });
                assert_eq!(name(&both), name(error), "{error}");
            }
        }
    }
    assert_eq!(answer(last.0), last.1);
}

/// From the first of these on: a total without interactions, a bus sum, an opening, all of which its prover absorbs.
struct Faults(usize);

impl Tamper for Faults {
    fn lookup_columns(&self, _: &mut Columns, totals: &mut [Felt]) {
        if self.0 <= 1 {
            totals[1] += Felt::one();
        }
        if self.0 == 0 {
            totals[0] = Felt::one();
        }
    }
    fn openings(&self, openings: &mut [GroupOpenings], _: &Statement<'_>) {
        openings[0].main[0] += Felt::one();
    }
}

/// What is inside the message is not checked before the shape: every wrong length has its own error.
#[test]
fn shape_errors() {
    type Change = fn(&mut Proof);
    let cases: [(Part, usize, usize, Change); 44] = [
        (Part::MainCap, 8, 7, |proof| shorten(&mut proof.main_cap)),
        (Part::MainCap, 8, 9, |proof| proof.main_cap.push([0; 32])),
        (Part::MainCap, 8, 0, |proof| proof.main_cap.clear()),
        (Part::LookupCap, 8, 7, |proof| shorten(&mut proof.lookup_cap)),
        (Part::LookupCap, 8, 9, |proof| proof.lookup_cap.push([0; 32])),
        (Part::Totals, 4, 3, |proof| shorten(&mut proof.totals)),
        (Part::Totals, 4, 5, |proof| proof.totals.push(Felt::zero())),
        (Part::QuotientCap, 8, 16, |proof| proof.quotient_cap.extend_from_within(..)),
        (Part::QuotientCap, 8, 7, |proof| shorten(&mut proof.quotient_cap)),
        (Part::Groups, 4, 3, |proof| shorten(&mut proof.openings)),
        (Part::Groups, 4, 5, |proof| proof.openings.push(proof.openings[0].clone())),
        (Part::Openings, 22, 21, |proof| shorten(&mut proof.openings[2].main)),
        (Part::Openings, 2, 3, |proof| proof.openings[2].main_next.push(Felt::zero())),
        (Part::Openings, 6, 5, |proof| shorten(&mut proof.openings[2].aux)),
        (Part::Openings, 0, 1, |proof| proof.openings[0].aux_next.push(Felt::zero())),
        (Part::Openings, 2, 3, |proof| proof.openings[3].quotient.push(Felt::zero())),
        (Part::FoldLayers, 3, 2, |proof| shorten(&mut proof.fold_caps)),
        (Part::FoldLayers, 3, 4, |proof| proof.fold_caps.push(vec![[0; 32]; 8])),
        (Part::FoldCap, 8, 9, |proof| proof.fold_caps[1].push([0; 32])),
        (Part::FoldCap, 8, 4, |proof| proof.fold_caps[2].truncate(4)),
        (Part::FinalPolynomial, 64, 65, |proof| proof.final_polynomial.push(Felt::zero())),
        (Part::FinalPolynomial, 64, 63, |proof| shorten(&mut proof.final_polynomial)),
        (Part::Indices, 8, 7, |proof| shorten(&mut proof.indices)),
        (Part::Indices, 8, 9, |proof| proof.indices.push(0)),
        (Part::Indices, 8, 0, |proof| proof.indices.clear()),
        (Part::Matrices, 4, 3, |proof| shorten(&mut proof.main.rows)),
        (Part::Matrices, 3, 4, |proof| proof.lookup.rows.push(vec![])),
        (Part::Rows, 8, 7, |proof| shorten(&mut proof.main.rows[1])),
        (Part::Rows, 8, 9, |proof| proof.quotient.rows[0].push(vec![Felt::zero(); 2])),
        (Part::Rows, 8, 0, |proof| proof.lookup.rows[2].clear()),
        // The same index twice: one row less.
        (Part::Rows, 7, 8, |proof| proof.indices[1] = proof.indices[0]),
        (Part::Row, 1, 2, |proof| proof.main.rows[0][5].push(Felt::zero())),
        (Part::Row, 2, 1, |proof| shorten(&mut proof.quotient.rows[3][5])),
        (Part::Path, 47, 48, |proof| proof.main.path.push([0; 32])),
        (Part::Path, 39, 38, |proof| shorten(&mut proof.lookup.path)),
        (Part::Path, 47, 0, |proof| proof.quotient.path.clear()),
        (Part::FoldOpenings, 3, 2, |proof| shorten(&mut proof.folds)),
        (Part::FoldOpenings, 3, 4, |proof| proof.folds.push(Default::default())),
        (Part::Leaves, 8, 7, |proof| shorten(&mut proof.folds[1].siblings)),
        (Part::Leaves, 8, 9, |proof| proof.folds[2].siblings.push(vec![Felt::zero()])),
        (Part::Siblings, 1, 2, |proof| proof.folds[0].siblings[5].push(Felt::zero())),
        (Part::Siblings, 1, 0, |proof| shorten(&mut proof.folds[1].siblings[0])),
        (Part::FoldPath, 39, 40, |proof| proof.folds[0].path.push([0; 32])),
        (Part::FoldPath, 23, 22, |proof| shorten(&mut proof.folds[2].path)),
    ];
    for (part, expected, found, change) in cases {
        assert_eq!(answer(change), VerifyError::Shape(ShapeError { part, expected, found }));
    }
    assert_all(cases.map(|(part, ..)| variants::part(part)), variants::PARTS);
}

/// Bytes of everything after the query indices.
fn answers_len(proof: &Proof) -> usize {
    let mut words = 0;
    for opening in [&proof.main, &proof.lookup, &proof.quotient] {
        words += opening.rows.iter().flatten().map(Vec::len).sum::<usize>() + opening.path.len();
    }
    for opening in &proof.folds {
        words += opening.siblings.iter().map(Vec::len).sum::<usize>() + opening.path.len();
    }
    32 * words
}

fn integers(proof: &Proof) -> Vec<u8> {
    proof.indices.iter().copied().flat_map(u64::to_le_bytes).collect()
}

#[test]
fn decode_errors() {
    let (system, proof) = &*HONEST;
    let shape = Shape::new(&system.tables, &parameters());
    let bytes = proof.encode(&shape);
    let mut errors = Vec::new();
    // Nonce and query indices end where the rows begin.
    let (expected, queries) = (bytes.len(), bytes.len() - answers_len(proof));
    for found in [0, 1, queries - 1, queries, expected - 1, expected + 1, expected + 32, 2 * expected] {
        let mut bytes = bytes.clone();
        bytes.resize(found, 0);
        let error = Proof::decode(&bytes, &shape).unwrap_err();
        let length = DecodeError::Length { expected, found };
        assert_eq!(error, if found < queries { DecodeError::Short { head: queries, found } } else { length });
        errors.push(error);
    }
    // An index twice: another length.
    let twice = Proof { indices: [&proof.indices[..1], &proof.indices[..7]].concat(), ..proof.clone() };
    let error =
        Proof::decode(&[&bytes[..queries - 64], &integers(&twice), &bytes[queries..]].concat(), &shape).unwrap_err();
    assert_eq!(error, DecodeError::Length { expected: Proof::encoded_len(&twice.indices, &shape), found: expected });
    // The totals follow the caps of main and LogUp columns.
    let offset = 2 * 8 * 32;
    let mut bytes = bytes;
    bytes[offset..offset + 32].fill(0xff);
    let error = Proof::decode(&bytes, &shape).unwrap_err();
    assert_eq!(error, DecodeError::NonCanonical { offset });
    errors.push(error);
    assert!(errors.iter().all(|error| !error.to_string().is_empty()));
    assert_all(errors.iter().map(variants::decode), variants::DECODE);
}

#[test]
fn parameters_errors() {
    let (system, proof) = &*HONEST;
    let mut found = Vec::new();
    let valid = parameters();
    for (parameters, error) in [
        (Parameters { log_blowup: 0, ..valid }, ParametersError::LogBlowup(0)),
        (Parameters { log_blowup: 5, ..valid }, ParametersError::LogBlowup(5)),
        (Parameters { queries: 0, ..valid }, ParametersError::Queries(0)),
        (Parameters { queries: 513, ..valid }, ParametersError::Queries(513)),
        (Parameters { grinding_bits: 33, ..valid }, ParametersError::GrindingBits(33)),
        (Parameters { log_fold: 0, ..valid }, ParametersError::LogFold(0)),
        (Parameters { log_fold: u32::MAX, ..valid }, ParametersError::LogFold(u32::MAX)),
    ] {
        assert_eq!(system.verify(&parameters, proof), Err(VerifyError::Parameters(error)));
        assert_eq!(system.prove(&parameters), Err(ProveError::Parameters(error)));
        assert_eq!(Parameters::decode(&parameters.encode()), Err(error));
        found.push(variants::parameters(&error));
    }
    assert_all(found, variants::PARAMETERS);
}

fn air(build: impl FnOnce(&mut AirBuilder)) -> Result<Air, AirError> {
    let mut builder = AirBuilder::new("test");
    build(&mut builder);
    builder.build()
}

const BUS: Bus = Bus { id: 9, name: "bus", arity: 1 };
const WIDE: Bus = Bus { id: 9, name: "wide", arity: 2 };

#[test]
fn table_errors() {
    let (system, proof) = &*HONEST;
    let table = |air: Air, log_height| Table { air: Arc::new(air), log_height };
    let empty = || air(|_| ()).unwrap();
    let name = "test".to_owned();
    let height = |log_height| TableError::Height { table: 1, air: name.clone(), log_height };
    let at = |log_height| vec![table(empty(), 6), table(empty(), log_height)];
    let periodic = air(|b| drop(b.periodic(vec![Felt::zero(); 128]))).unwrap();
    let provides = |bus: Bus, count: usize| {
        air(|b| (0..count).for_each(|_| b.provide("entry", bus, 1, vec![Expr::zero(); bus.arity]))).unwrap()
    };
    // 65·2^30·256 is just above 2^44.
    let many = vec![table(provides(BUS, 65), 30); 256];
    let cases = [
        (vec![], TableError::NoTables),
        (vec![table(empty(), 6); MAX_TABLES + 1], TableError::TooManyTables(257)),
        (at(5), height(5)),
        (at(31), height(31)),
        (at(u32::MAX), height(u32::MAX)),
        (vec![table(periodic, 6)], TableError::Period { table: 0, air: name.clone(), log_height: 6 }),
        (
            vec![table(provides(BUS, 1), 6), table(provides(WIDE, 1), 6)],
            TableError::Arity { id: 9, name: "wide", expected: 1, found: 2 },
        ),
        (many, TableError::TooManyTerms(65 << 38)),
    ];
    let mut found = Vec::new();
    for (tables, error) in cases {
        assert_eq!(verify(&tables, &[], CONTEXT, &parameters(), proof), Err(VerifyError::Tables(error.clone())));
        let traces = vec![Vec::new(); tables.len()];
        let proven = prove(&tables, traces, &[], CONTEXT, &parameters(), &stark::NoControl);
        assert_eq!(proven, Err(ProveError::Tables(error.clone())));
        found.push(variants::table(&error));
    }
    assert_all(found, variants::TABLES);
    // As many terms as allowed.
    let most = vec![table(provides(BUS, 64), 30); 256];
    assert_eq!(MAX_TERMS, 64 << 38);
    assert!(matches!(verify(&most, &[], CONTEXT, &parameters(), proof), Err(VerifyError::Shape(_))));

    // (a) and (a, 0) have one fingerprint.
    let mut system = system.clone();
    let bus = system.public[0].bus;
    for tuple in [vec![], vec![felt(0)], vec![felt(0), felt(7), felt(0)]] {
        let error = TableError::Arity { id: bus.id, name: bus.name, expected: 2, found: tuple.len() };
        system.public[0] = PublicTuple::provide(bus, tuple);
        assert_eq!(system.verify(&parameters(), proof), Err(VerifyError::Tables(error.clone())));
        assert_eq!(system.prove(&parameters()), Err(ProveError::Tables(error)));
    }
}

#[test]
fn air_errors() {
    let (name, label) = (|| "test".to_owned(), || "it".to_owned());
    let power = |x: &Expr, degree: u32| (1..degree).fold(x.clone(), |product, _| product * x);
    let degree = |rows: Rows, degree: u32| {
        let limit = rows.max_degree();
        let error = AirError::Degree { air: name(), constraint: label(), degree, limit };
        (
            air(|b| {
                let x = b.column("x");
                b.constrain("it", rows, power(&x, degree));
            }),
            error,
        )
    };
    let interaction = |multiplicity: u32, tuple: u32| {
        let built = air(|b| {
            let x = b.column("x");
            b.provide("it", BUS, power(&x, multiplicity), [power(&x, tuple)]);
        });
        (built, AirError::InteractionDegree { air: name(), interaction: label(), multiplicity, tuple })
    };
    let period = |period: usize| {
        (air(|b| drop(b.periodic(vec![Felt::zero(); period]))), AirError::Period { air: name(), period })
    };
    let arity = |found: usize| {
        let built = air(|b| b.require("it", BUS, 1, vec![Expr::zero(); found]));
        (built, AirError::Arity { air: name(), interaction: label(), bus: "bus", found, expected: 1 })
    };
    let reads_next = |in_tuple: bool| {
        let built = air(|b| {
            let x = b.column("x");
            let next = b.next(&(&x * 2 - 1));
            let (multiplicity, entry) = if in_tuple { (x, next) } else { (next, x) };
            b.provide("it", BUS, multiplicity, [entry]);
        });
        (built, AirError::InteractionReadsNext { air: name(), interaction: label() })
    };
    // Expressions of a wider table.
    let foreign = |expression: fn(&mut AirBuilder) -> Expr| {
        let expression = expression(&mut AirBuilder::new("other"));
        (air(|b| b.constrain("it", Rows::All, &expression)), AirError::UnknownColumn { air: name() })
    };
    let cases = [
        degree(Rows::All, 4),
        degree(Rows::Transition, 4),
        degree(Rows::First, 3),
        degree(Rows::Last, 3),
        interaction(4, 1),
        interaction(1, 3),
        period(0),
        period(3),
        period(2048),
        arity(0),
        arity(2),
        reads_next(true),
        reads_next(false),
        foreign(|b| b.column("x")),
        foreign(|b| {
            let x = b.column("x");
            b.next(&x)
        }),
        foreign(|b| b.periodic(vec![Felt::one()])),
    ];
    for (built, expected) in &cases {
        assert_eq!(built.as_ref().unwrap_err(), expected);
    }
    assert_all(cases.iter().map(|(_, error)| variants::air(error)), variants::AIRS);
    for (built, _) in
        [degree(Rows::All, 3), degree(Rows::First, 2), interaction(3, 2), period(1), period(1024), arity(1)]
    {
        assert!(built.is_ok());
    }
}

struct Stop;

impl Control for Stop {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Err(Cancelled)
    }
}

#[test]
fn prove_errors() {
    let (System { tables, traces, public }, _) = &*HONEST;
    let unattended = &stark::NoControl;
    let with = |traces: Vec<Vec<Vec<Felt>>>, parameters: &Parameters, control: &dyn Control| {
        prove(tables, traces, public, CONTEXT, parameters, control).unwrap_err()
    };
    let change = |change: fn(&mut Vec<Vec<Vec<Felt>>>)| {
        let mut traces = traces.clone();
        change(&mut traces);
        with(traces, &parameters(), unattended)
    };
    let trace =
        |table: usize, air: &str, width, height| ProveError::Trace { table, air: air.to_owned(), width, height };
    let invalid = Parameters { log_fold: 4, ..parameters() };
    let cases = [
        (with(traces.clone(), &parameters(), &Stop), ProveError::Cancelled(Cancelled)),
        (with(traces.clone(), &invalid, unattended), ProveError::Parameters(ParametersError::LogFold(4))),
        (
            prove(&[], vec![], &[], &[], &parameters(), unattended).unwrap_err(),
            ProveError::Tables(TableError::NoTables),
        ),
        (change(shorten), ProveError::Traces { expected: 5, found: 4 }),
        (change(|traces| traces.push(vec![])), ProveError::Traces { expected: 5, found: 6 }),
        (change(|traces| shorten(&mut traces[0])), trace(0, "squares", 2, 64)),
        (change(|traces| shorten(&mut traces[1][4])), trace(1, "chain", 5, 256)),
        (change(|traces| traces[4][0].push(Felt::zero())), trace(4, "idle", 1, 512)),
        (change(|traces| traces.swap(0, 1)), trace(0, "squares", 2, 64)),
    ];
    for (found, expected) in &cases {
        assert_eq!(found, expected);
    }
    // As for the verifier, a tuple that meets the challenge is tested beside the function.
    let unreachable = ["Denominator"];
    let found: BTreeSet<_> = cases.iter().map(|(error, _)| variants::prove(error)).chain(unreachable).collect();
    assert_eq!(found, BTreeSet::from(variants::PROVE));
}
