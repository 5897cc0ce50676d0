//! Witness of [`cairo_air::components::derived`]: columns from their sources.

use super::counters::Counters;
use super::mix::mix;
use super::rows::{chunks, zeros};
use super::{Trace, WitnessError};
use cairo_air::components::derived::{Linear, RowContents, Source};
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};
use felt::integers::{integer, natural, signed, small, word};
use felt::packed::{Packed, WithPacked, dispatch};
use felt::{Felt, encoding};
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 10;

/// Rows that are computed column by column: the cells of that many rows, and the memory that they come from, stay in a core's cache.
const TILE: usize = 1 << 7;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
///
/// # Errors
/// If the execution does not make the steps that the table executes, or uses cells outside memory.
pub fn fill(
    execution: &Execution,
    contents: &RowContents,
    starts: &[u32],
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let height = 1_usize << log_height;
    let starts = starts.get(..starts.len().min(height)).filter(|starts| !starts.is_empty());
    let starts = starts.ok_or(WitnessError::Empty("derived"))?;
    let recipe = Recipe::new(contents);
    let mut columns = zeros(contents.sources.len(), height);
    let filled = chunks(&mut columns, starts.len(), CHUNK).into_par_iter().zip(starts.par_chunks(CHUNK));
    filled.with_max_len(1).try_for_each(|(mut chunk, starts)| {
        control.checkpoint()?;
        recipe.fill_chunk(execution, starts, &mut chunk, counters)
    })?;
    columns.par_iter_mut().zip(&contents.sources).for_each(|(column, source)| {
        let (used, padding) = column.split_at_mut(starts.len());
        match (source, used.first()) {
            (Source::Enabler, _) | (_, None) => {}
            (_, Some(first)) => padding.fill(*first),
        }
    });
    Ok(columns)
}

/// A linear expression, sorted by what its terms cost.
struct Sum {
    constant: Felt,
    plus: Vec<usize>,
    minus: Vec<usize>,
    scaled: Vec<(usize, Felt)>,
}

impl Sum {
    fn new(linear: &Linear) -> Self {
        let mut sum =
            Self { constant: linear.constant_part(), plus: Vec::new(), minus: Vec::new(), scaled: Vec::new() };
        for (column, coefficient) in linear.terms() {
            let column = *column as usize;
            if *coefficient == Felt::one() {
                sum.plus.push(column);
            } else if *coefficient == -Felt::one() {
                sum.minus.push(column);
            } else {
                sum.scaled.push((column, *coefficient));
            }
        }
        sum
    }

    /// The value in one row.
    fn at(&self, columns: &[&mut [Felt]], row: usize) -> Felt {
        // Columns of an expression are earlier ones, so they are there.
        let mut total = self.constant;
        for column in &self.plus {
            total += columns[*column][row];
        }
        for column in &self.minus {
            total = total - columns[*column][row];
        }
        for (column, coefficient) in &self.scaled {
            total += columns[*column][row] * coefficient;
        }
        total
    }

    /// The values in some rows from `row` on.
    #[inline(always)]
    fn packed<P: Packed>(&self, columns: &[&mut [Felt]], row: usize) -> P {
        let mut total = P::broadcast(&self.constant);
        for column in &self.plus {
            total = total.add(P::load(&columns[*column][row..]));
        }
        for column in &self.minus {
            total = total.sub(P::load(&columns[*column][row..]));
        }
        for (column, coefficient) in &self.scaled {
            total = total.add(P::load(&columns[*column][row..]).mul(P::broadcast(coefficient)));
        }
        total
    }

    /// The column, if the sum is one.
    fn as_column(&self) -> Option<usize> {
        match (&*self.plus, &*self.minus, &*self.scaled) {
            ([column], [], []) if self.constant == Felt::zero() => Some(*column),
            _ => None,
        }
    }
}

/// Products of sums in the rows from `first` on, from the columns that the sums refer to.
struct Evaluate<'a, 'b> {
    factors: &'a [Sum],
    columns: &'a [&'b mut [Felt]],
    first: usize,
    out: &'a mut [Felt],
}

