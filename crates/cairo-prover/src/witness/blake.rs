//! Witness of [`cairo_air::components::blake`] and of what is behind it: `blake_word`, `blake_mix` and `blake_schedule`.

use super::multiplicities::{Multiplicities, Tally, pair};
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::TableKind;
use cairo_air::components::blake::{IV, STATE_WORDS};
use cairo_air::components::blake_mix::NIBBLES;
use cairo_air::components::{Limb, blake, blake_mix, blake_schedule, blake_word};
use cairo_execution::extended::Deed;
use cairo_execution::extended::blake::{Block, MIXES, Mix};
use cairo_execution::{Execution, ExtendedStep};
use felt::Felt;
use felt::integers::{signed, small};
use stark::Control;

/// Most blocks of a run: each looks up fewer than 2^12 conjunctions, which are counted in 32 bits.
pub const MAX_BLOCKS: usize = 1 << 20;

/// Refuses a run with more blocks. Their tables are large long before counts wrap, so this comes before any is filled.
///
/// # Errors
/// [`WitnessError::Blocks`].
pub fn check_number(blocks: &[u32]) -> Result<(), WitnessError> {
    match blocks.len() {
        found if found > MAX_BLOCKS => Err(WitnessError::Blocks { found, limit: MAX_BLOCKS }),
        _ => Ok(()),
    }
}

/// The nibbles of a word, the lowest first.
fn nibbles(word: u32) -> [Felt; NIBBLES] {
    std::array::from_fn(|i| small(u64::from(word >> (4 * i) & 15)))
}

/// Counts the lookups of the conjunction of two words.
fn count_pairs(pairs: &mut Tally<'_>, left: u32, right: u32) {
    for i in 0..NIBBLES {
        let [left, right] = [left, right].map(|word| (word >> (4 * i) & 15) as u8);
        let _ = pairs.add(pair(left, right), 1);
    }
}

fn count_cell(cells: &mut Tally<'_>, address: u64) -> Result<(), WitnessError> {
    let index = usize::try_from(address).ok();
    index.and_then(|index| cells.add(index, 1)).ok_or(WitnessError::Address(address))
}

/// The step that hashes a block: one that does not could not be proven.
fn hashing(execution: &Execution, clock: u32) -> Result<(ExtendedStep, Block), WitnessError> {
    let step = execution.extended_step(clock as usize)?;
    match step.deed {
        Deed::Blake(block) => Ok((step, block)),
        Deed::Qm31(_) => Err(WitnessError::Empty("blake")),
    }
}

/// One row for each of the steps `starts`; padding is 0.
pub fn fill(
    execution: &Execution,
    starts: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [multiplicities.tally(&TableKind::NibbleAnd), multiplicities.memory_tally()];
    fill_rows(1 << log_height, control, state, |[pairs, cells], row| {
        let Some(&clock) = starts.get(row) else { return Ok([Felt::zero(); blake::WIDTH]) };
        let (step, block) = hashing(execution, clock)?;
        let ExtendedStep { registers, instruction, dst_address, op0_address, op1_address, .. } = step;
        for address in [dst_address, op0_address, op1_address, u64::from(registers.ap)] {
            count_cell(cells, address)?;
        }
        count_pairs(pairs, block.counter, IV[4]);
        let bit = |bit: bool| small(u64::from(bit));
        let register = |register: u32| small(u64::from(register));
        let [state, message, output] = block.addresses.map(small);
        let flags = instruction.flags;
        let columns = blake::Columns {
            enabler: Felt::one(),
            pc: register(registers.pc),
            ap: register(registers.ap),
            fp: register(registers.fp),
            clock: register(clock),
            dst_fp: bit(flags.dst_fp()),
            op0_fp: bit(flags.op0_fp()),
            op1_fp: bit(flags.op1_fp()),
            ap_add1: bit(flags.ap_add1()),
            finalize: bit(block.is_last),
            offset: instruction.offsets.map(|offset| signed(i64::from(offset))),
            state,
            message,
            output,
            counter: nibbles(block.counter),
            and: nibbles(block.counter & IV[4]),
        };
        Ok(columns.into_row())
    })
}

/// A block, read and mixed once for all its rows.
struct Mixed {
    /// Its place among the blocks.
    number: usize,
    block: Block,
    mixes: Vec<Mix>,
    /// The working words after all rounds.
    words: [u32; 2 * STATE_WORDS],
}

impl Mixed {
    fn new(execution: &Execution, number: usize, clock: u32) -> Result<Self, WitnessError> {
        let (_, block) = hashing(execution, clock)?;
        let mut mixes = Vec::with_capacity(MIXES);
        let words = block.mix(|mix| mixes.push(mix));
        Ok(Self { number, block, mixes, words })
    }

