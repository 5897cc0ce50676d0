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

/// A row of several cells, with these values from the address on.
pub fn row_of_several(kind: &RangeRow, address: u32, values: &[Felt]) -> Row {
    assert_eq!(kind.cells(), values.len());
    let limbs = kind.entries().iter().zip(values).flat_map(|(entry, value)| row(entry.range, address, *value).limbs);
    Row { enabler: Felt::one(), address, limbs: limbs.collect() }
}

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
        witness.claim.runs[0].output.iter_mut().for_each(change);
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
        self.segment_of(Builtin::RangeCheck)
    }

    /// Address of a checked cell.
    pub fn address(&self, k: usize) -> u32 {
        marked().claim.segment(&marked().statement.program, Builtin::RangeCheck).unwrap().base + k as u32
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
        self.add_limbs(range);
    }

    /// A range row table, with the tables of its limbs if there are none yet.
    pub fn add_range_rows(&mut self, kind: &RangeRow, rows: &[Row]) {
        let height = rows.len().next_power_of_two().max(64);
        let mut trace = vec![Vec::with_capacity(height); kind.columns()];
        for at in 0..height {
            let row = rows.get(at).unwrap_or(&rows[0]);
            trace[RangeRow::ENABLER].push(if at < rows.len() { row.enabler } else { Felt::zero() });
            trace[RangeRow::ADDRESS].push(small(u64::from(row.address)));
            row.limbs.iter().enumerate().for_each(|(i, limb)| trace[RangeRow::LIMBS + i].push(*limb));
            (kind.uses()..kind.columns()).for_each(|column| trace[column].push(Felt::zero()));
        }
        self.add_table(TableKind::RangeRow(kind.clone()), trace);
        kind.entries().iter().for_each(|entry| self.add_limbs(entry.range));
    }

    fn add_limbs(&mut self, range: Range) {
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
        assert_eq!(claim.runs[0].output[1], mark);
        claim.runs[0].output[1] = value;
    }
}

/// A verifier whose range tables lack these.
pub fn missing<'a>(names: &[&'a str]) -> Weak<'a> {
    Weak {
        missing: names.to_vec(),
        of: |kind| matches!(kind, TableKind::Range(_) | TableKind::RangeRow(_)),
        ..Weak::default()
    }
}

/// The verifier begins another walk on a bus of addresses.
pub fn walk(bus: Bus, from: u32, to: u32) -> [PublicTuple; 2] {
    edge(bus, to, from)
}
