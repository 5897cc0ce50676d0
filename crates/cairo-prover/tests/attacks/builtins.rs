//! Cells of builtins that hold what they must not.

use super::*;

/// A cell of the range_check segment holds 2^128 or more, with every use of it changed and the excess in the last limb; or
/// the table's address skips the cell.
#[test]
fn range_check_of_too_much() {
    let Segment { base, stop } = Forger::new(honest()).range_check();
    for (witness, address) in [honest(), honest12()].into_iter().flat_map(|w| (base..stop).map(move |at| (w, at))) {
        let address = u64::from(address);
        for value in [small(2).pow(128_u64), small(2).pow(128_u64) + small(7), -small(1)] {
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            forger.refused();

            // Only the memory and its uses: the table looks at a neighbour instead.
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            let neighbour = if address == u64::from(base) { address + 1 } else { address - 1 };
            let kind = forger.checked();
            let addresses = forger.column(&kind, "address").clone();
            for (row, _) in addresses.iter().enumerate().filter(|(_, at)| **at == small(address)) {
                forger.column(&kind, "address")[row] = small(neighbour);
                forger.set_limbs(row, Forger::new(witness).memory(neighbour));
            }
            forger.refused();
        }
    }
}

/// Another size of bitwise table in the layout than the one that was filled.
#[test]
fn bitwise_of_another_size() {
    for other in [
        TableKind::Bitwise(BitwiseSize::Bits32),
        TableKind::Bitwise(BitwiseSize::Bits64),
        TableKind::Bitwise(BitwiseSize::Bits128),
        TableKind::Bitwise(BitwiseSize::Any),
    ] {
        let mut forger = Forger::new(honest());
        let position = forger.position(&TableKind::Bitwise(BitwiseSize::Bits16));
        forger.0.layout.tables[position].kind = other;
        let proof = forger.proof().encode();
        let result = verify(&forger.0.statement, &proof, &policy());
        assert!(result.is_err(), "{result:?}");
    }
}

/// A program that asserts of a constant that it is in range, with another constant: everything fits but its limbs.
#[test]
fn range_check_of_a_constant() {
    let witness = generic_witness(execution("cairo0/range_check_one", None));
    for witness in [with_12_bit_limbs(&witness), witness] {
        let claimed = |value: Felt| {
            let mut forger = Forger::new(&witness);
            for address in 1..u64::from(forger.range_check().stop) {
                if forger.memory(address) == small(77) {
                    forger.set_memory(address, value);
                }
            }
            let Witness { statement, claim, .. } = &mut forger.0;
            let program = &statement.program;
            let words = program.bytecode().iter().map(|word| if *word == small(77) { value } else { *word }).collect();
            statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
            claim.runs[0].output = vec![value];
            forger.solve_res();
            forger.try_it().map(|verified| verified.runs[0].output.clone())
        };
        let two = |bits: u64| small(2).pow(bits);
        for value in [small(0), small(78), two(120) - small(1), two(120), two(127), two(128) - small(1)] {
            assert_eq!(claimed(value), Ok(vec![value]));
        }
        for value in [two(128), two(128) + small(1), two(129), two(132) - small(1), two(132), -small(1), -two(128)] {
            assert_eq!(claimed(value), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        }
    }
}
