//! Honest runs whose instances stand in row tables of any size.

use super::*;

pub fn small(value: u64) -> Felt {
    Felt::from(value)
}

pub fn two(bits: u64) -> Felt {
    small(2).pow(bits)
}

/// The run of all edges, with rows of this form.
pub fn edges(bits: u8, owned: bool) -> Witness {
    let run = execution("cairo0/bitwise_edges", None);
    let classes = classes(&run, bits, 8 / bits, owned);
    witness_with(&run, classes, [7; 32])
}

/// All forms: limbs of 4 and 8 bits, with and without cells of their own.
pub const FORMS: [(u8, bool); 4] = [(4, false), (4, true), (8, false), (8, true)];

/// Every form of rows proves the run of all edges, whose inputs are 0, 1, 2^250, 2^251 − 1 and such, in several tables or in one.
#[test]
fn edges_are_proven() {
    let run = execution("cairo0/bitwise_edges", None);
    for (bits, owned) in FORMS {
        let most = if bits == 4 { 63 } else { 32 };
        for limbs in [1, 2, 4, most] {
            let witness = witness_with(&run, classes(&run, bits, limbs, owned), [7; 32]);
            let verified = Forger(witness).try_it().unwrap_or_else(|error| panic!("{bits} {limbs} {owned}: {error}"));
            assert_eq!(verified.runs[0].output, run.output());
        }
    }
}

/// Cells that nobody reads are provided to nobody.
#[test]
fn unread_results() {
    let run = execution("cairo0/bitwise_unread", None);
    for bits in [4, 8] {
        let witness = witness_with(&run, classes(&run, bits, 1, true), [7; 32]);
        let kinds: Vec<_> = witness.layout.bitwise_rows().map(|row| row.owned()).collect();
        assert_eq!(kinds, [Some([1, 1, 0, 0, 0]); 2]);
        assert!(Forger(witness).try_it().is_ok());
    }
}

/// Tables whose every row is in use, and parts of different heights.
#[test]
fn tables_without_padding() {
    let run = execution("cairo0/bitwise_many", None);
    let Segment { base, stop } = segment_of(&run);
    let addresses: Vec<u32> = (base..stop).step_by(CELLS).collect();
    assert!(addresses.len() > 64 + 128);
    for (bits, owned) in FORMS {
        let most = if bits == 4 { 63 } else { 32 };
        let row = row(bits, most, owned.then_some([0; CELLS]));
        // The first two are full.
        let instances = Instances { row, addresses: addresses.clone(), log_heights: vec![6, 7, 6] };
        let witness = witness_with(&run, vec![instances], [7; 32]);
        let forger = Forger(witness);
        let in_use = |(position, _): (usize, BitwiseRow)| {
            let enabler = &forger.0.traces[position][BitwiseRow::ENABLER];
            enabler.iter().filter(|enabler| **enabler == Felt::one()).count()
        };
        let in_use: Vec<usize> = forger.tables().into_iter().map(in_use).collect();
        assert_eq!(in_use, [64, 128, addresses.len() - 192]);
        let verified = forger.try_it().unwrap();
        assert_eq!(verified.runs[0].output, run.output());
    }
}
