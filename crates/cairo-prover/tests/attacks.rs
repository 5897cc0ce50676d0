//! Full proofs of false claims. Each attack takes an honest witness, changes it consistently wherever the change shows,
//! lets every look-up table offer whatever it can, makes a whole new proof of the false claim, and must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::claim::ClaimError;
use cairo_air::components::bitwise::Size;
use cairo_air::components::derived::{Linear, Source};
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, Path, cell, memory, word12};
use cairo_air::decode::signed;
use cairo_air::fetch::{Fetch, FetchError, MAX_FETCHES};
use cairo_air::{
    ArgumentBinding, Builtin, CairoProof, Layout, LayoutError, Policy, Program, Segment, Statement, TableEntry,
    TableKind, Verified, VerifyError, buses, public_tuples, verify,
};
use cairo_execution::Execution;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::counters::Counters;
use cairo_prover::witness::range_check::fill_words12;
use cairo_prover::witness::word12 as word12_witness;
use cairo_prover::{StepTable, Witness};
use common::{execution, generic_witness, in_the_open};
use felt::{Felt, encoding};
use stark::debug::Report;
use stark::graph::{Graph, Input, Node, NodeId};
use stark::{Bus, Parameters, Shape, Unattended};
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// No false claim here needs luck: queries would only cost time.
const CHEAP: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, ..Policy::default() }
}

/// An honest run with output, range checks and bitwise (of small inputs), all steps in the generic table.
fn honest() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
        generic_witness(execution("cairo0/args3", Some(arguments)))
    })
}

/// The same run with 12-bit limbs.
fn honest12() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| with_12_bit_limbs(honest()))
}

/// The limbs that runs with more range checks have, instead of bytes.
fn with_12_bit_limbs(honest: &Witness) -> Witness {
    let mut forger = Forger::new(honest);
    let segment = forger.range_check();
    let cells = forger.column(&TableKind::Memory, "address").len() * memory::CELLS;
    let mut values: Vec<Felt> = (1..=cells as u64).map(|address| forger.memory(address)).collect();
    values.insert(0, Felt::zero());
    let counters = Counters::new(values.len());
    let position = forger.position(&TableKind::RangeCheck(Limbs::Bytes));
    let Witness { layout, traces, .. } = &mut forger.0;
    let entry = &mut layout.tables[position];
    entry.kind = TableKind::RangeCheck(Limbs::Words12);
    traces[position] = fill_words12(&values, segment, entry.log_height, &counters, &Unattended).unwrap();
    let position = layout.tables.partition_point(|entry| entry.kind < TableKind::Limb(Limb::Bits12));
    layout.tables.insert(position, TableEntry { kind: TableKind::Limb(Limb::Bits12), log_height: word12::LOG_HEIGHT });
    traces.insert(position, word12_witness::fill(&counters));
    forger.reclaim();
    forger.balance();
    forger.0
}

/// The planner's model where no table is in the open.
fn all_committed(execution: &Execution) -> Costs {
    Costs { open_terms: 0, ..Costs::new(execution, DEFAULT_COLUMNS) }
}

/// The same kind of run with tables as the planner chooses them.
fn planned() -> &'static Witness {
    static PLANNED: OnceLock<Witness> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
        let steps = plan(&execution, &all_committed(&execution)).tables;
        witness(execution, [7; 32], steps, 0, &Unattended).unwrap()
    })
}

/// The same with the cells above those of the paths in a memory table.
fn planned_with_memory() -> &'static Witness {
    static PLANNED: OnceLock<Witness> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let mut forger = Forger::new(planned());
        let end = forger.path_cells().into_iter().map(|(cell, ..)| cell + 1).max().unwrap();
        forger.share(end as u32);
        forger.reclaim();
        forger.balance();
        forger.0
    })
}

fn small(value: u64) -> Felt {
    Felt::from(value)
}

fn integer(value: &Felt) -> u64 {
    encoding::to_u64(value).expect("small")
}

/// The columns of which a multiplicity is the product: that of the enabler, if it is a factor, and that of the count.
fn counted(graph: &Graph, multiplicity: NodeId) -> Option<(Option<usize>, usize)> {
    let column = |id: NodeId| match graph.nodes()[id.index()] {
        Node::Input(Input::Main(column)) => Some(column as usize),
        _ => None,
    };
    match graph.nodes()[multiplicity.index()] {
        Node::Mul(a, b) => {
            let (a, b) = (column(a)?, column(b)?);
            Some((Some(a.min(b)), a.max(b)))
        }
        _ => Some((None, column(multiplicity)?)),
    }
}

/// A prover that cheats.
struct Forger(Witness);

impl Forger {
    fn new(honest: &Witness) -> Self {
        Self(honest.clone())
    }

    fn position(&self, kind: &TableKind) -> usize {
        self.0.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap()
    }

    fn column(&mut self, kind: &TableKind, name: &str) -> &mut Vec<Felt> {
        let position = self.position(kind);
        let column = self.0.tables[position].air.columns().iter().position(|column| column == name).unwrap();
        &mut self.0.traces[position][column]
    }

    /// The memory cells that rows have, whosever they are.
    fn cells(&self) -> BTreeMap<u64, Felt> {
        let Witness { statement, claim, layout, traces, .. } = &self.0;
        let mut cells = BTreeMap::new();
        let mut start = u64::from(claim.owned_end);
        for (entry, trace) in layout.tables.iter().zip(traces) {
            let rows = 0..1 << entry.log_height;
            match &entry.kind {
                TableKind::Memory => {
                    cells.extend((start..).zip(rows.flat_map(|row| (1..=memory::CELLS).map(move |k| trace[k][row]))));
                    start += (memory::CELLS as u64) << entry.log_height;
                }
                TableKind::Cell => {
                    let columns = cell::Columns::positions();
                    let used = rows.filter(|row| trace[columns.enabler][*row] == small(1));
                    cells.extend(used.map(|row| (integer(&trace[columns.address][row]), trace[columns.value][row])));
                }
                TableKind::Path(path) if !path.owned.is_empty() => {
                    let derived = path.derive(&statement.program).unwrap();
                    for row in rows.filter(|row| trace[0][*row] == small(1)) {
                        let row: Vec<Felt> = trace.iter().map(|column| column[row]).collect();
                        let cell =
                            |[address, value]: &[Linear; 2]| (integer(&address.evaluate(&row)), value.evaluate(&row));
                        cells.extend(derived.rows.owned.iter().map(cell));
                    }
                }
                _ => {}
            }
        }
        cells
    }

    fn memory(&self, address: u64) -> Felt {
        self.cells()[&address]
    }

    /// Writes a memory cell in the table that provides it, if that is a memory table or a cell table.
    fn set_cell(&mut self, address: u64, value: Felt) -> Option<()> {
        match address.checked_sub(u64::from(self.0.claim.owned_end)) {
            Some(at) => {
                let (row, k) = (at as usize / memory::CELLS, at as usize % memory::CELLS);
                self.column(&TableKind::Memory, &format!("value[{k}]"))[row] = value;
            }
            None => {
                let enabled = self.column(&TableKind::Cell, "enabler").clone();
                let addresses = self.column(&TableKind::Cell, "address");
                let is = |row: &usize| addresses[*row] == small(address) && enabled[*row] == small(1);
                let row = (0..addresses.len()).find(is)?;
                self.column(&TableKind::Cell, "value")[row] = value;
            }
        }
        Some(())
    }

