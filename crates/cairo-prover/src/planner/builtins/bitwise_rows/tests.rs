#![allow(clippy::unwrap_used)]

use super::*;
use cairo_air::components::MAX_CHUNKS;

const BASE: u32 = 3;

/// A memory whose instances have inputs with these bits.
fn memory(bits: &[u64]) -> (Vec<Felt>, Segment) {
    let mut memory = vec![-Felt::one(); BASE as usize];
    for (number, bits) in bits.iter().enumerate() {
        let largest = Felt::from(2).pow(*bits) - Felt::one();
        // Whichever of the two is larger.
        let inputs = if number % 2 == 0 { [largest, Felt::zero()] } else { [Felt::zero(), largest] };
        memory.extend(inputs.into_iter().chain([-Felt::one(); 3]));
    }
    let stop = memory.len() as u32;
    (memory, Segment { base: BASE, stop })
}

fn partition(bits: &[u64], owned: bool, column: u64) -> Vec<Instances> {
    let (memory, segment) = memory(bits);
    let sizes = Sizes::new(&memory, segment, column);
    let all = sizes.partition(&memory, owned);
    let tables: Vec<TableEntry> = all.iter().flat_map(Instances::tables).collect();
    assert_eq!(tables, sizes.tables(owned));
    all
}

#[test]
fn nibbles_of_inputs() {
    for (bits, expected) in
        [(0, 1), (1, 1), (4, 1), (5, 2), (64, 16), (65, 17), (128, 32), (248, 62), (249, 63), (251, 63)]
    {
        let word = Felt::from(2).pow(bits as u64) - Felt::one();
        assert_eq!(nibbles([word, Felt::zero()]), expected, "{bits}");
        assert_eq!(nibbles([Felt::one(), word]), expected, "{bits}");
    }
    assert_eq!(nibbles([Felt::from(2).pow(251_u64), Felt::zero()]), NIBBLES);
    assert_eq!(nibbles([-Felt::one(), Felt::zero()]), NIBBLES);
}

/// Every instance is in one table, which is wide enough for it; all addresses are there.
#[test]
fn each_instance_has_a_table() {
    let mut state = 9_u64;
    let bits: Vec<u64> = (0..40_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match state >> 61 {
                0 => 251,
                1..3 => (state >> 40) % 252,
                _ => (state >> 40) % 33,
            }
        })
        .collect();
    for (owned, column) in [(false, 300), (true, 300), (true, 3000), (true, 256)] {
        let all = partition(&bits, owned, column);
        assert!((2..=MAX_SIZES).contains(&all.len()));
        assert!(all.is_sorted_by(|a, b| a.row < b.row));
        let mut seen: Vec<u32> = all.iter().flat_map(|class| class.addresses.iter().copied()).collect();
        for class in &all {
            assert_eq!(class.row.owned(), owned.then_some(LIKELY));
            assert!(
                class.addresses.iter().all(|at| bits[(at - BASE) as usize / CELLS] <= u64::from(class.row.width()))
            );
            let room: usize = class.log_heights.iter().map(|height| 1 << height).sum();
            assert!(room >= class.addresses.len() && class.log_heights.len() <= MAX_CHUNKS);
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq((BASE..).step_by(CELLS).take(bits.len())));
    }
}

/// One wide input does not widen the others; a few instances stay together; many pay for the table of bytes.
#[test]
fn the_cheapest_are_taken() {
    let sizes = |bits: &[u64], owned| {
        partition(bits, owned, 3000).into_iter().map(|class| (class.row.bits(), class.row.limbs())).collect::<Vec<_>>()
    };
    let with_one_wide = |bits: u64, count: usize| [vec![bits; count], vec![251]].concat();
    assert_eq!(sizes(&with_one_wide(32, 20_000), true), [(8, 4), (8, 32)]);
    assert_eq!(sizes(&[32; 20_000], true), [(8, 4)]);
    assert_eq!(sizes(&[30; 3000], true), [(4, 8)]);
    assert_eq!(sizes(&[251; 4000], true), [(8, 32)]);
    assert_eq!(sizes(&[251; 4000], false), [(8, 32)]);
    assert_eq!(sizes(&[], true), []);
    // A few hundred wide ones are not worth so many columns.
    assert_eq!(sizes(&[251; 600], false), []);
    assert_eq!(sizes(&[16; 1 << 13], false), [(4, 4)]);
    assert_eq!(sizes(&[16; 1 << 13], true), [(4, 4)]);
    // Without a price for columns there is a limit to the number of tables.
    let all: Vec<u64> = (0..1 << 16).map(|i| 8 * (i % 32)).collect();
    assert_eq!(partition(&all, true, 0).len(), MAX_SIZES);
}
