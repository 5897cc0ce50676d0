//! Tables derived from instructions: one row executes a fixed list of them, one after another.
//!
//! Prover and verifier derive a table's AIR in the same way, from the program and a [`Path`], or from a flag word. The
//! derivation also says where each column's value comes from ([`Source`]), which is all that a witness needs.
//!
//! # Why a row is right
//!
//! A row with enabler `e = 1` requires the state `(pc, ap, fp, clock)` from the state bus and provides the state that
//! [`machine`]'s symbolic execution arrives at, with the clock advanced by the number of instructions. By the argument
//! there, if the row's constraints hold and its memory lookups succeed, the machine gets from the one state to the other by
//! exactly these instructions: on a path they are the words of the verifier's own bytecode, which public memory puts at
//! their addresses; in a word table the instruction bus ties them to `pc`. The symbolic execution does not depend on `e`;
//! neither do the constraints. A row with `e = 0` has no bus terms at all, so it shows and provides nothing.
//!
//! A row of a path or of an owning word may *own* the cells from `ap` before to `ap` after it: it requires their range of addresses from the owned bus, which provides every such
//! address to one row only. So memory may be said to have there what the row says: either the row provides the cell, and whoever looks it
//! up gets this value; or it does not, and then nobody can have looked it up: no row, this one by another expression included, and nothing public. An
//! owned cell needs no lookup, and the argument above holds for it without one. The row's expression for it is unique: addresses that
//! differ from `ap` by the same constant are equal expressions, hence one entry. In a word table an operand is such an address only if its offset is a
//! constant of the table, which the tuple on the instruction bus then ties to the instruction: an offset that is a column never makes an entry of an owned cell, whatever it
//! is on some row, and remains a lookup, which finds what the owner provides. Words of the program, which a path takes as constants without a
//! lookup, are required by the public side, so a row that owned such a cell would have to provide just this word.
//!
//! No path executes the program's end; for words the instruction table, or the list of fetches, ensures that.

mod air;
mod component;
mod error;
mod follow;
mod linear;
mod machine;
mod path;
#[cfg(test)]
mod tests;

pub use air::{Executed, TableSize};
pub use error::DerivedError;
pub use follow::Followed;
pub use linear::Linear;
pub use path::{OwningWord, Path, Word};

use crate::program::Program;
use stark::Air;

/// Most steps of one path.
pub const MAX_STEPS: u32 = 256;

/// Most main columns of one derived table.
pub const MAX_COLUMNS: usize = 256;

/// Most cells that a row may own. The owned bus counts on it being small.
pub const MAX_OWNED: u32 = 1 << 10;

/// Most cells that a row of an owning word may own, by the immediate that its instruction adds to `ap`. The owned bus counts on it being small.
pub const MAX_MOVED: u32 = 1 << 12;

/// What an offset that an instruction does not use must be in a word table: what assemblers write.
pub const UNUSED_OFFSET: i32 = -1;

/// Where the value of a column comes from. Expressions refer to earlier columns only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// 1 on rows in use, 0 on padding.
    Enabler,
    /// `ap` before the row's first step.
    Ap,
    /// `fp` before the row's first step.
    Fp,
    /// Number of steps before the row's first step.
    Clock,
    /// `pc` of the row's step. Only in word tables, owning ones included.
    Pc,
    /// Offset 0, 1 or 2 of the row's instruction, unbiased. Only in word tables.
    Offset(u8),
    /// The word after the row's instruction. Only in word tables.
    Immediate,
    /// The memory cell at this address.
    Memory(Linear),
    /// The product of two expressions.
    Product(Linear, Linear),
    /// The inverse of the product of expressions, 0 if that is 0.
    Inverse(Vec<Linear>),
    /// How often the memory cell at this address is looked up, by all tables and the public side.
    Uses(Linear),
}

/// A derived table.
#[derive(Debug, Clone)]
pub struct Derived {
    /// The AIR.
    pub air: Air,
    /// What its rows are.
    pub rows: RowContents,
}

/// What the rows of a derived table are: all that a witness needs.
#[derive(Debug, Clone)]
pub struct RowContents {
    /// For each column of the AIR, where its value comes from.
    pub sources: Vec<Source>,
    /// Address and value of the cells that a row with enabler 1 looks up, once each.
    pub lookups: Vec<[Linear; 2]>,
    /// Address and value of the cells that such a row owns, so far as it knows them.
    pub owned: Vec<[Linear; 2]>,
    /// What the constraints demand to be 0.
    pub zeros: Vec<Linear>,
    /// What the constraints demand as products: `first · second = third`.
    pub products: Vec<[Linear; 3]>,
    /// `pc`, `ap`, `fp` after the row's last step.
    pub end: [Linear; 3],
    /// Whether a row with enabler 1 looks its instruction up, as those of words do.
    pub fetches: bool,
    /// Steps of a row.
    pub steps: u32,
}

