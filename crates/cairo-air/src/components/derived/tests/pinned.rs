//! Tables of known programs, with their widths, and paths that are refused.

use super::program;
use crate::components::derived::{DerivedError, Linear, MAX_OWNED, MAX_STEPS, OwningWord, Path, Source, Word};
use crate::decode::{DecodeError, Flags};
use crate::program::Program;
use felt::Felt;

fn path(pc: u32, steps: u32) -> Path {
    Path { pc, frame: None, steps, taken: Vec::new(), targets: Vec::new(), returns: Vec::new(), owned: Vec::new() }
}

/// The loop of the `fib` fixture at pc 7: `jmp rel 4 if [fp − 3] != 0; …; call rel −8; ret`.
fn fib() -> Vec<Felt> {
    let minus = |value: u64| -Felt::from(value);
    let word = Felt::from;
    let mut words = vec![Felt::zero(); 6];
    words.extend([
        word(0x0207_8001_7fff_7ffd_u64),
        word(4_u64),
        word(0x480a_7ffb_7fff_8000_u64),
        word(0x208b_7fff_7fff_7ffe_u64),
    ]);
    words.extend([word(0x480a_7ffc_7fff_8000_u64), word(0x482a_7ffc_7ffb_8000_u64)]);
    words.extend([word(0x4826_8001_7ffd_8000_u64), minus(1), word(0x1104_8001_8001_8000_u64), minus(8)]);
    words.extend([word(0x208b_7fff_7fff_7ffe_u64), Felt::zero()]);
    words
}

#[test]
fn the_fibonacci_loop_is_narrow() -> Result<(), DerivedError> {
    let program = program(&fib());
    let mut once = path(7, 5);
    once.taken = vec![true];
    // enabler, fp, ap, clock, [fp − 3], [fp − 4], [fp − 5], inverse; 2 states and 8 cells.
    let size = once.size(&program)?;
    assert_eq!((size.columns, size.interactions), (8, 10));
    once.frame = Some(0);
    assert_eq!(once.size(&program)?.columns, 7);
    // A second round reads only cells that the first wrote: no column besides the shared inverse.
    let twice = Path { steps: 10, taken: vec![true; 2], ..once.clone() };
    let size = twice.size(&program)?;
    assert_eq!((size.columns, size.interactions), (7, 15));
    // Returns: one column for each frame; all targets but the last are asserted.
    let returns = Path { targets: vec![17, 17], ..path(17, 3) };
    let size = returns.size(&program)?;
    assert_eq!((size.columns, size.interactions), (4 + 3 + 1, 2 + 6));
    let closed = Path { targets: vec![17, 17, 17], ..path(17, 3) };
    assert_eq!(closed.size(&program)?.columns, 4 + 3);
    // With the distance to the caller's frame asserted there is no column, but for the last, which is open.
    let known = Path { returns: vec![4, 4], ..returns.clone() };
    assert_eq!((known.size(&program)?.columns, known.size(&program)?.interactions), (4 + 1 + 1, 2 + 6));
    let second = Path { returns: vec![0, 4], ..returns.clone() };
    assert_eq!(second.size(&program)?.columns, 4 + 2 + 1);
    let all = Path { returns: vec![4, 4, 4], ..closed };
    assert_eq!(all.size(&program)?.columns, 4);
    let found =
        Path::follow(&program, &[17, 17, 17], Vec::new(), None, |from, to| ((from, to) == (17, 17)).then_some(4))?;
    assert_eq!(found.path, known);
    let found = Path::follow(&program, &[17, 17, 17], Vec::new(), None, |_, _| None)?;
    assert_eq!(found.path, returns);
    let repeated = Path::follow_again(&program, &[17], &[], None, 3, |_, _| Some(4), |_| true);
    assert_eq!(repeated.last().map(|found| &found.path), Some(&known));
    let derived = once.derive(&program)?;
    assert_eq!((derived.rows.steps, derived.rows.lookups.len(), derived.rows.fetches), (5, 8, false));
    assert!(matches!(derived.rows.sources.last(), Some(Source::Inverse(factors)) if factors.len() == 1));
    Ok(())
}

