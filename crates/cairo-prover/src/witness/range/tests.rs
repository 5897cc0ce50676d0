#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_range_loop)]

use super::*;
use crate::fixture::{checked_memory as memory, numbers};
use cairo_air::components::Limb;
use cairo_air::{TableKind, buses};
use cairo_execution::ExecutionError;
use felt::encoding;
use stark::graph::Input;
use stark::{MIN_LOG_HEIGHT, NoControl};
use std::collections::BTreeMap;

const TOP: u128 = u128::MAX;

#[test]
fn too_large_values_are_refused() {
    let two = |bits: u64| Felt::from(2_u64).pow(bits);
    let one = Felt::one();
    for value in [two(128), two(128) + one, two(192), two(250), -one, -two(48), -two(49), -two(127), -two(128)] {
        for place in 0..3 {
            let (mut memory, segment) = memory(&[0, 1 << 127, TOP]);
            let address = segment.base + place;
            memory[address as usize] = value;
            let found = encoding::to_hex(&value);
            let refused = WitnessError::Execution(ExecutionError::RangeCheck { address, found });
            let (multiplicities, range) = (Multiplicities::new(memory.len()), Range::new(8, 128, 0).unwrap());
            let filled = fill(&memory, &range, &[address], MIN_LOG_HEIGHT, &multiplicities, &NoControl);
            assert_eq!(filled, Err(refused));
        }
    }
    let (memory, _) = memory(&[7]);
    let multiplicities = Multiplicities::new(memory.len());
    let range = Range::new(8, 8, 0).unwrap();
    let empty = fill(&memory, &range, &[], MIN_LOG_HEIGHT, &multiplicities, &NoControl);
    assert_eq!(empty, Err(WitnessError::Empty("range")));
}

/// Fills a table for each width of each size of limbs, at the bottom, at the top and in between, and looks at what its AIR makes of it.
#[test]
fn limbs_make_up_the_values() {
    let mut number = numbers();
    for limb in Limb::ALL.map(Limb::bits) {
        for width in 1..=128_u8 {
            let last = TOP >> (128 - width);
            for offset in [0, (TOP - last) / 3, TOP - last] {
                let range = Range::new(limb, width, offset).unwrap();
                let mut values = vec![offset, offset + last, offset + last / 2, offset + last / 3];
                values.extend((0..10).map(|_| offset + (number() & last)));
                check_table(&range, &values);
            }
        }
    }
}

fn check_table(range: &Range, values: &[u128]) {
    let (memory, segment) = memory(values);
    let multiplicities = Multiplicities::new(memory.len());
    // Not all of them, and not in order.
    let addresses: Vec<u32> = (segment.base..segment.stop).rev().filter(|address| address % 5 != 3).collect();
    for (address, uses) in addresses.iter().zip(0..) {
        multiplicities.memory(*address, uses % 4).unwrap();
    }
    let mut trace = fill(&memory, range, &addresses, MIN_LOG_HEIGHT, &multiplicities, &NoControl).unwrap();
    assert!(trace[Range::USES].iter().all(|uses| *uses == Felt::zero()));
    set_uses(&mut trace, &addresses, &multiplicities);
    let air = range.air().unwrap();
    assert_eq!(trace.len(), air.width(), "{range}");
    let size_of_limbs = crate::table_size::size(range.limb().table());
    assert_eq!(size_of_limbs.interactions, 1);
    let bus = match range.bits() {
        8 => buses::BYTE,
        12 => buses::WORD12,
        _ => buses::WORD16,
    };
    let mut required: BTreeMap<u64, u64> = BTreeMap::new();
    for row in 0..1 << MIN_LOG_HEIGHT {
        let cells = air.graph().evaluate(|input| match input {
            Input::Main(column) => trace[column as usize][row],
            _ => panic!("only the row's own cells"),
        });
        for constraint in air.constraints() {
            assert_eq!(cells[constraint.expression.index()], Felt::zero(), "{range}: {}", constraint.name);
        }
        for interaction in air.interactions() {
            let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| cells[entry.index()]).collect();
            let multiplicity = cells[interaction.multiplicity.index()];
            let Some(address) = addresses.get(row) else {
                assert_eq!(multiplicity, Felt::zero(), "{range}: {}", interaction.name);
                continue;
            };
            let at = Felt::from(u64::from(*address));
            match interaction.bus {
                buses::RANGE if interaction.name == "checks" => {
                    assert_eq!((multiplicity, tuple), (-Felt::one(), vec![at]));
                }
                buses::RANGE => assert_eq!((multiplicity, tuple), (Felt::one(), vec![at + Felt::one()])),
                buses::MEMORY => {
                    let uses = Felt::from((row % 4) as u64);
                    assert_eq!((multiplicity, tuple), (uses, vec![at, memory[*address as usize]]), "{range}");
                }
                other => {
                    assert_eq!((other, multiplicity), (bus, -Felt::one()));
                    let limb = encoding::to_u64(&tuple[0]).unwrap();
                    assert_eq!(limb >> range.bits(), 0, "{range}: {}", interaction.name);
                    *required.entry(limb).or_default() += 1;
                }
            }
        }
    }
    let uses = multiplicities.uses(&TableKind::Limb(range.limb()));
    for (limb, uses) in (0..).zip(uses) {
        assert_eq!(uses, Felt::from(required.get(&limb).copied().unwrap_or(0)), "{range}: {limb}");
    }
}

/// A second table goes on where the first one is full.
#[test]
fn uses_of_two_tables() {
    let height = 1 << MIN_LOG_HEIGHT;
    let values: Vec<u128> = (0..height as u128 + 20).collect();
    let (memory, segment) = memory(&values);
    let multiplicities = Multiplicities::new(memory.len());
    let addresses: Vec<u32> = (segment.base..segment.stop).collect();
    for address in &addresses {
        multiplicities.memory(*address, 3 * address + 1).unwrap();
    }
    let range = Range::new(8, 8, 0).unwrap();
    for first in [0, height] {
        let rest = &addresses[first..];
        let mut trace = fill(&memory, &range, rest, MIN_LOG_HEIGHT, &multiplicities, &NoControl).unwrap();
        set_uses(&mut trace, rest, &multiplicities);
        for row in 0..height {
            let used = rest.get(row);
            let address = u64::from(*used.unwrap_or(&rest[0]));
            let expected = [u64::from(used.is_some()), address, 3 * address + 1, address - 5].map(Felt::from);
            let found: Vec<Felt> = trace.iter().map(|column| column[row]).collect();
            assert_eq!(found, expected, "row {row} from {first}");
        }
    }
    let mut nothing = Trace::new();
    set_uses(&mut nothing, &addresses, &multiplicities);
    assert!(nothing.is_empty());
}
