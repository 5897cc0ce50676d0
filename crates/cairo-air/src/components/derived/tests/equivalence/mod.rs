//! Path tables, word tables, owning or not, the generic table and the reference machine say the same of every instruction: over memories that are
//! altered in several cells at once, and for rows that are altered in several columns at once.
//!
//! A *case* is one flag word with operands that are distinct cells or the same one, `ap` tied to `fp` or not, after instructions that make
//! operands constants or multiply them. Of each case there are tables for every outcome (open included). Two things are compared:
//!
//! * *Memories.* A row is filled from the memory. The table takes it if and only if the machine makes the steps, with the same end.
//! * *Rows.* Any row says by its bus terms where it starts, which cells it read, and where it ends. If the table takes it, the machine gets
//!   from that start to that end over every memory that has these cells. If the table refuses it though the machine does get there, then it
//!   only differs from the row that is filled from these cells, which the table takes.

mod case;
mod subject;

use crate::components::derived::DerivedError;
use crate::components::derived::tests::FIRST;
use crate::components::derived::tests::reference::{Memory, Random};
use crate::decode::signed;
use case::{Before, Case, FP, Place, ZERO_WORD};
use felt::Felt;
use std::collections::HashMap;
use subject::{CLOCK, Subject};

/// What a run over cases met.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    tables: usize,
    /// Paths that no execution follows, as the reference confirms.
    none: usize,
    steps: usize,
    no_steps: usize,
    rows: usize,
    rows_taken: usize,
    /// Tables of owning words.
    owning: usize,
}

/// Memories for a case: operands take values jointly, and what the instruction asserts is then made true or not.
fn memories(case: &Case, words: &Memory, steps: u32, random: &mut Random, tries: usize) -> Vec<Memory> {
    let start = case.start();
    let address = |(is_fp, offset): Place| {
        let base = if is_fp { start.fp } else { start.ap };
        base + signed(i64::from(offset))
    };
    let mut cells: Vec<Felt> = case.places.iter().flatten().map(|place| address(*place)).collect();
    cells.push(start.fp - Felt::from(8_u64));
    let mut memories = Vec::new();
    for number in 0..tries {
        let mut memory = Memory { seed: random.next(), ..words.clone() };
        // Solved from nothing, or with any of the cells given.
        for (index, cell) in cells.iter().enumerate() {
            let value = match random.below(8) {
                _ if number == 0 => continue,
                // dst, and what else it may be, is 0 once and 1 once.
                _ if index == 0 && number < 3 => Felt::from(number as u64 - 1),
                0 => continue,
                1 => Felt::zero(),
                2 => Felt::one(),
                3 => Felt::from(4_u64),
                4 => Felt::from(ZERO_WORD + random.below(2)),
                5 => Felt::from(FP + random.below(4)),
                6 => -Felt::from(random.below(6)),
                _ => random.felt(),
            };
            memory.set(cell, value);
        }
        let mut state = start;
        let write = random.chance(80);
        let mut broken = false;
        for _ in 0..steps {
            match memory.step(&state, write) {
                Some(step) => state = step.next,
                None => broken = true,
            }
            if broken {
                break;
            }
        }
        // One more cell, which the machine read, is altered.
        if random.chance(25) {
            let cell = cells[random.below(cells.len() as u64) as usize];
            let value = memory.get(&cell) + Felt::from(1 + random.below(2));
            memory.set(&cell, value);
        }
        memories.push(memory);
    }
    memories
}

fn examine(case: &Case, tries: usize, random: &mut Random, tally: &mut Tally) {
    let (program, steps) = case.program();
    let mut words = Memory { cells: HashMap::new(), seed: 0 };
    for (index, word) in program.bytecode().iter().enumerate() {
        words.set(&Felt::from(index as u64 + 1), *word);
    }
    let memories = memories(case, &words, steps, random, tries);
    let start = case.start();
    let outcomes: &[Option<bool>] = if case.flags.pc_jnz() { &[None, Some(false), Some(true)] } else { &[None] };
    let jumps = case.flags.pc_abs() || case.flags.pc_rel() || case.flags.pc_jnz();
    let mut subjects = Vec::new();
    if case.before == Before::Nothing && case.frame.is_none() {
        subjects.push(Subject::generic());
        subjects.extend(outcomes.iter().map(|taken| Subject::word(case.flags, *taken)));
        let owning = outcomes.iter().flat_map(|taken| Subject::owning_words(case.flags, *taken, &case.immediate));
        let before = subjects.len();
        subjects.extend(owning);
        tally.owning += subjects.len() - before;
    }
    for taken in outcomes {
        // The target of a jump is open, or asserted: to be where an operand of 4 leads.
        let last = FIRST as u32 + 2 * (steps - 1);
        for target in [None, Some(last + 4)].into_iter().take(if jumps { 2 } else { 1 }) {
            match Subject::path(case, &program, steps, *taken, target) {
                Ok(subject) => subjects.push(subject),
                // There is nothing to assert.
                Err(DerivedError::Unused { .. }) => assert!(target.is_some()),
                Err(DerivedError::Contradiction { .. }) => {
                    tally.none += 1;
                    let none = Subject {
                        steps,
                        fixed_pc: true,
                        taken: *taken,
                        target,
                        frame: case.frame,
                        ..Subject::generic()
                    };
                    for memory in &memories {
                        let end = none.expected(&start, &mut memory.clone());
                        assert_eq!(end, None, "{case:?}: an execution follows a path that has no table");
                    }
                }
                Err(error) => panic!("{case:?}: {error}"),
            }
        }
    }
    tally.cases += 1;
    tally.tables += subjects.len();
    for subject in &subjects {
        for memory in &memories {
            match subject.examine_memory(&start, memory, &words) {
                true => tally.steps += 1,
                false => tally.no_steps += 1,
            }
        }
        for memory in memories.iter().take(1 + tries / 4) {
            let mut memory = memory.clone();
            let honest = subject.fill(&start, &Felt::from(CLOCK), &mut memory);
            tally.rows += 1;
            tally.rows_taken += subject.examine_rows(&honest, &memory, &words, random, tries);
        }
    }
}

fn run(tries: usize, choose: impl Fn(usize, &Case) -> bool) -> Tally {
    let (mut random, mut tally) = (Random(8), Tally::default());
    for (_, case) in Case::all().enumerate().filter(|(number, case)| choose(*number, case)) {
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| examine(&case, tries, &mut random, &mut tally)));
        if let Err(cause) = result {
            println!("{case:?}");
            std::panic::resume_unwind(cause);
        }
    }
    tally
}

/// Every flag word, a sample of the rest.
#[test]
fn tables_and_machine_agree() {
    let tally = run(6, |number, case| {
        let one_in = match (case.is_at_ap(), case.flags.pc_jnz()) {
            (true, _) => 3,
            (_, true) => 7,
            _ => 97,
        };
        number % one_in == 0
    });
    println!("{tally:?}");
    assert!(tally.owning > 1000, "{tally:?}");
    assert!(tally.cases > 2000 && tally.none > 1000 && tally.steps > 5000 && tally.no_steps > 5000, "{tally:?}");
}

/// The whole product.
#[test]
#[ignore = "takes minutes"]
fn tables_and_machine_agree_on_all() {
    let tally = run(12, |_, _| true);
    println!("{tally:?}");
}
