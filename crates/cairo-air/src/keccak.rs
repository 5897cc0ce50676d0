//! The permutation Keccak-f\[1600\] (FIPS 202, sections 3.2 and 3.3), and the packing of its state in the builtin's cells.

use felt::{Felt, encoding};

/// Lanes in a row and in a column of the state.
pub const SIDE: usize = 5;

/// Lanes of a state.
pub const LANES: usize = SIDE * SIDE;

/// Bits of a lane.
pub const LANE_BITS: usize = 64;

/// Rounds of the permutation.
pub const ROUNDS: usize = 24;

/// Memory cells of a state.
pub const WORDS: usize = 8;

/// Bytes of the state in a cell.
pub const WORD_BYTES: usize = 25;

/// Lanes, that of sheet `x` and plane `y` at `5y + x`. Bit `z` of a lane has weight `2^z`.
pub type State = [u64; LANES];

/// How far the lane of a sheet and a plane is rotated: `OFFSETS[y][x]` of ρ (section 3.2.2), below 64.
pub const OFFSETS: [[usize; SIDE]; SIDE] = offsets();

const fn offsets() -> [[usize; SIDE]; SIDE] {
    let mut offsets = [[0; SIDE]; SIDE];
    let (mut x, mut y, mut t) = (1, 0, 0);
    while t < LANES - 1 {
        offsets[y][x] = (t + 1) * (t + 2) / 2 % LANE_BITS;
        (x, y) = (y, (2 * x + 3 * y) % SIDE);
        t += 1;
    }
    offsets
}

/// What ι adds to the first lane in each round (section 3.2.5). Only bits `2^j − 1` are ever set.
pub const CONSTANTS: [u64; ROUNDS] = constants();

const fn constants() -> [u64; ROUNDS] {
    let mut constants = [0; ROUNDS];
    // The shift register of algorithm 5, its first bit the lowest.
    let (mut register, mut round) = (1_u16, 0);
    while round < ROUNDS {
        let mut j = 0;
        while j < 7 {
            if register & 1 == 1 {
                constants[round] |= 1 << ((1_u32 << j) - 1);
            }
            // x^8 = x^6 + x^5 + x^4 + 1.
            register <<= 1;
            if register >> 8 == 1 {
                register ^= 0b1_0111_0001;
            }
            j += 1;
        }
        round += 1;
    }
    constants
}

/// A round, as far as tables need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The state before the round.
    pub before: State,
    /// The parity of each sheet's column.
    pub parity: [u64; SIDE],
    /// The state after θ, ρ and π.
    pub moved: State,
    /// The state after χ.
    pub mixed: State,
    /// The state after the round.
    pub after: State,
}

impl Round {
    /// Round `number` of a state.
    pub fn new(before: State, number: usize) -> Self {
        let lane = |state: &State, x: usize, y: usize| state[SIDE * (y % SIDE) + x % SIDE];
        let parity: [u64; SIDE] = std::array::from_fn(|x| (0..SIDE).fold(0, |sum, y| sum ^ lane(&before, x, y)));
        let mut moved = [0; LANES];
        for (y, offsets) in OFFSETS.iter().enumerate() {
            for (x, offset) in offsets.iter().enumerate() {
                let theta = parity[(x + SIDE - 1) % SIDE] ^ parity[(x + 1) % SIDE].rotate_left(1);
                moved[SIDE * ((2 * x + 3 * y) % SIDE) + y] = (lane(&before, x, y) ^ theta).rotate_left(*offset as u32);
            }
        }
        let mixed: State = std::array::from_fn(|i| {
            let (x, y) = (i % SIDE, i / SIDE);
            lane(&moved, x, y) ^ (!lane(&moved, x + 1, y) & lane(&moved, x + 2, y))
        });
        let mut after = mixed;
        after[0] ^= CONSTANTS.get(number).copied().unwrap_or_default();
        Self { before, parity, moved, mixed, after }
    }
}

