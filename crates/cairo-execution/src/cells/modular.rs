//! add_mod and mul_mod: seven cells an instance, and the arithmetic that both its check and its witness need.
//!
//! The cells are the four words of a modulus `p`, a pointer to values, a pointer to three offsets, and the number `n` of instances from this
//! one to the end of its batch. The values `a`, `b` and `c` are four words each, at the first pointer plus an offset. Words have 96 bits, the
//! least significant first. Addresses are added in the field.

use super::builtin_cell;
use super::number::Number;
use super::range_check96::word96;
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::integers::{small, to_u64};
use felt::{Felt, encoding};

/// Words of a number.
const WORDS: u32 = 4;

/// Cells of an instance.
const CELLS: u32 = Builtin::AddMod.cells_per_instance();

/// An instance, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// Where it begins.
    pub address: u32,
    /// The modulus.
    pub p: Number,
    /// Where the offsets of values count from.
    pub values_ptr: Felt,
    /// Where the three offsets stand.
    pub offsets_ptr: u32,
    /// Instances of the batch from this one on, itself included.
    pub n: Felt,
    /// Offsets of `a`, `b` and `c`.
    pub offsets: [Felt; 3],
    /// Where their first words stand.
    pub places: [u32; 3],
    /// `a`, `b` and `c`.
    pub values: [Number; 3],
}

impl Instance {
    /// The instance of `add_mod` or `mul_mod` at an address.
    ///
    /// # Errors
    /// If a cell does not exist, or a word is not below `2^96`.
    pub fn read(memory: &[Felt], builtin: Builtin, address: u32) -> Result<Self, ExecutionError> {
        let cell = |address: u32| builtin_cell(memory, builtin, address).copied();
        let number = |first: u32| {
            let word = |i: u32| {
                let address = first.saturating_add(i);
                let value = cell(address)?;
                word96(&value).ok_or_else(|| ExecutionError::ModularWord {
                    builtin,
                    address,
                    found: encoding::to_hex(&value),
                })
            };
            Ok::<_, ExecutionError>(Number::from_words([word(0)?, word(1)?, word(2)?, word(3)?]))
        };
        let at = |what: &'static str, pointer: Felt, offset: Felt| {
            let sum = to_u64(&(pointer + offset)).and_then(|sum| u32::try_from(sum).ok());
            sum.ok_or_else(|| ExecutionError::ModularPointer {
                builtin,
                address,
                what,
                found: encoding::to_short(&(pointer + offset)),
            })
        };
        let p = number(address)?;
        let rest = address.saturating_add(WORDS);
        let (values_ptr, offsets_ptr) = (cell(rest)?, cell(rest.saturating_add(1))?);
        let n = cell(rest.saturating_add(2))?;
        let offsets_ptr = at("offsets", offsets_ptr, Felt::zero())?;
        let mut offsets = [Felt::zero(); 3];
        let mut places = [0; 3];
        let mut values = [Number::default(); 3];
        for (i, what) in ["a", "b", "c"].into_iter().enumerate() {
            offsets[i] = cell(offsets_ptr.saturating_add(i as u32))?;
            places[i] = at(what, values_ptr, offsets[i])?;
            values[i] = number(places[i])?;
        }
        Ok(Self { address, p, values_ptr, offsets_ptr, n, offsets, places, values })
    }

    /// The addresses of all cells that belong to it: its own, the offsets, and the words of the values.
    pub fn cells(&self) -> impl Iterator<Item = u32> {
        let own = self.address..self.address.saturating_add(CELLS);
        let offsets = self.offsets_ptr..self.offsets_ptr.saturating_add(3);
        own.chain(offsets).chain(self.places.into_iter().flat_map(|place| place..place.saturating_add(WORDS)))
    }

    /// Whether the next instance belongs to the same batch.
    pub fn goes_on(&self) -> bool {
        self.n != Felt::one()
    }

    /// What follows from it for the next instance, if that belongs to the same batch: the cells that must be these.
    fn next_cells(&self, memory: &[Felt], builtin: Builtin) -> Result<[(u32, Felt); CELLS as usize], ExecutionError> {
        let next = self.address.saturating_add(CELLS);
        let mut cells = [(0, Felt::zero()); CELLS as usize];
        for (i, cell) in (0..).zip(&mut cells) {
            let value = *builtin_cell(memory, builtin, self.address.saturating_add(i))?;
            let value = match i {
                5 => value + small(3),
                6 => value - small(1),
                _ => value,
            };
            *cell = (next.saturating_add(i), value);
        }
        Ok(cells)
    }

    /// Checks that the next instance goes on with the batch, if there is more of it: `stop` is where the builtin's instances end.
    ///
    /// # Errors
    /// If the instances end before the batch does, or the next one is of another.
    pub fn check_batch(&self, memory: &[Felt], builtin: Builtin, stop: u32) -> Result<(), ExecutionError> {
        if !self.goes_on() {
            return Ok(());
        }
        if self.address.saturating_add(CELLS) >= stop {
            let n = encoding::to_short(&self.n);
            return Err(ExecutionError::ModularBatchEnd { builtin, address: self.address, n });
        }
        for (address, expected) in self.next_cells(memory, builtin)? {
            let found = builtin_cell(memory, builtin, address)?;
            if *found != expected {
                let (found, expected) = (encoding::to_short(found), encoding::to_short(&expected));
                return Err(ExecutionError::ModularBatch { builtin, address, found, expected });
            }
        }
        Ok(())
    }

    /// The error that says that its values are not what the builtin makes of them.
    pub fn refused(&self, builtin: Builtin) -> ExecutionError {
        let [p, a, b, c] = [self.p, self.values[0], self.values[1], self.values[2]].map(Number::to_hex);
        let numbers = format!("p = {p}, a = {a}, b = {b}, c = {c}");
        ExecutionError::ModularResult { builtin, address: self.address, numbers }
    }
}
