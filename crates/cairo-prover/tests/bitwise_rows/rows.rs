//! Single rows: each constraint and interaction, and limbs that are none.

use super::*;

/// Each prank overwrites a cell of an honest table, and the debug checker reports the constraint or interaction by name.
#[test]
fn pranks() {
    for (bits, owned) in FORMS {
        let mut forger = Forger(edges(bits, owned));
        forger.count_all();
        forger.reclaim().unwrap();
        forger.balance();
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{clean}");
        for (position, row) in forger.tables() {
            let mut done = BTreeSet::new();
            let mut rows = [0, 63].map(|at| (at, Alone::new(&forger.0, position, at)));
            let all = rows[0].1.names();
            let mut expect = |what: &str, column: usize, at: usize, value: &dyn Fn(Felt) -> Felt| {
                let (_, alone) = rows.iter_mut().find(|(found, _)| *found == at).unwrap();
                let (named, report) = alone.breaks(what, column, value);
                assert!(named, "{row}: `{what}` is not reported:\n{report}");
                done.insert(what.to_owned());
            };
            for enabler in [small(2), -Felt::one(), small(2).inv().unwrap()] {
                expect("boolean_enabler", BitwiseRow::ENABLER, 0, &|_| enabler);
                expect("boolean_enabler", BitwiseRow::ENABLER, 63, &|_| enabler);
            }
            for name in ["visits", "visited"] {
                expect(name, BitwiseRow::ADDRESS, 0, &|address| address + Felt::one());
                expect(name, BitwiseRow::ENABLER, 63, &|_| Felt::one());
            }
            for i in 0..row.limbs() {
                for word in 0..3 {
                    let column = Forger::limb(&row, word, i);
                    expect(&format!("limbs[{i}]"), column, 0, &|limb| limb + two(u64::from(bits)));
                    expect(&format!("limbs[{i}]"), column, 0, &|limb| limb + small(2).inv().unwrap());
                }
            }
            if let Some(excess) = row.excess() {
                for word in 0..3 {
                    expect("top", Forger::limb(&row, word, row.limbs() - 1), 0, &|limb| {
                        limb + two(u64::from(bits) - u64::from(excess))
                    });
                }
            }
            for (name, word) in [("cell_x", 0), ("cell_y", 1), ("cell_and", 2), ("cell_xor", 2), ("cell_or", 0)] {
                expect(name, Forger::limb(&row, word, 0), 0, &|limb| limb + Felt::one());
            }
            assert_eq!(all, done, "{row}");
        }
    }
}

/// The pairs of bytes: bits that are none, a conjunction of others, and a count.
#[test]
fn pranks_of_bytes() {
    let honest = edges(8, true);
    let position = honest.layout.tables.iter().position(|entry| entry.kind == TableKind::ByteAnd).unwrap();
    let mut done = BTreeSet::new();
    let changes = [("boolean_a", 0, small(2)), ("boolean_b", 1, -small(1)), ("conjunction", 2, small(1))];
    for (what, column, value) in changes {
        let mut witness = honest.clone();
        witness.traces[position][column][0] = value;
        assert!(report(&witness).has_constraint("byte_and", what), "{what}");
        done.insert(what.to_owned());
    }
    for counter in 0..16 {
        let mut witness = honest.clone();
        witness.traces[position][3 + counter][77] += Felt::one();
        let name = format!("triple[{counter}]");
        let report = report(&witness);
        let party = format!("byte_and/{name}");
        let mut parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
        assert!(parties.any(|(found, ..)| *found == party), "{name}: {report}");
        done.insert(name);
    }
    let air = byte_and::air().unwrap();
    let constraints = air.constraints().iter().map(|constraint| constraint.name.clone());
    let all: BTreeSet<String> = constraints.chain(air.interactions().iter().map(|term| term.name.clone())).collect();
    assert_eq!(all, done);
}

