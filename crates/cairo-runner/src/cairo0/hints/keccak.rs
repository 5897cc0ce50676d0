//! The keccak builtin simulated in Cairo: its state as 64-bit words, and words cut in two.

use super::Entry;
use super::ids::{Done, Ids};
use cairo_vm::Felt252;
use num_bigint::BigUint;

pub(super) const HINTS: &[Entry] = &[
    ("d4aa9fb3322d7c0ef3afcf6e287973b2", "simulate_keccak: the state", state),
    ("bfc89f98a262a6e5d3a6ba1fc2310d54", "simulate_keccak: word 3", |ids| split(ids, 1)),
    ("1291b1e57823509fcbebf98475c94a83", "simulate_keccak: word 6", |ids| split(ids, 2)),
    ("6ac252618c931df5a2b0c33a182c59ce", "simulate_keccak: word 9", |ids| split(ids, 3)),
    ("cfeda39b6130d6d2812cdf9f2dbfae30", "simulate_keccak: word 12", |ids| split(ids, 4)),
    ("c4dd9eac649b01ffba98fa3c73073c6f", "simulate_keccak: word 15", |ids| split(ids, 5)),
    ("a0ac75e25ba40f7fcf9008eb5828b42d", "simulate_keccak: word 18", |ids| split(ids, 6)),
    ("adaa537cca4298cb6db407968864e94e", "simulate_keccak: word 21", |ids| split(ids, 7)),
];

/// Bits of a cell of the builtin, and of a word.
const CELL_BITS: usize = 200;
const WORD_BITS: usize = 64;

/// The eight cells as one number, cut into twenty-five words.
fn state(ids: &mut Ids<'_>) -> Done<()> {
    let mut number = BigUint::from(0_u32);
    for cell in 0..8 {
        number += ids.integer(&format!("keccak_builtin_state.s{cell}"))? << (CELL_BITS * cell);
    }
    let start = ids.pointer("felt_array")?;
    for word in 0..25 {
        let digits = &number >> (WORD_BITS * word);
        let value = digits.iter_u64_digits().next().unwrap_or(0);
        ids.write((start + word)?, Felt252::from(value))?;
    }
    Ok(())
}

/// Word `3·bytes` into its low `bytes` bytes and the rest.
fn split(ids: &mut Ids<'_>, bytes: usize) -> Done<()> {
    let word = 3 * bytes;
    let value = ids.read((ids.pointer("felt_array")? + word)?)?.to_biguint();
    let high = &value >> (8 * bytes);
    let low = &value - (&high << (8 * bytes));
    ids.set(&format!("high{word}"), Felt252::from(&high))?;
    ids.set(&format!("low{word}"), Felt252::from(&low))
}
