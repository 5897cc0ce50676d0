//! Rows computed column by column.

use super::address::{Address, FAR, near};
use super::recipe::{Owned, Recipe, Step};
use super::scratch::{Scratch, TILE};
use super::sum::{Evaluate, Sum};
use crate::error::WitnessError;
use crate::witness::multiplicities::Multiplicities;
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};
use felt::integers::{signed, small};
use felt::packed::dispatch;
use felt::{Felt, encoding};

/// What is wrong with a row of which a constraint does not hold.
const ASSERTION: &str = "an assertion does not hold";

/// The steps with which a tile's rows begin, up to the first row at which something is wrong.
struct Rows<'a> {
    clocks: &'a [u32],
    error: Option<WitnessError>,
}

impl Rows<'_> {
    /// Visits each row. What is wrong with the first row of all that have an error is what remains in the end.
    fn each(&mut self, mut visit: impl FnMut(usize, u32) -> Result<(), WitnessError>) {
        for (row, clock) in self.clocks.iter().enumerate() {
            if let Err(error) = visit(row, *clock) {
                self.error = Some(error);
                self.clocks = &self.clocks[..row];
                return;
            }
        }
    }

    /// The product of sums of columns on each row.
    fn evaluate(&self, factors: &[Sum], columns: &[&mut [Felt]], first: usize, out: &mut [Felt]) {
        dispatch(Evaluate { factors, columns, first, out: &mut out[..self.clocks.len()] });
    }
}

impl Recipe {
    pub(super) fn fill_chunk(
        &self,
        execution: &Execution,
        starts: &[u32],
        chunk: &mut [&mut [Felt]],
        multiplicities: &Multiplicities,
    ) -> Result<(), WitnessError> {
        let mut scratch = Scratch {
            registers: [Registers { pc: 0, ap: 0, fp: 0 }; TILE],
            integers: self.integers.iter().map(|needed| vec![0; if *needed { TILE } else { 0 }]).collect(),
            addresses: [0; TILE],
            starts: Vec::with_capacity(TILE),
            left: [Felt::zero(); TILE],
            right: [Felt::zero(); TILE],
        };
        for (tile, clocks) in starts.chunks(TILE).enumerate() {
            let mut rows = Rows { clocks, error: None };
            self.fill_tile(execution, &mut rows, tile * TILE, chunk, &mut scratch);
            self.check_tile(execution, &mut rows, tile * TILE, chunk, &mut scratch, multiplicities);
            rows.error.map_or(Ok(()), Err)?;
        }
        for (part, step) in chunk.iter_mut().zip(&self.steps) {
            if matches!(step, Step::Inverse(_)) {
                if part.contains(&Felt::zero()) {
                    return Err(self.wrong(execution, starts[0], "a jump that should be taken is not"));
                }
                felt::vector::batch_inverse(part);
            }
        }
        Ok(())
    }

    /// The columns of a tile's rows, the first of which is row `first` of the chunk, but for inverses that come later.
    fn fill_tile(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &mut [&mut [Felt]],
        scratch: &mut Scratch,
    ) {
        rows.each(|row, clock| {
            scratch.registers[row] = registers(execution, clock)?;
            Ok(())
        });
        let len = rows.clocks.len();
        for (column, step) in self.steps.iter().enumerate() {
            let (earlier, current) = chunk.split_at_mut(column);
            let Some(cells) = current.first_mut().map(|column| &mut column[first..first + len]) else { continue };
            let states = cells.iter_mut().zip(&scratch.registers);
            match step {
                Step::Enabler => cells.fill(Felt::one()),
                Step::Uses => {}
                Step::Ap => states.for_each(|(cell, registers)| *cell = small(u64::from(registers.ap))),
                Step::Fp => states.for_each(|(cell, registers)| *cell = small(u64::from(registers.fp))),
                Step::Pc => states.for_each(|(cell, registers)| *cell = small(u64::from(registers.pc))),
                Step::Clock => rows.each(|row, clock| {
                    cells[row] = small(u64::from(clock));
                    Ok(())
                }),
                Step::Offset(index) => rows.each(|row, _| {
                    let pc = scratch.registers[row].pc;
                    let decoded = Decoded::new(&at(execution, pc)?);
                    let decoded = decoded.map_err(|error| WitnessError::Instruction { pc, error })?;
                    cells[row] =
                        decoded.offsets.get(*index).map_or_else(Felt::zero, |offset| signed(i64::from(*offset)));
                    Ok(())
                }),
                Step::Immediate => rows.each(|row, _| {
                    cells[row] = at(execution, scratch.registers[row].pc.wrapping_add(1))?;
                    Ok(())
                }),
                Step::Memory(address) => {
                    address.evaluate(earlier, first, scratch, len);
                    rows.each(|row, clock| {
                        let found = u32::try_from(scratch.addresses[row]);
                        let found = found.map_err(|_| operand(clock, address, earlier, first + row))?;
                        cells[row] = at(execution, found)?;
                        Ok(())
                    });
                }
                Step::Product(factors) => dispatch(Evaluate { factors, columns: earlier, first, out: cells }),
                Step::Inverse(factors) => dispatch(Evaluate { factors, columns: earlier, first, out: cells }),
                Step::InverseNow(factors) => {
                    dispatch(Evaluate { factors, columns: earlier, first, out: cells });
                    felt::vector::batch_inverse(cells);
                }
            }
            let integer = |cell: &Felt| near(cell).unwrap_or(FAR);
            if self.integers[column] {
                scratch.integers[column].iter_mut().zip(&*cells).for_each(|(value, cell)| *value = integer(cell));
            }
        }
    }

