//! The buses that tie the tables together. Ids enter every fingerprint, so they belong to the protocol: a change of id,
//! arity or order of entries is a new version.
//!
//! For every bus, what is provided must be what is required: over all tables and the public tuples the signed
//! multiplicities of each tuple sum to zero. From this each bus concludes what its section below says. All of them use
//! that no tuple is required `p` times: the STARK layer refuses tables with more than `stark::MAX_TERMS` (2^44) bus terms,
//! each required with a multiplicity of at most 4, so a required tuple has a sum that is not zero modulo `p` and must
//! have been provided.

use crate::Builtin;
use stark::Bus;

/// `(pc, ap, fp, clock)`: the machine's registers between two steps.
///
/// Every opcode row with enabler 1 requires one state and provides one whose clock is larger by the number of steps the row
/// makes, a constant of its table. Both with multiplicity 1, so this is an equality of multisets. Follow a state that is
/// provided: it must be required, by a row that provides a later one, and so on; the total of all clock increments is far
/// below `p`, so no state comes back and the walk can only end in a state that is required without anything being
/// provided for it: a public final state. Walks do not merge or split, since each row requires one and provides one. So from each run's public initial
/// state a walk leads to some run's public final state, and from no two to the same; and all enabled rows are on these walks.
///
/// It is the run's own: run `i` begins at clock `c_i` and ends at `c_i + n_i`, and `c_(i+1) = c_i + n_i + 1`. A walk from the beginning of run `i` ends
/// later than it began, and all runs before `i` end before, so it ends where run `i` or a later one does. The last run's walk can only end in its
/// own final state; then the last but one's, since that one is taken; and so on. Its length is the difference of the clocks: `n_i` steps. That other
/// runs are in the same proof adds nothing that could be false about one of them: memory is one function ([`MEMORY`]), and a run
/// whose steps all hold in it, with its own header, arguments, output and builtin cells where its claim says, is all that a proof of this run alone shows.
pub const STATE: Bus = Bus { id: 1, name: "state", arity: 4 };

/// `(address, value)`: a cell of the write-once memory.
///
/// Each address is provided in one place at most. Those from 1 to below the claim's `owned_end` belong, by the owned bus, to one row of
/// a path table, an owning word table or of the cell table each, or to the verifier; of those of the verifier, the segment of range_check belongs by
/// the range bus to one row of a range or range row table each, and that of bitwise, five and five, by the bitwise bus to one row of a bitwise row table. Only these rows
/// provide them. Those from `owned_end` on are provided by the memory
/// tables: the verifier begins the first one at `owned_end` and ties the further ones to it end to end. (All these are
/// integers far below `p`.) So a required tuple names the one value of its address: memory is a function. A cell that its owner
/// does not provide can be looked up by no one.
pub const MEMORY: Bus = Bus { id: 2, name: "memory", arity: 2 };

/// `(pc, flags, off0, off1, off2, immediate)`: a decoded instruction. `flags` is the 15-bit word, offsets are signed,
/// the immediate is the word at `pc + 1` if the instruction has one and 0 otherwise.
///
/// Either the instruction table provides or the claim's fetches do, never both. A fetch is a public tuple, one for each `pc`,
/// which the verifier decodes from its own bytecode; its count is below 2^32. Each row of the table requires the encoded word and the immediate from memory and the
/// bytes of the offsets from the byte bus, whatever its multiplicity, so each provided tuple is the decoding of the word
/// at `pc`, which is unique.
pub const INSTRUCTION: Bus = Bus { id: 3, name: "instruction", arity: 6 };

/// `(v)` with `0 ≤ v < 2^8`. Only the byte table provides, and only these values: its value column is fixed.
pub const BYTE: Bus = Bus { id: 4, name: "byte", arity: 1 };

/// `(v)` with `0 ≤ v < 2^16`. Only the word16 table provides, and only these values: its value column counts from 0.
pub const WORD16: Bus = Bus { id: 5, name: "word16", arity: 1 };

/// `(a, b, a & b)` for nibbles `a` and `b`. Only the nibble_and table provides, and its three columns are fixed.
pub const NIBBLE_AND: Bus = Bus { id: 6, name: "nibble_and", arity: 3 };

/// `(address)`: each cell below it has an owner.
///
/// A row with enabler 1 that owns `k` cells requires `(a)` and provides `(a + k)`, both once; `k` is a constant of its table, from 1 to
/// 2^12. The verifier provides `(1)` and requires `(owned_end)`; if the segment `base..stop` of range_check is not empty and ends at or
/// before `owned_end`, it also requires `(base)` and provides `(stop)`, like a row that owns all of it; and the same of the segment of bitwise, if there
/// are bitwise row tables that own it. Look at each such row, and at these deeds of the verifier, as an edge from `a` to `a + k`, with `a` in the field. At every point but 1 and `owned_end` as many edges
/// end as begin, so the edges are a walk from 1 to `owned_end` (none if that is 1, too) and closed walks. All increments together
/// are below `2^44 · 2^12 + 2^33`, far below `p`: no walk comes back to where it was, so there are no closed ones, and all edges lie on
/// the one walk. Its increments add up to `owned_end − 1`, modulo `p` and so as integers: the ranges `a..a + k`, the verifier's among
/// them, are `1..owned_end` cut in pieces. Every address from 1 to below `owned_end` has one owner, and no other address has any.
pub const OWNED: Bus = Bus { id: 8, name: "owned", arity: 1 };

