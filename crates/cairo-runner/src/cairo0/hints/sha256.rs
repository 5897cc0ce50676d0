//! SHA-256 in batches: the last batch is filled up with the compression of an empty block.

use super::Entry;
use super::ids::{Done, Ids, fail};
use cairo_vm::Felt252;

pub(super) const HINTS: &[Entry] = &[("f252ad9653462664fe7eb9b7f17e84c8", "cairo_sha256: finalize_sha256", fill_batch)];

/// Words of a block.
const BLOCK: usize = 16;

/// Largest number of instances in a batch.
const MAX_BATCH: usize = 20;

/// The initial state of SHA-256 (FIPS 180-4, section 5.3.3), and what its compression of sixteen zeros is.
const STATES: [[u32; 8]; 2] = [
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
    [0xda5698be, 0x17b9b469, 0x62335799, 0x779fbeca, 0x8ce5d491, 0xc0d26243, 0xbafef9ea, 0x1837a9d8],
];

fn fill_batch(ids: &mut Ids<'_>) -> Done<()> {
    let batch = ids.constant("BATCH_SIZE", MAX_BATCH)?;
    if batch == 0 || ids.constant("SHA256_INPUT_CHUNK_SIZE_FELTS", BLOCK)? != BLOCK {
        return fail("the library's constants are others than those of SHA-256");
    }
    let used = ids.integer("n")? % batch;
    let used = usize::try_from(used).unwrap_or(0);
    let instance = [0; BLOCK].into_iter().chain(STATES.into_iter().flatten());
    let mut at = ids.pointer("sha256_ptr_end")?;
    for word in std::iter::repeat_n(instance, (batch - used) % batch).flatten() {
        ids.write(at, Felt252::from(word))?;
        at = (at + 1_usize)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Sixteen zeros are no padded message; but two blocks of a real one are compressed by the same function, which the library's own
    /// constraints check in a fixture. Here: the initial state is that of the standard, by a message whose digest it leads to.
    #[test]
    fn the_initial_state_is_the_standards() {
        let digest = Sha256::digest(b"");
        let words: Vec<u32> =
            digest.chunks(4).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))).collect();
        assert_eq!(
            compress(STATES[0], {
                let mut block = [0; BLOCK];
                block[0] = 1 << 31;
                block
            })
            .to_vec(),
            words
        );
        assert_eq!(compress(STATES[0], [0; BLOCK]), STATES[1]);
    }

    /// The compression function of FIPS 180-4, section 6.2.2, with constants from their definition: the first bits of cube roots.
    fn compress(state: [u32; 8], block: [u32; BLOCK]) -> [u32; 8] {
        let primes = (2_u128..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64);
        let constants: Vec<u32> = primes.map(|prime| cube_root(prime << 96) as u32).collect();
        let mut words = block.to_vec();
        for t in BLOCK..64 {
            let (a, b) = (words[t - 15], words[t - 2]);
            let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words.push(words[t - 16].wrapping_add(s0).wrapping_add(words[t - 7]).wrapping_add(s1));
        }
        let mut v = state;
        for (word, constant) in words.iter().zip(constants) {
            let [a, b, c, d, e, f, g, h] = v;
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(constant).wrapping_add(*word);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            v = [t1.wrapping_add(t2), a, b, c, d.wrapping_add(t1), e, f, g];
        }
        std::array::from_fn(|i| state[i].wrapping_add(v[i]))
    }

    /// The integer below the cube root.
    fn cube_root(value: u128) -> u128 {
        let (mut low, mut high) = (0_u128, 1 << 42);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if middle.checked_pow(3).is_some_and(|cube| cube <= value) { low = middle } else { high = middle }
        }
        low
    }
}