    /// Counts the rows' lookups, and checks that they and the constraints hold: nothing else would, before the proof is refused.
    fn check_tile(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
        multiplicities: &Multiplicities,
    ) {
        if self.fetches {
            let mut fetches = multiplicities.instruction_tally();
            rows.each(|row, _| {
                let pc = scratch.registers[row].pc;
                fetches.add(pc as usize, 1).map_or_else(|| multiplicities.instruction(pc), Ok)
            });
        }
        self.check_lookups(execution, rows, first, chunk, scratch, multiplicities);
        self.check_owned(execution, rows, first, chunk, scratch);
        self.check_products(execution, rows, first, chunk, scratch);
        self.check_end(execution, rows, first, chunk, scratch);
    }

    /// Each cell that a row looks up exists, and holds what the row makes of its columns.
    fn check_lookups(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
        multiplicities: &Multiplicities,
    ) {
        let len = rows.clocks.len();
        for (address, value, is_read) in &self.lookups {
            address.evaluate(chunk, first, scratch, len);
            if !is_read {
                rows.evaluate(std::slice::from_ref(value), chunk, first, &mut scratch.left);
            }
            // Neighbours often look up the same cell: those are counted at once.
            let (mut last, mut uses, mut holds) = (0, 0, true);
            for (cell, value) in scratch.addresses[..len].iter().zip(&scratch.left) {
                let found = usize::try_from(*cell).ok().and_then(|cell| execution.memory.get(cell));
                holds &= *cell >= i64::from(PROGRAM_BASE) && found.is_some_and(|found| *is_read || found == value);
                if *cell != last {
                    multiplicities.memory_cell(last, uses);
                    (last, uses) = (*cell, 0);
                }
                uses += 1;
            }
            multiplicities.memory_cell(last, uses);
            if holds {
                continue;
            }
            rows.each(|row, clock| {
                let cell = u32::try_from(scratch.addresses[row]);
                let found = at(execution, cell.map_err(|_| operand(clock, address, chunk, first + row))?)?;
                match *is_read || found == scratch.left[row] {
                    true => Ok(()),
                    false => Err(self.wrong(execution, clock, ASSERTION)),
                }
            });
        }
    }

    /// So do the cells that it owns and knows; no bus would say so, since nobody else need look them up.
    fn check_owned(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
    ) {
        let Some(Owned { address, weights, sum }) = &self.owned else { return };
        let len = rows.clocks.len();
        address.evaluate(chunk, first, scratch, len);
        scratch.starts.clear();
        rows.each(|row, clock| {
            let start =
                u32::try_from(scratch.addresses[row]).map_err(|_| operand(clock, address, chunk, first + row))?;
            let end = u64::from(start) + weights.len() as u64;
            if start < PROGRAM_BASE || end > execution.memory.len() as u64 {
                return Err(WitnessError::Address(end.saturating_sub(1)));
            }
            scratch.starts.push(start as usize);
            Ok(())
        });
        felt::vector::dot_windows(&execution.memory, &scratch.starts, weights, &mut scratch.left);
        rows.evaluate(std::slice::from_ref(sum), chunk, first, &mut scratch.right);
        self.require(execution, rows, ASSERTION, |row| scratch.left[row] == scratch.right[row]);
    }

    /// The constraints: sums that are 0, and products.
    fn check_products(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
    ) {
        for zero in &self.zeros {
            rows.evaluate(std::slice::from_ref(zero), chunk, first, &mut scratch.left);
            self.require(execution, rows, ASSERTION, |row| scratch.left[row] == Felt::zero());
        }
        for (factors, product) in &self.products {
            rows.evaluate(factors, chunk, first, &mut scratch.left);
            rows.evaluate(std::slice::from_ref(product), chunk, first, &mut scratch.right);
            self.require(execution, rows, ASSERTION, |row| scratch.left[row] == scratch.right[row]);
        }
    }

    /// The row leads to the state that the trace has after as many steps.
    fn check_end(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
    ) {
        rows.each(|row, clock| {
            scratch.registers[row] = registers(execution, clock.saturating_add(self.length))?;
            Ok(())
        });
        let registers: [fn(&Registers) -> u32; 3] =
            [|registers| registers.pc, |registers| registers.ap, |registers| registers.fp];
        for (sum, register) in self.end.iter().zip(registers) {
            rows.evaluate(std::slice::from_ref(sum), chunk, first, &mut scratch.left);
            let found = |row: usize| small(u64::from(register(&scratch.registers[row])));
            self.require(execution, rows, "it leads elsewhere than the trace", |row| scratch.left[row] == found(row));
        }
    }

    /// Each row for which something does not hold is wrong.
    fn require(&self, execution: &Execution, rows: &mut Rows<'_>, what: &'static str, holds: impl Fn(usize) -> bool) {
        rows.each(|row, clock| if holds(row) { Ok(()) } else { Err(self.wrong(execution, clock, what)) });
    }

    fn wrong(&self, execution: &Execution, clock: u32, what: &'static str) -> WitnessError {
        let pc = execution.trace.get(clock as usize).map_or(0, |registers| registers.pc);
        WitnessError::Step { clock, pc, what }
    }
}

fn registers(execution: &Execution, clock: u32) -> Result<Registers, WitnessError> {
    execution.trace.get(clock as usize).copied().ok_or(WitnessError::Clock(clock))
}

/// The memory cell at an address.
fn at(execution: &Execution, address: u32) -> Result<Felt, WitnessError> {
    match execution.memory.get(address as usize) {
        Some(cell) if address >= PROGRAM_BASE => Ok(*cell),
        _ => Err(WitnessError::Address(u64::from(address))),
    }
}

fn operand(clock: u32, address: &Address, columns: &[&mut [Felt]], row: usize) -> WitnessError {
    WitnessError::Operand { clock, address: encoding::to_hex(&address.sum(columns, row)) }
}
