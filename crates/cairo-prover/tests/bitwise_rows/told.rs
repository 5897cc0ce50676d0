//! A run that says of one instance what is not so.

use super::*;

/// The instance of the run of all edges whose words stand nowhere else in it.
const MARKED: u32 = 10;

/// A forger, and where the marked instance is.
#[derive(Clone)]
pub struct Told {
    pub forger: Forger,
    /// First cell of the instance.
    pub address: u32,
    /// What its cells hold in the honest run.
    pub marks: [Felt; CELLS],
    /// Its table's position and kind, and its row.
    pub position: usize,
    pub kind: BitwiseRow,
    pub row: usize,
}

/// The honest run with rows of this form. Uses are counted in columns; the marked instance is in the table with the most limbs.
pub fn told(bits: u8, owned: bool) -> Told {
    let run = execution("cairo0/bitwise_edges", None);
    let address = segment_of(&run).base + MARKED * CELLS as u32;
    let marks = std::array::from_fn(|k| run.memory[address as usize + k]);
    let mut forger = Forger(edges(bits, owned));
    forger.count_all();
    let (position, row) = place(&forger, address);
    let (_, kind) = forger.tables().into_iter().find(|(found, _)| *found == position).unwrap();
    assert!(kind.excess().is_some());
    Told { forger, address, marks, position, kind, row }
}

impl Told {
    /// Puts another word in the place of a cell's wherever it stands: in the program, on the stack, in the output. If rows own the cell, that leaves
    /// out its owner, which has limbs.
    pub fn say(&mut self, k: usize, value: Felt) {
        let mark = self.marks[k];
        let change = |cell: &mut Felt| {
            if *cell == mark {
                *cell = value;
            }
        };
        let Witness { statement, claim, traces, .. } = &mut self.forger.0;
        traces.iter_mut().flatten().flatten().for_each(change);
        claim.runs[0].output.iter_mut().for_each(change);
        let mut words = statement.program.bytecode().to_vec();
        words.iter_mut().for_each(change);
        let (builtins, arguments) = (statement.program.builtins().to_vec(), statement.program.arguments());
        statement.program = Program::new(words, builtins, arguments).unwrap();
    }

    /// Says of the conjunction and the words that follow from it what they were if it were this.
    pub fn say_results(&mut self, [x, y, and]: [Felt; 3]) {
        for (k, value) in [(2, and), (3, x + y - and - and), (4, x + y - and)] {
            self.say(k, value);
        }
    }

    /// Writes limbs of x, y or the conjunction into the marked row.
    pub fn set(&mut self, word: usize, limbs: &[Felt]) {
        for (i, limb) in limbs.iter().enumerate() {
            self.forger.0.traces[self.position][Forger::limb(&self.kind, word, i)][self.row] = *limb;
        }
    }

    /// The limbs that the marked row has.
    pub fn get(&self, word: usize) -> Vec<Felt> {
        let trace = &self.forger.0.traces[self.position];
        (0..self.kind.limbs()).map(|i| trace[Forger::limb(&self.kind, word, i)][self.row]).collect()
    }

    /// The marked row is no longer in use.
    pub fn leave_out(&mut self) {
        self.forger.0.traces[self.position][BitwiseRow::ENABLER][self.row] = Felt::zero();
    }

    /// Addresses of the instances, and their words.
    pub fn instances(&self) -> Vec<(u32, [Felt; CELLS])> {
        let run = execution("cairo0/bitwise_edges", None);
        let Segment { base, stop } = segment_of(&run);
        (base..stop).step_by(CELLS).map(|at| (at, std::array::from_fn(|k| run.memory[at as usize + k]))).collect()
    }

    /// Gives a cell its own row in the cell table, if it is the rows' affair; otherwise memory has it.
    pub fn add_instance_to_cells(&mut self, address: u32, words: &[Felt; CELLS]) {
        for (at, word) in (address..).zip(words) {
            self.forger.add_cell(at, *word);
        }
    }
}

/// The row of an instance: table and row.
pub fn place(forger: &Forger, address: u32) -> (usize, usize) {
    let address = small(u64::from(address));
    forger
        .tables()
        .into_iter()
        .find_map(|(position, _)| {
            let trace = &forger.0.traces[position];
            let used = |row: &usize| trace[0][*row] == Felt::one() && trace[1][*row] == address;
            Some((position, (0..trace[0].len()).find(used)?))
        })
        .unwrap()
}

/// The limbs of an integer below 2^256.
pub fn limbs_of(integer: [u64; 4], bits: u8, count: usize) -> Vec<Felt> {
    let bits = usize::from(bits);
    let limb = |i: usize| integer[bits * i / 64] >> (bits * i % 64) & ((1 << bits) - 1);
    (0..count).map(|i| small(limb(i))).collect()
}

/// A row in use for an instance with these words, which may need more limbs than it has: then the top limb has the rest.
pub fn row_of(kind: BitwiseRow, address: u32, words: [Felt; 3]) -> Vec<Felt> {
    let mut cells = vec![Felt::zero(); kind.columns()];
    cells[BitwiseRow::ENABLER] = Felt::one();
    cells[BitwiseRow::ADDRESS] = small(u64::from(address));
    let radix = two(u64::from(kind.bits()));
    for (word, value) in words.into_iter().enumerate() {
        let mut rest = value;
        let mut limbs = limbs_of(encoding::canonical_limbs(&value), kind.bits(), kind.limbs() - 1);
        for limb in &limbs {
            rest = (rest - limb) * radix.inv().unwrap();
        }
        limbs.push(rest);
        for (i, limb) in limbs.into_iter().enumerate() {
            cells[Forger::limb(&kind, word, i)] = limb;
        }
    }
    cells
}

impl Forger {
    /// Puts a row into the table of its kind where there is padding, or into a new one.
    pub fn add_row(&mut self, kind: BitwiseRow, cells: &[Felt]) {
        let known = self.tables().into_iter().find(|(_, found)| *found == kind);
        let position = match known {
            Some((position, _)) => position,
            None => {
                self.add_table(TableKind::BitwiseRow(kind), vec![vec![Felt::zero(); 64]; kind.columns()]);
                self.tables().into_iter().find(|(_, found)| *found == kind).unwrap().0
            }
        };
        let trace = &mut self.0.traces[position];
        let row = trace[0].iter().position(|enabler| *enabler == Felt::zero()).unwrap();
        for (column, cell) in trace.iter_mut().zip(cells) {
            column[row] = *cell;
        }
    }

    /// Writes a cell of a memory table.
    pub fn set_memory(&mut self, address: u32, value: Felt) {
        let at = (address - self.0.claim.owned_end) as usize;
        let position = self.0.layout.tables.iter().position(|entry| entry.kind == TableKind::Memory).unwrap();
        self.0.traces[position][1 + at % memory::CELLS][at / memory::CELLS] = value;
    }
}
