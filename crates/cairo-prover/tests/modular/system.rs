//! A builtin's tables with nothing around them but memory and what provides their limbs, and a prover that cheats with them.

use felt::{Felt, encoding};
use stark::debug::{Report, check};
use stark::graph::{Input, Node};
use stark::{Air, Bus, PublicTuple, Table};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Tables with their columns. The builtin's own is the first.
#[derive(Clone)]
pub struct System {
    pub tables: Vec<Table>,
    pub traces: Vec<Vec<Vec<Felt>>>,
    pub public: Vec<PublicTuple>,
}

pub fn table(air: Air, log_height: u32) -> Table {
    Table { air: Arc::new(air), log_height }
}

impl System {
    pub fn report(&self) -> Report {
        check(&self.tables, &self.traces, &self.public)
    }

    /// A column of a table.
    pub fn column(&mut self, table: usize, name: &str) -> &mut Vec<Felt> {
        let columns = self.tables[table].air.columns();
        let position = columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
        &mut self.traces[table][position]
    }

    /// Writes a memory cell where memory provides it: the table that begins with address 1.
    pub fn set_memory(&mut self, address: usize, value: Felt) {
        let memory = self.tables.iter().position(|table| table.air.name() == "memory").unwrap();
        let (row, place) = ((address - 1) / 8, (address - 1) % 8);
        self.column(memory, &format!("value[{place}]"))[row] = value;
    }

    /// The same tables, of which the first goes without a constraint or an interaction.
    pub fn without(&self, what: &str) -> Self {
        let mut system = self.clone();
        let air = &self.tables[0].air;
        let constraint = air.constraints().iter().position(|constraint| constraint.name == what);
        let interaction = air.interactions().iter().position(|interaction| interaction.name == what);
        let air = match (constraint, interaction) {
            (Some(index), None) => air.without_constraint(index),
            (None, Some(index)) => air.without_interaction(index),
            _ => panic!("{what} is not one thing"),
        };
        system.tables[0].air = Arc::new(air);
        system
    }

    /// Gives every row that provides what others look up the multiplicity that they need, where there is such a row at all. What the first
    /// table provides itself is left as it is.
    pub fn balance(&mut self) {
        let key = |bus: Bus, tuple: &[Felt]| (bus.id, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
        let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
        for tuple in &self.public {
            *sums.entry(key(tuple.bus, &tuple.tuple)).or_default() += tuple.multiplicity;
        }
        for providing in [false, true] {
            for (number, (table, trace)) in self.tables.iter().zip(&mut self.traces).enumerate() {
                let (graph, height) = (table.air.graph(), 1 << table.log_height);
                for row in 0..height {
                    let values = graph.evaluate(|input| match input {
                        Input::Main(column) => trace[column as usize][row],
                        Input::MainNext(column) => trace[column as usize][(row + 1) % height],
                        Input::Periodic(column) => {
                            let column = &table.air.periodic()[column as usize];
                            column[row % column.len()]
                        }
                        _ => Felt::zero(),
                    });
                    for interaction in table.air.interactions() {
                        let count = match graph.nodes()[interaction.multiplicity.index()] {
                            Node::Input(Input::Main(column)) if number > 0 => Some(column as usize),
                            _ => None,
                        };
                        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                        let key = key(interaction.bus, &tuple);
                        match count {
                            None if !providing => {
                                *sums.entry(key).or_default() += values[interaction.multiplicity.index()];
                            }
                            Some(column) if providing => trace[column][row] = -sums.remove(&key).unwrap_or_default(),
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// What the first table's constraints and interactions say against the system, once everything that can be made to fit does: names of
    /// constraints, and of interactions that are out of balance.
    pub fn faults(&self) -> BTreeSet<String> {
        let report = self.report();
        assert!(report.shapes.is_empty(), "{report}");
        let own = format!("{}/", self.tables[0].air.name());
        let parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
        let interactions = parties.filter_map(|(party, ..)| party.strip_prefix(&own));
        let constraints = report.constraints.iter().map(|failure| failure.constraint.as_str());
        constraints.chain(interactions).map(str::to_owned).collect()
    }
}

/// Forgeries by the constraint or interaction that alone stands against each.
pub struct Forgeries {
    honest: System,
    done: BTreeSet<String>,
}

impl Forgeries {
    pub fn new(honest: System) -> Self {
        let report = honest.report();
        assert!(report.is_clean(), "{report}");
        Self { honest, done: BTreeSet::new() }
    }

    /// Expects that a forgery is refused for this reason and no other, and would pass without it.
    pub fn expect(&mut self, what: &str, forge: impl Fn(&mut System)) {
        self.refused(what, &forge);
        let mut forged = self.honest.clone();
        forge(&mut forged);
        let mut without = forged.without(what);
        without.balance();
        let report = without.report();
        assert!(report.is_clean(), "without `{what}`: {report}");
    }

    /// Expects that a forgery is refused for this reason and no other.
    pub fn refused(&mut self, what: &str, forge: impl Fn(&mut System)) {
        let mut forged = self.honest.clone();
        forge(&mut forged);
        forged.balance();
        assert_eq!(forged.faults(), BTreeSet::from([what.to_owned()]), "{}", forged.report());
        self.done.insert(what.to_owned());
    }

    /// Every constraint and every interaction of the first table has a forgery that only it refuses.
    pub fn finish(self) {
        let air = &self.honest.tables[0].air;
        let constraints = air.constraints().iter().map(|constraint| &constraint.name);
        let interactions = air.interactions().iter().map(|interaction| &interaction.name);
        let missing: Vec<&String> = constraints.chain(interactions).filter(|name| !self.done.contains(*name)).collect();
        assert!(missing.is_empty(), "{}: no forgery for {missing:?}", air.name());
    }
}