    /// Writes a memory cell in every table in which it shows, paths excepted, and its limbs if it is range-checked.
    fn set_memory(&mut self, address: u64, value: Felt) {
        self.set_cell(address, value).expect("a row provides it");
        for operand in ["dst", "op0", "op1"] {
            let addresses = self.column(&TableKind::Generic, &format!("{operand}_address")).clone();
            let rows = addresses.iter().zip(self.column(&TableKind::Generic, operand));
            rows.filter(|(at, _)| **at == small(address)).for_each(|(_, cell)| *cell = value);
        }
        for kind in [TableKind::Generic, TableKind::Instruction] {
            let has_immediate = self.column(&kind, "flag[2]").clone();
            let pcs = self.column(&kind, "pc").clone();
            let rows = pcs.iter().zip(&has_immediate).zip(self.column(&kind, "immediate"));
            let rows = rows.filter(|((pc, flag), _)| **pc + small(1) == small(address) && **flag == small(1));
            rows.for_each(|(_, cell)| *cell = value);
        }
        if self.0.layout.tables.iter().any(|entry| entry.kind == self.checked()) {
            let checked = self.column(&self.checked(), "address").clone();
            for (row, _) in checked.iter().enumerate().filter(|(_, at)| **at == small(address)) {
                self.set_limbs(row, value);
            }
        }
    }

    /// The kind of table that the range checks have.
    fn checked(&self) -> TableKind {
        let narrow = self.0.layout.tables.iter().any(|entry| entry.kind == TableKind::RangeCheck(Limbs::Words12));
        if narrow { TableKind::RangeCheck(Limbs::Words12) } else { TableKind::RangeCheck(Limbs::Bytes) }
    }

    /// Writes the limbs of a value into a row of the range checks. Whatever is left goes into the last limb.
    fn set_limbs(&mut self, row: usize, value: Felt) {
        let kind = self.checked();
        let (bits, last) = if kind == TableKind::RangeCheck(Limbs::Words12) { (12, 10) } else { (8, 15) };
        let bytes = encoding::to_canonical_be(&value);
        let bit = |at: usize| u64::from(bytes[31 - at / 8] >> (at % 8) & 1);
        let mut rest = value;
        for limb in 0..last {
            let word = (0..bits).map(|i| bit(limb * bits + i) << i).sum();
            rest = (rest - small(word)) * small(1 << bits).inv().unwrap();
            self.column(&kind, &format!("limb[{limb}]"))[row] = small(word);
        }
        self.column(&kind, &format!("limb[{last}]"))[row] = rest;
    }

    /// Recomputes what the generic table derives from operands, and lets the walk of states go where it leads.
    fn solve_res(&mut self) {
        let rows = self.column(&TableKind::Generic, "res").len();
        for row in 0..rows {
            let mut get = |name: &str| self.column(&TableKind::Generic, name)[row];
            let (op0, op1) = (get("op0"), get("op1"));
            let res = match (get("flag[5]") == small(1), get("flag[6]") == small(1)) {
                (true, _) => op0 + op1,
                (_, true) => op0 * op1,
                _ => op1,
            };
            self.column(&TableKind::Generic, "res")[row] = res;
        }
    }

    /// Makes tables and public tuples what the verifier will make of statement, claim and layout, if it accepts them.
    fn reclaim(&mut self) {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        if let Ok(built) = common::built(layout, &statement.program, claim) {
            (*tables, *public) = (built.tables, built.open);
        } else {
            public.clear();
        }
        public.splice(0..0, public_tuples(statement, claim));
    }