/// `(address)`: each cell of the segment of range_check below it belongs to a row of a range table or of a range row table.
///
/// Only if the verifier owns the segment `base..stop` (see [`OWNED`]): it provides `(base)` and requires `(stop)`. Each row with enabler 1 requires `(a)`
/// and provides `(a + k)`, both once; `k` is a constant of its table, 1 in range tables and from 1 to 16 in those of range rows. As with [`OWNED`], rows of
/// both are edges from `a` to `a + k`, whose increments together are below `2^44 · 16`, far below `p`: they all lie on one walk from `base` to `stop`,
/// whose increments add up to `stop − base` as integers. So the ranges `a..a + k` are `base..stop` cut in pieces, whatever their lengths: every address of
/// the segment, and no other, belongs to exactly one row, and no row reaches beyond `stop`, since from there no edge leads back.
pub const RANGE: Bus = Bus { id: 9, name: "range", arity: 1 };

/// `(address)`: each instance of the segment of bitwise below it has a row of a bitwise row table.
///
/// Only if there are such tables: then the verifier provides `(base)` and requires `(stop)` of the segment `base..stop`, which is not empty, and each row
/// with enabler 1 requires `(a)` and provides `(a + 5)`, both once. As with [`OWNED`], rows are edges from `a` to `a + 5`, whose increments
/// together are below `2^44 · 5`, far below `p`: they all lie on one walk from `base` to `stop`, so every instance, and nothing else, belongs to
/// exactly one row.
pub const BITWISE: Bus = Bus { id: 13, name: "bitwise", arity: 1 };

/// `(a, b, a & b)` for bytes `a` and `b`. Only the byte_and table provides, and only this, whatever its multiplicities: its README argues why.
pub const BYTE_AND: Bus = Bus { id: 14, name: "byte_and", arity: 3 };

/// `(v)` with `0 ≤ v < 2^12`. Only the word12 table provides, and only these values: its value column counts from 0.
pub const WORD12: Bus = Bus { id: 7, name: "word12", arity: 1 };

/// `(Q.x, Q.y, m, t, R.x, R.y)`: `Q` and `R` are points of the Stark curve, and `R = START + M·Q` (see `stark_curve::START`) for an integer `M` below
/// `2^252` with `M = m` modulo `p` and bit 251 equal to `t`, so that `t` is 0 or 1. Only the table of ec_op's products provides, and only this,
/// whatever its multiplicities: its README argues why. Both `M = m` and `M = m + p` may be provided, where both are below `2^252`: who requires
/// must know which one it wants.
pub const EC_OP_PRODUCT: Bus = Bus { id: 10, name: "ec_op_product", arity: 6 };

/// `(64·input + place, digit, x, y)`: the point that pedersen adds for a digit, see `stark_curve::pedersen::Table`. Only the pedersen_points table
/// provides, and its columns are fixed: places 0 to 63, digits below 16, of place 63 only 0; of place 62 only 0 to 7, and 8 under a number that is larger
/// by 128.
pub const PEDERSEN_POINT: Bus = Bus { id: 12, name: "pedersen_point", arity: 4 };

/// The same as [`EC_OP_PRODUCT`], for ecdsa.
pub const ECDSA_PRODUCT: Bus = Bus { id: 11, name: "ecdsa_product", arity: 6 };

/// `(place, lane)`: a lane of a state of Keccak, its bits spread over the digits of a number to the base 8: that is below `8^64`, and each digit is 0 or 1.
///
/// A place is that of one lane between two rounds, before the first or after the last; an integer below `2^34`. The table of the rounds
/// provides the lanes that each of its rows makes at five places of that row's own, each once. The table of the builtin's cells provides the
/// lanes of the states before the first rounds, each once, at places of rows that make none. So of each place at most one tuple is provided, once,
/// and what is required of it is that one. Both tables provide such lanes only: see their READMEs.
pub const KECCAK_LANE: Bus = Bus { id: 20, name: "keccak_lane", arity: 2 };

/// `(operation, number, result)`: what an operation makes of a number, see `components::keccak_chunks`. Only the keccak_chunks table provides, and only
/// this: operation 0 is about `0 ≤ number < 8^5`, whose four lowest digits to the base 8 are below 5, and the result has the lowest bit of each
/// digit; operation 1 is about the same numbers and the bit above it; operation 2 about `0 ≤ number < 8^4` and the lowest bit of each digit.
pub const KECCAK_CHUNK: Bus = Bus { id: 21, name: "keccak_chunk", arity: 3 };

