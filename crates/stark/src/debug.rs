//! The debug checker: evaluates every constraint on every row and balances every bus, and reports all failures.
//! It is slow and proves nothing; it tells the author of an AIR or of a witness what is wrong.

use crate::air::{Bus, Rows};
use crate::graph::{Input, Node, NodeId};
use crate::table::{PublicTuple, Table};
use felt::{Felt, encoding};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// A constraint that does not vanish.
#[derive(Debug, Clone)]
pub struct ConstraintFailure {
    /// Position of the table in the list.
    pub table: usize,
    /// Its name.
    pub air: String,
    /// The constraint's name.
    pub constraint: String,
    /// The first failing row.
    pub row: usize,
    /// How many rows fail.
    pub rows: usize,
    /// The columns that the constraint reads, with their values at that row (`'` marks the next row).
    pub values: Vec<(String, Felt)>,
}

/// A tuple whose provided and required multiplicities differ.
#[derive(Debug, Clone)]
pub struct Imbalance {
    /// The bus.
    pub bus: Bus,
    /// The tuple.
    pub tuple: Vec<Felt>,
    /// Provided less required.
    pub excess: Felt,
    /// Who touches it: `table/interaction` with the row of the first touch and the number of rows, or `public`.
    pub parties: Vec<(String, usize, usize)>,
}