    /// Gives every look-up table the multiplicities that others need, where it has the tuple at all.
    fn balance(&mut self) {
        let Witness { layout, tables, public, traces, .. } = &mut self.0;
        let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
        let key = |bus: Bus, tuple: &[Felt]| (bus.id, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
        for tuple in public.iter() {
            *sums.entry(key(tuple.bus, &tuple.tuple)).or_default() += tuple.multiplicity;
        }
        let provides = |kind: &TableKind| match kind {
            TableKind::Memory | TableKind::Cell | TableKind::Path(_) => Some(buses::MEMORY),
            TableKind::Instruction => Some(buses::INSTRUCTION),
            TableKind::Limb(Limb::Bits8) => Some(buses::BYTE),
            TableKind::Limb(Limb::Bits16) => Some(buses::WORD16),
            TableKind::Limb(Limb::Bits12) => Some(buses::WORD12),
            TableKind::NibbleAnd => Some(buses::NIBBLE_AND),
            _ => None,
        };
        for provider in [false, true] {
            for ((entry, table), trace) in layout.tables.iter().zip(tables.iter()).zip(traces.iter_mut()) {
                let height = 1 << entry.log_height;
                for row in 0..height {
                    let value = |input| match input {
                        Input::Main(column) => trace[column as usize][row],
                        Input::MainNext(column) => trace[column as usize][(row + 1) % height],
                        Input::Periodic(column) => {
                            let column = &table.air.periodic()[column as usize];
                            column[row % column.len()]
                        }
                        _ => Felt::zero(),
                    };
                    let values = table.air.graph().evaluate(value);
                    for interaction in table.air.interactions() {
                        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                        let key = key(interaction.bus, &tuple);
                        let count = counted(table.air.graph(), interaction.multiplicity)
                            .filter(|_| provides(&entry.kind) == Some(interaction.bus));
                        match (count, provider) {
                            (None, false) => {
                                *sums.entry(key).or_default() += values[interaction.multiplicity.index()];
                            }
                            // Rows of padding have no say.
                            (Some((Some(enabler), _)), true) if trace[enabler][row] == Felt::zero() => {}
                            (Some((enabler, column)), true) => {
                                let count = -sums.remove(&key).unwrap_or_default();
                                let times = enabler.map_or(small(1), |enabler| trace[enabler][row]);
                                trace[column][row] = count * times.inv().unwrap();
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// A whole proof of the claim as it stands.
    fn proof(&self) -> CairoProof {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &Unattended).unwrap();
        let bytes = proof.encode(&Shape::new(tables, &CHEAP));
        CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes)
    }

    /// Proves as well as can be, and asks the verifier.
    fn try_it(mut self) -> Result<Verified, VerifyError> {
        self.reclaim();
        self.balance();
        let result = verify(&self.0.statement, &self.proof().encode(), &policy());
        // The same rows in the open show no more and no less.
        let open = Self(in_the_open(self.0.clone()));
        let in_the_open = verify(&open.0.statement, &open.proof().encode(), &policy());
        assert_eq!(in_the_open.is_ok(), result.is_ok(), "committed {result:?}, in the open {in_the_open:?}");
        result
    }

    /// Expects the STARK layer to refuse.
    fn refused(self) {
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    fn range_check(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::RangeCheck).unwrap()
    }

    /// The cells with the base and the stop pointer of the builtin at a position.
    fn pointers(&self, position: u64) -> [u64; 2] {
        let stops = u64::from(self.0.claim.final_ap) - self.0.claim.segments.len() as u64;
        [u64::from(self.0.statement.program.initial_ap()) + position, stops + position]
    }
}

// Cells with owners.
impl Forger {
    /// The rows of the cell table that are in use: enabler, address and value.
    fn cell_rows(&self) -> Vec<[Felt; 3]> {
        let trace = &self.0.traces[self.position(&TableKind::Cell)];
        let rows = (0..trace[0].len()).map(|row| [0, 1, 2].map(|column| trace[column][row]));
        rows.filter(|[enabler, ..]| *enabler == small(1)).collect()
    }

    /// Makes a cell table of these rows, and padding.
    fn set_cell_rows(&mut self, rows: &[[Felt; 3]]) {
        let position = self.position(&TableKind::Cell);
        let height = rows.len().max(1 << stark::MIN_LOG_HEIGHT).next_power_of_two();
        self.0.layout.tables[position].log_height = height.ilog2();
        let padding = rows.first().map_or([Felt::zero(); 3], |[_, address, value]| [Felt::zero(), *address, *value]);
        let row = |row: usize| rows.get(row).unwrap_or(&padding);
        let columns = (0..3).map(|column| (0..height).map(|at| row(at)[column]).collect());
        self.0.traces[position] = columns.chain([vec![Felt::zero(); height]]).collect();
    }

    fn add_cell_rows(&mut self, more: &[[Felt; 3]]) {
        self.set_cell_rows(&[&self.cell_rows(), more].concat());
    }

    /// Moves the end of the owned cells: a memory table takes those from there on, as many as its rows hold.
    fn share(&mut self, owned_end: u32) {
        let cells = self.cells();
        let rows = self.cell_rows().into_iter().filter(|[_, address, _]| integer(address) < u64::from(owned_end));
        self.set_cell_rows(&rows.collect::<Vec<_>>());
        let Witness { claim, layout, traces, .. } = &mut self.0;
        claim.owned_end = owned_end;
        let start = u64::from(owned_end);
        let end = cells.keys().max().unwrap() + 1;
        let height = (end.saturating_sub(start) as usize).div_ceil(memory::CELLS).max(64).next_power_of_two();
        let addresses = (0..height as u64).map(|row| start + memory::CELLS as u64 * row);
        let mut trace: Vec<Vec<Felt>> = vec![addresses.clone().map(small).collect()];
        for k in 0..memory::CELLS as u64 {
            trace.push(addresses.clone().map(|at| cells.get(&(at + k)).copied().unwrap_or_default()).collect());
        }
        trace.resize(1 + 2 * memory::CELLS, vec![Felt::zero(); height]);
        layout.tables.insert(0, TableEntry { kind: TableKind::Memory, log_height: height.ilog2() });
        traces.insert(0, trace);
        self.reclaim();
    }

    /// The table of paths whose rows own cells.
    fn owner(&self) -> (usize, Path) {
        let owner = |entry: &TableEntry| match &entry.kind {
            TableKind::Path(path) if !path.owned.is_empty() => Some(path.clone()),
            _ => None,
        };
        self.0.layout.tables.iter().enumerate().find_map(|(at, entry)| Some((at, owner(entry)?))).unwrap()
    }

    /// The cells that its rows own: address, row and place in the row.
    fn path_cells(&self) -> Vec<(u64, usize, usize)> {
        let (position, path) = self.owner();
        let trace = &self.0.traces[position];
        // Column 0 is the enabler, 1 is fp; ap is at a constant distance from it.
        let ap = |row: usize| (i64::from(path.frame.expect("a fixed frame")) + integer(&trace[1][row]) as i64) as u64;
        let rows = (0..trace[0].len()).filter(|row| trace[0][*row] == small(1));
        rows.flat_map(|row| (0..path.owned.len()).map(move |k| (row, k)))
            .map(|(row, k)| (ap(row) + k as u64, row, k))
            .collect()
    }

    /// Gives the path other numbers of uses: the cells with `true` are provided, each with a column of uses of its own.
    fn provide(&mut self, provided: impl Fn(usize) -> bool) {
        let (position, mut path) = self.owner();
        let mut most = 0;
        for (place, number) in path.owned.iter_mut().enumerate() {
            *number = if provided(place) { most + 1 } else { 0 };
            most = most.max(*number);
        }
        let program = &self.0.statement.program;
        let plain = Path { owned: Vec::new(), ..path.clone() }.derive(program).unwrap().rows.sources.len();
        let derived = path.derive(program).unwrap();
        let uses = derived.rows.sources.iter().skip(plain).all(|source| matches!(source, Source::Uses(_)));
        assert!(uses, "rows know the cells that they provide");
        let height = self.0.traces[position][0].len();
        self.0.traces[position].truncate(plain);
        self.0.traces[position].resize(derived.rows.sources.len(), vec![Felt::zero(); height]);
        self.0.layout.tables[position].kind = TableKind::Path(path);
        let tables = &self.0.layout.tables;
        assert!(tables.is_sorted_by(|a, b| a.kind <= b.kind));
    }

    /// Lets the generic table's steps go on with another value of a cell, wherever that leads, and claims the output that comes
    /// out. Whoever owns the cell still says what it was. Whether the output is another one.
    fn retell(&mut self, address: u64, value: Felt) -> bool {
        let mut told = BTreeMap::from([(address, value)]);
        let mut get = |name: &str| self.column(&TableKind::Generic, name).clone();
        let [enabler, clock, assert] = ["enabler", "clock", "flag[14]"].map(&mut get);
        let addresses = ["dst_address", "op0_address", "op1_address"].map(&mut get);
        let mut operands = ["dst", "op0", "op1"].map(&mut get);
        let [add, mul] = ["flag[5]", "flag[6]"].map(&mut get);
        let mut rows: Vec<usize> = (0..enabler.len()).filter(|row| enabler[*row] == small(1)).collect();
        rows.sort_by_key(|row| integer(&clock[*row]));
        for row in rows {
            for (at, operand) in addresses.iter().zip(&mut operands) {
                if let Some(value) = encoding::to_u64(&at[row]).and_then(|at| told.get(&at)) {
                    operand[row] = *value;
                }
            }
            let [dst, op0, op1] = operands.each_ref().map(|operand| operand[row]);
            let res = match (add[row] == small(1), mul[row] == small(1)) {
                (true, _) => op0 + op1,
                (_, true) => op0 * op1,
                _ => op1,
            };
            if assert[row] == small(1) && dst != res {
                // The machine gives a value to that side of the assertion which has none yet.
                let is_told = told.contains_key(&integer(&addresses[0][row]));
                let (side, value) = if is_told { (2, dst) } else { (0, res) };
                operands[side][row] = value;
                told.insert(integer(&addresses[side][row]), value);
            }
        }
        for (name, operand) in ["dst", "op0", "op1"].into_iter().zip(operands) {
            *self.column(&TableKind::Generic, name) = operand;
        }
        self.solve_res();
        told.remove(&address);
        let base = u64::from(self.0.claim.segments[0].base);
        let mut changed = false;
        for (at, value) in told {
            if self.set_cell(at, value).is_none() {
                return false;
            }
            if let Some(output) = at.checked_sub(base).and_then(|at| self.0.claim.output.get_mut(at as usize)) {
                *output = value;
                changed = true;
            }
        }
        changed
    }

    /// Makes ready what the verifier will make, and gives what the checker says.
    fn report(&mut self) -> Report {
        self.reclaim();
        self.balance();
        common::report(&self.0)
    }

    /// Expects that everything fits but the owned bus, which has too much or too little of so many addresses, and that the verifier refuses.
    fn refused_by_owners(mut self, addresses: usize) {
        let report = self.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        assert!(report.imbalances.iter().all(|imbalance| imbalance.bus == buses::OWNED), "{report}");
        assert_eq!(report.imbalances.len(), addresses, "{report}");
        assert_eq!(self.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }

    /// Expects that everything fits but that an enabler is neither 0 nor 1, and that the verifier refuses.
    fn refused_by_enabler(mut self, table: &TableKind) {
        let report = self.report();
        assert!(report.shapes.is_empty() && report.imbalances.is_empty(), "{report}");
        let name = if *table == TableKind::Cell { "boolean_enabler" } else { "the enabler is boolean" };
        let expected = |failure: &stark::debug::ConstraintFailure| {
            (failure.air.as_str(), failure.constraint.as_str()) == (table.to_string().as_str(), name)
        };
        assert!(!report.constraints.is_empty() && report.constraints.iter().all(expected), "{report}");
        let result = self.try_it();
        assert!(matches!(result, Err(VerifyError::Stark(stark::VerifyError::Constraints(_)))), "{result:?}");
    }
}

/// A run told wrongly: the steps that read a cell of a path's row go on with another value, up to another output.
struct Retold {
    forger: Forger,
    /// The cell, with its place in the path's row, and what its readers believe.
    cell: u64,
    place: usize,
    value: Felt,
    /// The path's row that owns it.
    row: usize,
}

fn retold(honest: &Witness) -> Retold {
    let mut start = Forger::new(honest);
    let provided = start.owner().1.owned;
    start.provide(|place| provided[place] > 0);
    start.reclaim();
    start.balance();
    assert!(common::report(&start.0).is_clean());
    let value_of = start.cells();
    for (cell, row, place) in start.path_cells().into_iter().rev() {
        let Some(value) = value_of.get(&cell).filter(|_| provided[place] > 0).map(|value| *value + small(1)) else {
            continue;
        };
        let mut forger = Forger::new(&start.0);
        if !forger.retell(cell, value) {
            continue;
        }
        // Nothing is wrong but that nobody says so.
        let report = forger.report();
        if report.constraints.is_empty() {
            let tuples: Vec<_> =
                report.imbalances.iter().map(|imbalance| (imbalance.bus, &imbalance.tuple[..])).collect();
            assert_eq!(tuples, [(buses::MEMORY, &[small(cell), value][..])], "{report}");
            return Retold { forger, cell, place, value, row };
        }
    }
    panic!("no cell of the path leads to the output");
}

/// An owned cell gets a second owner with another value, which some of its users read: an output cell, where the public side
/// reads it, and a cell of a path's row.
#[test]
fn a_cell_with_two_owners() {
    for honest in [planned(), planned_with_memory()] {
        let Retold { mut forger, cell, value, .. } = retold(honest);
        forger.add_cell_rows(&[[small(1), small(cell), value]]);
        forger.refused_by_owners(2);
    }
    let mut forger = Forger::new(planned());
    let output = u64::from(forger.0.claim.segments[0].base) + 1;
    forger.0.claim.output[1] += small(1);
    let value = forger.0.claim.output[1];
    forger.add_cell_rows(&[[small(1), small(output), value]]);
    forger.refused_by_owners(2);
}

/// The second owner of a path's cell is a row that should own another one, which nobody reads. Each address from first to
/// last is counted, but not each has its owner.
#[test]
fn a_cell_without_owner() {
    let Retold { mut forger, cell, value, .. } = retold(planned());
    // Cells that the run has no use for, which are no lie.
    let more = forger.0.claim.owned_end..forger.0.claim.owned_end + 3;
    forger.0.claim.owned_end = more.end;
    let unread = |at: u32| [small(1), small(u64::from(at)), small(3)];
    let mut honest = Forger::new(planned());
    honest.0.claim.owned_end = more.end;
    honest.add_cell_rows(&more.clone().map(unread).collect::<Vec<_>>());
    assert!(honest.try_it().is_ok());
    for hole in more.clone() {
        let row = |at: u32| if at == hole { [small(1), small(cell), value] } else { unread(at) };
        let mut forger = Forger::new(&forger.0);
        forger.add_cell_rows(&more.clone().map(row).collect::<Vec<_>>());
        // The walk breaks off at the hole and goes on behind it, or ends there; the cell has two owners.
        forger.refused_by_owners(4);
    }
}

/// A row of the cell table has another value for a cell of a memory table; by itself, or at the end of a walk that goes on
/// beyond the end of owned cells.
#[test]
fn owned_cells_in_memory_tables() {
    let output = u64::from(planned().claim.segments[0].base) + 1;
    let end = u64::from(planned_with_memory().claim.owned_end);
    assert!(end <= output);
    for first in [output, end] {
        let mut forger = Forger::new(planned_with_memory());
        forger.0.claim.output[1] += small(1);
        let value = forger.0.claim.output[1];
        let mut rows: Vec<_> = (first..output).map(|at| [small(1), small(at), forger.memory(at)]).collect();
        rows.push([small(1), small(output), value]);
        forger.add_cell_rows(&rows);
        forger.refused_by_owners(2);
    }
}

/// The layout says of a cell that others read that it is the path's own affair; rows of the cell table provide it, one of
/// them with another value.
#[test]
fn private_cells_that_others_read() {
    let Retold { mut forger, cell, value, place, .. } = retold(planned());
    let (_, path) = forger.owner();
    let cells = forger.cells();
    let others = forger.path_cells().into_iter().filter(|(at, _, k)| *k == place && *at != cell);
    let mut rows: Vec<_> = others.map(|(at, ..)| [small(1), small(at), cells[&at]]).collect();
    rows.push([small(1), small(cell), value]);
    forger.provide(|other| other != place && path.owned[other] > 0);
    forger.add_cell_rows(&rows);
    let addresses = 2 * rows.len();
    forger.refused_by_owners(addresses);
}

/// The claim puts the end of owned cells elsewhere, and memory tables go on from there, with another value for a cell that a row
/// owns.
#[test]
fn another_end_of_owned_cells() {
    let Retold { forger: start, cell, value, .. } = retold(planned());
    for end in [1, 2, cell as u32 - 1, cell as u32] {
        let mut forger = Forger::new(&start.0);
        forger.share(end);
        // Whose cells the rows of the cell table would be beyond the end is of no use to anyone.
        forger.set_cell(cell, value).unwrap();
        let report = forger.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let owned = report.imbalances.iter().all(|imbalance| imbalance.bus == buses::OWNED);
        assert!(owned && !report.imbalances.is_empty(), "{report}");
        assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)), "{end}");
    }
    // Only the claim, true or not.
    for honest in [planned(), planned_with_memory()] {
        let owned_end = honest.claim.owned_end;
        for end in [0, 1, 2, owned_end - 1, owned_end + 1, owned_end + 8, 1 << 31, u32::MAX - 1, u32::MAX] {
            let mut forger = Forger::new(honest);
            forger.0.claim.owned_end = end;
            let has_memory = forger.0.layout.tables[0].kind == TableKind::Memory;
            if has_memory {
                let rows = 0..forger.column(&TableKind::Memory, "address").len() as u64;
                *forger.column(&TableKind::Memory, "address") =
                    rows.map(|row| small(u64::from(end) + 8 * row)).collect();
            }
            match forger.try_it() {
                Err(VerifyError::Claim(ClaimError::OwnedEnd)) => assert_eq!(end, 0),
                Err(VerifyError::Claim(ClaimError::OutsideMemory { .. })) => assert!(end < owned_end),
                Err(VerifyError::Layout(LayoutError::TooMuchMemory(_))) => assert!(has_memory && end > 1 << 31),
                Err(VerifyError::Stark(stark::VerifyError::BusSum)) => assert!(end > 0),
                other => panic!("{end}: {other:?}"),
            }
        }
    }
}

/// Padding holds another value of a cell, and counts its uses.
#[test]
fn padding_that_provides() {
    let missing = |forger: &mut Forger, cell, value| {
        let report = forger.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let [imbalance] = &report.imbalances[..] else { panic!("{report}") };
        assert_eq!((imbalance.bus, &imbalance.tuple), (buses::MEMORY, &vec![small(cell), value]), "{report}");
        -imbalance.excess
    };
    let Retold { mut forger, cell, value, .. } = retold(planned());
    let uses = missing(&mut forger, cell, value);
    forger.add_cell_rows(&[[small(0), small(cell), value]]);
    let row = forger.cell_rows().len();
    forger.reclaim();
    forger.balance();
    forger.column(&TableKind::Cell, "uses")[row] = uses;
    assert_eq!(missing(&mut forger, cell, value), uses);
    assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));

    // A path's padding: the row that owns the cell, with whatever makes it another value.
    let Retold { mut forger, cell, value, place, row } = retold(planned());
    forger.reclaim();
    forger.balance();
    let (position, number, altered) = forger.other_row(row, place, value);
    let padding = forger.0.traces[position][0].iter().position(|enabler| *enabler == small(0)).unwrap();
    for (column, value) in altered.into_iter().enumerate() {
        forger.0.traces[position][column][padding] = value;
    }
    forger.0.traces[position][0][padding] = small(0);
    forger.0.traces[position][number][padding] = uses;
    assert_eq!(missing(&mut forger, cell, value), uses);
    assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
}

impl Forger {
    /// A path's row with another value of a cell that it provides, by another value of one that it reads: the table, the column of the
    /// cell's uses, and the row, which provides nothing yet.
    fn other_row(&self, row: usize, place: usize, value: Felt) -> (usize, usize, Vec<Felt>) {
        let (position, path) = self.owner();
        let derived = path.derive(&self.0.statement.program).unwrap();
        let trace = &self.0.traces[position];
        let mut altered: Vec<Felt> = trace.iter().map(|column| column[row]).collect();
        let number = derived.rows.sources.len() - path.owned.iter().filter(|number| **number > 0).count()
            + path.owned[..place].iter().filter(|number| **number > 0).count();
        for (column, source) in derived.rows.sources.iter().enumerate() {
            if matches!(source, Source::Uses(_)) {
                altered[column] = small(0);
            }
        }
        let ap = altered[1] + signed(i64::from(path.frame.expect("a fixed frame")));
        let at = ap + small(place as u64);
        let [_, cell] = derived.rows.owned.iter().find(|[address, _]| address.evaluate(&altered) == at).unwrap();
        // One that no constraint and no register hangs on.
        for (column, source) in derived.rows.sources.iter().enumerate() {
            let mut other = altered.clone();
            let term = cell.terms().iter().find(|(term, _)| *term as usize == column);
            if let (Source::Memory(_), Some((_, coefficient))) = (source, term) {
                other[column] += (value - cell.evaluate(&altered)) * coefficient.inv().unwrap();
                let holds = derived.rows.end.iter().all(|end| end.evaluate(&other) == end.evaluate(&altered))
                    && derived.air.constraints().iter().all(|constraint| {
                        let values = derived.air.graph().evaluate(|input| match input {
                            Input::Main(column) => other[column as usize],
                            _ => Felt::zero(),
                        });
                        values[constraint.expression.index()] == Felt::zero()
                    });
                if holds {
                    return (position, number, other);
                }
            }
        }
        panic!("nothing that the row reads is free");
    }
}

/// Rows that own a cell minus once, twice, or half, so that all of them together own it once.
#[test]
fn owners_that_are_not_whole() {
    let half = small(2).inv().unwrap();
    // With the path's row that owns the cell.
    for pair in [[small(1), -small(1)], [small(2), -small(2)], [half, -half]] {
        let Retold { mut forger, cell, value, .. } = retold(planned());
        forger.add_cell_rows(&pair.map(|enabler| [enabler, small(cell), value]));
        forger.refused_by_enabler(&TableKind::Cell);
    }
    // In place of the row that owns an output cell.
    let output = u64::from(planned().claim.segments[0].base) + 1;
    for (own, other) in [(small(2), -small(1)), (-small(1), small(2)), (half, half)] {
        let mut forger = Forger::new(planned());
        let honest = forger.0.claim.output[1];
        forger.0.claim.output[1] += small(1);
        let rows = forger.cell_rows().into_iter().filter(|[_, address, _]| *address != small(output));
        let false_rows = [(own, honest), (other, honest + small(1))];
        let false_rows = false_rows.map(|(enabler, value)| [enabler, small(output), value]);
        forger.set_cell_rows(&rows.chain(false_rows).collect::<Vec<_>>());
        forger.refused_by_enabler(&TableKind::Cell);
    }
    // Two more rows of the path, of which one takes back all that the other does, but for the cell that it provides.
    for times in [small(1), small(2), half] {
        let Retold { mut forger, place, value, row, .. } = retold(planned());
        let (position, _, altered) = forger.other_row(row, place, value);
        let enablers = &forger.0.traces[position][0];
        let padding: Vec<usize> = (0..enablers.len()).filter(|row| enablers[*row] == small(0)).take(2).collect();
        for (row, enabler) in padding.into_iter().zip([times, -times]) {
            for (column, value) in altered.iter().enumerate() {
                forger.0.traces[position][column][row] = *value;
            }
            forger.0.traces[position][0][row] = enabler;
        }
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.refused_by_enabler(&kind);
    }
}

/// Rows that own one address after another besides the walk from first to last: up to the end, from the start, all along, and
/// from the end back to the start, as far as that goes. Each holds another value of a cell.
#[test]
fn owners_off_the_walk() {
    let Retold { forger: start, cell, value, .. } = retold(planned());
    let cells = start.cells();
    let end = u64::from(start.0.claim.owned_end);
    for (first, stop) in [(cell, end), (1, cell + 1), (1, end), (cell - 20, cell + 20), (cell, end + 100)] {
        let mut forger = Forger::new(&start.0);
        let at = |address: u64| cells.get(&address).copied().unwrap_or_default();
        let row = |address: u64| [small(1), small(address), if address == cell { value } else { at(address) }];
        forger.add_cell_rows(&(first..stop).map(row).collect::<Vec<_>>());
        forger.refused_by_owners(2);
    }
    // Around the field: what comes before 1 is 0 and −1, and nothing leads there from the end.
    let mut forger = Forger::new(&start.0);
    let around = (0..40).map(|back| [small(1), -small(back), small(0)]);
    let all = (1..end)
        .map(|at| [small(1), small(at), if at == cell { value } else { cells.get(&at).copied().unwrap_or_default() }]);
    forger.add_cell_rows(&around.chain(all).collect::<Vec<_>>());
    forger.refused_by_owners(2);
}

/// The forger's tools make a good proof of a true claim: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    for witness in [honest(), honest12(), planned(), planned_with_memory()] {
        let mut forger = Forger::new(witness);
        let checks = |entry: &TableEntry| {
            matches!(entry.kind, TableKind::RangeCheck(Limbs::Bytes) | TableKind::RangeCheck(Limbs::Words12))
        };
        if witness.layout.tables.iter().any(checks) {
            for address in 1..u64::from(witness.claim.final_ap) {
                let value = forger.memory(address);
                forger.set_memory(address, value);
            }
            forger.solve_res();
        }
        let verified = forger.try_it().unwrap();
        assert_eq!((verified.n_steps, verified.output), (witness.claim.n_steps, witness.claim.output.clone()));
    }
}

