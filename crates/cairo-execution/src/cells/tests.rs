#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::ExecutionError as E;
use felt::encoding;

fn two(bits: u64) -> Felt {
    Felt::from(2_u64).pow(bits)
}

#[test]
fn range_check_at_its_edges() {
    let checked = |value: Felt| range_check(&[Felt::zero(), value], 1);
    for bits in [0, 1, 48, 49, 50, 63, 64, 65, 127] {
        assert_eq!(checked(two(bits)), Ok(1 << bits), "2^{bits}");
        assert_eq!(checked(two(bits) - Felt::one()), Ok((1 << bits) - 1), "2^{bits} - 1");
    }
    assert_eq!(checked(two(128) - Felt::one()), Ok(u128::MAX));
    for value in [two(128), two(128) + Felt::one(), two(192), two(250), -Felt::one(), -two(48), -two(49), -two(128)] {
        assert_eq!(checked(value), Err(E::RangeCheck { address: 1, found: encoding::to_hex(&value) }));
    }
    for address in [0, 2, u32::MAX] {
        let none = E::BuiltinCell { builtin: Builtin::RangeCheck, address };
        assert_eq!(range_check(&[Felt::zero(), Felt::one()], address), Err(none));
    }
}

/// An instance at address 2, with its results.
fn instance(x: Felt, y: Felt) -> Vec<Felt> {
    let [a, b] = [x, y].map(|value| encoding::canonical_limbs(&value));
    let word = |operation: fn(u64, u64) -> u64| {
        encoding::from_canonical_limbs(std::array::from_fn(|i| operation(a[i], b[i]))).unwrap()
    };
    vec![Felt::zero(), Felt::one(), x, y, word(|a, b| a & b), word(|a, b| a ^ b), word(|a, b| a | b)]
}

#[test]
fn bitwise_results() {
    let numbers =
        [Felt::zero(), Felt::one(), two(64) - Felt::one(), two(192) + two(63), two(250), two(251) - Felt::one()];
    for (x, y) in numbers.into_iter().flat_map(|x| numbers.map(|y| (x, y))) {
        let memory = instance(x, y);
        assert_eq!(bitwise(&memory, 2), Ok([x, y].map(|value| encoding::canonical_limbs(&value))));
        for (at, operation) in (4..).zip(["and", "xor", "or"]) {
            for change in [Felt::one(), -Felt::one(), two(250), two(128)] {
                let mut memory = memory.clone();
                memory[at] += change;
                let refused = bitwise(&memory, 2);
                let is_it = |error: &E| matches!(error, E::BitwiseResult { operation: of, address, .. } if *of == operation && *address as usize == at);
                assert!(matches!(&refused, Err(error) if is_it(error)), "{refused:?}");
            }
        }
    }
}

#[test]
fn bitwise_inputs_at_their_edges() {
    // 2^251 is below p, and so are words from there on that are no inputs.
    for value in [two(251), two(251) + Felt::one(), -Felt::one(), -two(49)] {
        for at in [2, 3] {
            let mut memory = instance(Felt::zero(), Felt::zero());
            memory[at] = value;
            let refused = E::BitwiseInput { address: at as u32, found: encoding::to_hex(&value) };
            assert_eq!(bitwise(&memory, 2), Err(refused));
        }
    }
    let memory = instance(Felt::one(), Felt::one());
    for (from, missing) in [(0, 0), (3, 7), (6, 7), (u32::MAX, u32::MAX)] {
        let none = Err(E::BuiltinCell { builtin: Builtin::Bitwise, address: missing });
        let found = bitwise(&memory, from);
        assert!(found == none || from == 3 && found.is_err(), "{found:?}");
    }
    for cells in 2..7 {
        let none = E::BuiltinCell { builtin: Builtin::Bitwise, address: cells };
        assert_eq!(bitwise(&memory[..cells as usize], 2), Err(none));
    }
}

/// Whatever stands in memory, a segment without instances holds nothing that is wrong; one with instances beyond memory does, in each builtin.
#[test]
fn segments_without_instances_hold_nothing() {
    for builtin in Builtin::ALL.into_iter().filter(|builtin| *builtin != Builtin::Output) {
        let mut execution = crate::fixture::cairo0();
        let end = execution.memory.len() as u32;
        for base in [1, 20, end, u32::MAX] {
            let _ = execution.segments.insert(builtin, crate::Segment { base, stop: base });
            assert_eq!(check(&execution.run()), Ok(()), "{builtin}");
        }
        let stop = end + builtin.cells_per_instance();
        let _ = execution.segments.insert(builtin, crate::Segment { base: end, stop });
        assert!(check(&execution.run()).is_err(), "{builtin}");
    }
}

