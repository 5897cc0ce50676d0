//! QM31 compared with `starknet-types-core`, blake2s with the crate `blake2`, and steps with each fault.

use super::blake::Block;
use super::qm31::Qm31;
use super::*;
use ::blake2::{Blake2s256, Digest};
use cairo_air::components::blake::{IV, MESSAGE_WORDS, STATE_WORDS};
use cairo_air::components::qm31::ORDER;
use cairo_air::decode::Flags;
use felt::encoding;
use proptest::prelude::*;
use starknet_types_core::qm31::QM31;

const LAST: u32 = ORDER as u32 - 1;

fn theirs(value: Qm31) -> QM31 {
    let [a, b, c, d] = value.0;
    QM31::from_coefficients(a, b, c, d)
}

/// The reference's results may hold the order for 0, which cairo-vm reduces when it packs them.
fn ours(value: &QM31) -> Qm31 {
    let (a, b, c, d) = value.to_coefficients();
    Qm31([a, b, c, d].map(|coordinate| coordinate % ORDER as u32))
}

fn their_felt(value: &Felt) -> starknet_types_core::felt::Felt {
    starknet_types_core::felt::Felt::from_bytes_be(&encoding::to_canonical_be(value))
}

/// Coordinates, those at the edges more often than others.
fn coordinate() -> impl Strategy<Value = u32> {
    prop_oneof![0..=LAST, 0..3_u32, LAST - 2..=LAST, Just(1 << 30), Just(1 << 12), Just((1 << 24) - 1)]
}

proptest! {
    #[test]
    fn sums_and_products_are_those_of_the_reference(
        x in proptest::array::uniform4(coordinate()),
        y in proptest::array::uniform4(coordinate()),
    ) {
        let [x, y] = [Qm31(x), Qm31(y)];
        prop_assert_eq!(x + y, ours(&(theirs(x) + theirs(y))));
        prop_assert_eq!(x * y, ours(&(theirs(x) * theirs(y))));
        prop_assert_eq!(their_felt(&x.pack()), theirs(x).pack_into_felt());
        prop_assert_eq!(Qm31::unpack(&x.pack()), Some(x));
    }

    /// Cells that are nearly packed values: any bits in the coordinates and above.
    #[test]
    fn what_is_no_value_is_none_for_the_reference(
        slots in proptest::array::uniform4(prop_oneof![
            0..ORDER, Just(ORDER - 1), Just(ORDER), ORDER..1 << 36, Just((1 << 36) - 1)
        ]),
        above in prop_oneof![Just(0_u64), Just(1), any::<u64>()],
    ) {
        let stride = Felt::from(1_u64 << 36);
        let cell = slots.iter().rev().fold(Felt::from(above), |cell, slot| cell * stride + Felt::from(*slot));
        let expected = QM31::unpack_from_felt(&their_felt(&cell)).ok().map(|value| ours(&value));
        prop_assert_eq!(Qm31::unpack(&cell), expected);
    }

    #[test]
    fn hashes_are_those_of_the_reference(message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut state = IV;
        // 32 bytes of hash, no key, one leaf.
        state[0] ^= 0x0101_0020;
        let blocks: Vec<&[u8]> = if message.is_empty() { vec![&[]] } else { message.chunks(64).collect() };
        let mut counter = 0;
        for (number, block) in blocks.iter().enumerate() {
            counter += block.len() as u32;
            let mut bytes = [0; 64];
            bytes[..block.len()].copy_from_slice(block);
            let word = |i: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[4 * i + byte]));
            let is_last = number + 1 == blocks.len();
            let message = std::array::from_fn(word);
            state = Block { addresses: [0; 3], state, message, counter, is_last }.result();
        }
        let hash: Vec<u8> = state.into_iter().flat_map(u32::to_le_bytes).collect();
        prop_assert_eq!(hash, Blake2s256::digest(&message).to_vec());
    }
}

/// RFC 7693, appendix B: the hash of `abc`.
#[test]
fn the_published_hash() {
    let mut state = IV;
    state[0] ^= 0x0101_0020;
    let mut message = [0; MESSAGE_WORDS];
    message[0] = 0x0063_6261;
    let block = Block { addresses: [0; 3], state, message, counter: 3, is_last: true };
    let expected =
        [0x8c5e_8c50, 0xe214_7c32, 0xa32b_a7e1, 0x2f45_eb4e, 0x208b_4537, 0x293a_d69e, 0x4c9b_994d, 0x8259_6786];
    assert_eq!(block.result(), expected);
    let mut mixes = Vec::new();
    block.mix(|mix| mixes.push(mix));
    assert_eq!(mixes.len(), super::blake::MIXES);
}

const QM31_ADD: u16 = 0b100_0000_0010_1011; // dst and op0 at fp, op1 at fp, sum
const AT: Registers = Registers { pc: 1, ap: 5, fp: 5 };

fn after(by: u32) -> Registers {
    Registers { pc: 2, ap: 5 + by, fp: 5 }
}

/// Memory with what an assertion in QM31 reads in cells 5 to 7.
fn qm31_memory(values: [Felt; 3]) -> Vec<Felt> {
    let mut memory = vec![Felt::zero(); 8];
    memory[5..].copy_from_slice(&values);
    memory
}

fn qm31(flags: u16) -> Extended {
    Extended { extension: Extension::Qm31, flags: Flags(flags), offsets: [0, 1, 2] }
}