/// `(byte, spread)`: an integer from 0 to 255, and the number whose digits to the base 8 are its bits. Only the keccak_bytes table provides, and
/// its columns are fixed.
pub const KECCAK_BYTE: Bus = Bus { id: 22, name: "keccak_byte", arity: 2 };

/// `(low, high)` with `0 ≤ low, high < 2^48`: the halves of a word of 96 bits. Only the word96 tables provide, and only these pairs: both are
/// sums of limbs that each row looks up.
pub const WORD96: Bus = Bus { id: 30, name: "word96", arity: 2 };

/// `(address, goes_on, n, p0, p1, p2, p3, values_ptr, offsets_ptr)`: between two instances of add_mod, what the one leaves to the next. `goes_on` is 1
/// if they belong to one batch; then the rest is the number of instances from the second on, the modulus, and its two pointers; else it
/// is 0.
///
/// A row with enabler 1 requires it with its own address, and provides it with the address of the next instance, both once. The verifier provides
/// `(base, 0, …)` and requires `(stop, 0, …)`, if the segment `base..stop` is not empty. Look at addresses alone: rows are edges from `a` to
/// `a + 7`, and as with [`OWNED`] they all lie on one walk from `base` to `stop`, so each instance has one row, and the tuple between two of them
/// is the one that the first provides and the second requires.
///
/// No batch goes on from one run's part of the segment to the next one's: the verifier requires of memory that the last instance of the first has `n = 1`.
/// Were it to go on, the next instance would have `n = 0`, the one after it `−1`, and so on; none of them could be the last of the batch, whose `n` is 1,
/// since there are fewer than `p`, and the batch would have no end; but at `stop` it has one.
pub const ADD_MOD: Bus = Bus { id: 31, name: "add_mod", arity: 9 };

/// The same for mul_mod.
pub const MUL_MOD: Bus = Bus { id: 32, name: "mul_mod", arity: 9 };

/// `(pc, extension, flags, off0, off1, off2)`: a decoded instruction with an opcode extension, 1 to 3. `flags` is the 15-bit word, offsets are
/// signed.
///
/// Only the opcode_extension table provides. Each of its rows in use requires the encoded word from memory and the bytes of the offsets from the
/// byte bus, whatever its multiplicity, so each provided tuple is the decoding of the word at `pc`, which is unique: its README argues why.
/// No word is decoded here and on [`INSTRUCTION`] both, since there words are below 2^63 and here they are not.
pub const OPCODE_EXTENSION: Bus = Bus { id: 40, name: "opcode_extension", arity: 6 };

/// `(clock, position, version, value)`: one of blake's 16 working words, in the block of the step with this clock, after it was mixed `version` times.
///
/// A row of the blake table with enabler 1 provides the words 8 to 15 of its clock with version 0, and its eight rows of the blake_word table the
/// others; these require all 16 with version 20. A row of the blake_mix table requires four of one version, which are a column or a diagonal of
/// the 4 × 4 words by the schedule, and provides the same with the next version. Look at one clock of a row of the blake table; no other row of
/// it has that clock (see [`STATE`]). Each word of version 0 is provided once, so required once, by one row of blake_mix: then there are four
/// of version 0, a column each, and they provide the version 1 once each; so on, up to version 20. Of another clock no word has version 0, so
/// none is required, and so on.
pub const BLAKE_WORD: Bus = Bus { id: 41, name: "blake_word", arity: 4 };

/// `(clock, index, value)`: a word of the message of the block of the step with this clock, below 2^32.
///
/// The row of the blake_word table that [`BLAKE_CELLS`] ties to `clock` and `index / 2` provides it ten times, and no other does: so what is
/// required is this value. It is required once a round, by [`BLAKE_WORD`]'s argument and the schedule.
pub const BLAKE_MESSAGE: Bus = Bus { id: 42, name: "blake_message", arity: 3 };

/// `(clock, index, state, message, output)`: the row of the blake_word table for the words `index` of the state and the result and `2·index`,
/// `2·index + 1` of the message, with the addresses of the first three of them, in the block of the step with this clock.
///
/// A row of the blake table with enabler 1 requires it for each index from 0 to 7, and a row of the blake_word table with enabler 1 provides it, all
/// once: this is an equality of multisets, and clocks of the former are distinct, so there is one row for each.
pub const BLAKE_CELLS: Bus = Bus { id: 43, name: "blake_cells", arity: 5 };

/// `(version, position of a, b, c, d, index of the first word, of the second)`: one of the 80 calls of blake's mixing function. Only the blake_schedule
/// table provides, and its columns are fixed.
pub const BLAKE_SCHEDULE: Bus = Bus { id: 44, name: "blake_schedule", arity: 7 };

/// The bus on which the verifier provides the first address of a builtin's segment and requires its end, the other entries being 0; if the
/// builtin's rows walk over it so.
pub const fn walk(builtin: Builtin) -> Option<Bus> {
    match builtin {
        Builtin::AddMod => Some(ADD_MOD),
        Builtin::MulMod => Some(MUL_MOD),
        _ => None,
    }
}
