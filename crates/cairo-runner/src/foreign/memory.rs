//! The relocated memory: address (8 bytes) and value (32 bytes) of each cell that was written, little-endian, in any order.

use super::error::{ForeignError, What};
use super::files::{entries, number};
use felt::{Felt, encoding};
use std::io::Read;

const CELL: usize = 40;

/// Cells by address, and which of them were written.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// `cells[a]` is the cell at address `a`, 0 if nobody wrote it.
    pub(super) cells: Vec<Felt>,
    written: Vec<u64>,
}

impl Memory {
    /// Cells that nobody wrote yet.
    pub(super) fn new(cells: usize) -> Self {
        Self { cells: felt::memory::zeros(cells), written: vec![0; cells.div_ceil(64)] }
    }

    /// Reads a file. It takes memory up to the largest address, which is at most `max_cells`.
    pub(super) fn read(reader: impl Read, max_cells: u64) -> Result<Self, ForeignError> {
        let limit = max_cells.min(u64::from(u32::MAX) - 1);
        let mut memory = Self::default();
        let bytes = entries::<CELL>(reader, What::Memory, |entry, bytes| {
            let (address, value) = bytes.split_at(8);
            let address = number(address);
            if address == 0 || address > limit {
                return Err(ForeignError::MemoryAddress { entry, address, limit });
            }
            memory.reach(address + 1);
            if memory.is_written(address) {
                return Err(ForeignError::MemoryTwice { address });
            }
            let value = value_of(value).ok_or(ForeignError::MemoryValue { address: address.to_string() })?;
            memory.write(address, value);
            Ok(())
        })?;
        if bytes % CELL as u64 != 0 || bytes == 0 {
            return Err(ForeignError::MemoryTruncated { bytes });
        }
        Ok(memory)
    }

    /// Makes room for addresses below `end`.
    pub(super) fn reach(&mut self, end: u64) {
        let end = end as usize;
        if end > self.cells.len() {
            self.cells.resize(end, Felt::zero());
            self.written.resize(end.div_ceil(64), 0);
        }
    }

    pub(super) fn is_written(&self, address: u64) -> bool {
        self.written.get((address / 64) as usize).is_some_and(|word| word >> (address % 64) & 1 == 1)
    }

    /// Writes a cell that there is.
    pub(super) fn write(&mut self, address: u64, value: Felt) {
        if let (Some(cell), Some(word)) =
            (self.cells.get_mut(address as usize), self.written.get_mut((address / 64) as usize))
        {
            *cell = value;
            *word |= 1 << (address % 64);
        }
    }

    /// The cell, if it was written.
    pub(super) fn get(&self, address: u64) -> Option<&Felt> {
        self.is_written(address).then(|| self.cells.get(address as usize)).flatten()
    }
}

/// The field element of 32 bytes, little-endian; `None` if it is not below the prime.
pub(super) fn value_of(bytes: &[u8]) -> Option<Felt> {
    let mut value = <[u8; 32]>::try_from(bytes).ok()?;
    value.reverse();
    encoding::from_canonical_be(&value)
}
