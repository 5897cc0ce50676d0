//! A prover that puts other rows into range tables.

use super::*;

/// A row of a range table.
#[derive(Clone)]
pub struct Row {
    pub enabler: Felt,
    pub address: u32,
    pub limbs: Vec<Felt>,
}

/// A row with the limbs of a value. Whatever is left goes into the top limb.
pub fn row(range: Range, address: u32, value: Felt) -> Row {
    let rest = value - wide(range.offset());
    let bytes = encoding::to_canonical_be(&rest);
    let bit = |at: usize| u64::from(bytes[31 - at / 8] >> (at % 8) & 1);
    let bits = usize::from(range.bits());
    let mut rest = rest;
    let mut limbs = Vec::new();
    for limb in 1..range.limbs() {
        let word = small((0..bits).map(|i| bit((limb - 1) * bits + i) << i).sum());
        rest = (rest - word) * two(bits as u64).inv().unwrap();
        limbs.push(word);
    }
    limbs.push(rest);
    Row { enabler: Felt::one(), address, limbs }
}

/// A row with the value in one limb.
pub fn row_of_one_limb(range: Range, address: u32, value: Felt, limb: usize) -> Row {
    let mut limbs = vec![Felt::zero(); range.limbs()];
    limbs[limb] = (value - wide(range.offset())) * two(u64::from(range.bits()) * limb as u64).inv().unwrap();
    Row { enabler: Felt::one(), address, limbs }
}

/// Another AIR for tables of some kinds.
pub type Swap = dyn Fn(&TableKind) -> Option<stark::Air>;

/// What the verifier would not ask for.
#[derive(Default)]
pub struct Weak<'a> {
    /// Constraints and interactions that the range tables lack.
    pub missing: Vec<&'a str>,
    /// Further public tuples.
    pub public: Vec<PublicTuple>,
    /// Tables with another AIR.
    pub swap: Option<&'a Swap>,
}

/// A prover that cheats.
#[derive(Clone)]
pub struct Forger(pub Witness);

impl Forger {
    /// A run that checks these values, each of which may be too large, so far without range tables.
    pub fn new(values: &[Felt; CELLS]) -> Self {
        let mut witness = marked().clone();
        let marks = marks().map(wide);
        let change = |cell: &mut Felt| {
            if let Some(k) = (2..CELLS).find(|k| marks[*k] == *cell) {
                *cell = values[k];
            }
        };
        witness.traces.iter_mut().flatten().flatten().for_each(change);
        witness.claim.output.iter_mut().for_each(change);
        let program = &witness.statement.program;
        let mut words = program.bytecode().to_vec();
        words.iter_mut().for_each(change);
        witness.statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
        let mut forger = Self(witness);
        forger.drop_tables(|kind| {
            matches!(kind, TableKind::Range(_) | TableKind::Limb(Limb::Bits12) | TableKind::Limb(Limb::Bits16))
        });
        forger
    }

    /// The same with the marks, but one value.
    pub fn with(k: usize, value: Felt) -> Self {
        let mut values = marks().map(wide);
        values[k] = value;
        Self::new(&values)
    }