/// The table for instructions with this flag word, one step a row; `taken` fixes the outcome of a conditional jump.
///
/// # Errors
/// [`DerivedError`] if the flags are no instruction of the machine, or `taken` is given for another instruction.
pub fn word_air(flags: u16, taken: Option<bool>) -> Result<Derived, DerivedError> {
    air::word(Word { flags, taken })
}

/// The table for a path through a program.
///
/// # Errors
/// [`DerivedError`] if the path leaves the bytecode, executes its end, fixes too little or too much about its jumps, is too
/// long or too wide, or cannot be followed.
pub fn path_air(program: &Program, path: &Path) -> Result<Derived, DerivedError> {
    air::path(program, path)
}

impl Word {
    /// The table; see [`word_air`].
    ///
    /// # Errors
    /// As [`word_air`].
    pub fn derive(&self) -> Result<Derived, DerivedError> {
        air::word(*self)
    }

    /// The table before its AIR is constructed. `named`: whether the AIR will name its columns and constraints, which takes longer than
    /// all the rest.
    ///
    /// # Errors
    /// As [`word_air`].
    pub fn execute(&self, named: bool) -> Result<Executed<'static>, DerivedError> {
        air::execute_word(*self, named)
    }

    /// The table's rows, without its AIR.
    ///
    /// # Errors
    /// As [`word_air`].
    pub fn rows(&self) -> Result<RowContents, DerivedError> {
        air::word_rows(*self)
    }

    /// The table's size, without building it.
    ///
    /// # Errors
    /// As [`word_air`].
    pub fn size(&self) -> Result<TableSize, DerivedError> {
        air::word_size(*self)
    }
}

impl OwningWord {
    /// The table.
    ///
    /// # Errors
    /// As [`word_air`]; also if the instruction does not move `ap` over the owned cells, or its operand cannot be at `[ap]`.
    pub fn derive(&self) -> Result<Derived, DerivedError> {
        air::owning_word(self)
    }

    /// The table before its AIR is constructed. `named`: whether the AIR will name its columns and constraints, which takes longer than
    /// all the rest.
    ///
    /// # Errors
    /// As [`OwningWord::derive`].
    pub fn execute(&self, named: bool) -> Result<Executed<'static>, DerivedError> {
        air::execute_owning_word(self, named)
    }

    /// The table's rows, without its AIR.
    ///
    /// # Errors
    /// As [`OwningWord::derive`].
    pub fn rows(&self) -> Result<RowContents, DerivedError> {
        air::owning_word_rows(self)
    }

    /// The table's size, without building it.
    ///
    /// # Errors
    /// As [`OwningWord::derive`].
    pub fn size(&self) -> Result<TableSize, DerivedError> {
        air::owning_word_size(self)
    }
}

impl Path {
    /// The table; see [`path_air`].
    ///
    /// # Errors
    /// As [`path_air`].
    pub fn derive(&self, program: &Program) -> Result<Derived, DerivedError> {
        air::path(program, self)
    }

    /// The table before its AIR is constructed. `named`: whether the AIR will name its columns and constraints, which takes longer than
    /// all the rest.
    ///
    /// # Errors
    /// As [`path_air`].
    pub fn execute<'a>(&self, program: &'a Program, named: bool) -> Result<Executed<'a>, DerivedError> {
        air::execute_path(program, self, named)
    }

    /// The table's rows, without its AIR.
    ///
    /// # Errors
    /// As [`path_air`].
    pub fn rows(&self, program: &Program) -> Result<RowContents, DerivedError> {
        air::path_rows(program, self)
    }

    /// The path that visits `pcs`, one step at each, with these outcomes of its conditional jumps. What
    /// the path must fix about computed jumps is found on the way; the last step's target stays open. `returns` says how far below its
    /// own frame a `ret` from one pc to another finds its caller's, if that is always the same; the path asserts it.
    ///
    /// # Errors
    /// As [`path_air`]; also if no path visits `pcs`.
    pub fn follow(
        program: &Program,
        pcs: &[u32],
        taken: Vec<bool>,
        frame: Option<i32>,
        returns: impl Fn(u32, u32) -> Option<u32>,
    ) -> Result<Followed, DerivedError> {
        follow::follow(program, pcs, taken, frame, returns)
    }

    /// The paths that [`follow`](Self::follow) finds for `pcs` once, twice and so on, up to `longest` times or up to the first that
    /// does not exist or does not fit. All together they take little longer than the last alone.
    pub fn follow_again(
        program: &Program,
        pcs: &[u32],
        taken: &[bool],
        frame: Option<i32>,
        longest: u32,
        returns: impl Fn(u32, u32) -> Option<u32>,
        fits: impl Fn(&Followed) -> bool,
    ) -> Vec<Followed> {
        follow::follow_again(program, pcs, taken, frame, longest, returns, fits)
    }

    /// The table's size, without building it.
    ///
    /// # Errors
    /// As [`path_air`].
    pub fn size(&self, program: &Program) -> Result<TableSize, DerivedError> {
        air::path_size(program, self)
    }
}