#[test]
fn a_frame_pushed_on_the_path_returns_to_a_known_pc() -> Result<(), DerivedError> {
    // From the call: the callee's condition fails ([fp − 3] = 0 is asserted), it returns to 17, which returns.
    let program = program(&fib());
    let there = Path { taken: vec![false], ..path(15, 5) };
    let derived = there.derive(&program)?;
    assert_eq!(derived.rows.steps, 5);
    assert!(derived.rows.lookups.len() > 4);
    Ok(())
}

#[test]
fn malformed_paths_are_named() {
    let program = program(&fib());
    let error = |path: Path| path.derive(&program).map(|_| ()).unwrap_err();
    assert_eq!(error(path(7, 0)), DerivedError::Steps(0));
    assert_eq!(error(path(7, MAX_STEPS + 1)), DerivedError::Steps(MAX_STEPS + 1));
    assert_eq!(error(path(5, 1)), DerivedError::ExecutesEnd(5));
    assert_eq!(error(path(0, 1)), DerivedError::OutsideProgram { pc: "0".to_owned() });
    assert_eq!(error(path(u32::MAX, 1)), DerivedError::OutsideProgram { pc: u32::MAX.to_string() });
    assert_eq!(error(path(16, 1)), DerivedError::Instruction { pc: 16, error: DecodeError::NotAnInstruction });
    assert_eq!(error(path(7, 2)), DerivedError::MissingOutcome { pc: "7".to_owned() });
    assert_eq!(error(path(17, 2)), DerivedError::MissingTarget { pc: "17".to_owned() });
    let surplus = Path { taken: vec![true, true], targets: vec![7], ..path(7, 2) };
    assert_eq!(error(surplus), DerivedError::Unused { outcomes: 1, targets: 1, returns: 0 });
    let surplus = Path { targets: vec![17], returns: vec![4, 4, 4], ..path(17, 2) };
    assert_eq!(error(surplus), DerivedError::Unused { outcomes: 0, targets: 0, returns: 1 });
    // The first jump shows that [fp − 3] is not 0; the second goes on with the same cell.
    let jumps = Path { targets: vec![7], ..path(17, 2) };
    assert!(jumps.derive(&program).is_ok());
    let end = Path { targets: vec![5], ..path(17, 2) };
    assert_eq!(error(end), DerivedError::ExecutesEnd(5));
    let ends_there = Path { targets: vec![5], ..path(17, 1) };
    assert!(ends_there.derive(&program).is_ok());
}

#[test]
fn contradictions_are_named() {
    let mut words = vec![Felt::zero(); 6];
    // [ap] = 1, ap++; jmp rel 0 if [ap − 1] != 0, fixed not to jump.
    words.extend([0x4806_8001_7fff_8000_u64, 1, 0x0206_8001_7fff_7fff, 0].map(Felt::from));
    let program = program(&words);
    let not_taken = Path { taken: vec![false], ..path(7, 2) };
    assert_eq!(not_taken.derive(&program).map(|_| ()), Err(DerivedError::Contradiction { pc: "9".to_owned() }));
    let taken = Path { taken: vec![true], ..path(7, 2) };
    // Nothing is left to show: no inverse column.
    let columns = taken.size(&program).map(|size| size.columns);
    assert_eq!(columns, Ok(4));
}

