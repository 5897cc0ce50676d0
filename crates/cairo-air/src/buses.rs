//! The buses that tie the tables together. Ids enter every fingerprint, so they belong to the protocol: a change of id,
//! arity or order of entries is a new version.
//!
//! For every bus, what is provided must be what is required: over all tables and the public tuples the signed
//! multiplicities of each tuple sum to zero. From this each bus concludes what its section below says. All of them use
//! that no tuple is required `p` times: the STARK layer refuses tables with more than `stark::MAX_TERMS` (2^44) bus terms,
//! each required with a multiplicity of at most 4, so a required tuple has a sum that is not zero modulo `p` and must
//! have been provided.

use stark::Bus;

/// `(pc, ap, fp, clock)`: the machine's registers between two steps.
///
/// Every opcode row with enabler 1 takes one state and provides one whose clock is larger by the number of steps the row
/// makes, a constant of its table. Both with multiplicity 1, so this is an equality of multisets. Follow a state that is
/// provided: it must be taken, by a row that provides a later one, and so on; the total of all clock increments is far
/// below `p`, so no state comes back and the walk can only end in the one state that is required without anything being
/// provided for it: the public final state. Walks do not merge or split, since each row takes one and gives one. The
/// public initial state has clock 0 and the final one clock `n_steps`, so all enabled rows together form exactly one
/// walk of `n_steps` steps between the two.
pub const STATE: Bus = Bus { id: 1, name: "state", arity: 4 };

/// `(address, value)`: a cell of the write-once memory.
///
/// Only the memory table provides, each address in one place (its chunks are tied end to end by the verifier), so a
/// required tuple names the one value of that address: memory is a function.
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

/// `(v)` with `0 ≤ v < 2^12`. Only the word12 table provides, and only these values: its value column counts from 0.
pub const WORD12: Bus = Bus { id: 7, name: "word12", arity: 1 };