impl WithPacked for Evaluate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let Some((factor, others)) = self.factors.split_first() else { return self.out.fill(Felt::one()) };
        let mut out = self.out.chunks_exact_mut(P::WIDTH);
        let mut row = self.first;
        for out in out.by_ref() {
            let mut product = factor.packed::<P>(self.columns, row);
            for other in others {
                product = product.mul(other.packed::<P>(self.columns, row));
            }
            product.store(out);
            row += P::WIDTH;
        }
        for out in out.into_remainder() {
            *out = factor.at(self.columns, row);
            for other in others {
                *out *= other.at(self.columns, row);
            }
            row += 1;
        }
    }
}

/// An address: columns that are small integers, and a small constant; or any sum.
enum Address {
    Integers { columns: Vec<usize>, offset: i64 },
    Any(Sum),
}

impl Address {
    fn new(linear: &Linear) -> Self {
        let sum = Sum::new(linear);
        match near(&sum.constant) {
            Some(offset) if sum.minus.is_empty() && sum.scaled.is_empty() => {
                Self::Integers { columns: sum.plus, offset }
            }
            _ => Self::Any(sum),
        }
    }

    /// The field element that it is in one row.
    fn sum(&self, columns: &[&mut [Felt]], row: usize) -> Felt {
        match self {
            Self::Any(sum) => sum.at(columns, row),
            Self::Integers { columns: bases, offset } => {
                bases.iter().fold(signed(*offset), |total, column| total + columns[*column][row])
            }
        }
    }

    /// The addresses in the rows of a tile; what is no address is negative or large.
    fn evaluate(&self, columns: &[&mut [Felt]], first: usize, scratch: &mut Scratch, len: usize) {
        let Scratch { integers, addresses, left, .. } = scratch;
        let addresses = &mut addresses[..len];
        match self {
            Self::Integers { columns: bases, offset } => {
                addresses.fill(*offset);
                for column in bases {
                    for (address, value) in addresses.iter_mut().zip(&integers[*column]) {
                        *address += value;
                    }
                }
                // Large terms may add up to an address all the same.
                if addresses.iter().any(|address| *address > FAR / 2) {
                    for (row, address) in (first..).zip(addresses).filter(|(_, address)| **address > FAR / 2) {
                        *address = word(&self.sum(columns, row)).map_or(-1, i64::from);
                    }
                }
            }
            Self::Any(sum) => {
                let left = &mut left[..len];
                dispatch(Evaluate { factors: std::slice::from_ref(sum), columns, first, out: left });
                for (address, value) in addresses.iter_mut().zip(left) {
                    *address = word(value).map_or(-1, i64::from);
                }
            }
        }
    }
}

/// Stands for an integer that is not [`near`]. It remains larger than any address after the addition of near ones, of which a sum has
/// fewer than there are columns.
const FAR: i64 = 1 << 50;

/// An integer between −2^40 and 2^40, so that sums of a few do not overflow.
fn near(value: &Felt) -> Option<i64> {
    integer(value).filter(|value| value.unsigned_abs() < 1 << 40)
}

/// How to compute one column.
enum Step {
    Enabler,
    Ap,
    Fp,
    Clock,
    Pc,
    Offset(usize),
    Immediate,
    Memory(Address),
    Product([Sum; 2]),
    /// Known when all look-ups are counted: see [`super::owned::provide`].
    Uses,
    /// Inverted when the chunk is complete.
    Inverse(Vec<Sum>),
    /// Inverted at once, since another column needs it.
    InverseNow(Vec<Sum>),
}

/// The table's sources, made fit for many rows.
struct Recipe {
    steps: Vec<Step>,
    /// Columns whose values addresses need as integers.
    integers: Vec<bool>,
    /// Address and value of the cells that a row looks up, and whether the value is a column that was read from there.
    lookups: Vec<(Address, Sum, bool)>,
    owned: Option<Owned>,
    zeros: Vec<Sum>,
    /// Factors and product; columns that are products are right as they are computed.
    products: Vec<([Sum; 2], Sum)>,
    end: [Sum; 3],
    fetches: bool,
    length: u32,
}

/// The cells that a row owns and knows: one sum of them with pseudo-random weights must be what the row makes of its columns. It takes one
/// pass over memory in its order, where a comparison of each cell would wait for memory at each.
struct Owned {
    /// Of the first cell.
    address: Address,
    /// Of the cells from there on; 0 for those that the row does not know.
    weights: Vec<Felt>,
    /// What the values add up to.
    sum: Sum,
}

