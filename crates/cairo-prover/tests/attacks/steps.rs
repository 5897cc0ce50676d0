//! Runs that are shorter or longer than they say, or leave their walk.

use super::*;

/// A step left out, with all later clocks moved; and only the number changed.
#[test]
fn fewer_steps() {
    let steps = honest().claim.runs[0].n_steps;
    for skipped in 0..steps {
        let mut forger = Forger::new(honest());
        forger.0.claim.runs[0].n_steps -= 1;
        let clocks = forger.column(&TableKind::Generic, "clock").clone();
        for (row, clock) in clocks.iter().enumerate().take(steps as usize) {
            let clock = encoding::to_u64(clock).unwrap();
            if clock == skipped {
                forger.column(&TableKind::Generic, "enabler")[row] = Felt::zero();
            } else if clock > skipped {
                forger.column(&TableKind::Generic, "clock")[row] = small(clock - 1);
            }
        }
        forger.refused();
    }
    for n_steps in [1, steps - 1, steps + 1] {
        let mut forger = Forger::new(honest());
        forger.0.claim.runs[0].n_steps = n_steps;
        forger.refused();
    }
}

/// Lets the generic table execute the closing `jmp rel 0` once more, to claim a step too many.
pub fn execute_the_end(forger: &mut Forger) {
    let n_steps = forger.0.claim.runs[0].n_steps as usize;
    let (end, next, word) = (small(5), small(6), small(5));
    let ap = small(u64::from(forger.0.claim.runs[0].final_ap));
    let fp = small(u64::from(forger.0.statement.program.initial_ap()));
    let flags = [2, 8];
    let mut row: Vec<(String, Felt)> = (0..15)
        .map(|flag| (format!("flag[{flag}]"), small(u64::from(flags.contains(&flag)))))
        .chain([("offset[0]".into(), -small(1)), ("offset[1]".into(), -small(1)), ("offset[2]".into(), small(1))])
        .collect();
    let cells = [("enabler", small(1)), ("pc", end), ("ap", ap), ("fp", fp), ("clock", small(n_steps as u64))];
    let operands = [("dst_address", ap - small(1)), ("op0_address", ap - small(1)), ("op1_address", next)];
    let values = [("op1", small(0)), ("res", small(0)), ("next_pc", word), ("next_ap", ap), ("next_fp", fp)];
    let others = [("immediate", small(0)), ("dst", small(0)), ("op0", small(0)), ("jumps", small(0))];
    let cells = cells.into_iter().chain(operands).chain(values).chain(others);
    row.extend(cells.map(|(name, value)| (name.to_owned(), value)));
    // The header has `jmp rel 0` with offsets −1, −1, 1; dst is read from fp.
    let (dst_fp, op0_fp) = (forger.memory(5), small(0x0107_8001_7fff_7fff));
    assert_eq!(dst_fp, op0_fp);
    for (flag, address) in [(0, "dst_address"), (1, "op0_address")] {
        row.push((format!("flag[{flag}]"), small(1)));
        row.push((address.to_owned(), fp - small(1)));
    }
    for (name, value) in row {
        forger.column(&TableKind::Generic, &name)[n_steps] = value;
    }
    forger.0.claim.runs[0].n_steps += 1;
}

/// Where instructions are counted in the claim: nothing provides the one at the end, and it may not be listed.
#[test]
fn steps_after_the_end_of_a_listed_run() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let execution = execution("cairo0/args3", Some(arguments));
    let steps = all_generic(&execution);
    let listed = witness(execution, [7; 32], steps, MAX_FETCHES, &NoControl).unwrap();
    let mut forger = Forger::new(&listed);
    execute_the_end(&mut forger);
    forger.reclaim();
    forger.balance();
    let report = common::report(&forger.0);
    // The row itself is one of the machine; only its instruction is nowhere to be had.
    assert!(report.constraints.is_empty() && !report.imbalances.is_empty(), "{report}");
    let mut listing = Forger::new(&forger.0);
    assert!(matches!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum))));
    let fetches = &mut listing.0.claim.fetches;
    let position = fetches.partition_point(|fetch| fetch.pc < 5);
    fetches.insert(position, Fetch { pc: 5, count: 1 });
    listing.reclaim();
    assert!(matches!(listing.try_it(), Err(VerifyError::Claim(ClaimError::Fetches(FetchError::Final(5))))));
}

/// The closing `jmp rel 0` executed once more where there is an instruction table.
#[test]
fn steps_after_the_end() {
    let mut forger = Forger::new(honest());
    execute_the_end(&mut forger);
    let end = small(5);
    // The instruction table has no row for it; give it one, in padding, with the best `not_final` that there is.
    let rows = forger.column(&TableKind::Instruction, "pc").len();
    let flags = [0, 1, 2, 8];
    for flag in 0..15 {
        let bit = small(u64::from(flags.contains(&flag)));
        forger.column(&TableKind::Instruction, &format!("flag[{flag}]"))[rows - 1] = bit;
    }
    for (column, value) in [("pc", end), ("immediate", small(0)), ("not_final", small(0))] {
        forger.column(&TableKind::Instruction, column)[rows - 1] = value;
    }
    for (offset, (low, high)) in [(0xff, 0x7f), (0xff, 0x7f), (0x01, 0x80)].into_iter().enumerate() {
        forger.column(&TableKind::Instruction, &format!("offset_low[{offset}]"))[rows - 1] = small(low);
        forger.column(&TableKind::Instruction, &format!("offset_high[{offset}]"))[rows - 1] = small(high);
    }
    forger.reclaim();
    forger.balance();
    // Nothing but the constraint that keeps the end out of the table is broken.
    let report = common::report(&forger.0);
    assert!(report.has_constraint("instruction", "not_final"), "{report}");
    assert!(report.imbalances.is_empty(), "{report}");
    forger.refused();
}

/// A state that comes back: the first step twice, the second time out of padding; and a step that undoes the first.
#[test]
fn steps_off_the_walk() {
    let n_steps = honest().claim.runs[0].n_steps as usize;
    let mut forger = Forger::new(honest());
    forger.column(&TableKind::Generic, "enabler")[n_steps] = small(1);
    forger.refused();
    let mut forger = Forger::new(honest());
    for (row, enabler) in [(n_steps, small(1)), (n_steps + 1, -small(1))] {
        forger.column(&TableKind::Generic, "enabler")[row] = enabler;
    }
    forger.refused();
}
