//! How often each entry of a look-up table is used, counted while the users' tables are filled.

use super::WitnessError;
use felt::Felt;
use stark::PublicTuple;
use std::sync::atomic::{AtomicU32, Ordering};

/// Multiplicities of the providing tables. Counting is safe from all threads at once.
///
/// A counter cannot wrap: the prover takes runs of fewer than 2^28 steps, and no row uses a cell more than 3 times.
#[derive(Debug)]
pub struct Counters {
    memory: Vec<AtomicU32>,
    instruction: Vec<AtomicU32>,
    byte: Vec<AtomicU32>,
    word16: Vec<AtomicU32>,
    nibble_and: Vec<AtomicU32>,
}

fn zeros(n: usize) -> Vec<AtomicU32> {
    std::iter::repeat_with(|| AtomicU32::new(0)).take(n).collect()
}

impl Counters {
    /// All zero, for a memory of `cells` addresses (from 0) and the other tables' fixed sizes.
    pub fn new(cells: usize) -> Self {
        Self {
            memory: zeros(cells),
            instruction: zeros(cells),
            byte: zeros(1 << 8),
            word16: zeros(1 << 16),
            nibble_and: zeros(1 << 8),
        }
    }

    /// Counts `uses` look-ups of a cell.
    ///
    /// # Errors
    /// If there is no such cell.
    pub fn memory(&self, address: u32, uses: u32) -> Result<(), WitnessError> {
        add(&self.memory, address as usize, uses).ok_or(WitnessError::Address(u64::from(address)))
    }

    /// Counts one look-up of the instruction at `pc`.
    ///
    /// # Errors
    /// If there is no such cell.
    pub fn instruction(&self, pc: u32) -> Result<(), WitnessError> {
        add(&self.instruction, pc as usize, 1).ok_or(WitnessError::Address(u64::from(pc)))
    }

    /// Counts `uses` look-ups of a byte.
    pub fn byte(&self, value: u8, uses: u32) {
        let _ = add(&self.byte, usize::from(value), uses);
    }

    /// Counts `uses` look-ups of a 16-bit word.
    pub fn word16(&self, value: u16, uses: u32) {
        let _ = add(&self.word16, usize::from(value), uses);
    }

    /// Counts `uses` look-ups of two nibbles and their conjunction.
    pub fn nibble_and(&self, a: u8, b: u8, uses: u32) {
        let _ = add(&self.nibble_and, usize::from((a & 15) << 4 | b & 15), uses);
    }

    /// Counts the public memory cells.
    ///
    /// # Errors
    /// If one of them does not exist.
    pub fn public(&self, tuples: &[PublicTuple]) -> Result<(), WitnessError> {
        for tuple in tuples.iter().filter(|tuple| tuple.bus == cairo_air::buses::MEMORY) {
            let address = tuple.tuple.first().and_then(felt::encoding::to_u64).unwrap_or(u64::MAX);
            self.memory(u32::try_from(address).map_err(|_| WitnessError::Address(address))?, 1)?;
        }
        Ok(())
    }

    /// Uses of a cell; 0 outside memory.
    pub fn memory_uses(&self, address: usize) -> u32 {
        get(&self.memory, address)
    }

    /// Every looked-up `pc`, ascending, with its uses.
    pub fn instructions(&self) -> Vec<(u32, u32)> {
        let uses = self.instruction.iter().map(|counter| counter.load(Ordering::Relaxed));
        (0..).zip(uses).filter(|(_, uses)| *uses > 0).collect()
    }

    /// The multiplicity column of the byte table.
    pub fn byte_uses(&self) -> Vec<Felt> {
        column(&self.byte)
    }

    /// The multiplicity column of the word16 table.
    pub fn word16_uses(&self) -> Vec<Felt> {
        column(&self.word16)
    }

    /// The multiplicity column of the nibble_and table.
    pub fn nibble_and_uses(&self) -> Vec<Felt> {
        column(&self.nibble_and)
    }
}

fn add(counters: &[AtomicU32], index: usize, uses: u32) -> Option<()> {
    counters.get(index)?.fetch_add(uses, Ordering::Relaxed);
    Some(())
}

fn get(counters: &[AtomicU32], index: usize) -> u32 {
    counters.get(index).map_or(0, |counter| counter.load(Ordering::Relaxed))
}

fn column(counters: &[AtomicU32]) -> Vec<Felt> {
    counters.iter().map(|counter| Felt::from(u64::from(counter.load(Ordering::Relaxed)))).collect()
}