impl Owned {
    fn new(owned: &[[Linear; 2]]) -> Option<Self> {
        let [first, _] = owned.first()?;
        let mut weights = Vec::new();
        let mut sum = Linear::integer(0);
        for ([address, value], weight) in owned.iter().zip(0..) {
            // They stand in the order of their addresses, none of which is too far.
            let place = (address - first).as_constant().as_ref().and_then(natural).filter(|place| *place < 1 << 20)?;
            let weight = Felt::from(mix(weight));
            weights.resize(place as usize, Felt::zero());
            weights.push(weight);
            sum = sum.plus(&weight, value);
        }
        Some(Self { address: Address::new(first), weights, sum: Sum::new(&sum) })
    }
}

/// What the computation of a tile needs besides the columns.
struct Scratch {
    registers: [Registers; TILE],
    starts: Vec<usize>,
    /// Of each column that addresses need, its values in the tile.
    integers: Vec<Vec<i64>>,
    addresses: [i64; TILE],
    left: [Felt; TILE],
    right: [Felt; TILE],
}

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
}

impl Recipe {
    fn new(contents: &RowContents) -> Self {
        let sums = |linears: &[Linear]| linears.iter().map(Sum::new).collect::<Vec<_>>();
        let needed = |column: usize| {
            let reads = |linear: &Linear| linear.terms().iter().any(|(term, _)| *term as usize == column);
            contents.sources.iter().any(|source| match source {
                Source::Memory(address) => reads(address),
                Source::Product(a, b) => reads(a) || reads(b),
                Source::Inverse(factors) => factors.iter().any(reads),
                _ => false,
            })
        };
        let step = |(column, source): (usize, &Source)| match source {
            Source::Enabler => Step::Enabler,
            Source::Ap => Step::Ap,
            Source::Fp => Step::Fp,
            Source::Clock => Step::Clock,
            Source::Pc => Step::Pc,
            Source::Offset(index) => Step::Offset(usize::from(*index)),
            Source::Immediate => Step::Immediate,
            Source::Memory(address) => Step::Memory(Address::new(address)),
            Source::Product(a, b) => Step::Product([Sum::new(a), Sum::new(b)]),
            Source::Inverse(factors) if needed(column) => Step::InverseNow(sums(factors)),
            Source::Inverse(factors) => Step::Inverse(sums(factors)),
            Source::Uses(_) => Step::Uses,
        };
        let is_read = |address: &Linear, value: &Sum| {
            let source = value.as_column().and_then(|column| contents.sources.get(column));
            matches!(source, Some(Source::Memory(from)) if from == address)
        };
        let lookups = contents.lookups.iter().map(|[address, value]| {
            let sum = Sum::new(value);
            let is_read = is_read(address, &sum);
            (Address::new(address), sum, is_read)
        });
        let lookups: Vec<_> = lookups.collect();
        let owned = Owned::new(&contents.owned);
        let mut integers = vec![false; contents.sources.len()];
        let addresses = lookups.iter().map(|(address, ..)| address).chain(owned.as_ref().map(|owned| &owned.address));
        let bases = addresses.filter_map(|address| match address {
            Address::Integers { columns, .. } => Some(columns),
            Address::Any(_) => None,
        });
        for column in bases.flatten() {
            integers[*column] = true;
        }
        let is_column = |[a, b, product]: &[Linear; 3]| {
            let source = Sum::new(product).as_column().and_then(|column| contents.sources.get(column));
            matches!(source, Some(Source::Product(left, right)) if (left, right) == (a, b))
        };
        let products = contents.products.iter().filter(|product| !is_column(product));
        Self {
            steps: contents.sources.iter().enumerate().map(step).collect(),
            integers,
            lookups,
            owned,
            zeros: sums(&contents.zeros),
            products: products.map(|[a, b, product]| ([Sum::new(a), Sum::new(b)], Sum::new(product))).collect(),
            end: contents.end.each_ref().map(Sum::new),
            fetches: contents.fetches,
            length: contents.steps,
        }
    }

