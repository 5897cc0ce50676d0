//! The size of the inputs of bitwise, which decides how many rows an instance has.

use crate::table_size;
use cairo_air::components::bitwise::{BitwiseSize, CELLS};
use cairo_air::{Segment, TableEntry, TableKind};
use cairo_execution::cells::Word;
use felt::{Felt, encoding};
use std::array::from_fn;

/// The builtin's table.
pub(super) fn tables(memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let size = size(memory, segment);
    vec![TableEntry { kind: TableKind::Bitwise(size), log_height: log_height(segment, size) }]
}

/// The smallest size that all inputs of a segment have. What is no input of any size counts as one: filling the table reports it.
pub fn size(memory: &[Felt], segment: Segment) -> BitwiseSize {
    let cells = memory.get(segment.base as usize..segment.stop as usize).unwrap_or_default();
    let inputs = cells.chunks(CELLS as usize).flat_map(|instance| instance.iter().take(2));
    let word = inputs.map(encoding::canonical_limbs).fold([0; 4], |all: Word, word| from_fn(|i| all[i] | word[i]));
    BitwiseSize::ALL.into_iter().find(|size| fits(&word, *size)).unwrap_or(BitwiseSize::Any)
}

/// Whether a word has no bits beyond those of a size.
pub fn fits(word: &Word, size: BitwiseSize) -> bool {
    let (limb, bit) = (size.bits() as usize / 64, size.bits() % 64);
    word[limb] >> bit == 0 && word[limb + 1..].iter().all(|limb| *limb == 0)
}

/// The table's height for a segment whose inputs have this size.
pub fn log_height(segment: Segment, size: BitwiseSize) -> u32 {
    let instances = u64::from(segment.stop - segment.base).div_ceil(CELLS);
    table_size::log_height(instances * size.rows() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let power = |bits: u64| Felt::from(2).pow(bits);
        let segment = Segment { base: 2, stop: 12 };
        let with = |at: usize, value: Felt| {
            let mut memory = vec![-Felt::one(); 20];
            memory[2..12].fill(Felt::from(3));
            memory[at] = value;
            size(&memory, segment)
        };
        for (bits, at_most, beyond) in [
            (16, BitwiseSize::Bits16, BitwiseSize::Bits32),
            (32, BitwiseSize::Bits32, BitwiseSize::Bits64),
            (64, BitwiseSize::Bits64, BitwiseSize::Bits128),
            (128, BitwiseSize::Bits128, BitwiseSize::Any),
            (251, BitwiseSize::Any, BitwiseSize::Any),
        ] {
            // Inputs are the first two cells of an instance.
            for at in [2, 3, 7, 8] {
                assert_eq!(with(at, power(bits) - Felt::one()), at_most, "{bits}");
                assert_eq!(with(at, power(bits)), beyond, "{bits}");
            }
            assert_eq!(with(4, power(bits)), BitwiseSize::Bits16, "no input");
        }
        assert_eq!(with(2, -Felt::one()), BitwiseSize::Any);
    }
}