    /// The block with this number, which mostly is the last one again.
    fn get<'a>(
        known: &'a mut Option<Self>,
        execution: &Execution,
        number: usize,
        clock: u32,
    ) -> Result<&'a Self, WitnessError> {
        let mixed = match known.take().filter(|mixed| mixed.number == number) {
            Some(mixed) => mixed,
            None => Self::new(execution, number, clock)?,
        };
        Ok(known.insert(mixed))
    }
}

/// Eight rows for each block; padding is 0.
pub fn fill_words(
    execution: &Execution,
    blocks: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let bytes_kind = TableKind::Limb(Limb::Bits8);
    let state = || {
        let tallies = [&TableKind::NibbleAnd, &bytes_kind].map(|kind| multiplicities.tally(kind));
        (tallies, multiplicities.memory_tally(), None)
    };
    fill_rows(1 << log_height, control, state, |([pairs, bytes], cells, known), row| {
        let (number, index) = (row / STATE_WORDS, row % STATE_WORDS);
        let Some(&clock) = blocks.get(number) else { return Ok([Felt::zero(); blake_word::WIDTH]) };
        let Mixed { block, words, .. } = Mixed::get(known, execution, number, clock)?;
        let (h, low, high) = (block.state[index], words[index], words[STATE_WORDS + index]);
        count_pairs(pairs, h, low);
        count_pairs(pairs, h ^ low, high);
        let place = index as u64;
        let [state, message, output] =
            [(0, place), (1, 2 * place), (2, place)].map(|(i, place): (usize, u64)| block.addresses[i] + place);
        for address in [state, output, message, message + 1] {
            count_cell(cells, address)?;
        }
        let [first, second] = [2 * index, 2 * index + 1].map(|i| block.message[i].to_le_bytes());
        for byte in first.into_iter().chain(second) {
            let _ = bytes.add(usize::from(byte), 1);
        }
        let [state, message, output] = [state, message, output].map(small);
        let columns = blake_word::Columns {
            enabler: Felt::one(),
            clock: small(u64::from(clock)),
            index: small(place),
            state,
            message,
            output,
            h: nibbles(h),
            low: nibbles(low),
            high: nibbles(high),
            and_low: nibbles(h & low),
            and_high: nibbles((h ^ low) & high),
            bytes: std::array::from_fn(|i| small(u64::from(if i < 4 { first[i] } else { second[i - 4] }))),
        };
        Ok(columns.into_row())
    })
}

/// A row for each call of the mixing function; padding is 0.
pub fn fill_mixes(
    execution: &Execution,
    blocks: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || {
        let [pairs, calls] = [TableKind::NibbleAnd, TableKind::BlakeSchedule].map(|kind| multiplicities.tally(&kind));
        (pairs, calls, None)
    };
    fill_rows(1 << log_height, control, state, |(pairs, calls, known), row| {
        let (number, call) = (row / MIXES, row % MIXES);
        let Some(&clock) = blocks.get(number) else { return Ok([Felt::zero(); blake_mix::WIDTH]) };
        let mix = Mixed::get(known, execution, number, clock)?.mixes.get(call).copied();
        let Mix { call: entry, words: [a, b, c, d], message, sums: [a1, c1, a2, c2], carries, mixed } =
            mix.ok_or(WitnessError::Empty("blake_mix"))?;
        let [_, _, _, d2] = mixed;
        let (d1, b1) = ((d ^ a1).rotate_right(16), (b ^ c1).rotate_right(12));
        let conjunctions = [(d, a1), (b, c1), (d1, a2), (b1, c2)];
        for (left, right) in conjunctions {
            count_pairs(pairs, left, right);
        }
        debug_assert_eq!(d2, (d1 ^ a2).rotate_right(8));
        let _ = calls.add(call, 1);
        let [and_a1, and_c1, and_a2, and_c2] = conjunctions.map(|(left, right)| nibbles(left & right));
        let columns = blake_mix::Columns {
            enabler: Felt::one(),
            clock: small(u64::from(clock)),
            version: small(u64::from(entry.version)),
            position: entry.position.map(|position| small(u64::from(position))),
            index: entry.index.map(|index| small(u64::from(index))),
            message: message.map(|word| small(u64::from(word))),
            a: small(u64::from(a)),
            c: small(u64::from(c)),
            b: nibbles(b),
            d: nibbles(d),
            a1: nibbles(a1),
            c1: nibbles(c1),
            a2: nibbles(a2),
            c2: nibbles(c2),
            and_a1,
            and_c1,
            and_a2,
            and_c2,
            carry: carries.map(|carry| small(u64::from(carry))),
            // The lowest bit of the word that the last rotation makes was the highest before.
            top: small(u64::from(mixed[1] & 1)),
        };
        Ok(columns.into_row())
    })
}

/// How often each call was looked up.
pub fn fill_schedule(multiplicities: &Multiplicities) -> Trace {
    let columns = blake_schedule::Columns { multiplicity: multiplicities.uses(&TableKind::BlakeSchedule) };
    vec![columns.multiplicity]
}
