//! Cells that rows of owning words push: one step is such a row, all others are in the generic table, and what reads the cell goes on with another
//! value, up to another output.

use super::*;
use cairo_air::components::{OwningWord, Word};
use cairo_air::decode::Decoded;
use common::only::refused_only_by;
use std::collections::BTreeSet;

/// A run told wrongly from a pushed cell on.
struct Pushed {
    forger: Forger,
    cell: u64,
    value: Felt,
    /// The table's place in the layout, its word, and the step of its only row.
    position: usize,
    owning: OwningWord,
    step: usize,
}

/// The run with some steps in tables of these kinds and all others in the generic one.
fn with_steps<const N: usize>(execution: &Execution, steps: [(usize, TableKind); N]) -> Witness {
    let mut tables = all_generic(execution);
    for (step, kind) in steps {
        tables[0].starts.retain(|start| *start as usize != step);
        tables.push(StepTable { kind, log_height: 6, starts: vec![step as u32] });
    }
    let honest = witness(execution.clone(), [7; 32], tables, 0, &NoControl).unwrap();
    assert!(common::report(&honest).is_clean());
    honest
}

fn run() -> Execution {
    execution("cairo0/sum_to_n", Some(r#"{"n": 3}"#))
}

fn word_of(execution: &Execution, step: usize) -> (Word, Decoded) {
    let decoded = Decoded::new(&execution.memory[execution.trace[step].pc as usize]).unwrap();
    (Word { flags: decoded.flags.0, taken: None }, decoded)
}

/// Every push of the run on which its output depends, as an owning word. `known`: whether the table knows which operand is at `[ap]`.
fn pushed(known: bool) -> Vec<Pushed> {
    let execution = run();
    let mut all = Vec::new();
    for step in 0..execution.n_steps() {
        let (word, decoded) = word_of(&execution, step);
        let Some(owning) = OwningWord::of(word, &decoded, None).filter(|owning| owning.at_ap == Some(0)) else {
            continue;
        };
        let owning = if known { owning } else { OwningWord { at_ap: None, ..owning } };
        let honest = with_steps(&execution, [(step, TableKind::OwningWord(owning.clone()))]);
        let cell = u64::from(execution.trace[step].ap);
        let value = execution.memory[cell as usize] + small(1);
        let mut forger = Forger::new(&honest);
        if !forger.retell(cell, value) {
            continue;
        }
        let report = forger.report();
        let tuples: Vec<_> = report.imbalances.iter().map(|imbalance| (imbalance.bus, &imbalance.tuple[..])).collect();
        // Nothing is wrong but that nobody says so.
        if report.constraints.is_empty() && tuples == [(buses::MEMORY, &[small(cell), value][..])] {
            let is_owning = |entry: &TableEntry| matches!(entry.kind, TableKind::OwningWord(_));
            let position = forger.0.layout.tables.iter().position(is_owning).unwrap();
            all.push(Pushed { forger, cell, value, position, owning, step });
        }
    }
    assert!(all.len() >= 2, "{}", all.len());
    all
}

impl Pushed {
    fn air(&self) -> std::sync::Arc<stark::Air> {
        self.forger.0.tables[self.position].air.clone()
    }

    /// The table's only row in use.
    fn row(&self) -> Vec<Felt> {
        self.forger.0.traces[self.position].iter().map(|column| column[0]).collect()
    }

    /// Sets the row, and the padding with it.
    fn set_row(&mut self, row: &[Felt]) {
        for (number, (column, value)) in self.forger.0.traces[self.position].iter_mut().zip(row).enumerate() {
            let first = usize::from(number == 0);
            column.iter_mut().take(if first == 1 { 1 } else { usize::MAX }).for_each(|cell| *cell = *value);
        }
    }

    /// The names of the interactions that say something else on another row, but for those that provide cells.
    fn changed(&self, other: &[Felt]) -> BTreeSet<String> {
        let air = self.air();
        let [before, after] = [&self.row()[..], other].map(|row| {
            air.graph().evaluate(|input| match input {
                Input::Main(column) => row[column as usize],
                _ => Felt::zero(),
            })
        });
        let other = |interaction: &&stark::Interaction| {
            !interaction.name.starts_with("provides")
                && interaction.tuple.iter().any(|entry| before[entry.index()] != after[entry.index()])
        };
        air.interactions()
            .iter()
            .filter(other)
            .map(|interaction| format!("{}/{}", air.name(), interaction.name))
            .collect()
    }

    fn holds(&self, row: &[Felt]) -> bool {
        let air = self.air();
        let values = air.graph().evaluate(|input| match input {
            Input::Main(column) => row[column as usize],
            _ => Felt::zero(),
        });
        air.constraints().iter().all(|constraint| values[constraint.expression.index()] == Felt::zero())
    }
}

/// The row says the other value of its cell: then what it reads is another value than memory has, or its immediate than the instruction has. Each
/// such look-up alone keeps it from it.
#[test]
fn a_pushed_cell_with_another_value() {
    let mut forgeries = 0;
    for pushed in pushed(true) {
        let rows = pushed.owning.rows().unwrap();
        let honest = pushed.row();
        let [_, cell] = rows.owned[0].clone();
        for (column, coefficient) in cell.terms() {
            let column = *column as usize;
            let mut row = honest.clone();
            row[column] += (pushed.value - cell.evaluate(&honest)) * coefficient.inv().unwrap();
            assert_eq!(cell.evaluate(&row), pushed.value);
            let changed = pushed.changed(&row);
            if !pushed.holds(&row) || changed.len() != 1 {
                continue;
            }
            let mut forged = Pushed { forger: Forger::new(&pushed.forger.0), owning: pushed.owning.clone(), ..pushed };
            forged.set_row(&row);
            let names: Vec<&str> = changed.iter().map(String::as_str).collect();
            refused_only_by(forged.forger.0, &names);
            forgeries += 1;
        }
    }
    assert!(forgeries >= 2, "{forgeries}");
}

/// A table that does not know what is at `[ap]` has a column for the cell, and looks the operand up: with its offset altered, it finds there what it
/// pushes, and nothing but the instruction says that it is elsewhere.
#[test]
fn an_operand_at_another_offset() {
    let mut forged = 0;
    for mut pushed in pushed(false) {
        let execution = run();
        let rows = pushed.owning.rows().unwrap();
        let column = |source: &Source| rows.sources.iter().position(|other| other == source).unwrap();
        // Another cell that has the value which the instruction pushes.
        let (truth, ap) = (pushed.value - small(1), i64::from(execution.trace[pushed.step].ap));
        let cells = pushed.forger.cells();
        let Some((other, _)) = cells.iter().find(|(at, value)| **value == truth && **at != pushed.cell) else {
            continue;
        };
        // The cell's value and its uses come last.
        let cell = rows.sources.len();
        let mut row = pushed.row();
        row[column(&Source::Offset(0))] = signed(*other as i64 - ap);
        assert_eq!(row.len(), cell + 2);
        row[cell] = pushed.value;
        assert!(pushed.holds(&row));
        pushed.set_row(&row);
        let name = format!("{}/instruction", pushed.owning);
        refused_only_by(pushed.forger.0, &[&name]);
        forged += 1;
    }
    assert!(forged > 0);
}

/// The other value is that of a second owner, in the cell table.
#[test]
fn a_pushed_cell_with_two_owners() {
    for Pushed { mut forger, cell, value, .. } in pushed(true) {
        forger.add_cell_rows(&[[small(1), small(cell), value]]);
        forger.refused_by_owners(2);
    }
}

/// The step goes to a plain word, and the cell to the cell table, with the other value: the word looks up what it pushes. Without the row of the cell
/// table no one owns the cell.
#[test]
fn a_pushed_cell_without_its_owner() {
    let execution = run();
    let all = pushed(true);
    for (pushed, owner) in all.iter().zip(all.iter().skip(1).chain(&all)) {
        let word = pushed.owning.word;
        let owner = (owner.step, TableKind::OwningWord(owner.owning.clone()));
        let honest = with_steps(&execution, [(pushed.step, TableKind::Word(word)), owner]);
        let mut forger = Forger::new(&honest);
        if !forger.retell(pushed.cell, pushed.value) {
            continue;
        }
        forger.set_cell(pushed.cell, pushed.value).unwrap();
        let table = forger.0.layout.tables.iter().position(|entry| entry.kind == TableKind::Word(word)).unwrap();
        let air = forger.0.tables[table].air.clone();
        let row: Vec<Felt> = forger.0.traces[table].iter().map(|column| column[0]).collect();
        let values = air.graph().evaluate(|input| match input {
            Input::Main(column) => row[column as usize],
            _ => Felt::zero(),
        });
        let is_dst = |interaction: &&stark::Interaction| {
            interaction.bus == buses::MEMORY && values[interaction.tuple[0].index()] == small(pushed.cell)
        };
        let dst = air.interactions().iter().find(is_dst).unwrap();
        refused_only_by(forger.0.clone(), &[&format!("{word}/{}", dst.name)]);

        let mut skipped = Forger::new(&honest);
        let rows: Vec<_> =
            skipped.cell_rows().into_iter().filter(|[_, address, _]| *address != small(pushed.cell)).collect();
        skipped.set_cell_rows(&rows);
        let report = skipped.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let owners = report.imbalances.iter().filter(|imbalance| imbalance.bus == buses::OWNED).count();
        assert_eq!((owners, report.imbalances.len()), (2, 3), "{report}");
        assert_eq!(skipped.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        return;
    }
    panic!("no push of the run can be told otherwise beside another");
}

/// The numbers of uses say that nobody reads the cell: then nothing provides it.
#[test]
fn a_pushed_cell_that_is_private() {
    let execution = run();
    for mut pushed in pushed(true).into_iter().take(2) {
        let honest = with_steps(&execution, [(pushed.step, TableKind::OwningWord(pushed.owning.clone()))]);
        let mut forger = Forger::new(&honest);
        let entry = &mut forger.0.layout.tables[pushed.position];
        let TableKind::OwningWord(owning) = &mut entry.kind else { panic!("{}", entry.kind) };
        assert_eq!(owning.owned, [1]);
        owning.owned = vec![0];
        forger.0.traces[pushed.position].pop();
        let report = forger.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let value = execution.memory[pushed.cell as usize];
        let tuples: Vec<_> = report.imbalances.iter().map(|imbalance| (imbalance.bus, &imbalance.tuple[..])).collect();
        assert_eq!(tuples, [(buses::MEMORY, &[small(pushed.cell), value][..])], "{report}");
        assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        pushed.owning.owned = vec![2];
        assert!(pushed.owning.derive().is_err());
    }
}
