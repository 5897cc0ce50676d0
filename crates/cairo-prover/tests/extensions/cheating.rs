//! One table with what it looks up, and a prover that cheats with it. All else gives way: states, memory and whatever other tables would say are
//! public tuples that are made to fit.

use crate::system::{System, table};
use cairo_air::{CairoProof, TableKind, buses, verify};
use cairo_prover::Witness;
use felt::{Felt, encoding};
use stark::graph::Input;
use stark::{Air, Bus, NoControl, PublicTuple, Shape};
use std::collections::{BTreeSet, HashMap};
use testkit::proofs::{CHEAP, policy};

/// The buses of lookup tables, which never give way.
const FIXED: [Bus; 4] = [buses::BYTE, buses::WORD12, buses::NIBBLE_AND, buses::BLAKE_SCHEDULE];

fn is_fixed(bus: Bus) -> bool {
    FIXED.iter().any(|fixed| fixed.id == bus.id)
}

/// A table of a witness, with its lookup tables.
pub fn alone(witness: &Witness, kind: &TableKind) -> System {
    let Witness { layout, tables, traces, .. } = witness;
    let mut system = System { tables: Vec::new(), traces: Vec::new(), public: Vec::new() };
    let lookups = [TableKind::NibbleAnd, TableKind::BlakeSchedule];
    let is_lookup = |kind: &TableKind| matches!(kind, TableKind::Limb(_)) || lookups.contains(kind);
    let first = layout.tables.iter().position(|entry| entry.kind == *kind).unwrap();
    let further = (0..tables.len()).filter(|at| is_lookup(&layout.tables[*at].kind));
    for at in [first].into_iter().chain(further) {
        system.tables.push(table(tables[at].air.as_ref().clone(), tables[at].log_height));
        system.traces.push(traces[at].clone());
    }
    settle(&mut system);
    let report = system.report();
    assert!(report.is_clean(), "{report}");
    system
}

/// Makes everything give way to the first table that may.
pub fn settle(system: &mut System) {
    let (table, trace) = (&system.tables[0], &system.traces[0]);
    let graph = table.air.graph();
    let mut sums: HashMap<(u32, Vec<[u64; 4]>), PublicTuple> = HashMap::new();
    let cell = |column: u32, row: usize| trace[column as usize][row];
    for row in 0..1 << table.log_height {
        let values = graph.evaluate(|input| match input {
            Input::Main(column) => cell(column, row),
            other => panic!("{other:?} in a table whose rows stand by themselves"),
        });
        for interaction in table.air.interactions().iter().filter(|interaction| !is_fixed(interaction.bus)) {
            let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
            let key = (interaction.bus.id, tuple.iter().map(encoding::montgomery_limbs).collect());
            let zero = PublicTuple { bus: interaction.bus, multiplicity: Felt::zero(), tuple };
            sums.entry(key).or_insert(zero).multiplicity += -values[interaction.multiplicity.index()];
        }
    }
    system.public = sums.into_values().filter(|tuple| tuple.multiplicity != Felt::zero()).collect();
    system.balance();
}

/// Forgeries by the constraint or the lookup that alone stands against each.
pub struct Alone {
    honest: System,
    done: BTreeSet<String>,
}

impl Alone {
    pub fn new(witness: &Witness, kind: &TableKind) -> Self {
        Self { honest: alone(witness, kind), done: BTreeSet::new() }
    }

    /// Expects that a forgery is refused for this reason and no other, whatever gives way, and would pass without it.
    pub fn expect(&mut self, what: &str, forge: impl Fn(&mut System)) {
        let mut forged = self.honest.clone();
        forge(&mut forged);
        settle(&mut forged);
        assert_eq!(forged.faults(), BTreeSet::from([what.to_owned()]), "{}", forged.report());
        let mut without = forged.without(what);
        settle(&mut without);
        let report = without.report();
        assert!(report.is_clean(), "without `{what}`: {report}");
        self.done.insert(what.to_owned());
    }

    /// Every constraint and every lookup in a fixed table has a forgery that only it refuses.
    pub fn finish(self) {
        let air = &self.honest.tables[0].air;
        let constraints = air.constraints().iter().map(|constraint| &constraint.name);
        let lookups = air.interactions().iter().filter(|interaction| is_fixed(interaction.bus));
        let all = constraints.chain(lookups.map(|interaction| &interaction.name));
        let missing: Vec<&String> = all.filter(|name| !self.done.contains(*name)).collect();
        assert!(missing.is_empty(), "{}: no forgery for {missing:?}", air.name());
    }
}

/// Two rows of which each is half in use: a row in use, and a copy of it in the padding.
pub fn halve(system: &mut System, used: usize, spare: usize) {
    let half = Felt::from(2).inv().unwrap();
    for column in &mut system.traces[0] {
        column[spare] = column[used];
    }
    for row in [used, spare] {
        system.column(0, "enabler")[row] = half;
    }
}

/// Overwrites each cell of some rows of the table, one at a time, with other values. Each must be noticed, and every constraint and every
/// interaction must be among what is reported.
pub fn every_cell_counts(witness: &Witness, kind: &TableKind, rows: &[usize]) {
    let honest = alone(witness, kind);
    let air: &Air = &honest.tables[0].air;
    let mut seen = BTreeSet::new();
    for (column, name) in air.columns().iter().enumerate() {
        for row in rows {
            for value in [Felt::one(), Felt::from(1_u64 << 40)] {
                let mut forged = honest.clone();
                forged.traces[0][column][*row] += value;
                let faults = forged.faults();
                assert!(!faults.is_empty(), "{name} of row {row}");
                seen.extend(faults);
            }
        }
    }
    let constraints = air.constraints().iter().map(|constraint| &constraint.name);
    let interactions = air.interactions().iter().map(|interaction| &interaction.name);
    let missing: Vec<&String> = constraints.chain(interactions).filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "{}: nothing reports {missing:?}", air.name());
}

/// Overwrites cells of the first table of a kind, and of memory.
pub fn forge(
    honest: &Witness,
    kind: &TableKind,
    row: usize,
    edits: &[(&str, Felt)],
    memory: &[(u32, Felt)],
) -> Witness {
    let mut forged = honest.clone();
    let (names, trace) = crate::common::table(&mut forged, kind);
    for (name, value) in edits {
        let column = names.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
        trace[column][row] = *value;
    }
    let (_, cells) = crate::common::table(&mut forged, &TableKind::Memory);
    let names = honest.tables[0].air.columns();
    for (address, value) in memory {
        let (row, place) = ((*address as usize - 1) / 8, (*address as usize - 1) % 8);
        let column = names.iter().position(|column| *column == format!("value[{place}]")).unwrap();
        cells[column][row] = *value;
    }
    forged
}

/// Makes a whole new proof of a forged witness whose lookups are made to balance, with as many disclosed rows as there may be and without any, and
/// expects it to be refused.
pub fn is_refused(mut forged: Witness) {
    crate::common::balance::balance(&mut forged);
    for witness in [forged.clone(), crate::common::disclose_all(forged)] {
        let Witness { statement, claim, layout, tables, public, traces } = witness;
        let context = statement.context(&claim, &layout);
        let proof = stark::prove(&tables, traces, &public, &context, &CHEAP, &NoControl).unwrap();
        let bytes = proof.encode(&Shape::new(&tables, &CHEAP));
        let proof = CairoProof::new(&statement, CHEAP, claim, layout, bytes).encode();
        let refused = verify(&statement, &proof, &policy());
        assert!(refused.is_err());
    }
}