/// Every word of the program that the run executes as an immediate, and every operation word, changed by one bit.
#[test]
fn other_program() {
    let bytecode = honest().statement.program.bytecode().to_vec();
    let mut refused = 0;
    for index in 6..bytecode.len() {
        let mut words = bytecode.clone();
        words[index] += small(1);
        let program = honest().statement.program.clone();
        let program = Program::new(words.clone(), program.builtins().to_vec(), program.arguments()).unwrap();
        let mut forger = Forger::new(honest());
        let unused = forger.column(&TableKind::Memory, &format!("multiplicity[{}]", index % memory::CELLS))
            [index / memory::CELLS]
            == small(1);
        forger.0.statement.program = program;
        forger.set_memory(1 + index as u64, words[index]);
        forger.solve_res();
        match forger.try_it() {
            // Words that this run never looks at may be anything: then the other program has the same run.
            Ok(_) => assert!(unused, "word {index}"),
            Err(VerifyError::Stark(_)) => {
                assert!(!unused, "word {index}");
                refused += 1;
            }
            Err(other) => panic!("word {index}: {other}"),
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn other_arguments() {
    for argument in 0..3 {
        let mut forger = Forger::new(honest());
        let value = forger.0.statement.arguments[argument] + small(1);
        forger.0.statement.arguments[argument] = value;
        forger.0.claim.output[argument] = value;
        let output = u64::from(forger.0.claim.segments[0].base) + argument as u64;
        forger.set_memory(output, value);
        forger.solve_res();
        forger.refused();
    }
}

/// A program that holds pointers to its arguments: here the cells are those of the builtins' bases, which happen to be the
/// start and the end of the output.
#[test]
fn arguments_behind_pointers() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let mut execution: Execution = execution("cairo0/args3", Some(arguments));
    let [output, range_check] = [Builtin::Output, Builtin::RangeCheck].map(|builtin| execution.segments[&builtin]);
    assert_eq!(output.stop, range_check.base);
    let program = &execution.program;
    let (words, builtins) = (program.bytecode().to_vec(), program.builtins().to_vec());
    execution.program = Program::new(words, builtins, ArgumentBinding::Pointers { cell: 0 }).unwrap();
    execution.arguments = execution.output().to_vec();
    execution.arguments_start = Some(output.base);
    let honest = generic_witness(execution);
    assert!(Forger::new(&honest).try_it().is_ok());
    let pointers = u64::from(honest.statement.program.initial_ap());

    for index in 0..honest.statement.arguments.len() {
        let mut forger = Forger::new(&honest);
        let value = forger.0.statement.arguments[index] + small(1);
        forger.0.statement.arguments[index] = value;
        forger.0.claim.output[index] = value;
        forger.set_memory(u64::from(output.base) + index as u64, value);
        forger.refused();
    }
    for (start, count) in [(0, 4), (0, 6), (1, 4), (1, 5), (0, 0), (5, 0)] {
        for with_memory in [false, true] {
            let mut forger = Forger::new(&honest);
            let start = u64::from(output.base) + start;
            forger.0.claim.arguments_start = Some(start as u32);
            forger.0.statement.arguments = (start..start + count).map(|address| forger.memory(address)).collect();
            if with_memory {
                forger.set_memory(pointers, small(start));
                forger.set_memory(pointers + 1, small(start + count));
            }
            forger.refused();
        }
    }
    // No arguments at address 0 are none at all, but the pointers do not say so.
    let mut forger = Forger::new(&honest);
    forger.0.claim.arguments_start = Some(0);
    forger.0.statement.arguments.clear();
    forger.refused();
}

#[test]
fn changed_output() {
    for (index, with_res) in [(3, false), (3, true), (4, false), (4, true)] {
        let mut forger = Forger::new(honest());
        let value = forger.0.claim.output[index] + small(1);
        forger.0.claim.output[index] = value;
        let output = u64::from(forger.0.claim.segments[0].base) + index as u64;
        forger.set_memory(output, value);
        if with_res {
            forger.solve_res();
        }
        forger.refused();
    }
    // On path tables, with the output in rows of its own and in a memory table.
    for witness in [planned(), planned_with_memory()] {
        for with_uses in [false, true] {
            let mut forger = Forger::new(witness);
            let index = forger.0.claim.output.len() - 1;
            forger.0.claim.output[index] += small(1);
            let address = u64::from(forger.0.claim.segments[0].base) + index as u64;
            let value = forger.0.claim.output[index];
            match with_uses {
                false => forger.set_cell(address, value).unwrap(),
                true => forger.set_memory(address, value),
            }
            forger.refused();
        }
    }
}

/// A step left out, with all later clocks moved; and only the number changed.
#[test]
fn fewer_steps() {
    let steps = honest().claim.n_steps;
    for skipped in 0..steps {
        let mut forger = Forger::new(honest());
        forger.0.claim.n_steps -= 1;
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
        forger.0.claim.n_steps = n_steps;
        forger.refused();
    }
}

/// Lets the generic table execute the closing `jmp rel 0` once more, to claim a step too many.
fn execute_the_end(forger: &mut Forger) {
    let n_steps = forger.0.claim.n_steps as usize;
    let (end, next, word) = (small(5), small(6), small(5));
    let ap = small(u64::from(forger.0.claim.final_ap));
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
    forger.0.claim.n_steps += 1;
}

/// Where instructions are counted in the claim: nothing provides the one at the end, and it may not be listed.
#[test]
fn steps_after_the_end_of_a_listed_run() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let execution = execution("cairo0/args3", Some(arguments));
    let steps = all_generic(&execution);
    let listed = witness(execution, [7; 32], steps, MAX_FETCHES, &Unattended).unwrap();
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
    let n_steps = honest().claim.n_steps as usize;
    let mut forger = Forger::new(honest());
    forger.column(&TableKind::Generic, "enabler")[n_steps] = small(1);
    forger.refused();
    let mut forger = Forger::new(honest());
    for (row, enabler) in [(n_steps, small(1)), (n_steps + 1, -small(1))] {
        forger.column(&TableKind::Generic, "enabler")[row] = enabler;
    }
    forger.refused();
}

#[test]
fn other_prover() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let mut proof = forger.proof();
    let mut statement: Statement = forger.0.statement.clone();
    statement.prover = [8; 32];
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::OtherProver { .. })));
    proof.prover = statement.prover;
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::Stark(_))));
}

