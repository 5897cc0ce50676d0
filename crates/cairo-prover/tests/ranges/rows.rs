//! Single rows: each constraint, and limbs that are too large.

use super::*;

/// The forger's tools make a good proof of a true claim, whatever the ranges: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    let verified = Forger(marked().clone()).try_it().unwrap();
    assert_eq!(verified.runs[0].output, [6, 14].map(|k| wide(marks()[k])));
    let (values, ranges) = mixed();
    let verified = in_tables(values, ranges).try_it().unwrap();
    assert_eq!(verified.runs[0].output, [6, 14].map(|k| wide(values[k])));
    for range in all_ranges().into_iter().filter(|range| range.contains(marks()[14])) {
        let mut forger = Forger::with(2, small(0));
        let zero = row(range, forger.address(2), small(0));
        forger.add_marks(range, Some(zero));
        assert!(forger.try_it().is_ok(), "{range}");
    }
}

/// Each prank overwrites cells of an honest range table, and the debug checker reports the constraint or interaction by name.
#[test]
fn pranks() {
    for range in all_ranges() {
        let others = self::range(8, 128, 0);
        let mut forger = Forger::with(2, wide(range.offset()));
        let [honest, offset] = [wide(range.offset()) + Felt::one(), wide(range.offset())];
        let mut values = marks().map(wide);
        (values[2], values[3]) = (offset, honest);
        forger.0 = Forger::new(&values).0;
        let mut rows: Vec<Row> = (0..CELLS).map(|k| row(others, forger.address(k), values[k])).collect();
        let rows_in_range: Vec<Row> = [2, 3].map(|k| row(range, forger.address(k), values[k])).into();
        rows.drain(2..4);
        forger.add_range(others, &rows);
        forger.add_range(range, &rows_in_range);
        forger.reclaim().unwrap();
        forger.balance();
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{range}: {clean}");

        let kind = TableKind::Range(range);
        let position = forger.0.layout.tables.iter().rposition(|entry| entry.kind == kind).unwrap();
        let mut done = BTreeSet::new();
        let mut rows = [0, 1, 63].map(|at| (at, Alone::new(&forger.0, position, at)));
        let all = rows[0].1.names();
        let mut expect = |what: &str, column: usize, row: usize, value: &dyn Fn(Felt) -> Felt| {
            let (_, alone) = rows.iter_mut().find(|(found, _)| *found == row).unwrap();
            let (named, report) = alone.breaks(what, column, value);
            assert!(named, "{range}: `{what}` is not reported:\n{report}");
            done.insert(what.to_owned());
        };
        for enabler in [small(2), -Felt::one(), small(2).inv().unwrap()] {
            expect("boolean_enabler", Range::ENABLER, 0, &|_| enabler);
            expect("boolean_enabler", Range::ENABLER, 63, &|_| enabler);
        }
        // A cell skipped, one outside the segment, one out of padding.
        for name in ["checks", "checked"] {
            expect(name, Range::ADDRESS, 0, &|address| address + Felt::one());
            expect(name, Range::ADDRESS, 1, &|address| address + small(100));
            expect(name, Range::ENABLER, 63, &|_| Felt::one());
        }
        expect("checked", Range::ENABLER, 1, &|_| Felt::zero());
        expect("cell", Range::USES, 1, &|uses| uses + Felt::one());
        expect("cell", Range::ADDRESS, 1, &|address| address - Felt::one());
        for i in 0..range.limbs() {
            expect("cell", Range::LIMBS + i, 0, &|limb| limb + Felt::one());
            expect(&format!("limb[{i}]"), Range::LIMBS + i, 0, &|_| two(u64::from(range.bits())));
            expect(&format!("limb[{i}]"), Range::LIMBS + i, 1, &|_| -Felt::one());
        }
        if let Some(excess) = range.excess() {
            expect("top", Range::LIMBS + range.limbs() - 1, 0, &|_| two(u64::from(range.bits() - excess)));
        }
        assert_eq!(all, done, "{range}");
    }
}

