//! Cells of the stack told otherwise, wherever they show.

use super::*;

// Cells with owners.
impl Forger {
    /// The rows of the cell table that are in use: enabler, address and value.
    pub fn cell_rows(&self) -> Vec<[Felt; 3]> {
        let trace = &self.0.traces[self.position(&TableKind::Cell)];
        let rows = (0..trace[0].len()).map(|row| [0, 1, 2].map(|column| trace[column][row]));
        rows.filter(|[enabler, ..]| *enabler == small(1)).collect()
    }

    /// Makes a cell table of these rows, and padding.
    pub fn set_cell_rows(&mut self, rows: &[[Felt; 3]]) {
        let position = self.position(&TableKind::Cell);
        let height = rows.len().max(1 << stark::MIN_LOG_HEIGHT).next_power_of_two();
        self.0.layout.tables[position].log_height = height.ilog2();
        let padding = rows.first().map_or([Felt::zero(); 3], |[_, address, value]| [Felt::zero(), *address, *value]);
        let row = |row: usize| rows.get(row).unwrap_or(&padding);
        let columns = (0..3).map(|column| (0..height).map(|at| row(at)[column]).collect());
        self.0.traces[position] = columns.chain([vec![Felt::zero(); height]]).collect();
    }

    pub fn add_cell_rows(&mut self, more: &[[Felt; 3]]) {
        self.set_cell_rows(&[&self.cell_rows(), more].concat());
    }

    /// Moves the end of the owned cells: a memory table has those from there on, as many as its rows hold.
    pub fn share(&mut self, owned_end: u32) {
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
    pub fn owner(&self) -> (usize, Path) {
        let owner = |entry: &TableEntry| match &entry.kind {
            TableKind::Path(path) if !path.owned.is_empty() => Some(path.clone()),
            _ => None,
        };
        self.0.layout.tables.iter().enumerate().find_map(|(at, entry)| Some((at, owner(entry)?))).unwrap()
    }

    /// The cells that its rows own: address, row and place in the row.
    pub fn path_cells(&self) -> Vec<(u64, usize, usize)> {
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
    pub fn provide(&mut self, provided: impl Fn(usize) -> bool) {
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
    pub fn retell(&mut self, address: u64, value: Felt) -> bool {
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
        let base = u64::from(self.0.claim.runs[0].segments[0].base);
        let mut changed = false;
        for (at, value) in told {
            if self.set_cell(at, value).is_none() {
                return false;
            }
            if let Some(output) = at.checked_sub(base).and_then(|at| self.0.claim.runs[0].output.get_mut(at as usize)) {
                *output = value;
                changed = true;
            }
        }
        changed
    }

    /// Makes ready what the verifier will make, and gives what the checker says.
    pub fn report(&mut self) -> Report {
        self.reclaim();
        self.balance();
        common::report(&self.0)
    }

    /// Expects that everything fits but the owned bus, which has too much or too little of so many addresses, and that the verifier refuses.
    pub fn refused_by_owners(mut self, addresses: usize) {
        let report = self.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        assert!(report.imbalances.iter().all(|imbalance| imbalance.bus == buses::OWNED), "{report}");
        assert_eq!(report.imbalances.len(), addresses, "{report}");
        assert_eq!(self.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }

    /// Expects that everything fits but that an enabler is neither 0 nor 1, and that the verifier refuses.
    pub fn refused_by_enabler(mut self, table: &TableKind) {
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
pub struct Retold {
    pub forger: Forger,
    /// The cell, with its place in the path's row, and what its readers believe.
    pub cell: u64,
    pub place: usize,
    pub value: Felt,
    /// The path's row that owns it.
    pub row: usize,
}

pub fn retold(honest: &Witness) -> Retold {
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