/// The output segment is said to be elsewhere: one cell on, in the program, in the execution segment, over the pointers.
#[test]
fn output_segment_moved() {
    let program = &honest().statement.program;
    let arguments = honest().statement.arguments.len() as u32;
    let base = honest().claim.segments[0].base;
    for base in [base + 1, base - 1, 1, program.execution_base(), program.initial_ap()] {
        for cells in [5, arguments] {
            let mut forger = Forger::new(honest());
            let stop = base + cells;
            forger.0.claim.segments[0] = Segment { base, stop };
            for (pointer, value) in forger.pointers(0).into_iter().zip([base, stop]) {
                forger.set_memory(pointer, small(u64::from(value)));
            }
            forger.solve_res();
            let output = (base..stop).map(|address| forger.memory(u64::from(address))).collect();
            forger.0.claim.output = output;
            // So that nothing but the run stands in the way: the arguments are whatever the output begins with.
            forger.0.statement.arguments = forger.0.claim.output[..arguments as usize].to_vec();
            forger.refused();
        }
    }
}

/// One range check or one bitwise instance too few, or a segment that begins later, with the pointers in memory changed.
#[test]
fn stop_pointer_moved() {
    for (position, cells) in [(1, 1), (2, 5)] {
        for at_start in [false, true] {
            for solve in [false, true] {
                let mut forger = Forger::new(honest());
                let segment = &mut forger.0.claim.segments[position];
                if at_start {
                    segment.base += cells;
                } else {
                    segment.stop -= cells;
                }
                let Segment { base, stop } = *segment;
                for (pointer, value) in forger.pointers(position as u64).into_iter().zip([base, stop]) {
                    forger.set_memory(pointer, small(u64::from(value)));
                }
                if solve {
                    forger.solve_res();
                }
                if base == stop {
                    forger.drop_tables(|kind| matches!(kind, TableKind::Bitwise(Size::Bits16) | TableKind::NibbleAnd));
                } else {
                    let kind = if position == 1 {
                        TableKind::RangeCheck(Limbs::Bytes)
                    } else {
                        TableKind::Bitwise(Size::Bits16)
                    };
                    for address in forger.column(&kind, "address") {
                        let integer =
                            encoding::to_u64(address).unwrap().clamp(u64::from(base), u64::from(stop - cells));
                        *address = small(integer);
                    }
                }
                forger.refused();
            }
        }
    }
}