    fn fill_chunk(
        &self,
        execution: &Execution,
        starts: &[u32],
        chunk: &mut [&mut [Felt]],
        counters: &Counters,
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
            self.check_tile(execution, &mut rows, tile * TILE, chunk, &mut scratch, counters);
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

    /// Counts the rows' look-ups, and checks that they and the constraints hold: nothing else would, before the proof is refused.
    fn check_tile(
        &self,
        execution: &Execution,
        rows: &mut Rows<'_>,
        first: usize,
        chunk: &[&mut [Felt]],
        scratch: &mut Scratch,
        counters: &Counters,
    ) {
        if self.fetches {
            let mut fetches = counters.instruction_tally();
            rows.each(|row, _| {
                let pc = scratch.registers[row].pc;
                fetches.add(pc as usize, 1).map_or_else(|| counters.instruction(pc), Ok)
            });
        }
        let len = rows.clocks.len();
        let evaluate = |factors: &[Sum], out: &mut [Felt]| {
            dispatch(Evaluate { factors, columns: chunk, first, out: &mut out[..len] });
        };
        let assertion = "an assertion does not hold";
        for (address, value, is_read) in &self.lookups {
            address.evaluate(chunk, first, scratch, len);
            if !is_read {
                evaluate(std::slice::from_ref(value), &mut scratch.left);
            }
            // Neighbours often look up the same cell: those are counted at once.
            let (mut last, mut uses, mut holds) = (0, 0, true);
            for (cell, value) in scratch.addresses[..len].iter().zip(&scratch.left) {
                let found = usize::try_from(*cell).ok().and_then(|cell| execution.memory.get(cell));
                holds &= *cell >= i64::from(PROGRAM_BASE) && found.is_some_and(|found| *is_read || found == value);
                if *cell != last {
                    counters.memory_cell(last, uses);
                    (last, uses) = (*cell, 0);
                }
                uses += 1;
            }
            counters.memory_cell(last, uses);
            if holds {
                continue;
            }
            rows.each(|row, clock| {
                let cell = u32::try_from(scratch.addresses[row]);
                let found = at(execution, cell.map_err(|_| operand(clock, address, chunk, first + row))?)?;
                match *is_read || found == scratch.left[row] {
                    true => Ok(()),
                    false => Err(self.wrong(execution, clock, assertion)),
                }
            });
        }
        if let Some(Owned { address, weights, sum }) = &self.owned {
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
            evaluate(std::slice::from_ref(sum), &mut scratch.right);
            rows.each(|row, clock| match scratch.left[row] == scratch.right[row] {
                true => Ok(()),
                false => Err(self.wrong(execution, clock, assertion)),
            });
        }
        for zero in &self.zeros {
            evaluate(std::slice::from_ref(zero), &mut scratch.left);
            rows.each(|row, clock| match scratch.left[row] == Felt::zero() {
                true => Ok(()),
                false => Err(self.wrong(execution, clock, assertion)),
            });
        }
        for (factors, product) in &self.products {
            evaluate(factors, &mut scratch.left);
            evaluate(std::slice::from_ref(product), &mut scratch.right);
            rows.each(|row, clock| match scratch.left[row] == scratch.right[row] {
                true => Ok(()),
                false => Err(self.wrong(execution, clock, assertion)),
            });
        }
        rows.each(|row, clock| {
            scratch.registers[row] = registers(execution, clock.saturating_add(self.length))?;
            Ok(())
        });
        let registers: [fn(&Registers) -> u32; 3] =
            [|registers| registers.pc, |registers| registers.ap, |registers| registers.fp];
        for (sum, register) in self.end.iter().zip(registers) {
            evaluate(std::slice::from_ref(sum), &mut scratch.left);
            rows.each(|row, clock| match scratch.left[row] == small(u64::from(register(&scratch.registers[row]))) {
                true => Ok(()),
                false => Err(self.wrong(execution, clock, "it leads elsewhere than the trace")),
            });
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixture::execution;
    use cairo_air::Builtin;
    use stark::Unattended;

    /// Cells that hold 0.
    const WRONG: [u32; 2] = [41, 52];

    /// Fills a table of rows that stay where they are, one for each of the frames, and look up what `lookups` say. Column 1 is `fp`; memory
    /// holds its own addresses, but for [`WRONG`].
    fn filled(frames: &[u32], lookups: Vec<[Linear; 2]>) -> Result<Trace, WitnessError> {
        let trace = frames.iter().flat_map(|fp| [Registers { pc: 5, ap: 90, fp: *fp }; 2]).collect();
        let memory = (0..100).map(|cell| Felt::from(if WRONG.contains(&cell) { 0 } else { u64::from(cell) })).collect();
        let execution = execution(&[Builtin::Output], &[], trace, memory);
        let contents = RowContents {
            sources: vec![Source::Enabler, Source::Fp],
            lookups,
            owned: Vec::new(),
            zeros: Vec::new(),
            products: Vec::new(),
            end: [Linear::integer(5), Linear::integer(90), Linear::column(1)],
            fetches: false,
            steps: 1,
        };
        let starts: Vec<u32> = (0..).step_by(2).take(frames.len()).collect();
        let counters = Counters::new(execution.memory.len());
        let trace = fill(&execution, &contents, &starts, 6, &counters, &Unattended)?;
        let looked_up = (0..100).map(|address| counters.memory_uses(address)).sum::<u32>();
        assert_eq!(looked_up as usize, frames.len() * contents.lookups.len());
        Ok(trace)
    }

    /// `[fp + offset] = fp + value`.
    fn look_up(offset: i64, value: i64) -> [Linear; 2] {
        [offset, value].map(|offset| Linear::column(1).offset(offset))
    }

    #[test]
    fn look_ups_that_hold() {
        let trace = filled(&[20, 20, 30], vec![look_up(0, 0), look_up(-19, -19), look_up(69, 69)]).unwrap();
        assert_eq!(trace[1][..4], [20, 20, 30, 20_u64].map(Felt::from));
    }

    /// Two numbers far from any address add up to one.
    #[test]
    fn large_terms_of_an_address() {
        let far = Felt::from(2_u64).pow(200_u64);
        for large in [Felt::from(1_u64 << 40), Felt::from(1_u64 << 45), Felt::from(1_u64 << 50), far] {
            let fill = |sum: i64| {
                let mut memory: Vec<Felt> = (0..100_u64).map(Felt::from).collect();
                (memory[20], memory[21]) = (large, signed(sum) - large);
                let trace = vec![Registers { pc: 5, ap: 90, fp: 20 }; 2];
                let execution = execution(&[Builtin::Output], &[], trace, memory);
                let read = |offset| Source::Memory(Linear::column(1).offset(offset));
                let contents = RowContents {
                    sources: vec![Source::Enabler, Source::Fp, read(0), read(1)],
                    lookups: vec![
                        [Linear::column(1), Linear::column(2)],
                        [Linear::column(1).offset(1), Linear::column(3)],
                        [&Linear::column(2) + &Linear::column(3), Linear::integer(sum)],
                    ],
                    owned: Vec::new(),
                    zeros: Vec::new(),
                    products: Vec::new(),
                    end: [Linear::integer(5), Linear::integer(90), Linear::column(1)],
                    fetches: false,
                    steps: 1,
                };
                let counters = Counters::new(execution.memory.len());
                super::fill(&execution, &contents, &[0], 6, &counters, &Unattended)?;
                Ok::<_, WitnessError>(counters.memory_uses(50))
            };
            assert_eq!(fill(50), Ok(1));
            assert_eq!(fill(100), Err(WitnessError::Address(100)));
            assert_eq!(fill(0), Err(WitnessError::Address(0)));
            assert!(matches!(fill(-1), Err(WitnessError::Operand { clock: 0, .. })));
        }
    }

    /// There is a 0 at address 0, but no cell.
    #[test]
    fn addresses_without_a_cell() {
        let of = |frames: &[u32], offset| filled(frames, vec![look_up(offset, offset)]);
        assert!(of(&[21, 22], -20).is_ok());
        assert_eq!(of(&[21, 20], -20), Err(WitnessError::Address(0)));
        assert!(matches!(of(&[21, 19], -20), Err(WitnessError::Operand { clock: 2, .. })));
        assert_eq!(of(&[21, 22], 78), Err(WitnessError::Address(100)));
    }

    /// Whichever of its look-ups is wrong, and in whichever order they stand.
    #[test]
    fn the_first_wrong_row_is_named() {
        // One is wrong where fp is 31, the other where it is 32.
        let lookups = WRONG.map(|cell| look_up(i64::from(cell % 10 * 10), i64::from(cell % 10 * 10)));
        let reversed = [lookups[1].clone(), lookups[0].clone()];
        for (frames, first) in [([30, 31, 32], 2), ([30, 32, 31], 2), ([31, 30, 32], 0), ([30, 30, 32], 4)] {
            for lookups in [&lookups, &reversed] {
                let found = filled(&frames, lookups.to_vec());
                assert!(matches!(found, Err(WitnessError::Step { clock, .. }) if clock == first), "{found:?}");
            }
        }
        assert!(filled(&[30, 33], lookups.to_vec()).is_ok());
    }
}