/// Everything that is wrong with a set of traces.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Shapes that do not fit, as sentences. If there are any, nothing else was checked for that table.
    pub shapes: Vec<String>,
    /// Constraints that fail.
    pub constraints: Vec<ConstraintFailure>,
    /// Tuples out of balance.
    pub imbalances: Vec<Imbalance>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.shapes.is_empty() && self.constraints.is_empty() && self.imbalances.is_empty()
    }

    /// Whether a constraint of that name fails in a table of that name.
    pub fn has_constraint(&self, air: &str, constraint: &str) -> bool {
        self.constraints.iter().any(|failure| failure.air == air && failure.constraint == constraint)
    }

    /// Whether some tuple of that bus is out of balance.
    pub fn has_imbalance(&self, bus: Bus) -> bool {
        self.imbalances.iter().any(|imbalance| imbalance.bus == bus)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return writeln!(f, "all constraints hold and all buses balance");
        }
        for shape in &self.shapes {
            writeln!(f, "{shape}")?;
        }
        for failure in &self.constraints {
            let ConstraintFailure { table, air, constraint, row, rows, values } = failure;
            write!(f, "table {table} ({air}): `{constraint}` fails on {rows} rows, first on row {row}:")?;
            for (name, value) in values {
                write!(f, " {name}={}", encoding::to_short(value))?;
            }
            writeln!(f)?;
        }
        for Imbalance { bus, tuple, excess, parties } in &self.imbalances {
            let tuple: Vec<_> = tuple.iter().map(encoding::to_short).collect();
            write!(f, "bus {}: ({}) is off by {}:", bus.name, tuple.join(", "), encoding::to_short(excess))?;
            for (party, row, count) in parties {
                write!(f, " {party} row {row} ({count}×)")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// For each tuple of each bus (elements as limbs) its excess and who touches it.
type Balances = HashMap<(Bus, Vec<[u64; 4]>), (Felt, Touch)>;

type Touch = BTreeMap<(usize, usize), (usize, usize)>;

/// Checks traces against their tables and the public tuples. `traces[t][c][r]` is row `r` of main column `c` of table `t`.
pub fn check(tables: &[Table], traces: &[Vec<Vec<Felt>>], public: &[PublicTuple]) -> Report {
    let mut report = Report::default();
    let mut sums = Balances::new();
    if tables.len() != traces.len() {
        report.shapes.push(format!("{} tables but {} traces", tables.len(), traces.len()));
        return report;
    }
    for (index, (table, trace)) in tables.iter().zip(traces).enumerate() {
        let fits = trace.len() == table.air.width() && trace.iter().all(|column| column.len() == table.height());
        if !fits {
            let lengths: Vec<_> = trace.iter().map(Vec::len).collect();
            let (name, width, height) = (table.air.name(), table.air.width(), table.height());
            report
                .shapes
                .push(format!("table {index} ({name}): {width} columns of {height} rows expected, found {lengths:?}"));
            continue;
        }
        check_table(index, table, trace, &mut report, &mut sums);
    }
    for PublicTuple { bus, multiplicity, tuple } in public {
        let key = (*bus, tuple.iter().map(encoding::montgomery_limbs).collect());
        let entry = sums.entry(key).or_default();
        entry.0 += *multiplicity;
        entry.1.entry((usize::MAX, 0)).or_insert((0, 0)).1 += 1;
    }
    for ((bus, tuple), (excess, touches)) in sums {
        if excess == Felt::zero() {
            continue;
        }
        let tuple = tuple.into_iter().filter_map(encoding::from_montgomery_limbs).collect();
        let parties = touches.into_iter().map(|((table, interaction), (row, count))| {
            let name = match tables.get(table) {
                Some(t) => format!("{}/{}", t.air.name(), t.air.interactions()[interaction].name),
                None => "public".to_owned(),
            };
            (name, row, count)
        });
        report.imbalances.push(Imbalance { bus, tuple, excess, parties: parties.collect() });
    }
    report.imbalances.sort_by_key(|i| (i.bus, i.tuple.iter().map(encoding::canonical_limbs).collect::<Vec<_>>()));
    report
}

fn check_table(index: usize, table: &Table, trace: &[Vec<Felt>], report: &mut Report, sums: &mut Balances) {
    let (air, height) = (&table.air, table.height());
    let mut failures: BTreeMap<usize, ConstraintFailure> = BTreeMap::new();
    for row in 0..height {
        let read = |input| match input {
            Input::Main(column) => trace[column as usize][row],
            Input::MainNext(column) => trace[column as usize][(row + 1) % height],
            Input::Periodic(column) => air.periodic()[column as usize][row % air.periodic()[column as usize].len()],
            Input::Aux(_) | Input::AuxNext(_) => Felt::zero(),
        };
        let values = air.graph().evaluate(read);
        for (k, constraint) in air.constraints().iter().enumerate() {
            let applies = match constraint.rows {
                Rows::All => true,
                Rows::Transition => row + 1 < height,
                Rows::First => row == 0,
                Rows::Last => row + 1 == height,
            };
            if applies && values[constraint.expression.index()] != Felt::zero() {
                let failure = failures.entry(k).or_insert_with(|| ConstraintFailure {
                    table: index,
                    air: air.name().to_owned(),
                    constraint: constraint.name.clone(),
                    row,
                    rows: 0,
                    values: inputs_of(table, constraint.expression)
                        .into_iter()
                        .map(|(name, input)| (name, read(input)))
                        .collect(),
                });
                failure.rows += 1;
            }
        }
        for (k, interaction) in air.interactions().iter().enumerate() {
            let multiplicity = values[interaction.multiplicity.index()];
            if multiplicity == Felt::zero() {
                continue;
            }
            let tuple =
                interaction.tuple.iter().map(|entry| encoding::montgomery_limbs(&values[entry.index()])).collect();
            let entry = sums.entry((interaction.bus, tuple)).or_default();
            entry.0 += multiplicity;
            entry.1.entry((index, k)).or_insert((row, 0)).1 += 1;
        }
    }
    report.constraints.extend(failures.into_values());
}

/// The row values that a node depends on, with their names.
fn inputs_of(table: &Table, root: NodeId) -> Vec<(String, Input)> {
    let air = &table.air;
    let mut found = BTreeMap::new();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        match air.graph().nodes()[id.index()] {
            Node::Constant(_) => {}
            Node::Input(input) => {
                let name = match input {
                    Input::Main(c) => air.columns()[c as usize].clone(),
                    Input::MainNext(c) => format!("{}'", air.columns()[c as usize]),
                    Input::Periodic(c) => format!("periodic[{c}]"),
                    Input::Aux(c) => format!("aux[{c}]"),
                    Input::AuxNext(c) => format!("aux[{c}]'"),
                };
                found.insert(id, (name, input));
            }
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => stack.extend([a, b]),
            Node::Neg(a) => stack.push(a),
        }
    }
    found.into_values().collect()
}
