//! A prover that cheats: it overwrites cells, and makes all lookups balance again.

use cairo_air::components::memory::CELLS;
use cairo_air::{Builtin, CairoProof, TableKind, Verified, VerifyError, verify};
use cairo_prover::Witness;
use cairo_prover::prove::{all_generic, witness};
use cairo_runner::{Arguments, RunLimits, run, unwatched};
use felt::{Felt, encoding};
use stark::graph::{Input, Node};
use stark::{NoControl, Shape};
use std::collections::{BTreeSet, HashMap};
use testkit::proofs::{CHEAP, policy};

/// The witness of a run with all steps in the generic table.
pub fn honest(name: &str, arguments: Option<&str>) -> Witness {
    let arguments = arguments.map_or_else(Arguments::none, |text| Arguments::from_json(text.as_bytes()).unwrap());
    let execution = run(&testkit::programs::program(name), &arguments, &RunLimits::default(), &mut unwatched).unwrap();
    let steps = all_generic(&execution);
    witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
}

#[derive(Clone)]
pub struct Forger(pub Witness);

impl Forger {
    pub fn new(honest: &Witness) -> Self {
        Self(honest.clone())
    }

    fn position(&self, kind: &TableKind) -> usize {
        self.0.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap()
    }

    pub fn height(&self, kind: &TableKind) -> usize {
        1 << self.0.layout.tables[self.position(kind)].log_height
    }

    pub fn columns(&self, kind: &TableKind) -> Vec<String> {
        self.0.tables[self.position(kind)].air.columns().to_vec()
    }

    fn cell(&mut self, kind: &TableKind, row: usize, name: &str) -> &mut Felt {
        let position = self.position(kind);
        let columns = self.0.tables[position].air.columns();
        let column = columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
        &mut self.0.traces[position][column][row]
    }

    pub fn get(&mut self, kind: &TableKind, row: usize, name: &str) -> Felt {
        *self.cell(kind, row, name)
    }

    pub fn set(&mut self, kind: &TableKind, row: usize, name: &str, value: Felt) -> &mut Self {
        *self.cell(kind, row, name) = value;
        self
    }

    pub fn add(&mut self, kind: &TableKind, row: usize, name: &str, value: u64) -> &mut Self {
        *self.cell(kind, row, name) += Felt::from(value);
        self
    }

    /// Where an instance of a builtin begins.
    pub fn instance(&self, builtin: Builtin, instance: u32) -> u64 {
        let segment = self.0.claim.segment(&self.0.statement.program, builtin).unwrap();
        u64::from(segment.base + instance * builtin.cells_per_instance())
    }

    /// Writes a memory cell that nothing but a builtin's table requires.
    pub fn set_memory(&mut self, address: u64, value: Felt) -> &mut Self {
        let at = (address - u64::from(self.0.claim.owned_end)) as usize;
        self.set(&TableKind::Memory, at / CELLS, &format!("value[{}]", at % CELLS), value)
    }