/// The prover's public tuples lack one, or have one twice: every one of them.
#[test]
fn public_memory_dropped_or_doubled() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let public = forger.0.public.clone();
    let step = public.len() / 12;
    for index in (0..public.len()).step_by(step).chain(0..2).chain(public.len() - 5..public.len()) {
        for copies in [0, 2] {
            let mut forger = Forger::new(honest());
            let tuple = forger.0.public.remove(index);
            forger.0.public.extend(std::iter::repeat_n(tuple, copies));
            forger.balance();
            let proof = forger.proof().encode();
            let result = verify(&forger.0.statement, &proof, &policy());
            assert!(matches!(result, Err(VerifyError::Stark(_))), "tuple {index}: {result:?}");
        }
    }
}

/// A cell of the range_check segment holds 2^128 or more, with every use of it changed and the excess in the last limb; or
/// the table's address skips the cell.
#[test]
fn range_check_of_too_much() {
    let Segment { base, stop } = Forger::new(honest()).range_check();
    for (witness, address) in [honest(), honest12()].into_iter().flat_map(|w| (base..stop).map(move |at| (w, at))) {
        let address = u64::from(address);
        for value in [small(2).pow(128_u64), small(2).pow(128_u64) + small(7), -small(1)] {
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            forger.refused();

            // Only the memory and its uses: the table looks at a neighbour instead.
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            let neighbour = if address == u64::from(base) { address + 1 } else { address - 1 };
            let kind = forger.checked();
            let addresses = forger.column(&kind, "address").clone();
            for (row, _) in addresses.iter().enumerate().filter(|(_, at)| **at == small(address)) {
                forger.column(&kind, "address")[row] = small(neighbour);
                forger.set_limbs(row, Forger::new(witness).memory(neighbour));
            }
            forger.refused();
        }
    }
}

