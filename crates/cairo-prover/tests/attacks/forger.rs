//! A prover that cheats: what it can change, and how it makes all lookups balance again.

use super::*;

/// A prover that cheats.
pub struct Forger(pub Witness);

impl Forger {
    pub fn new(honest: &Witness) -> Self {
        Self(honest.clone())
    }

    pub fn position(&self, kind: &TableKind) -> usize {
        self.0.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap()
    }

    pub fn column(&mut self, kind: &TableKind, name: &str) -> &mut Vec<Felt> {
        let position = self.position(kind);
        let column = self.0.tables[position].air.columns().iter().position(|column| column == name).unwrap();
        &mut self.0.traces[position][column]
    }

    /// The memory cells that rows have, whosever they are.
    pub fn cells(&self) -> BTreeMap<u64, Felt> {
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
                TableKind::Path(_) | TableKind::OwningWord(_) => {
                    let derived = match &entry.kind {
                        TableKind::Path(path) => path.derive(&statement.program).unwrap(),
                        TableKind::OwningWord(word) => word.derive().unwrap(),
                        _ => continue,
                    };
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

    pub fn memory(&self, address: u64) -> Felt {
        self.cells()[&address]
    }

    /// Writes a memory cell in the table that provides it, if that is a memory table or a cell table.
    pub fn set_cell(&mut self, address: u64, value: Felt) -> Option<()> {
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
    pub fn set_memory(&mut self, address: u64, value: Felt) {
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
    pub fn checked(&self) -> TableKind {
        let narrow = self.0.layout.tables.iter().any(|entry| entry.kind == TableKind::RangeCheck(Limbs::Words12));
        if narrow { TableKind::RangeCheck(Limbs::Words12) } else { TableKind::RangeCheck(Limbs::Bytes) }
    }

    /// Writes the limbs of a value into a row of the range checks. Whatever is left goes into the last limb.
    pub fn set_limbs(&mut self, row: usize, value: Felt) {
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
    pub fn solve_res(&mut self) {
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
    pub fn reclaim(&mut self) {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        if let Ok(built) = common::built(layout, &statement.program, claim) {
            (*tables, *public) = (built.tables, built.disclosed);
        } else {
            public.clear();
        }
        public.splice(0..0, public_tuples(statement, claim, layout));
    }

    /// Makes all lookups balance again.
    pub fn balance(&mut self) {
        balance(&mut self.0);
    }

    /// A whole proof of the claim as it stands.
    pub fn proof(&self) -> CairoProof {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
        let bytes = proof.encode(&Shape::new(tables, &CHEAP));
        CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes)
    }

    /// Proves as well as can be, and asks the verifier.
    pub fn try_it(mut self) -> Result<Verified, VerifyError> {
        self.reclaim();
        self.balance();
        let result = verify(&self.0.statement, &self.proof().encode(), &policy());
        // The same disclosed rows show no more and no less.
        let open = Self(disclose_all(self.0.clone()));
        let disclosed = verify(&open.0.statement, &open.proof().encode(), &policy());
        assert_eq!(disclosed.is_ok(), result.is_ok(), "committed {result:?}, disclosed {disclosed:?}");
        result
    }

    /// Expects the STARK layer to refuse.
    pub fn refused(self) {
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    pub fn range_check(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::RangeCheck).unwrap()
    }

    /// The cells with the base and the stop pointer of the builtin at a position.
    pub fn pointers(&self, position: u64) -> [u64; 2] {
        let stops = u64::from(self.0.claim.runs[0].final_ap) - self.0.claim.runs[0].segments.len() as u64;
        [u64::from(self.0.statement.program.initial_ap()) + position, stops + position]
    }
}