#[test]
fn assertions_in_qm31() {
    let [x, y] = [Qm31([LAST, 1, 0, 5]), Qm31([2, LAST, 7, LAST])];
    let product = QM31_ADD ^ 0b110_0000;
    for (flags, res) in [(QM31_ADD, x + y), (product, x * y)] {
        let values = [res, x, y].map(|value| value.pack());
        let step = ExtendedStep::new(&qm31_memory(values), AT, after(0), qm31(flags)).expect("it holds");
        assert_eq!(step.deed, Deed::Qm31([res, x, y]));
        assert_eq!([step.dst_address, step.op0_address, step.op1_address], [5, 6, 7]);
        let moved = ExtendedStep::new(&qm31_memory(values), AT, after(1), qm31(flags | 1 << 11));
        assert!(moved.is_ok());
        // Any other result is refused, and so is a value that is not reduced but stands for the same.
        let wrong = Qm31([res.0[0] ^ 1, res.0[1], res.0[2], res.0[3]]);
        let memory = qm31_memory([wrong.pack(), values[1], values[2]]);
        let refused = ExtendedStep::new(&memory, AT, after(0), qm31(flags));
        assert!(matches!(refused, Err(Fault::Value { address: 5, .. })), "{refused:?}");
        for (place, what) in ["dst", "op0", "op1"].into_iter().enumerate() {
            for above in [ORDER, 1 << 36, 1 << 35] {
                let mut values = values;
                values[place] += Felt::from(above) * Felt::from(1_u64 << 36).pow(3_u64);
                let refused = ExtendedStep::new(&qm31_memory(values), AT, after(0), qm31(flags));
                let named = matches!(&refused, Err(Fault::Qm31 { what: found, .. }) if *found == what);
                assert!(named, "{refused:?}");
            }
        }
    }
}

#[test]
fn steps_that_lead_elsewhere() {
    let zero = qm31_memory([Felt::zero(); 3]);
    for (register, next) in [
        ("pc", Registers { pc: 3, ..after(0) }),
        ("ap", after(1)),
        ("ap", Registers { ap: 4, ..after(0) }),
        ("fp", Registers { fp: 6, ..after(0) }),
    ] {
        let refused = ExtendedStep::new(&zero, AT, next, qm31(QM31_ADD));
        let named = matches!(&refused, Err(Fault::Register { register: found, .. }) if *found == register);
        assert!(named, "{refused:?}");
    }
    for (place, what) in ["dst", "op0", "op1"].into_iter().enumerate() {
        for offset in [-5, -6, 3, -32768, 32767] {
            let mut instruction = qm31(QM31_ADD);
            instruction.offsets[place] = offset;
            let refused = ExtendedStep::new(&zero, AT, after(0), instruction);
            let named = matches!(&refused, Err(Fault::NoCell { what: found, .. }) if *found == what);
            assert!(named, "{offset}: {refused:?}");
        }
    }
}

/// Registers, the counter, the three pointers, the state, the message and the result.
fn blake_memory(is_last: bool) -> Vec<Felt> {
    let mut memory = vec![Felt::zero(); 10];
    let state: [u32; STATE_WORDS] = std::array::from_fn(|i| u32::MAX - i as u32);
    let message: [u32; MESSAGE_WORDS] = std::array::from_fn(|i| (i as u32) << 28 | 0xfff);
    let block = Block { addresses: [10, 18, 34], state, message, counter: u32::MAX, is_last };
    memory[5] = Felt::from(34); // [ap]
    memory[6] = Felt::from(u64::from(block.counter));
    memory[7] = Felt::from(10);
    memory[8] = Felt::from(18);
    let words = block.state.into_iter().chain(message).chain(block.result());
    memory.extend(words.map(|word| Felt::from(u64::from(word))));
    memory
}

fn blake(extension: Extension) -> Extended {
    Extended { extension, flags: Flags(0b1011), offsets: [1, 2, 3] }
}

#[test]
fn blocks_of_blake() {
    for (extension, is_last) in [(Extension::Blake, false), (Extension::BlakeFinalize, true)] {
        let memory = blake_memory(is_last);
        let step = ExtendedStep::new(&memory, AT, after(0), blake(extension)).expect("it holds");
        let Deed::Blake(block) = step.deed else { panic!("{step:?}") };
        assert_eq!((block.addresses, block.counter, block.is_last), ([10, 18, 34], u32::MAX, is_last));
        // The other extension has another result.
        let other = if is_last { Extension::Blake } else { Extension::BlakeFinalize };
        assert!(matches!(ExtendedStep::new(&memory, AT, after(0), blake(other)), Err(Fault::Value { .. })));
        // Every word counts, and must be below 2^32.
        for address in (6..7).chain(10..memory.len()) {
            let mut memory = memory.clone();
            memory[address] += Felt::from(1_u64 << 32);
            let refused = ExtendedStep::new(&memory, AT, after(0), blake(extension));
            assert!(matches!(&refused, Err(Fault::Word32 { address: found, .. }) if *found == address as u64));
            memory[address] = if memory[address] == Felt::from(1_u64 << 32) { Felt::one() } else { Felt::zero() };
            let refused = ExtendedStep::new(&memory, AT, after(0), blake(extension));
            assert!(matches!(refused, Err(Fault::Value { .. })), "{address}: {refused:?}");
        }
        // Pointers that lead nowhere, or beyond the end.
        for pointer in [5, 7, 8] {
            for to in [Felt::zero(), -Felt::one(), Felt::from(u64::MAX), Felt::from(2).pow(128_u64), Felt::from(40)] {
                let mut memory = memory.clone();
                memory[pointer] = to;
                let refused = ExtendedStep::new(&memory, AT, after(0), blake(extension));
                assert!(matches!(refused, Err(Fault::NoCell { .. } | Fault::Word32 { .. } | Fault::Value { .. })));
            }
        }
    }
}