/// A call pushes its frame where an earlier one on the path has pushed its own: only if it is the same does an execution follow.
#[test]
fn calls_push_what_the_path_has_pushed() {
    let ap_add = Felt::from(0x0407_8001_7fff_7fff_u64);
    let [call, jump] = [0x1104_8001_8001_8000_u64, 0x0107_8001_7fff_7fff].map(Felt::from);
    let minus = |value: u64| -Felt::from(value);
    let derive = |frame, words: &[Felt], steps| {
        let program = program(&[&[Felt::zero(); 6], words].concat());
        Path { frame: Some(frame), ..path(7, steps) }.derive(&program).map(|_| ())
    };
    // call rel 2; ap += -2; jmp rel -4: the same call again, so with the same return address.
    let again = [call, Felt::from(2_u64), ap_add, minus(2), jump, minus(4)];
    assert_eq!(derive(0, &again, 4), Err(DerivedError::Contradiction { pc: "7".to_owned() }));
    assert_eq!(derive(0, &again, 3), Ok(()));
    assert_eq!(derive(-2, &again, 4), Ok(()));
    // call rel 2; ap += -2; call rel 2: the same frame, but another return address.
    let other = [call, Felt::from(2_u64), ap_add, minus(2), call, Felt::from(2_u64), Felt::zero()];
    assert_eq!(derive(-2, &other, 3), Err(DerivedError::Contradiction { pc: "11".to_owned() }));
    assert_eq!(derive(-2, &other, 2), Ok(()));
}

/// What a path demands again is no further constraint.
#[test]
fn repeated_demands_are_one_constraint() -> Result<(), DerivedError> {
    // jmp rel 2 if [fp - 3] != 0; jmp rel 2 if [fp - 4] != 0; [fp - 3] = [fp - 4], twice.
    let mut words = vec![Felt::zero(); 6];
    words.extend([0x0207_8001_7fff_7ffd_u64, 2, 0x0207_8001_7fff_7ffc, 2].map(Felt::from));
    words.extend([Felt::from(0x400b_7ffc_7fff_7ffd_u64); 2]);
    words.extend([Felt::zero(); 2]);
    let program = program(&words);
    let constraints = |steps| {
        let path = Path { taken: vec![true; 2], ..path(7, steps) };
        path.derive(&program).map(|derived| derived.air.constraints().len())
    };
    let without = constraints(2)?;
    assert_eq!((constraints(3)?, constraints(4)?), (without + 1, without + 1));
    Ok(())
}

#[test]
fn owned_cells_are_those_that_ap_moves_over() {
    let program = program(&fib());
    let error = |path: Path| path.derive(&program).map(|_| ()).unwrap_err();
    let once = |owned: Vec<u8>| Path { taken: vec![true], owned, ..path(7, 5) };
    // Three cells and a call: ap moves by 5.
    let plain = once(Vec::new()).derive(&program).unwrap();
    let private = once(vec![0; 5]).derive(&program).unwrap();
    assert_eq!((plain.rows.lookups.len(), private.rows.lookups.len(), private.rows.owned.len()), (8, 3, 5));
    assert_eq!(private.air.width(), plain.air.width());
    let provided = once(vec![1, 0, 1, 2, 0]).derive(&program).unwrap();
    assert_eq!(provided.air.width(), plain.air.width() + 2);
    assert_eq!(provided.air.interactions().len(), plain.air.interactions().len() - 5 + 3 + 2);
    for owned in [1, 4, 6, 1024] {
        for uses in [0, 1] {
            let moves = "5".to_owned();
            assert_eq!(error(once(vec![uses; owned])), DerivedError::Owned { owned, moves });
        }
    }
    // Decoding refuses numbers out of order; so does whatever comes without.
    assert_eq!(error(once(vec![0, 2, 0, 0, 0])), DerivedError::Encoding("a column of no cell's uses"));
    assert_eq!(error(once(vec![1, 3, 0, 0, 0])), DerivedError::Encoding("a column of no cell's uses"));
    // A return leaves ap where it is: nothing to own.
    let back = Path { owned: vec![0], ..path(17, 1) };
    assert_eq!(error(back), DerivedError::Owned { owned: 1, moves: "0".to_owned() });
}