/// A forger of the run whose results nobody reads: the rows of its second instance, of the largest size.
fn unread(bits: u8) -> (Forger, usize, BitwiseRow) {
    let run = execution("cairo0/bitwise_unread", None);
    let forger = Forger(witness_with(&run, classes(&run, bits, 1, true), [7; 32]));
    let (position, row) = *forger.tables().last().unwrap();
    assert!(row.excess().is_some());
    (forger, position, row)
}

/// The conjunction's limbs are other bytes, one or several together so that the word stays the same; everything else fits.
#[test]
fn other_conjunctions() {
    for bits in [4, 8] {
        let radix = two(u64::from(bits));
        for (changes, names) in [
            (vec![(0, Felt::one())], vec!["limbs[0]"]),
            (vec![(3, -Felt::one())], vec!["limbs[3]"]),
            (vec![(5, radix), (6, -Felt::one())], vec!["limbs[5]", "limbs[6]"]),
            (vec![(2, small(2).inv().unwrap())], vec!["limbs[2]"]),
        ] {
            let (mut forger, position, row) = unread(bits);
            for (limb, change) in changes {
                forger.0.traces[position][Forger::limb(&row, 2, limb)][0] += change;
            }
            forger.refused_but_for(&missing(&names));
        }
    }
}

/// Inputs whose limbs are those of x + p, which is the same element: only the top limbs' second lookup tells.
#[test]
fn bits_of_another_representative() {
    for bits in [4_u8, 8] {
        let run = execution("cairo0/bitwise_unread", None);
        let mut forger =
            Forger(witness_with(&run, classes(&run, bits, if bits == 4 { 63 } else { 32 }, true), [7; 32]));
        let (position, row) = forger.tables()[0];
        // 5 + p has 252 bits: with nibbles there are 63, which hold it, with bytes 32.
        let p = -Felt::one();
        let sum = encoding::canonical_limbs(&p);
        let mut limbs = sum;
        limbs[0] += 1 + 5;
        let limb = |i: usize| limbs[usize::from(bits) * i / 64] >> (usize::from(bits) * i % 64) & ((1 << bits) - 1);
        let mut word = Felt::zero();
        for i in (0..row.limbs()).rev() {
            word = word * two(u64::from(bits)) + small(limb(i));
            forger.0.traces[position][Forger::limb(&row, 0, i)][0] = small(limb(i));
            // y is 3.
            let and = if i == 0 { limb(0) & 3 } else { 0 };
            forger.0.traces[position][Forger::limb(&row, 2, i)][0] = small(and);
        }
        assert_eq!(word, small(5));
        forger.refused_but_for(&missing(&["top"]));
    }
}

/// Top limbs that are small enough times a power of two, but no integers.
#[test]
fn fractions_in_the_top_limb() {
    for bits in [4, 8] {
        let (mut forger, position, row) = unread(bits);
        let fraction = two(u64::from(row.excess().unwrap())).inv().unwrap();
        let top = row.limbs() - 1;
        let column = Forger::limb(&row, 2, top);
        forger.0.traces[position][column][0] += fraction;
        let name = format!("limbs[{top}]");
        forger.refused_but_for(&missing(&[&name, "top"]));
    }
}

/// The table of bytes says of half integers what their conjunction were.
#[test]
fn halves_in_the_table_of_bytes() {
    for (name, change) in
        [("boolean_a", [(0, small(2).inv().unwrap())].to_vec()), ("conjunction", vec![(2, Felt::one())])]
    {
        let run = execution("cairo0/bitwise_unread", None);
        let mut forger = Forger(witness_with(&run, classes(&run, 8, 1, true), [7; 32]));
        let position = forger.0.layout.tables.iter().position(|entry| entry.kind == TableKind::ByteAnd).unwrap();
        for (column, value) in change {
            // A row that nobody needs.
            forger.0.traces[position][column][5] = value;
        }
        forger.refused_but_for(&missing(&if name == "boolean_a" {
            vec!["boolean_a", "conjunction"]
        } else {
            vec![name]
        }));
    }
}
