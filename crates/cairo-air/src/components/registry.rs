//! The registry: every kind of table has its line here, and all else about it in its own folder.

use super::{
    Component, Limb, OwningWord, Path, Word, add_mod, bitwise, bitwise_row, blake, blake_mix, blake_schedule,
    blake_word, byte_and, cell, component::Family, ec_op, ecdsa, generic, instruction, keccak, keccak_bytes,
    keccak_chunks, keccak_rounds, memory, mul_mod, nibble_and, opcode_extension, pedersen, pedersen_points, poseidon,
    product, qm31, range, range_check, range_check96, range_row, word96,
};
use crate::codec::{CodecError, Reader};

/// Defines [`TableKind`] and what goes through all families: `Kind(Family)` where the family has several tables, `Kind = Family` where it
/// has one.
macro_rules! table_kinds {
    ($($(#[$doc:meta])* $kind:ident $(($family:ty))? $(= $only:path)?,)*) => {
        /// A table's kind. Together with program and claim it determines the AIR ([`TableKind::component`]), so it is all that a proof
        /// says about a table besides its height.
        ///
        /// The order of the families, and in each the order of its tables, is the order of tables in a layout, whatever the bytes that
        /// stand for them.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TableKind {
            $($(#[$doc])* $kind $(($family))?,)*
        }

        impl TableKind {
            /// What there is to know about it.
            pub fn component(&self) -> &dyn Component {
                match self {
                    $(table_kinds!(@pattern family $kind $(($family))?) => {
                        table_kinds!(@component family $(($family))? $(= $only)?)
                    })*
                }
            }

            /// Every kind that has nothing but its name, in order.
            pub fn plain() -> impl Iterator<Item = Self> {
                let mut kinds = Vec::new();
                $(table_kinds!(@plain kinds $kind $(($family))? $(= $only)?);)*
                kinds.into_iter()
            }

            /// Reads what stands after the code. `None` if no family has it.
            pub(super) fn of_code(
                code: u8,
                reader: &mut Reader<'_>,
                position: usize,
            ) -> Option<Result<Self, CodecError>> {
                $(table_kinds!(@decode code reader position $kind $(($family))? $(= $only)?);)*
                None
            }
        }
    };
    (@pattern $bound:ident $kind:ident ($family:ty)) => { Self::$kind($bound) };
    (@pattern $bound:ident $kind:ident) => { Self::$kind };
    (@component $bound:ident ($family:ty)) => { $bound };
    (@component $bound:ident = $only:path) => { &$only };
    (@plain $kinds:ident $kind:ident ($family:ty)) => {
        $kinds.extend(<$family as Family>::PLAIN.iter().cloned().map(Self::$kind))
    };
    (@plain $kinds:ident $kind:ident = $only:path) => { $kinds.push(Self::$kind) };
    (@decode $code:ident $reader:ident $position:ident $kind:ident ($family:ty)) => {
        if let Some(found) = <$family as Family>::decode($code, $reader, $position) {
            return Some(found.map(Self::$kind));
        }
    };
    (@decode $code:ident $reader:ident $position:ident $kind:ident = $only:path) => {
        if $only.code() == $code {
            return Some(Ok(Self::$kind));
        }
    };
}

table_kinds! {
    /// Eight memory cells a row.
    Memory = memory::Table,
    /// One row for each distinct instruction that a generic or word table executes.
    Instruction = instruction::Table,
    /// Any instruction, one step a row.
    Generic = generic::Table,
    /// One instruction word, one step a row.
    Word(Word),
    /// A path through the program's own bytecode, one pass a row.
    Path(Path),
    /// One instruction word, one step a row, with the cells that it moves `ap` over.
    OwningWord(OwningWord),
    /// One memory cell a row, of those that are owned.
    Cell = cell::Table,
    /// The values below 2^8, 2^16 or 2^12.
    Limb(Limb),
    /// All pairs of nibbles with their conjunction.
    NibbleAnd = nibble_and::Table,
    /// The range_check builtin, by the limbs that values are cut into.
    RangeCheck(range_check::Limbs),
    /// Owned cells of the range_check builtin with values in a range.
    Range(range::Range),
    /// The bitwise builtin, by the size of its inputs.
    Bitwise(bitwise::BitwiseSize),
    /// The pedersen builtin.
    Pedersen = pedersen::Table,
    /// The points of pedersen's digits.
    PedersenPoints = pedersen_points::Table,
    /// The ecdsa builtin.
    Ecdsa = ecdsa::Table,
    /// The ec_op builtin.
    EcOp = ec_op::Table,
    /// Products on the Stark curve, by the builtin that uses them.
    Product(product::User),
    /// The keccak builtin.
    Keccak = keccak::Table,
    /// The rounds of its permutations.
    KeccakRounds = keccak_rounds::Table,
    /// What they make of a few digits.
    KeccakChunks = keccak_chunks::Table,
    /// All bytes with their bits spread.
    KeccakBytes = keccak_bytes::Table,
    /// The poseidon builtin.
    Poseidon = poseidon::Table,
    /// The range_check96 builtin, by the limbs that values are cut into.
    RangeCheck96(range_check96::Table),
    /// The add_mod builtin.
    AddMod = add_mod::Table,
    /// The mul_mod builtin.
    MulMod = mul_mod::Table,
    /// Words of 96 bits, by the limbs that their halves are cut into.
    Word96(word96::Table),
    /// One row for each distinct instruction with an opcode extension.
    OpcodeExtension = opcode_extension::Table,
    /// Assertions in QM31, one step a row.
    Qm31 = qm31::Table,
    /// Blocks of blake2s, one step a row.
    Blake = blake::Table,
    /// Words of blake's state, message and result.
    BlakeWord = blake_word::Table,
    /// Calls of blake's mixing function.
    BlakeMix = blake_mix::Table,
    /// The calls of the mixing function in a block.
    BlakeSchedule = blake_schedule::Table,
    /// Instances of the bitwise builtin, one a row, by the limbs of their inputs.
    BitwiseRow(bitwise_row::BitwiseRow),
    /// All pairs of bytes with their conjunction.
    ByteAnd = byte_and::Table,
    /// Several owned cells of the range_check builtin a row.
    RangeRow(range_row::RangeRow),
}
