//! Witness of [`cairo_air::components::derived`]: columns from their sources.

use super::counters::Counters;
use super::{Trace, WitnessError};
use cairo_air::components::derived::{Derived, Linear, Source};
use cairo_air::decode::{Decoded, signed};
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};
use felt::{Felt, encoding};
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 10;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
///
/// # Errors
/// If the execution does not make the steps that the table executes, or uses cells outside memory.
pub fn fill(
    execution: &Execution,
    derived: &Derived,
    starts: &[u32],
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let height = 1_usize << log_height;
    let starts = starts.get(..starts.len().min(height)).filter(|starts| !starts.is_empty());
    let starts = starts.ok_or(WitnessError::Empty("derived"))?;
    let recipe = Recipe::new(derived);
    let mut columns = vec![vec![Felt::zero(); height]; derived.sources.len()];
    let mut chunks: Vec<Vec<&mut [Felt]>> = Vec::new();
    chunks.resize_with(starts.len().div_ceil(CHUNK), || Vec::with_capacity(columns.len()));
    for column in &mut columns {
        for (chunk, part) in chunks.iter_mut().zip(column[..starts.len()].chunks_mut(CHUNK)) {
            chunk.push(part);
        }
    }
    let filled = chunks.into_par_iter().zip(starts.par_chunks(CHUNK));
    filled.try_for_each(|(mut chunk, starts)| {
        control.checkpoint()?;
        recipe.fill_chunk(execution, starts, &mut chunk, counters)
    })?;
    columns.par_iter_mut().zip(&derived.sources).for_each(|(column, source)| {
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

    fn evaluate(&self, row: &[Felt]) -> Felt {
        // Columns of an expression are earlier ones, so they are in the row.
        let mut total = self.constant;
        for column in &self.plus {
            total += row[*column];
        }
        for column in &self.minus {
            total = total - row[*column];
        }
        for (column, coefficient) in &self.scaled {
            total += row[*column] * coefficient;
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

/// An address: columns that are small integers, and a small constant; or any sum.
enum Address {
    Integers { columns: Vec<usize>, offset: i64 },
    Any(Sum),
}

impl Address {
    fn new(linear: &Linear) -> Self {
        let sum = Sum::new(linear);
        match small(&sum.constant) {
            Some(offset) if sum.minus.is_empty() && sum.scaled.is_empty() => {
                Self::Integers { columns: sum.plus, offset }
            }
            _ => Self::Any(sum),
        }
    }

    /// The address, if it is below 2^32.
    fn evaluate(&self, row: &[Felt], integers: &[i64]) -> Option<u32> {
        match self {
            Self::Integers { columns, offset } => {
                let total = columns.iter().try_fold(*offset, |total, column| total.checked_add(integers[*column]));
                total.and_then(|total| u32::try_from(total).ok())
            }
            Self::Any(sum) => encoding::to_u64(&sum.evaluate(row)).and_then(|address| u32::try_from(address).ok()),
        }
    }
}

/// An integer between −2^40 and 2^40, so that sums of a few do not overflow.
fn small(value: &Felt) -> Option<i64> {
    let positive = |value: &Felt| encoding::to_u64(value).filter(|value| *value < 1 << 40).map(|value| value as i64);
    positive(value).or_else(|| positive(&-value).map(|value| -value))
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
    Product(Sum, Sum),
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
    lookups: Vec<(Address, Sum)>,
    zeros: Vec<Sum>,
    products: Vec<[Sum; 3]>,
    end: [Sum; 3],
    width: usize,
    fetches: bool,
    length: u32,
}

impl Recipe {
    fn new(derived: &Derived) -> Self {
        let sums = |linears: &[Linear]| linears.iter().map(Sum::new).collect::<Vec<_>>();
        let needed = |column: usize| {
            let reads = |linear: &Linear| linear.terms().iter().any(|(term, _)| *term as usize == column);
            derived.sources.iter().any(|source| match source {
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
            Source::Product(a, b) => Step::Product(Sum::new(a), Sum::new(b)),
            Source::Inverse(factors) if needed(column) => Step::InverseNow(sums(factors)),
            Source::Inverse(factors) => Step::Inverse(sums(factors)),
        };
        let width = derived.sources.len();
        let lookups: Vec<_> =
            derived.lookups.iter().map(|[address, value]| (Address::new(address), Sum::new(value))).collect();
        let mut integers = vec![false; width];
        let bases = lookups.iter().filter_map(|(address, _)| match address {
            Address::Integers { columns, .. } => Some(columns),
            Address::Any(_) => None,
        });
        for column in bases.flatten() {
            integers[*column] = true;
        }
        Self {
            steps: derived.sources.iter().enumerate().map(step).collect(),
            integers,
            lookups,
            zeros: sums(&derived.zeros),
            products: derived.products.iter().map(|product| product.each_ref().map(Sum::new)).collect(),
            end: derived.end.each_ref().map(Sum::new),
            width,
            fetches: derived.fetches,
            length: derived.steps,
        }
    }

    fn fill_chunk(
        &self,
        execution: &Execution,
        starts: &[u32],
        chunk: &mut [&mut [Felt]],
        counters: &Counters,
    ) -> Result<(), WitnessError> {
        let mut row = vec![Felt::zero(); self.width];
        let mut integers = vec![0; self.width];
        for (index, clock) in starts.iter().enumerate() {
            self.fill_row(execution, *clock, &mut row, &mut integers)?;
            self.check_row(execution, *clock, &row, &integers, counters)?;
            for (part, value) in chunk.iter_mut().zip(&row) {
                part[index] = *value;
            }
        }
        for (part, step) in chunk.iter_mut().zip(&self.steps) {
            if matches!(step, Step::Inverse(_)) {
                invert(part).ok_or_else(|| self.wrong(execution, starts[0], "a jump that should be taken is not"))?;
            }
        }
        Ok(())
    }

    /// The row's columns but for inverses that come later.
    fn fill_row(
        &self,
        execution: &Execution,
        clock: u32,
        row: &mut [Felt],
        integers: &mut [i64],
    ) -> Result<(), WitnessError> {
        let registers = registers(execution, clock)?;
        let word = || {
            Decoded::new(&at(execution, registers.pc)?)
                .map_err(|error| WitnessError::Instruction { pc: registers.pc, error })
        };
        for (column, step) in self.steps.iter().enumerate() {
            let value = match step {
                Step::Enabler => Felt::one(),
                Step::Ap => Felt::from(u64::from(registers.ap)),
                Step::Fp => Felt::from(u64::from(registers.fp)),
                Step::Clock => Felt::from(u64::from(clock)),
                Step::Pc => Felt::from(u64::from(registers.pc)),
                Step::Offset(index) => {
                    word()?.offsets.get(*index).map_or_else(Felt::zero, |offset| signed(i64::from(*offset)))
                }
                Step::Immediate => at(execution, registers.pc.wrapping_add(1))?,
                Step::Memory(address) => {
                    let address = address.evaluate(row, integers).ok_or_else(|| operand(clock, address, row))?;
                    at(execution, address)?
                }
                Step::Product(a, b) => a.evaluate(row) * b.evaluate(row),
                Step::Inverse(factors) => {
                    factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(row))
                }
                Step::InverseNow(factors) => {
                    let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(row));
                    product.inv().unwrap_or_default()
                }
            };
            row[column] = value;
            if self.integers[column] {
                integers[column] = match step {
                    Step::Ap => i64::from(registers.ap),
                    Step::Fp => i64::from(registers.fp),
                    // Too large for an address, and remains so after the addition of a few small ones.
                    _ => small(&value).unwrap_or(1 << 50),
                };
            }
        }
        Ok(())
    }

    /// Counts the row's look-ups, and checks that they and the constraints hold: nothing else would, before the proof is refused.
    fn check_row(
        &self,
        execution: &Execution,
        clock: u32,
        row: &[Felt],
        integers: &[i64],
        counters: &Counters,
    ) -> Result<(), WitnessError> {
        let wrong = |what| self.wrong(execution, clock, what);
        if self.fetches {
            counters.instruction(registers(execution, clock)?.pc)?;
        }
        for (address, value) in &self.lookups {
            let cell = address.evaluate(row, integers).ok_or_else(|| operand(clock, address, row))?;
            counters.memory(cell, 1)?;
            // A column was read from there.
            if value.as_column().is_none() && at(execution, cell)? != value.evaluate(row) {
                return Err(wrong("an assertion does not hold"));
            }
        }
        let holds = self.zeros.iter().all(|sum| sum.evaluate(row) == Felt::zero());
        let [pc, ap, fp] = &self.end;
        let multiplies = |[a, b, product]: &[Sum; 3]| a.evaluate(row) * b.evaluate(row) == product.evaluate(row);
        if !holds || !self.products.iter().all(multiplies) {
            return Err(wrong("an assertion does not hold"));
        }
        let end = registers(execution, clock.saturating_add(self.length))?;
        for (sum, register) in [(pc, end.pc), (ap, end.ap), (fp, end.fp)] {
            if sum.evaluate(row) != Felt::from(u64::from(register)) {
                return Err(wrong("it leads elsewhere than the trace"));
            }
        }
        Ok(())
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
    let cell = execution.memory.get(address as usize).filter(|_| address >= PROGRAM_BASE);
    cell.copied().ok_or(WitnessError::Address(u64::from(address)))
}

fn operand(clock: u32, address: &Address, row: &[Felt]) -> WitnessError {
    let address = match address {
        Address::Any(sum) => encoding::to_hex(&sum.evaluate(row)),
        Address::Integers { columns, offset } => {
            encoding::to_hex(&columns.iter().fold(signed(*offset), |total, column| total + row[*column]))
        }
    };
    WitnessError::Operand { clock, address }
}

/// Inverts all values, by one inversion; `None` if one of them is 0.
fn invert(values: &mut [Felt]) -> Option<()> {
    Felt::inplace_batch_inverse(values).ok()
}