/// `ap` moved by immediates, back and forth, and by what a cell holds.
#[test]
fn owned_cells_are_counted() {
    let add = |distance: Felt| [Felt::from(0x0407_8001_7fff_7fff_u64), distance];
    let one = |distance: i64| {
        let mut words = vec![Felt::zero(); 6];
        let distance = Felt::from(distance.unsigned_abs()) * if distance < 0 { -Felt::one() } else { Felt::one() };
        words.extend(add(distance));
        program(&words)
    };
    let most = MAX_OWNED as usize;
    let step = |owned: Vec<u8>| Path { owned, ..path(7, 1) };
    let followed = |program: &Program| Path::follow(program, &[7], Vec::new(), None, |_, _| None).unwrap().cells;
    let largest = one(most as i64);
    assert_eq!(followed(&largest), vec![false; most]);
    let derived = step(vec![0; most]).derive(&largest).unwrap();
    assert_eq!((derived.rows.lookups.len(), derived.rows.owned.len(), derived.air.width()), (0, 0, 4));
    // A column for each cell that is provided: they do not all fit.
    assert_eq!(step(vec![1; most]).derive(&largest).map(|_| ()), Err(DerivedError::Columns));
    for distance in [most as i64 + 1, -1, -5, 0] {
        let program = one(distance);
        assert_eq!(followed(&program), Vec::<bool>::new());
        for owned in [1, 5, most, most + 1] {
            let error = step(vec![0; owned]).derive(&program).map(|_| ());
            assert_eq!(error, Err(DerivedError::Owned { owned, moves: moves(distance) }));
        }
    }
    // Back first, and forth again: only where it ends counts, and the cells in between are those of others.
    let mut words = vec![Felt::zero(); 6];
    words.extend(add(-Felt::from(3_u64)).into_iter().chain([Felt::from(0x4806_8001_7fff_8000_u64), Felt::one()]));
    words.extend(add(Felt::from(4_u64)));
    let program = program(&words);
    let path = Path { owned: vec![0, 1], ..path(7, 3) };
    let derived = path.derive(&program).unwrap();
    assert_eq!((derived.rows.lookups.len(), derived.rows.owned.len()), (1, 1));
    assert!(
        derived.rows.owned[0][0] == Linear::column(2).offset(1)
            && derived.rows.lookups[0][0] == Linear::column(2).offset(-3)
    );
}

fn moves(distance: i64) -> String {
    Linear::integer(distance).to_string()
}

#[test]
fn malformed_words_are_named() {
    for flags in [0x480a, 0x208b] {
        assert!(Flags(flags).check().is_ok());
        assert_eq!(Word { flags, taken: Some(true) }.derive().map(|_| ()), Err(DerivedError::NoOutcome(flags)));
    }
    let error = Word { flags: 0x7000, taken: None }.derive().map(|_| ());
    assert!(matches!(error, Err(DerivedError::Flags { flags: 0x7000, .. })));
}

/// A word table fixes an offset exactly if decoding demands its value or the instruction does not use it. (Independent of the code: if the table
/// fixed more, there would be instructions without a table; if less, ones that are none would have rows.)
#[test]
fn offsets_are_fixed_where_they_must_be() -> Result<(), DerivedError> {
    for flags in super::valid_flags() {
        let uses_res = flags.assert_eq() || flags.ap_add_res() || flags.pc_abs() || flags.pc_rel();
        let op1_by_op0 = !flags.op1_imm() && !flags.op1_fp() && !flags.op1_ap();
        let uses_op1 = uses_res || flags.pc_jnz();
        let uses_op0 = uses_res && (flags.res_add() || flags.res_mul()) || uses_op1 && op1_by_op0;
        let uses_dst = flags.assert_eq() || flags.pc_jnz();
        let unless = |used: bool| if used { None } else { Some(-1) };
        let expected = [
            if flags.call() { Some(0) } else { Some(-2).filter(|_| flags.ret()).or(unless(uses_dst || flags.ret())) },
            if flags.call() { Some(1) } else { unless(uses_op0) },
            match (flags.ret(), flags.op1_imm()) {
                (true, _) => Some(-1),
                (_, true) => Some(1),
                _ => unless(uses_op1),
            },
        ];
        let derived = Word { flags: flags.0, taken: None }.derive()?;
        for (index, fixed) in (0..).zip(expected) {
            assert_eq!(crate::components::derived::machine::offset_constant(flags, index), fixed, "{flags:?} {index}");
            let has_column = derived.rows.sources.contains(&Source::Offset(index));
            assert_eq!(has_column, fixed.is_none(), "{flags:?} {index}");
        }
    }
    Ok(())
}