/// All rounds of a state.
pub fn rounds(state: State) -> impl Iterator<Item = Round> {
    let mut state = state;
    (0..ROUNDS).map(move |number| {
        let round = Round::new(state, number);
        state = round.after;
        round
    })
}

/// The permutation.
pub fn permute(state: State) -> State {
    rounds(state).fold(state, |_, round| round.after)
}

/// The state that cells hold: its 200 bytes, each lane's and each cell's lowest first, 25 in a cell.
///
/// # Errors
/// The position of the first cell that is not below `2^200`.
pub fn unpack(words: &[Felt; WORDS]) -> Result<State, usize> {
    let mut bytes = [0; WORDS * WORD_BYTES];
    for ((position, word), bytes) in words.iter().enumerate().zip(bytes.chunks_exact_mut(WORD_BYTES)) {
        let limbs = encoding::canonical_limbs(word);
        let all = limbs.iter().flat_map(|limb| limb.to_le_bytes());
        if all.clone().skip(WORD_BYTES).any(|byte| byte != 0) {
            return Err(position);
        }
        bytes.iter_mut().zip(all).for_each(|(byte, found)| *byte = found);
    }
    let mut lanes = bytes.chunks_exact(LANE_BITS / 8);
    Ok(std::array::from_fn(|_| lanes.next().map_or(0, little_endian)))
}

/// The cells that hold a state; each is below `2^200`.
pub fn pack(state: &State) -> [Felt; WORDS] {
    let mut bytes = [0; WORDS * WORD_BYTES];
    bytes.iter_mut().zip(state.iter().flat_map(|lane| lane.to_le_bytes())).for_each(|(byte, found)| *byte = found);
    let mut words = bytes.chunks_exact(WORD_BYTES);
    std::array::from_fn(|_| {
        let mut limbs = words.next().unwrap_or_default().chunks(8).map(little_endian);
        let limbs = std::array::from_fn(|_| limbs.next().unwrap_or_default());
        // Below 2^200 and so below p.
        encoding::from_canonical_limbs(limbs).unwrap_or_default()
    })
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last constant, and some offsets, as other implementations list them.
    #[test]
    fn constants_are_the_known_ones() {
        assert_eq!(CONSTANTS[..3], [1, 0x8082, 0x8000_0000_0000_808a]);
        assert_eq!(CONSTANTS[ROUNDS - 1], 0x8000_0000_8000_8008);
        assert_eq!(OFFSETS[0], [0, 1, 62, 28, 27]);
        assert_eq!(OFFSETS[4], [18, 2, 61, 56, 14]);
        let positions = CONSTANTS.iter().fold(0, |all, constant| all | constant);
        assert_eq!(positions, 1 | 1 << 1 | 1 << 3 | 1 << 7 | 1 << 15 | 1 << 31 | 1 << 63);
    }

    /// The known permutation of the state of zeros, and of what it gives.
    #[test]
    fn the_permutation_of_zeros() {
        let once = permute([0; LANES]);
        assert_eq!(once[..3], [0xf125_8f79_40e1_dde7, 0x84d5_ccf9_33c0_478a, 0xd598_261e_a65a_a9ee]);
        assert_eq!(once[24], 0xeaf1_ff7b_5cec_a249);
        assert_eq!(permute(once)[..2], [0x2d5c_954d_f96e_cb3c, 0x6a33_2cd0_7057_b56d]);
    }

    #[test]
    fn packing() {
        let state = permute([0; LANES]);
        let words = pack(&state);
        assert_eq!(unpack(&words), Ok(state));
        // The fourth lane's lowest byte is the first cell's highest.
        let limbs = encoding::canonical_limbs(&words[0]);
        assert_eq!(limbs, [state[0], state[1], state[2], state[3] & 255]);
        let top = Felt::from(2).pow(200_u64);
        assert_eq!(unpack(&[top - Felt::one(); WORDS]), Ok([u64::MAX; LANES]));
        for position in 0..WORDS {
            for beyond in [top, -Felt::one()] {
                let mut words = words;
                words[position] = beyond;
                assert_eq!(unpack(&words), Err(position));
            }
        }
    }
}
