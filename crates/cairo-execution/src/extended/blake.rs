//! One block of blake2s (RFC 7693, section 3.2), of which cairo-vm counts up to 2^32 − 1 bytes.

use super::{read, read_word};
use crate::Fault;
use cairo_air::components::blake::{IV, MESSAGE_WORDS, STATE_WORDS};
use cairo_air::components::blake_schedule::{CALLS, Call, ROUNDS, call};
use felt::Felt;
use felt::integers::{small, to_u64};

/// Working words.
pub const WORDS: usize = 2 * STATE_WORDS;

/// Calls of the mixing function a block.
pub const MIXES: usize = ROUNDS * CALLS;

/// A block as a step hashes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Addresses of the first words of the state, the message and the result.
    pub addresses: [u64; 3],
    /// The state.
    pub state: [u32; STATE_WORDS],
    /// The message.
    pub message: [u32; MESSAGE_WORDS],
    /// Bytes hashed so far, this block's included.
    pub counter: u32,
    /// Whether it is the last block.
    pub is_last: bool,
}

/// What a call of the mixing function sums: the four sums, in order, and what each has in multiples of 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// The call.
    pub call: Call,
    /// The four words before it.
    pub words: [u32; 4],
    /// The message's two words.
    pub message: [u32; 2],
    /// The sums.
    pub sums: [u32; 4],
    /// What they carry.
    pub carries: [u8; 4],
    /// The four words after it.
    pub mixed: [u32; 4],
}

impl Block {
    /// The block that a step hashes: `dst` holds the counter, `op0` the address of the state, `op1` that of the message, `[ap]` that of the
    /// result.
    ///
    /// # Errors
    /// If a cell does not exist, or does not hold what it must.
    pub(super) fn new(
        memory: &[Felt],
        [(_, dst), (_, op0), (_, op1)]: [(&'static str, u64); 3],
        ap: u32,
        is_last: bool,
    ) -> Result<Self, Fault> {
        let counter = read_word(memory, "blake's counter", dst)?;
        let pointer = |what, at| {
            let value = read(memory, what, at)?;
            // One that is no address leads to no cell.
            Ok(to_u64(&value).unwrap_or(u64::MAX))
        };
        let addresses = [pointer("op0", op0)?, pointer("op1", op1)?, pointer("[ap]", u64::from(ap))?];
        let words = |what, first: u64, words: &mut [u32]| {
            for (word, address) in words.iter_mut().zip(0..) {
                *word = read_word(memory, what, first.saturating_add(address))?;
            }
            Ok(())
        };
        let (mut state, mut message, mut result) = ([0; STATE_WORDS], [0; MESSAGE_WORDS], [0; STATE_WORDS]);
        words("word of blake's state", addresses[0], &mut state)?;
        words("word of blake's message", addresses[1], &mut message)?;
        words("word of blake's result", addresses[2], &mut result)?;
        let block = Self { addresses, state, message, counter, is_last };
        for ((found, expected), address) in result.into_iter().zip(block.result()).zip(addresses[2]..) {
            if found != expected {
                let [expected, found] = [expected, found].map(|word| felt::encoding::to_short(&small(u64::from(word))));
                return Err(Fault::Value { what: "the word of blake's result", address, expected, found });
            }
        }
        Ok(block)
    }

    /// The working words before the first round.
    pub fn words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        words[..STATE_WORDS].copy_from_slice(&self.state);
        words[STATE_WORDS..].copy_from_slice(&IV);
        words[STATE_WORDS + 4] ^= self.counter;
        if self.is_last {
            words[STATE_WORDS + 6] = !words[STATE_WORDS + 6];
        }
        words
    }

    /// Mixes the working words, and shows each call.
    pub fn mix(&self, mut show: impl FnMut(Mix)) -> [u32; WORDS] {
        let mut all = self.words();
        for number in 0..MIXES {
            let call = call(number);
            let words = call.position.map(|position| all[usize::from(position)]);
            let mix = Mix::new(call, words, call.index.map(|index| self.message[usize::from(index)]));
            for (position, word) in call.position.into_iter().zip(mix.mixed) {
                all[usize::from(position)] = word;
            }
            show(mix);
        }
        all
    }

    /// The new state.
    pub fn result(&self) -> [u32; STATE_WORDS] {
        let words = self.mix(|_| ());
        std::array::from_fn(|i| self.state[i] ^ words[i] ^ words[STATE_WORDS + i])
    }
}

impl Mix {
    fn new(call: Call, words: [u32; 4], message: [u32; 2]) -> Self {
        let [a, b, c, d] = words;
        let sum = |terms: &[u32]| {
            let sum = terms.iter().copied().map(u64::from).sum::<u64>();
            (sum as u32, (sum >> 32) as u8)
        };
        let (a1, carry0) = sum(&[a, b, message[0]]);
        let d1 = (d ^ a1).rotate_right(16);
        let (c1, carry1) = sum(&[c, d1]);
        let b1 = (b ^ c1).rotate_right(12);
        let (a2, carry2) = sum(&[a1, b1, message[1]]);
        let d2 = (d1 ^ a2).rotate_right(8);
        let (c2, carry3) = sum(&[c1, d2]);
        let b2 = (b1 ^ c2).rotate_right(7);
        Self {
            call,
            words,
            message,
            sums: [a1, c1, a2, c2],
            carries: [carry0, carry1, carry2, carry3],
            mixed: [a2, b2, c2, d2],
        }
    }
}