/// A cell that is not 0 once is not 0 again: three jumps on it have one inverse of one factor.
#[test]
fn repeated_jumps_share_their_inverse() -> Result<(), DerivedError> {
    let mut words = vec![Felt::zero(); 6];
    (0..3).for_each(|_| words.extend([0x0207_8001_7fff_7ffd_u64, 2].map(Felt::from)));
    words.extend([Felt::zero(); 2]);
    let jumps = Path { taken: vec![true; 3], ..path(7, 3) };
    let derived = jumps.derive(&program(&words))?;
    // enabler, fp, ap, clock, [fp − 3], inverse.
    assert_eq!(derived.air.width(), 6);
    assert_eq!(derived.rows.sources.last(), Some(&Source::Inverse(vec![Linear::column(4)])));
    Ok(())
}

/// Names take long to write, so only those have them who ask.
#[test]
fn columns_are_named_if_asked() -> Result<(), DerivedError> {
    let names =
        |named| Ok::<_, DerivedError>(Word { flags: 0x480a, taken: None }.execute(named)?.air()?.columns().to_vec());
    let expected = ["enabler", "fp", "ap", "clock", "pc", "off0", "off2", "c7 = [c1 + c6 + 0]"];
    assert_eq!(names(true)?, expected);
    assert!(names(false)?.iter().all(String::is_empty));
    let constraint = |named| -> Result<Vec<String>, DerivedError> {
        let air = Word { flags: 0x0207, taken: None }.execute(named)?.air()?;
        Ok(air.constraints().iter().map(|constraint| constraint.name.clone()).collect())
    };
    assert!(
        constraint(false)?.contains(&"a product".to_owned()) && !constraint(true)?.contains(&"a product".to_owned())
    );
    Ok(())
}

/// Widths of the words that compilers write most, so that a change that costs columns is seen.
#[test]
fn word_tables_are_narrow() -> Result<(), DerivedError> {
    let width = |flags, taken| Word { flags, taken }.derive().map(|d| (d.air.width(), d.air.interactions().len()));
    // [ap] = [fp + off2], ap++: enabler, fp, ap, clock, pc, off0, off2, value.
    assert_eq!(width(0x480a, None)?, (8, 5));
    // ret: enabler, fp, ap, clock, pc, off1 fixed, two values.
    assert_eq!(width(0x208b, None)?, (7, 5));
    // call rel imm: the two cells are expressions.
    assert_eq!(width(0x1104, None)?, (6, 5));
    // jnz, both ways and fixed.
    assert_eq!(width(0x0207, None)?, (11, 4));
    assert_eq!(width(0x0207, Some(true))?, (9, 4));
    assert_eq!(width(0x0207, Some(false))?, (7, 4));
    Ok(())
}

/// The widest and densest path that a layout can ask for stays small enough for a verifier.
#[test]
fn the_bounds_bound_the_work() {
    // [ap] = [ap − 1] + [fp + i], ap++: each value is the sum of all columns so far.
    let decoded = |i: i32| crate::decode::Decoded { flags: Flags(0x482a), offsets: [0, -1, i] };
    let sum = |i: i32| {
        let mut decoded = decoded(i);
        // op0 on ap.
        decoded.flags = Flags(0x4828);
        Felt::from(decoded.encode())
    };
    let mut words = vec![Felt::zero(); 6];
    words.extend((0..300).map(sum));
    let program = program(&words);
    assert_eq!(path(7, MAX_STEPS).size(&program), Err(DerivedError::Columns));
    let start = std::time::Instant::now();
    let derived = path(7, 250).derive(&program);
    let (nodes, width) =
        derived.map(|derived| (derived.air.graph().nodes().len(), derived.air.width())).unwrap_or_default();
    println!("{nodes} nodes in {:?}", start.elapsed());
    assert!(width > 250 && nodes < 1 << 17, "{width} columns, {nodes} nodes");
}