/// Which lookups of limbs this row fails.
pub fn failing(range: Range, row: &Row) -> Vec<String> {
    let is_limb = |limb: Felt| encoding::to_u64(&limb).is_some_and(|limb| limb >> range.bits() == 0);
    let limbs = row.limbs.iter().enumerate().filter(|(_, limb)| !is_limb(**limb));
    let mut failing: Vec<String> = limbs.map(|(i, _)| format!("limb[{i}]")).collect();
    if let (Some(excess), Some(top)) = (range.excess(), row.limbs.last())
        && !is_limb(*top * two(u64::from(excess)))
    {
        failing.push("top".into());
    }
    failing
}

/// A checked value outside the range whose limbs make it up.
pub fn limbs_are_refused(range: Range, forged: impl Fn(u32) -> Row, value: Felt) -> Vec<String> {
    let k = CELLS - 1;
    let mut forger = Forger::with(k, value);
    let others = self::range(8, 128, 0);
    let row = forged(forger.address(k));
    let failing = failing(range, &row);
    forger.add_other_marks(others, k);
    forger.add_range(range, &[row]);
    let names: Vec<&str> = failing.iter().map(String::as_str).collect();
    assert_eq!(forger.0.claim.runs[0].output[1], value);
    forger.clone().refused_but_for(&missing(&names));
    // All of them are needed.
    for one in 0..if names.len() > 1 { names.len() } else { 0 } {
        let mut fewer = names.clone();
        fewer.remove(one);
        let mut forger = forger.clone();
        forger.reclaim().unwrap();
        forger.balance();
        let report = report(&forger.0);
        let party = format!("{range}/{}", names[one]);
        let mut parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
        assert!(parties.any(|(name, ..)| *name == party), "{range}: {party}: {report}");
    }
    failing
}

/// Values of 2^128 and more, the excess in any one of the limbs.
#[test]
fn too_much_in_a_limb() {
    for range in all_ranges() {
        for limb in 0..range.limbs() {
            let value = [two(128), -Felt::one()][limb % 2];
            let failing = limbs_are_refused(range, |address| row_of_one_limb(range, address, value, limb), value);
            let is_top = limb + 1 == range.limbs();
            assert!(failing.iter().all(|name| *name == format!("limb[{limb}]") || is_top && name == "top"));
            assert!(!failing.is_empty(), "{range}");
        }
        for value in [two(128), two(128) + small(7), two(132), -Felt::one()] {
            let failing = limbs_are_refused(range, |address| row(range, address, value), value);
            assert!(!failing.is_empty(), "{range}");
        }
    }
}

/// Top limbs that are limbs but have too many bits, or that have few enough times a power of two but are no limbs.
#[test]
fn too_much_in_the_top_limb() {
    let check = |range: Range, low: u64, top: Felt, value: Felt, expected: &str| {
        let forged = |address| {
            let mut limbs = vec![small(low); range.limbs()];
            *limbs.last_mut().unwrap() = top;
            Row { enabler: Felt::one(), address, limbs }
        };
        assert_eq!(limbs_are_refused(range, forged, value), [expected], "{range}");
    };
    let sixteenth = small(16).inv().unwrap();
    check(range(12, 128, 0), 0, small(0x100), two(128), "top");
    check(range(12, 128, 0), 0xfff, small(0x100), two(128) + two(120) - small(1), "top");
    check(range(12, 128, 0), 0xfff, small(0xfff), two(132) - small(1), "top");
    check(range(12, 128, 0), 0xfff, small(0xfff) * sixteenth, two(128) + two(120) - two(116) - small(1), "limb[10]");
    check(high(8, 4), 0, small(16), two(128), "top");
    check(high(8, 4), 0, small(255), two(128) + small(239), "top");
    check(high(8, 4), 0, sixteenth, two(128) - small(16) + sixteenth, "limb[0]");
    check(high(8, 1), 0, small(2), two(128), "top");
    check(high(12, 40), 0, small(16), two(128), "top");
    check(high(16, 120), 0, small(0x100), two(128), "top");
    // The greatest that there could be without that lookup: far below p, so it is no small number either.
    let all = two(128) - two(120) + two(128) - small(1);
    check(high(16, 120), 0xffff, small(0xffff), all, "top");
}