/// Another size of bitwise table in the layout than the one that was filled.
#[test]
fn bitwise_of_another_size() {
    for other in [
        TableKind::Bitwise(Size::Bits32),
        TableKind::Bitwise(Size::Bits64),
        TableKind::Bitwise(Size::Bits128),
        TableKind::Bitwise(Size::Any),
    ] {
        let mut forger = Forger::new(honest());
        let position = forger.position(&TableKind::Bitwise(Size::Bits16));
        forger.0.layout.tables[position].kind = other;
        let proof = forger.proof().encode();
        let result = verify(&forger.0.statement, &proof, &policy());
        assert!(result.is_err(), "{result:?}");
    }
}

/// A program that asserts of a constant that it is in range, with another constant: everything fits but its limbs.
#[test]
fn range_check_of_a_constant() {
    let witness = generic_witness(execution("cairo0/range_check_one", None));
    for witness in [with_12_bit_limbs(&witness), witness] {
        let claimed = |value: Felt| {
            let mut forger = Forger::new(&witness);
            for address in 1..u64::from(forger.range_check().stop) {
                if forger.memory(address) == small(77) {
                    forger.set_memory(address, value);
                }
            }
            let Witness { statement, claim, .. } = &mut forger.0;
            let program = &statement.program;
            let words = program.bytecode().iter().map(|word| if *word == small(77) { value } else { *word }).collect();
            statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
            claim.output = vec![value];
            forger.solve_res();
            forger.try_it().map(|verified| verified.output)
        };
        let two = |bits: u64| small(2).pow(bits);
        for value in [small(0), small(78), two(120) - small(1), two(120), two(127), two(128) - small(1)] {
            assert_eq!(claimed(value), Ok(vec![value]));
        }
        for value in [two(128), two(128) + small(1), two(129), two(132) - small(1), two(132), -small(1), -two(128)] {
            assert_eq!(claimed(value), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        }
    }
}

impl Forger {
    fn drop_tables(&mut self, dropped: impl Fn(&TableKind) -> bool) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        let keep: Vec<bool> = layout.tables.iter().map(|entry| !dropped(&entry.kind)).collect();
        let mut flags = keep.iter();
        layout.tables.retain(|_| *flags.next().unwrap());
        let mut flags = keep.iter();
        tables.retain(|_| *flags.next().unwrap());
        let mut flags = keep.iter();
        traces.retain(|_| *flags.next().unwrap());
    }

    fn double_table(&mut self, position: usize) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        layout.tables.insert(position, layout.tables[position].clone());
        tables.insert(position, tables[position].clone());
        traces.insert(position, traces[position].clone());
    }
}

/// Each table left out, with a whole proof by the tables that are left.
#[test]
fn a_table_left_out() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.drop_tables(|other| *other == kind);
        let outcome = forger.try_it();
        match (&kind, outcome) {
            (TableKind::Memory, Err(VerifyError::Claim(_))) => {}
            (
                TableKind::RangeCheck(Limbs::Bytes)
                | TableKind::RangeCheck(Limbs::Words12)
                | TableKind::Bitwise(Size::Bits16),
                Err(VerifyError::Layout(LayoutError::BuiltinTables { .. })),
            ) => {}
            (
                TableKind::Instruction
                | TableKind::Limb(Limb::Bits8)
                | TableKind::Limb(Limb::Bits12)
                | TableKind::NibbleAnd
                | TableKind::Generic,
                Err(VerifyError::Layout(LayoutError::Provider { .. })),
            ) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // With its providers the generic table leaves a layout that is none of this run, but well-formed.
    let mut forger = Forger::new(honest());
    forger.drop_tables(|kind| matches!(kind, TableKind::Generic | TableKind::Instruction));
    forger.refused();
}

/// Each table twice. Chunks are no crime, but their rows must not count twice, and memory must go on where it ended.
#[test]
fn a_table_given_twice() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.double_table(position);
        match (&kind, forger.try_it()) {
            (TableKind::Memory | TableKind::Generic, Err(VerifyError::Stark(_))) => {}
            (
                TableKind::RangeCheck(Limbs::Bytes)
                | TableKind::RangeCheck(Limbs::Words12)
                | TableKind::Bitwise(Size::Bits16),
                Err(VerifyError::Layout(_)),
            ) => {}
            (_, Err(VerifyError::Layout(LayoutError::TooMany { .. }))) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // The second memory holds another value at the address of an output cell.
    let mut forger = Forger::new(honest());
    forger.double_table(0);
    let output = forger.0.claim.segments[0].base as usize + 3;
    forger.0.claim.output[3] += small(1);
    let value = forger.0.claim.output[3];
    forger.0.traces[1][1 + (output - 1) % memory::CELLS][(output - 1) / memory::CELLS] = value;
    forger.refused();
}