/// Columns and interactions of a few words, plain and owning.
#[test]
fn owning_words_have_these_sizes() -> Result<(), DerivedError> {
    for (flags, at_ap, owned, plain, owning) in [
        // [ap] = [fp + off2], ap++: op1 is looked up, the cell provided; enabler, fp, ap, clock, pc, off2, value, uses.
        (0x480a, Some(0), vec![1], (8, 5), (8, 7)),
        (0x480a, Some(0), vec![0], (8, 5), (7, 6)),
        // Nothing is known to be at ap: one more column.
        (0x480a, None, vec![1], (8, 5), (10, 8)),
        (0x480a, None, vec![0], (8, 5), (8, 7)),
        // [ap] = immediate, ap++.
        (0x4806, Some(0), vec![1], (7, 4), (7, 6)),
        // [ap] = [ap + off1] · [fp + off2], ap++: the product's column is that of the cell.
        (0x484a, Some(0), vec![1], (11, 6), (11, 8)),
        // [fp + off0] = [ap] + [fp + off2], ap++: op0 is solved for.
        (0x4829, Some(1), vec![1], (10, 6), (10, 8)),
        // call rel immediate: both cells follow from registers.
        (0x1104, None, vec![1, 1], (6, 5), (7, 7)),
        (0x1104, None, vec![1, 2], (6, 5), (8, 7)),
        (0x1104, None, vec![0, 1], (6, 5), (7, 6)),
        (0x1104, None, vec![0, 0], (6, 5), (6, 5)),
        // ap += 5: no immediate, a column for each cell that is provided.
        (0x0407, None, vec![0; 5], (6, 3), (5, 5)),
        (0x0407, None, vec![0, 1, 0, 2, 2], (6, 3), (10, 8)),
    ] {
        let word = Word { flags, taken: None };
        let size = |size: crate::components::TableSize| (size.columns, size.interactions);
        assert_eq!(size(word.size()?), plain, "{word}");
        let owning_word = OwningWord { word, at_ap, owned };
        assert_eq!(size(owning_word.size()?), owning, "{owning_word} {:?}", owning_word.owned);
    }
    Ok(())
}

#[test]
fn malformed_owning_words_are_named() {
    let owning = |flags, at_ap, cells| {
        OwningWord { word: Word { flags, taken: None }, at_ap, owned: vec![0; cells] }.size().map(|_| ())
    };
    assert_eq!(owning(0x480a, Some(0), 1), Ok(()));
    assert_eq!(owning(0x480a, Some(0), 0), Err(DerivedError::OwnsNothing(0x480a)));
    for (flags, moves) in [(0x480a, "1"), (0x1104, "2"), (0x400a, "0")] {
        for cells in [1, 2, 3].into_iter().filter(|cells: &usize| cells.to_string() != moves) {
            let moves = moves.to_owned();
            assert_eq!(owning(flags, None, cells), Err(DerivedError::Owned { owned: cells, moves }), "{flags:#x}");
        }
    }
    // ap += immediate, which is then the number of cells; and more than that.
    assert_eq!((owning(0x0407, None, 1), owning(0x0407, None, 4096)), (Ok(()), Ok(())));
    assert_eq!(owning(0x0407, None, 4097), Err(DerivedError::Owned { owned: 4097, moves: "4097".to_owned() }));
    assert!(matches!(owning(0x0427, None, 1), Err(DerivedError::Owned { .. })));
    // Relative to fp, not used, an immediate, fixed elsewhere by decoding, no operand.
    let not_at_ap = |flags, operand| Err(DerivedError::NotAtAp { flags, operand });
    for (flags, operand) in
        [(0x480b, 0), (0x480a, 1), (0x480a, 2), (0x4806, 2), (0x4828, 2), (0x1104, 0), (0x1104, 1), (0x480a, 3)]
    {
        assert_eq!(owning(flags, Some(operand), 1), not_at_ap(flags, operand), "{flags:#x} {operand}");
    }
    assert_eq!(owning(0x7fff, Some(0), 1).err().map(|error| error.to_string().contains("no instruction")), Some(true));
    let outcome = OwningWord { word: Word { flags: 0x480a, taken: Some(true) }, at_ap: None, owned: vec![0] };
    assert_eq!(outcome.size().err(), Some(DerivedError::NoOutcome(0x480a)));
}
