//! The dearest files that somebody makes who proves nothing: what they cost, and that the cheap checks come before the dear ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use cairo_air::components::Limb;
use cairo_air::components::derived::MAX_STEPS;
use cairo_air::layout::MAX_DERIVED_STEPS;
use cairo_air::{CairoProof, LayoutError, PolicyError, VerifyError, verify};
use common::{Effort, Forger, GROUND, MOST_PATHS, policy, program};
use felt::Felt;
use stark::verifier::Commitment;
use stark::{DecodeError, Parameters, VerifyError as StarkError};
use std::time::{Duration, Instant};

fn dearest() -> Forger {
    Forger::paths(program(MOST_PATHS, true), MOST_PATHS, 1, 10)
}

fn refusal(forger: &Forger, file: &[u8]) -> VerifyError {
    verify(&forger.statement, file, &policy()).unwrap_err()
}

/// One path more than the limit is refused before a table is made.
#[test]
fn the_limit_is_named() {
    let forger = Forger::paths(program(MOST_PATHS + 1, true), MOST_PATHS + 1, 1, 10);
    let expected = LayoutError::TooManyDerivedSteps(u64::from(MAX_DERIVED_STEPS + MAX_STEPS));
    assert_eq!(refusal(&forger, &forger.file(Effort::Zeros)), VerifyError::Layout(expected));
}

/// Each effort of the file's maker takes it to the next check, and no further.
#[test]
fn each_effort_reaches_the_next_check() {
    let forgers = [dearest(), Forger { parameters: GROUND, ..Forger::paths(program(1, false), 1, 3, 8) }];
    for forger in forgers {
        let reached = |effort| match refusal(&forger, &forger.file(effort)) {
            VerifyError::Stark(error) => error,
            other => panic!("{other}"),
        };
        let nonce = if forger.parameters.grinding_bits > 0 { StarkError::Grinding } else { StarkError::Indices };
        assert_eq!(reached(Effort::Zeros), nonce);
        assert_eq!(reached(Effort::Indices), StarkError::Opening { commitment: Commitment::Main });
        assert_eq!(reached(Effort::Openings), StarkError::BusSum);
        assert!(matches!(reached(Effort::Totals), StarkError::Constraints(_)));
        assert_eq!(reached(Effort::Quotients), StarkError::FoldOpening { layer: 0 });
    }
    // As many runs as there may be take the same way: each of their public cells is in the bus sum.
    let runs = Forger::runs(2);
    for (effort, expected) in [(Effort::Zeros, StarkError::Indices), (Effort::Openings, StarkError::BusSum)] {
        assert_eq!(refusal(&runs, &runs.file(effort)), VerifyError::Stark(expected));
    }
    // So do as many tables of words as there may be, which own as many cells as a word can.
    let words = Forger::words();
    for (effort, expected) in [(Effort::Zeros, StarkError::Indices), (Effort::Openings, StarkError::BusSum)] {
        assert_eq!(refusal(&words, &words.file(effort)), VerifyError::Stark(expected));
    }
    // The lowest tables are not folded: nothing is left but the final polynomial.
    let low = Forger::low();
    let reached = refusal(&low, &low.file(Effort::Quotients));
    assert!(matches!(reached, VerifyError::Stark(StarkError::FinalPolynomial(_))), "{reached}");
}

/// A path that cannot be followed is found when it is executed: a file that can be refused before does not get there.
#[test]
fn paths_are_executed_after_what_their_descriptions_say() {
    let mut forger = dearest();
    for entry in &mut forger.layout.tables {
        if let cairo_air::TableKind::Path(path) = &mut entry.kind {
            path.targets = vec![7];
        }
    }
    let file = |stark: Vec<u8>| {
        let Forger { statement, claim, layout, parameters } = &forger;
        CairoProof::new(statement, *parameters, claim.clone(), layout.clone(), stark).encode()
    };
    let least = forger.layout.least_proof_len(&forger.parameters);
    let short = VerifyError::Decode(DecodeError::Short { head: least, found: least - 1 });
    assert_eq!(refusal(&forger, &file(vec![0; least - 1])), short);
    let executed = refusal(&forger, &file(vec![0; least]));
    assert!(matches!(executed, VerifyError::Layout(LayoutError::Component { .. })), "{executed}");
}

/// Disclosed rows on which the constraints do not hold are looked at after the transcript, the commitments and the bus sum.
#[test]
fn disclosed_rows_are_checked_after_the_nonce() {
    let mut forger = Forger::paths(program(1, false), 0, 1, 10);
    forger.layout.tables.push(cairo_air::TableEntry { kind: cairo_air::TableKind::Instruction, log_height: 6 });
    let entry = |kind| cairo_air::TableEntry { kind, log_height: 8 };
    forger.layout.tables.push(entry(cairo_air::TableKind::Limb(Limb::Bits8)));
    // An enabler of 2.
    let mut cells = vec![Felt::zero(); 36];
    cells[0] = Felt::from(2u64);
    forger.layout.disclosed.push(cairo_air::DisclosedTable { kind: cairo_air::TableKind::Generic, width: 36, cells });
    let reached = |effort| refusal(&forger, &forger.file(effort));
    assert_eq!(reached(Effort::Zeros), VerifyError::Stark(StarkError::Indices));
    let opening = StarkError::Opening { commitment: Commitment::Main };
    assert_eq!(reached(Effort::Indices), VerifyError::Stark(opening));
    assert_eq!(reached(Effort::Openings), VerifyError::Stark(StarkError::BusSum));
    for effort in [Effort::Totals, Effort::Quotients] {
        let error = reached(effort);
        assert!(matches!(error, VerifyError::Layout(LayoutError::Disclosed { .. })), "{error}");
    }
}

/// Fewer bits than the policy demands are refused before the transcript is replayed.
#[test]
fn security_comes_before_the_transcript() {
    let parameters = Parameters { queries: 1, ..GROUND };
    let forger = Forger { parameters, ..Forger::paths(program(1, false), 1, 1, 8) };
    let reached = refusal(&forger, &forger.file(Effort::Zeros));
    assert!(matches!(reached, VerifyError::Policy(PolicyError::ConjecturedBits { .. })), "{reached}");
}

/// Processor time of this thread, which others on the machine do not add to; where the system does not say it, time.
fn spent(begin: Instant) -> Duration {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = nanoseconds.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| begin.elapsed(), Duration::from_nanos)
}

/// What each file takes of one core, up to the check that refuses it.
#[test]
#[ignore = "prints times; `cargo bench -p cairo-air` measures"]
fn times() {
    for effort in [Effort::Zeros, Effort::Indices, Effort::Openings, Effort::Totals, Effort::Quotients] {
        for (name, forger) in [
            ("paths", dearest()),
            ("output", Forger::paths(program(0, false), 0, 1 << 20, 10)),
            ("open", Forger::open()),
            ("ground", Forger { parameters: GROUND, ..dearest() }),
            ("low", Forger::low()),
            ("runs", Forger::runs(0)),
            ("words", Forger::words()),
            ("arguments", Forger::runs(64)),
        ] {
            let file = forger.file(effort);
            // The least of a few: what others do to the caches only adds.
            let once = |_| {
                let begin = Instant::now();
                let before = spent(begin);
                let result = refusal(&forger, &file);
                (spent(begin).saturating_sub(before), result)
            };
            let (least, result) = (0..5).map(once).min_by_key(|(time, _)| *time).unwrap();
            println!("{name}, {effort:?}: {} bytes, {least:?}, {result}", file.len());
        }
    }
}