/// A table that takes only one distance of ap and fp, told another one.
#[test]
fn another_frame() {
    let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let mut steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    for StepTable { kind, starts, .. } in &mut steps {
        let frame = |clock: &u32| {
            let registers = execution.trace[*clock as usize];
            i64::from(registers.ap) - i64::from(registers.fp)
        };
        if let TableKind::Path(path) = kind
            && starts.iter().all(|clock| frame(clock) == frame(&starts[0]))
        {
            path.frame = Some(frame(&starts[0]) as i32);
        }
    }
    let framed = witness(execution, [7; 32], steps, 0, &Unattended).unwrap();
    assert!(Forger::new(&framed).try_it().is_ok());
    let mut tried = 0;
    for position in 0..framed.layout.tables.len() {
        let TableKind::Path(Path { frame: Some(frame), .. }) = framed.layout.tables[position].kind else { continue };
        for other in [frame + 1, frame - 1, i32::MAX, i32::MIN] {
            let mut forger = Forger::new(&framed);
            if let TableKind::Path(path) = &mut forger.0.layout.tables[position].kind {
                path.frame = Some(other);
            }
            // With another frame other cells are one: then the table has other columns, which only a guess could fill.
            forger.reclaim();
            if forger.0.tables[position].air.width() != forger.0.traces[position].len() {
                continue;
            }
            match forger.try_it() {
                Err(VerifyError::Stark(_)) => tried += 1,
                Err(VerifyError::Layout(LayoutError::Order { .. })) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(tried > 0);
}

/// Every cell of every step table, changed in a row in use, with whatever look-ups can be balanced again.
#[test]
fn no_column_is_free() {
    for (witness, kinds) in [(honest(), 1), (planned(), 4)] {
        let steps =
            witness.layout.tables.iter().enumerate().filter(|(_, entry)| {
                matches!(entry.kind, TableKind::Generic | TableKind::Word(_) | TableKind::Path(_))
            });
        for (position, _) in steps.take(kinds) {
            for column in 0..witness.traces[position].len() {
                let mut forger = Forger::new(witness);
                let name = witness.tables[position].air.columns()[column].clone();
                // Only free where nothing reads them: an inverse of 0, operands of instructions without them.
                let row = if matches!(name.as_str(), "dst_inverse" | "jumps") { forger.jnz_row() } else { Some(0) };
                let free = matches!(name.as_str(), "dst" | "op0" | "immediate");
                let (Some(row), false) = (row, free) else { continue };
                forger.0.traces[position][column][row] += small(1);
                if name.starts_with("uses of") {
                    // Balancing would set it right.
                    let verdict = verify(&forger.0.statement, &forger.proof().encode(), &policy());
                    assert_eq!(verdict, Err(VerifyError::Stark(stark::VerifyError::BusSum)), "{name}");
                    continue;
                }
                match forger.try_it() {
                    Err(VerifyError::Stark(_)) => {}
                    other => panic!("{}/{name}: {other:?}", witness.tables[position].air.name()),
                }
            }
        }
    }
}

impl Forger {
    /// A row of the generic table that executes a jnz that jumps.
    fn jnz_row(&self) -> Option<usize> {
        let mut copy = Self::new(&self.0);
        let jumps = copy.column(&TableKind::Generic, "jumps").clone();
        jumps.iter().position(|jumps| *jumps == small(1))
    }
}

/// A field element written with the modulus added, wherever that fits into its 32 bytes.
#[test]
fn elements_that_are_not_reduced() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let mut tried = 0;
    for at in (64 * 32..honest.stark.len() - 32).step_by(32 * 71) {
        let mut proof = honest.clone();
        let Some(sum) = add_modulus(&proof.stark[at..at + 32]) else { continue };
        proof.stark[at..at + 32].copy_from_slice(&sum);
        let result = verify(&forger.0.statement, &proof.encode(), &policy());
        assert!(matches!(result, Err(VerifyError::Decode(_) | VerifyError::Stark(_))), "byte {at}: {result:?}");
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
}

/// Little-endian 32 bytes plus the modulus; `None` on overflow.
fn add_modulus(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut modulus = [0_u8; 32];
    (modulus[0], modulus[24], modulus[31]) = (1, 17, 8);
    let mut carry = 0_u16;
    let mut out = [0; 32];
    for (out, (a, b)) in out.iter_mut().zip(bytes.iter().zip(modulus)) {
        carry += u16::from(*a) + u16::from(b);
        *out = carry as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(out)
}

#[test]
fn cut_off_and_drawn_out() {
    let forger = Forger::new(honest());
    let bytes = forger.proof().encode();
    let verify = |bytes: &[u8]| verify(&forger.0.statement, bytes, &policy());
    assert!(verify(&bytes).is_ok());
    for length in (0..bytes.len()).step_by(bytes.len() / 500).chain(bytes.len() - 40..bytes.len()) {
        assert!(verify(&bytes[..length]).is_err(), "{length}");
    }
    for more in [1, 31, 32, 64, 4096] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + more, 0);
        assert!(matches!(verify(&longer), Err(VerifyError::Decode(stark::DecodeError::Length { .. }))));
    }
    let twice = [bytes.clone(), bytes.clone()].concat();
    assert!(verify(&twice).is_err());
}

/// Claims and layouts at the ends of their ranges: sums of addresses must not wrap, and nothing may panic.
#[test]
fn numbers_near_the_limits() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let ends = [0, 1, 2, 5, (1 << 31) - 1, 1 << 31, u32::MAX - 5, u32::MAX - 1, u32::MAX];
    for (value, other) in ends.into_iter().flat_map(|value| ends.map(|other| (value, other))) {
        let changes: [&dyn Fn(&mut CairoProof); 5] = [
            &|p| (p.claim.final_ap, p.claim.n_steps) = (value, u64::from(other)),
            &|p| p.claim.segments[1] = Segment { base: value, stop: other },
            &|p| p.claim.segments[2] = Segment { base: value, stop: value.wrapping_add(5) },
            &|p| (p.claim.arguments_start, p.claim.final_ap) = (Some(value), other),
            &|p| p.claim.n_steps = u64::from(value) << 32 | u64::from(other),
        ];
        // As many chunks of memory as there can be, so that no address lies outside.
        for (change, chunks) in changes.into_iter().flat_map(|change| [(change, false), (change, true)]) {
            let mut proof = honest.clone();
            change(&mut proof);
            if chunks {
                let chunk = |log_height| TableEntry { kind: TableKind::Memory, log_height };
                proof.layout.tables.splice(0..1, [28, 27, 26, 25].map(chunk));
            }
            if proof != honest {
                assert!(verify(&forger.0.statement, &proof.encode(), &policy()).is_err());
            }
        }
    }
}

/// Layouts whose heights add up to more than they should, or to nothing.
#[test]
fn heights() {
    let Forger(Witness { statement, claim, layout, .. }) = Forger::new(honest());
    for (position, log_height) in (0..layout.tables.len()).flat_map(|at| (0..=255).map(move |height| (at, height))) {
        let mut other: Layout = layout.clone();
        let TableEntry { log_height: honest, .. } = other.tables[position];
        other.tables[position].log_height = log_height;
        let built = other.build(&statement.program, &claim);
        assert!(built.is_err() || (6..=30).contains(&log_height) || log_height == honest, "{position}: {log_height}");
        let _ = claim.check(&statement.program, &statement.arguments, other.memory_end(claim.owned_end));
    }
}