#[test]
fn range_check96_at_its_edges() {
    let checked = |value: Felt| range_check96(&[Felt::zero(), value], 1);
    for bits in [0, 1, 48, 49, 63, 64, 65, 95] {
        assert_eq!(checked(two(bits)), Ok(1 << bits), "2^{bits}");
        assert_eq!(checked(two(bits) - Felt::one()), Ok((1 << bits) - 1), "2^{bits} - 1");
    }
    assert_eq!(checked(two(96) - Felt::one()), Ok((1 << 96) - 1));
    for value in [two(96), two(96) + Felt::one(), two(127), two(128), two(250), -Felt::one(), -two(49)] {
        assert_eq!(checked(value), Err(E::RangeCheck96 { address: 1, found: encoding::to_hex(&value) }));
    }
}

/// `P + 1·Q`, and everything beside it.
#[test]
fn ec_op_results() {
    let mut points = (1_u64..).filter_map(|x| Point::with_x(Felt::from(x)));
    let (p, q) = (points.next().unwrap(), points.next().unwrap());
    let r = p.add(&q).unwrap();
    let checked = |cells: [Felt; 7]| {
        let mut execution = crate::fixture::cairo0();
        execution.memory = [&[Felt::zero(), Felt::zero()][..], &cells].concat();
        execution.segments = [(Builtin::EcOp, Segment { base: 2, stop: 9 })].into();
        check(&execution.run())
    };
    let honest = [p.x, p.y, q.x, q.y, Felt::one(), r.x, r.y];
    assert_eq!(checked(honest), Ok(()));
    for at in 0..7 {
        let mut cells = honest;
        cells[at] += Felt::one();
        let refused = checked(cells).unwrap_err();
        match (at, &refused) {
            (0 | 1, E::NotOnCurve { address: 2, .. }) | (2 | 3, E::NotOnCurve { address: 4, .. }) => {}
            (4 | 5, E::BuiltinResult { address: 7, .. }) | (6, E::BuiltinResult { address: 8, .. }) => {}
            _ => panic!("cell {at}: {refused}"),
        }
    }
    // P = −Q has no sum.
    assert_eq!(checked([q.x, -q.y, q.x, q.y, Felt::one(), r.x, r.y]), Err(E::EcOpInfinity { address: 2 }));
}

/// An instance at address 1: each output is the permutation's, and any other is refused where it stands.
#[test]
fn poseidon_results() {
    let numbers = [Felt::zero(), Felt::one(), two(250), -Felt::one()];
    for (a, b) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
        let mut state = [a, b, a + b];
        let inputs = state;
        felt::poseidon::permute(&mut state);
        let memory: Vec<Felt> = [Felt::zero()].into_iter().chain(inputs).chain(state).collect();
        assert_eq!(poseidon(&memory, 1).map(|(_, outputs)| outputs), Ok(state));
        for at in 4..7 {
            for change in [Felt::one(), -Felt::one(), two(128)] {
                let mut memory = memory.clone();
                memory[at] += change;
                let (found, expected) = (encoding::to_hex(&memory[at]), encoding::to_hex(&state[at - 4]));
                let refused = E::BuiltinResult { builtin: Builtin::Poseidon, address: at as u32, found, expected };
                assert_eq!(poseidon(&memory, 1).map(|_| ()), Err(refused));
            }
        }
        for cells in 1..7 {
            let none = E::BuiltinCell { builtin: Builtin::Poseidon, address: cells };
            assert_eq!(poseidon(&memory[..cells as usize], 1).map(|_| ()), Err(none));
        }
    }
}

/// An instance at address 1: inputs below `2^200` and the permutation's outputs, and any others are refused where they stand.
#[test]
fn keccak_results() {
    let bound = two(200);
    for word in [Felt::zero(), Felt::one(), bound - Felt::one()] {
        let inputs = [word; 8];
        let state = cairo_air::keccak::unpack(&inputs).expect("words of 200 bits");
        let outputs = cairo_air::keccak::pack(&cairo_air::keccak::permute(state));
        let memory: Vec<Felt> = [Felt::zero()].into_iter().chain(inputs).chain(outputs).collect();
        assert_eq!(keccak(&memory, 1), Ok(state));
        for at in 1..17 {
            for value in [bound, -Felt::one()] {
                let mut memory = memory.clone();
                memory[at] = value;
                let (address, found) = (at as u32, encoding::to_hex(&value));
                let refused = match at {
                    1..9 => E::KeccakInput { address, found },
                    _ => {
                        let expected = encoding::to_hex(&outputs[at - 9]);
                        E::BuiltinResult { builtin: Builtin::Keccak, address, found, expected }
                    }
                };
                assert_eq!(keccak(&memory, 1), Err(refused));
            }
        }
        for cells in 1..17 {
            let none = E::BuiltinCell { builtin: Builtin::Keccak, address: cells };
            assert_eq!(keccak(&memory[..cells as usize], 1), Err(none));
        }
    }
}
