//! A row by itself: what a change of its cells breaks, without a look at all others.

use cairo_prover::Witness;
use felt::Felt;
use stark::debug::{Imbalance, Report, check};
use stark::graph::Input;
use stark::{PublicTuple, Table};

/// A row of a table whose constraints stand for each row by itself. Whatever it provides or requires, others take or give.
pub struct Alone {
    table: Table,
    trace: Vec<Vec<Felt>>,
    /// One for each interaction.
    others: Vec<PublicTuple>,
}

impl Alone {
    pub fn new(witness: &Witness, position: usize, row: usize) -> Self {
        let (table, trace) = (&witness.tables[position], &witness.traces[position]);
        assert_eq!(table.air.check_local(), Ok(()));
        assert!(table.air.periodic().is_empty());
        let trace: Vec<Vec<Felt>> = trace.iter().map(|column| vec![column[row]]).collect();
        let values = table.air.graph().evaluate(|input| match input {
            Input::Main(column) => trace[column as usize][0],
            _ => Felt::zero(),
        });
        let other = |interaction: &stark::Interaction| PublicTuple {
            bus: interaction.bus,
            multiplicity: -values[interaction.multiplicity.index()],
            tuple: interaction.tuple.iter().map(|entry| values[entry.index()]).collect(),
        };
        let others = table.air.interactions().iter().map(other).collect();
        let alone = Self { table: Table { log_height: 0, ..table.clone() }, trace, others };
        let report = alone.report();
        assert!(report.is_clean(), "{report}");
        alone
    }

    fn report(&self) -> Report {
        check(std::slice::from_ref(&self.table), std::slice::from_ref(&self.trace), &self.others)
    }

    /// Whether the constraint or interaction of this name is broken when a cell has another value, and all that is.
    pub fn breaks(&mut self, what: &str, column: usize, value: impl Fn(Felt) -> Felt) -> (bool, Report) {
        let honest = self.trace[column][0];
        self.trace[column][0] = value(honest);
        let report = self.report();
        self.trace[column][0] = honest;
        let name = self.table.air.name();
        let party = format!("{name}/{what}");
        // Its own term, as it is now, or what others expect of it.
        let interaction = self.table.air.interactions().iter().position(|interaction| interaction.name == what);
        let expected = interaction.map(|index| &self.others[index]);
        let named = report.has_constraint(name, what)
            || report.imbalances.iter().any(|Imbalance { bus, tuple, parties, .. }| {
                parties.iter().any(|(found, ..)| *found == party)
                    || expected.is_some_and(|other| (other.bus, &other.tuple) == (*bus, tuple))
            });
        (named, report)
    }

    /// The names of all constraints and interactions.
    pub fn names(&self) -> std::collections::BTreeSet<String> {
        let air = &self.table.air;
        let constraints = air.constraints().iter().map(|constraint| constraint.name.clone());
        constraints.chain(air.interactions().iter().map(|interaction| interaction.name.clone())).collect()
    }
}