    pub fn segment(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::RangeCheck).unwrap()
    }

    /// Address of a checked cell.
    pub fn address(&self, k: usize) -> u32 {
        marked().claim.segment(&marked().statement.program, Builtin::RangeCheck).unwrap().base + k as u32
    }

    pub fn drop_tables(&mut self, dropped: impl Fn(&TableKind) -> bool) {
        common::drop_tables(&mut self.0, dropped);
    }

    pub fn add_table(&mut self, kind: TableKind, trace: Vec<Vec<Felt>>) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        let position = layout.tables.partition_point(|entry| entry.kind <= kind);
        let log_height = trace[0].len().ilog2();
        layout.tables.insert(position, TableEntry { kind, log_height });
        // Until the layout is built.
        tables.insert(position, tables[0].clone());
        traces.insert(position, trace);
    }

    /// A range table, with the table of its limbs if there is none yet.
    pub fn add_range(&mut self, range: Range, rows: &[Row]) {
        let height = rows.len().next_power_of_two().max(64);
        let mut trace = vec![Vec::with_capacity(height); range.columns()];
        for at in 0..height {
            let row = rows.get(at).unwrap_or(&rows[0]);
            trace[Range::ENABLER].push(if at < rows.len() { row.enabler } else { Felt::zero() });
            trace[Range::ADDRESS].push(small(u64::from(row.address)));
            trace[Range::USES].push(Felt::zero());
            row.limbs.iter().enumerate().for_each(|(i, limb)| trace[Range::LIMBS + i].push(*limb));
        }
        self.add_table(TableKind::Range(range), trace);
        let (kind, log_height) = match range.bits() {
            8 => return,
            12 => (TableKind::Limb(Limb::Bits12), word12::LOG_HEIGHT),
            _ => (TableKind::Limb(Limb::Bits16), word16::LOG_HEIGHT),
        };
        if !self.0.layout.tables.iter().any(|entry| entry.kind == kind) {
            let values = (0..1 << log_height).map(small).collect();
            let uses = vec![Felt::zero(); 1 << log_height];
            self.add_table(kind, vec![values, uses]);
        }
    }

    /// One table with the given row of the forged cell, if any, and the marks.
    pub fn add_marks(&mut self, range: Range, forged: Option<Row>) {
        let rows: Vec<Row> = (0..CELLS)
            .map(|k| match &forged {
                Some(row) if row.address == self.address(k) => row.clone(),
                _ => row(range, self.address(k), wide(marks()[k])),
            })
            .collect();
        self.add_range(range, &rows);
    }

    /// The same without some of the marks.
    pub fn add_other_marks(&mut self, range: Range, without: usize) {
        let others = (0..CELLS).filter(|k| *k != without);
        let rows: Vec<Row> = others.map(|k| row(range, self.address(k), wide(marks()[k]))).collect();
        self.add_range(range, &rows);
    }

    /// The cell tables' row with an address.
    pub fn cell_row(&self, address: u32) -> Option<(usize, usize)> {
        let address = small(u64::from(address));
        let tables = self.0.layout.tables.iter().enumerate().filter(|(_, entry)| entry.kind == TableKind::Cell);
        tables.into_iter().find_map(|(position, _)| {
            let trace = &self.0.traces[position];
            let row = (0..trace[0].len()).find(|row| trace[0][*row] == Felt::one() && trace[1][*row] == address)?;
            Some((position, row))
        })
    }

    /// Makes a row of padding of the cell table one with this cell.
    pub fn add_cell(&mut self, address: u32, value: Felt) {
        let position = self.0.layout.tables.iter().position(|entry| entry.kind == TableKind::Cell).unwrap();
        let trace = &mut self.0.traces[position];
        if trace[0].iter().all(|enabler| *enabler == Felt::one()) {
            let height = trace[0].len();
            trace.iter_mut().for_each(|column| column.resize(2 * height, Felt::zero()));
            self.0.layout.tables[position].log_height += 1;
        }
        let row = trace[0].iter().position(|enabler| *enabler == Felt::zero()).unwrap();
        for (column, value) in [Felt::one(), small(u64::from(address)), value, Felt::zero()].into_iter().enumerate() {
            trace[column][row] = value;
        }
    }

    /// Reads another value at the last checked cell whenever it is read to be output: what a memory with two values allows.
    pub fn output_reads(&mut self, value: Felt) {
        let mark = wide(marks()[CELLS - 1]);
        let Witness { layout, tables, traces, claim, .. } = &mut self.0;
        let generic = layout.tables.iter().position(|entry| entry.kind == TableKind::Generic).unwrap();
        let clock = tables[generic].air.columns().iter().position(|name| name == "clock").unwrap();
        let trace = &mut traces[generic];
        let mut rows: Vec<usize> =
            (0..trace[0].len()).filter(|row| trace.iter().any(|column| column[*row] == mark)).collect();
        rows.sort_by_key(|row| encoding::to_u64(&trace[clock][*row]));
        // A constant is pushed and compared with the cell; then the cell is pushed and compared with the output.
        assert_eq!(rows.len(), 4);
        for row in &rows[2..] {
            trace
                .iter_mut()
                .map(|column| &mut column[*row])
                .filter(|cell| **cell == mark)
                .for_each(|cell| *cell = value);
        }
        let mut cells: Vec<(u64, usize, usize)> = Vec::new();
        for (position, _) in layout.tables.iter().enumerate().filter(|(_, entry)| entry.kind == TableKind::Cell) {
            let trace = &traces[position];
            let rows = (0..trace[0].len()).filter(|row| trace[2][*row] == mark && trace[0][*row] == Felt::one());
            cells.extend(rows.map(|row| (encoding::to_u64(&trace[1][row]).unwrap(), position, row)));
        }
        cells.sort_unstable();
        // In the program, pushed, pushed again, in the output.
        assert_eq!(cells.len(), 4);
        for (_, position, row) in &cells[2..] {
            traces[*position][2][*row] = value;
        }
        assert_eq!(claim.output[1], mark);
        claim.output[1] = value;
    }

    /// Makes tables and public tuples what the verifier will make of statement, claim and layout, if it accepts them.
    pub fn reclaim(&mut self) -> Result<(), LayoutError> {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        *public = public_tuples(statement, claim, layout);
        let built = common::built(layout, &statement.program, claim)?;
        *tables = built.tables;
        public.extend(built.disclosed);
        Ok(())
    }

    /// Makes all lookups balance again.
    pub fn balance(&mut self) {
        balance(&mut self.0);
    }

    /// A whole proof, and the verifier's word on it.
    pub fn try_it(mut self) -> Result<Verified, VerifyError> {
        // Whatever the layout: a proof of some tables is in the file.
        if self.reclaim().is_err() {
            return self.verified();
        }
        self.balance();
        let result = self.verified();
        // The same disclosed rows show no more and no less.
        let disclosed = Self(disclose_all(self.0)).verified();
        assert_eq!(disclosed.is_ok(), result.is_ok(), "committed {result:?}, disclosed {disclosed:?}");
        result
    }

    pub fn verified(&self) -> Result<Verified, VerifyError> {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let bytes = match common::built(layout, &statement.program, claim) {
            Ok(_) => {
                let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
                proof.encode(&Shape::new(tables, &CHEAP))
            }
            // As many bytes as the descriptions of the tables ask for.
            Err(_) if layout.check(&statement.program, claim).is_ok() => vec![0; layout.least_proof_len(&CHEAP)],
            Err(_) => Vec::new(),
        };
        let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes);
        verify(statement, &file.encode(), &policy())
    }

    /// The same with a verifier that asks for less.
    pub fn weakly(mut self, weak: &Weak<'_>) -> Result<(), stark::VerifyError> {
        self.reclaim().unwrap();
        let Witness { layout, tables, public, .. } = &mut self.0;
        for (entry, table) in layout.tables.iter().zip(tables.iter_mut()) {
            if let Some(air) = weak.swap.and_then(|swap| swap(&entry.kind)) {
                table.air = Arc::new(air);
            }
            if !matches!(entry.kind, TableKind::Range(_)) {
                continue;
            }
            for name in &weak.missing {
                let constraint = table.air.constraints().iter().position(|constraint| constraint.name == *name);
                let interaction = table.air.interactions().iter().position(|interaction| interaction.name == *name);
                table.air = Arc::new(match (constraint, interaction) {
                    (Some(index), _) => table.air.without_constraint(index),
                    (_, Some(index)) => table.air.without_interaction(index),
                    _ => continue,
                });
            }
        }
        public.extend(weak.public.iter().cloned());
        self.balance();
        let report = report(&self.0);
        assert!(report.is_clean(), "{report}");
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
        stark::verify(tables, public, &context, &CHEAP, &proof)
    }

    /// Refused by the STARK layer, and accepted by a verifier that asks for less.
    pub fn refused_but_for(self, weak: &Weak<'_>) {
        assert_eq!(self.clone().weakly(weak), Ok(()), "missing: {:?}", weak.missing);
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("missing: {:?}: {other:?}", weak.missing),
        }
    }
}

pub fn missing<'a>(names: &[&'a str]) -> Weak<'a> {
    Weak { missing: names.to_vec(), ..Weak::default() }
}

pub fn public(tuples: Vec<PublicTuple>) -> Weak<'static> {
    Weak { public: tuples, ..Weak::default() }
}

/// The verifier gives a cell of a bus of addresses away once more.
pub fn twice(bus: Bus, address: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![small(u64::from(address))];
    [PublicTuple::provide(bus, at(address)), PublicTuple::require(bus, at(address + 1))]
}

/// The verifier keeps a cell of a bus of addresses for itself.
pub fn kept(bus: Bus, address: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![small(u64::from(address))];
    [PublicTuple::require(bus, at(address)), PublicTuple::provide(bus, at(address + 1))]
}