    /// Gives every lookup table the multiplicities that others need, where it has the tuple at all.
    pub fn balance(&mut self) -> &mut Self {
        let Witness { tables, public, traces, .. } = &mut self.0;
        let key = |bus: u32, tuple: &[Felt]| (bus, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
        let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
        for tuple in public.iter() {
            *sums.entry(key(tuple.bus.id, &tuple.tuple)).or_default() += tuple.multiplicity;
        }
        // The column that counts, if one does.
        let counter = |air: &stark::Air, index: usize| {
            let node = |id: stark::graph::NodeId| &air.graph().nodes()[id.index()];
            let main = |id| match node(id) {
                Node::Input(Input::Main(column)) => Some(*column as usize),
                _ => None,
            };
            let multiplicity = air.interactions()[index].multiplicity;
            match node(multiplicity) {
                Node::Mul(a, b) => main(*a).or_else(|| main(*b)),
                _ => main(multiplicity),
            }
            .filter(|column| air.columns()[*column] != "enabler" && !air.columns()[*column].starts_with("flag"))
        };
        for provides in [false, true] {
            for (table, trace) in tables.iter().zip(traces.iter_mut()) {
                let (air, height) = (&table.air, 1 << table.log_height);
                for row in 0..height {
                    let evaluate = |trace: &[Vec<Felt>], counted: Option<usize>| {
                        air.graph().evaluate(|input| match input {
                            Input::Main(column) if counted == Some(column as usize) => Felt::one(),
                            Input::Main(column) => trace[column as usize][row],
                            Input::MainNext(column) => trace[column as usize][(row + 1) % height],
                            Input::Periodic(column) => {
                                let column = &air.periodic()[column as usize];
                                column[row % column.len()]
                            }
                            _ => Felt::zero(),
                        })
                    };
                    for (index, interaction) in air.interactions().iter().enumerate() {
                        let counted = counter(air, index);
                        if counted.is_some() != provides {
                            continue;
                        }
                        let values = evaluate(trace, counted);
                        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                        let factor = values[interaction.multiplicity.index()];
                        let key = key(interaction.bus.id, &tuple);
                        match counted {
                            Some(column) if factor != Felt::zero() => {
                                let needed = -sums.remove(&key).unwrap_or_default();
                                trace[column][row] = needed * factor.inv().unwrap();
                            }
                            Some(_) => {}
                            None => *sums.entry(key).or_default() += factor,
                        }
                    }
                }
            }
        }
        self
    }

    /// What the debug checker finds: `table/constraint`, and for lookups the bus.
    pub fn faults(&self) -> BTreeSet<String> {
        let report = crate::common::report(&self.0);
        let constraints = report.constraints.iter().map(|failure| format!("{}/{}", failure.air, failure.constraint));
        constraints.chain(report.imbalances.iter().map(|imbalance| imbalance.bus.name.to_owned())).collect()
    }

    /// A whole new proof, and what the verifier says of it.
    fn verdict(&self) -> Result<Verified, VerifyError> {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
        let bytes = proof.encode(&Shape::new(tables, &CHEAP));
        let proof = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes).encode();
        verify(statement, &proof, &policy())
    }

    /// Expects exactly these faults: without these constraints, all of them, the forgery would pass. And the verifier refuses.
    pub fn refused_for(&self, faults: &[&str]) {
        let expected: BTreeSet<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
        assert_eq!(self.faults(), expected);
        let refused = self.verdict();
        assert!(matches!(refused, Err(VerifyError::Stark(_))), "{refused:?}");
    }

    /// Expects no fault, and that the verifier takes the proof: what was overwritten makes another true statement.
    #[allow(dead_code, reason = "each test file takes its part")]
    pub fn accepted(&self) {
        assert_eq!(self.faults(), BTreeSet::new());
        let verified = self.verdict();
        assert!(verified.is_ok(), "{verified:?}");
    }

    /// Whether an overwritten cell is noticed by a constraint or an interaction of its table.
    pub fn notices(&self, air: &str, what: &str) -> bool {
        let report = crate::common::report(&self.0);
        let party = format!("{air}/{what}");
        report.has_constraint(air, what)
            || report.imbalances.iter().any(|imbalance| imbalance.parties.iter().any(|(name, ..)| *name == party))
    }
}

/// A prank for every constraint and every interaction of a table: rows and columns to which something is added.
pub fn pranks(honest: &Witness, kind: &TableKind, pranks: &[(&str, usize, &str)]) {
    let air = kind.to_string();
    for (what, row, column) in pranks {
        let mut forger = Forger::new(honest);
        forger.add(kind, *row, column, 1);
        assert!(forger.notices(&air, what), "{air}: `{what}` is not reported");
    }
    let position = honest.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap();
    let table = &honest.tables[position].air;
    let constraints = table.constraints().iter().map(|constraint| &constraint.name);
    let all: BTreeSet<&str> = constraints
        .chain(table.interactions().iter().map(|interaction| &interaction.name))
        .map(String::as_str)
        .collect();
    let done: BTreeSet<&str> = pranks.iter().map(|(what, ..)| *what).collect();
    assert_eq!(all, done, "{air}: a prank for each, and no other");
}

/// After balancing, each row that provides a product gets the slope for its new number of uses.
pub fn settle_products(forger: &mut Forger, kind: &TableKind) {
    for product in 0..forger.height(kind) / 128 {
        let row = 128 * product + 126;
        let (uses, y) = (forger.get(kind, row, "double_x"), forger.get(kind, row, "q_y"));
        let slope = (uses.square() * Felt::from(3) + Felt::one()) * (y + y).inv().unwrap();
        forger.set(kind, row, "double_slope", -slope);
    }
}
