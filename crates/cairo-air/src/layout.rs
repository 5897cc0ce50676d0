//! Which tables a proof has: how high each committed one is, and the rows of those that are disclosed.

use crate::claim::{Claim, Segment};
use crate::codec::{CodecError, Reader, Write};
use crate::components::bitwise_row::BitwiseRow;
use crate::components::{ComponentError, MAX_CHUNKS, Occurrence, TableKind, memory};
use crate::program::Program;
use crate::{Builtin, buses};
use felt::Felt;
use stark::{
    Bus, BusTerm, DisclosedError, MAX_LOG_HEIGHT, Outline, Parameters, Proof, PublicTuple, Shape, Table, TableError,
};
use std::collections::BTreeMap;

/// Most tables of a proof. Bounds the verifier's work.
pub const MAX_TABLES: usize = 128;

/// Most steps and provided cells of all derived tables and cells of range rows together. Bounds the verifier's work.
pub const MAX_DERIVED_STEPS: u32 = 1 << 11;

/// Most work that looking at the disclosed rows may take: cells times constraints and interactions of their tables. Bounds the verifier's time and memory.
pub const MAX_DISCLOSED_WORK: u64 = 1 << 22;

/// Most cells of all disclosed rows.
pub const MAX_DISCLOSED_CELLS: usize = 1 << 18;

/// Most memory cells: addresses have 32 bits.
pub const MAX_CELLS: u64 = 1 << 32;

/// One table: its kind and the `log2` of its height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Its kind.
    pub kind: TableKind,
    /// `log2` of the number of rows.
    pub log_height: u32,
}

/// A table whose rows are disclosed, for the verifier to look at each: it is too short to be worth its columns' openings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedTable {
    /// Its kind.
    pub kind: TableKind,
    /// Number of main columns.
    pub width: usize,
    /// The cells, row by row.
    pub cells: Vec<Felt>,
}

impl DisclosedTable {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }
}

/// The tables of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The committed tables, in the order of their kinds.
    pub tables: Vec<TableEntry>,
    /// The disclosed tables, in the order of their kinds, one of each.
    pub disclosed: Vec<DisclosedTable>,
}

/// What a layout comes to for a program and a claim.
#[derive(Debug, Clone)]
pub struct Built {
    /// The committed tables with their AIRs.
    pub tables: Vec<Table>,
    /// The bus terms of the disclosed rows.
    pub disclosed: Vec<PublicTuple>,
}

/// Why a list of tables is not a proof's for this program and claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// More than [`MAX_TABLES`].
    #[error("the proof has {0} tables; the limit is {MAX_TABLES}")]
    TooManyTables(usize),
    /// The STARK layer refuses the list.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// A table before one whose kind comes first.
    #[error("table {position} of the proof, {kind}, is out of order")]
    Order {
        /// Position of the table.
        position: usize,
        /// Its kind.
        kind: String,
    },
    /// More tables of one kind than allowed.
    #[error("the proof has {found} tables of kind {kind}; the limit is {limit}")]
    TooMany {
        /// The kind.
        kind: String,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More memory than addresses.
    #[error("the proof has {0} memory cells; the limit is {MAX_CELLS}")]
    TooMuchMemory(u64),
    /// A height other than the kind's only one, or above the limit.
    #[error("table {position} of the proof, {kind}, has 2^{found} rows; it must have {expected}")]
    Height {
        /// Position of the table.
        position: usize,
        /// Its kind.
        kind: String,
        /// Its height as `log2`.
        found: u32,
        /// What is allowed.
        expected: String,
    },
    /// Derived tables and range rows with more steps and cells than [`MAX_DERIVED_STEPS`].
    #[error(
        "the proof's path, word and range row tables have {0} steps and provided or checked cells together; the limit is {MAX_DERIVED_STEPS}"
    )]
    TooManyDerivedSteps(u64),
    /// A builtin with a non-empty segment has no table, or more than one.
    #[error(
        "the segment of `{builtin}` has {cells} cells, so the proof must have {expected} of its tables; it has {found}"
    )]
    BuiltinTables {
        /// The builtin.
        builtin: Builtin,
        /// Cells of its segment.
        cells: u32,
        /// Tables that there must be.
        expected: usize,
        /// Tables that there are.
        found: usize,
    },
    /// Range tables though the segment of range_check is not owned, or none though it is.
    #[error(
        "the proof has {found} range tables, but the segment of `range_check` is{} among the owned cells",
        if *is_owned { "" } else { " not" }
    )]
    RangeTables {
        /// Whether the segment is not empty and lies among the owned cells.
        is_owned: bool,
        /// Range tables that there are.
        found: usize,
    },
    /// Bitwise row tables beside the builtin's other one, without instances, or with an owner other than the layout says.
    #[error("the proof has bitwise row tables, but {0}")]
    BitwiseRows(BitwiseRowsError),
    /// A lookup table is missing though used, or there though unused.
    #[error("the proof has {found} tables for the bus `{bus}`, but must have {expected}", bus = bus.name)]
    Provider {
        /// The bus.
        bus: Bus,
        /// Tables that there must be.
        expected: usize,
        /// Tables that there are.
        found: usize,
    },
    /// Open tables that are not in the order of their kinds, or two of one kind.
    #[error("disclosed table {position} of the proof, {kind}, is out of order")]
    DisclosedOrder {
        /// Position of the table among the disclosed ones.
        position: usize,
        /// Its kind.
        kind: String,
    },
    /// Disclosed rows that are none of their table's.
    #[error("disclosed table {position} of the proof, {kind}, is wrong: {error}")]
    Disclosed {
        /// Position of the table among the disclosed ones.
        position: usize,
        /// Its kind.
        kind: String,
        /// Why.
        error: DisclosedError,
    },
    /// More disclosed rows than [`MAX_DISCLOSED_WORK`] allows.
    #[error("looking at the proof's disclosed rows takes {0} operations; the limit is {MAX_DISCLOSED_WORK}")]
    TooMuchDisclosed(u64),
    /// A list of fetches though no table fetches.
    #[error("the proof lists fetched instructions, but none of its tables fetches any")]
    IdleFetches,
    /// A table that this program and claim cannot have.
    #[error("table {position} of the proof, {kind}, does not exist: {error}")]
    Component {
        /// Position of the table.
        position: usize,
        /// Its kind.
        kind: String,
        /// Why.
        error: Box<ComponentError>,
    },
}

/// What is wrong with bitwise row tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BitwiseRowsError {
    /// The segment is empty, or the program has none.
    #[error("the segment of `bitwise` is empty")]
    Idle,
    /// Another table of the builtin is there too.
    #[error("also a table of `bitwise` that has all instances")]
    Both,
    /// Some own the cells of their instances, others do not.
    #[error("only some of them own their cells")]
    Mixed,
    /// They own cells that the claim does not count among the owned.
    #[error("they own cells up to {stop}, and the claim's owned cells end at {owned_end}")]
    Beyond {
        /// The segment's end.
        stop: u32,
        /// The claim's.
        owned_end: u32,
    },
}

impl Layout {
    /// One past the last cell: the memory tables follow the owned cells.
    pub fn memory_end(&self, owned_end: u32) -> u64 {
        let memory = self.tables.iter().filter(|table| table.kind == TableKind::Memory);
        memory.fold(u64::from(owned_end), |end, table| end.saturating_add(cells(table)))
    }

    /// The kinds of all tables, the committed ones first.
    pub fn kinds(&self) -> impl Iterator<Item = &TableKind> {
        self.tables.iter().map(|entry| &entry.kind).chain(self.disclosed.iter().map(|table| &table.kind))
    }

    /// The bitwise row tables.
    pub fn bitwise_rows(&self) -> impl Iterator<Item = &BitwiseRow> {
        self.kinds().filter_map(|kind| match kind {
            TableKind::BitwiseRow(row) => Some(row),
            _ => None,
        })
    }

    /// Checks the layout against program and claim, constructs the committed tables and looks at all disclosed rows.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn build(&self, program: &Program, claim: &Claim) -> Result<Built, LayoutError> {
        self.check(program, claim)?;
        let mut draft = self.draft(program, claim, true)?;
        let disclosed = draft.disclosed_tuples()?;
        draft.check_disclosed()?;
        Ok(Built { tables: draft.tables()?, disclosed })
    }

    /// Whatever needs no AIR, in no time: number, order and heights of tables, builtins.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn check(&self, program: &Program, claim: &Claim) -> Result<(), LayoutError> {
        self.check_numbers(claim.owned_end)?;
        self.check_builtins(program, claim)
    }

    /// Fewest bytes of a STARK proof for such tables, by what their descriptions say. For a layout that has passed [`Layout::check`].
    pub fn least_proof_len(&self, parameters: &Parameters) -> usize {
        let outline = |entry: &TableEntry| {
            let (width, interactions) = entry.kind.component().least_size();
            let term = BusTerm { bus: buses::MEMORY, is_pairable: true };
            Outline {
                name: String::new(),
                log_height: entry.log_height,
                width,
                next_columns: Vec::new(),
                periods: Vec::new(),
                constraints: 0,
                interactions: vec![term; interactions],
            }
        };
        let outlines: Vec<_> = self.tables.iter().map(outline).collect();
        Proof::least_len(&Shape::new(&outlines, parameters))
    }

    /// Number, order and heights: whatever needs no AIR.
    fn check_numbers(&self, owned_end: u32) -> Result<(), LayoutError> {
        let number = self.tables.len() + self.disclosed.len();
        if number > MAX_TABLES {
            return Err(LayoutError::TooManyTables(number));
        }
        let mut count: BTreeMap<&TableKind, usize> = BTreeMap::new();
        let mut last = None;
        for (position, TableEntry { kind, log_height: found }) in self.tables.iter().enumerate() {
            let component = kind.component();
            let error = |expected| LayoutError::Height { position, kind: kind.to_string(), found: *found, expected };
            if let Some(only) = component.log_height().filter(|only| only != found) {
                return Err(error(format!("2^{only}")));
            }
            if *found > MAX_LOG_HEIGHT {
                return Err(error(format!("at most 2^{MAX_LOG_HEIGHT}")));
            }
            if last.is_some_and(|last| last > kind) {
                return Err(LayoutError::Order { position, kind: kind.to_string() });
            }
            last = Some(kind);
        }
        for (position, pair) in self.disclosed.windows(2).enumerate() {
            if let [before, DisclosedTable { kind, .. }] = pair
                && before.kind >= *kind
            {
                return Err(LayoutError::DisclosedOrder { position: position + 1, kind: kind.to_string() });
            }
        }
        for kind in self.kinds() {
            let count = count.entry(kind).or_default();
            *count += 1;
            let limit = match kind.component().occurrence() {
                Occurrence::AsNeeded => MAX_CHUNKS,
                Occurrence::IfRequired(_) | Occurrence::Builtin(_) => 1,
            };
            if *count > limit {
                return Err(LayoutError::TooMany { kind: kind.to_string(), found: *count, limit });
            }
        }
        let memory = self.memory_end(owned_end);
        if memory > MAX_CELLS {
            return Err(LayoutError::TooMuchMemory(memory));
        }
        let steps = count.keys().map(|kind| u64::from(kind.component().derived_steps())).sum();
        if steps > u64::from(MAX_DERIVED_STEPS) {
            return Err(LayoutError::TooManyDerivedSteps(steps));
        }
        Ok(())
    }

    /// Every builtin with a segment that is not empty has exactly one table, every other has none; range_check has range tables and range
    /// rows instead if its cells are owned, and bitwise may have one row an instance instead.
    fn check_builtins(&self, program: &Program, claim: &Claim) -> Result<(), LayoutError> {
        for builtin in Builtin::ALL.into_iter().filter(|builtin| *builtin != Builtin::Output) {
            let cells = claim.segment(program, builtin).map_or(0, |segment| segment.stop.saturating_sub(segment.base));
            let is_owned = builtin == Builtin::RangeCheck && claim.owned_range(program).is_some();
            if builtin == Builtin::RangeCheck {
                let found =
                    self.kinds().filter(|kind| matches!(kind, TableKind::Range(_) | TableKind::RangeRow(_))).count();
                if is_owned != (found > 0) {
                    return Err(LayoutError::RangeTables { is_owned, found });
                }
            }
            let in_rows =
                builtin == Builtin::Bitwise && self.check_bitwise_rows(claim.segment(program, builtin), claim)?;
            let expected = usize::from(cells > 0 && !is_owned && !in_rows);
            let found = self.count(Occurrence::Builtin(builtin));
            if found != expected {
                return Err(LayoutError::BuiltinTables { builtin, cells, expected, found });
            }
        }
        Ok(())
    }

    /// Whether there are bitwise row tables. They are all of one form, and stand instead of the builtin's other one: then every instance has exactly one
    /// row, by the bitwise bus, whose walk the verifier begins because of them. Only of cells below `owned_end` the owned bus gives anything away.
    fn check_bitwise_rows(&self, segment: Option<Segment>, claim: &Claim) -> Result<bool, LayoutError> {
        let mut rows = self.bitwise_rows();
        let Some(first) = rows.next() else { return Ok(false) };
        let is_owned = first.owned().is_some();
        let error = match segment.filter(|segment| segment.base < segment.stop) {
            None => BitwiseRowsError::Idle,
            Some(_) if self.count(Occurrence::Builtin(Builtin::Bitwise)) > 0 => BitwiseRowsError::Both,
            Some(_) if rows.any(|row| row.owned().is_some() != is_owned) => BitwiseRowsError::Mixed,
            Some(Segment { stop, .. }) if is_owned && stop > claim.owned_end => {
                BitwiseRowsError::Beyond { stop, owned_end: claim.owned_end }
            }
            Some(_) => return Ok(true),
        };
        Err(LayoutError::BitwiseRows(error))
    }

    pub(crate) fn count(&self, occurrence: Occurrence) -> usize {
        self.kinds().filter(|kind| kind.component().occurrence() == occurrence).count()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.u64(self.tables.len() as u64);
        for table in &self.tables {
            table.kind.encode(out);
            out.u8(table.log_height as u8);
        }
        out.u64(self.disclosed.len() as u64);
        for table in &self.disclosed {
            table.encode(out);
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let count = reader.length("list of tables", MAX_TABLES, 2)?;
        let mut tables = Vec::with_capacity(count);
        for position in 0..count {
            let kind = TableKind::decode(reader, position)?;
            let log_height = u32::from(reader.u8("table height")?);
            tables.push(TableEntry { kind, log_height });
        }
        let count = reader.length("list of disclosed tables", MAX_TABLES, 9)?;
        let mut disclosed = Vec::with_capacity(count);
        let mut left = MAX_DISCLOSED_CELLS;
        for position in 0..count {
            let table = DisclosedTable::decode(reader, position, left)?;
            left -= table.cells.len();
            disclosed.push(table);
        }
        Ok(Self { tables, disclosed })
    }
}

impl DisclosedTable {
    /// Bytes in a proof file.
    pub fn encoded_len(&self) -> usize {
        let mut out = Vec::new();
        self.encode(&mut out);
        out.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.kind.encode(out);
        out.u32(self.width as u32);
        out.u32(self.rows() as u32);
        for cell in &self.cells {
            out.small_felt(cell);
        }
    }

    /// `limit` is the number of cells that it may have.
    fn decode(reader: &mut Reader<'_>, position: usize, limit: usize) -> Result<Self, CodecError> {
        let kind = TableKind::decode(reader, position)?;
        let what = "list of disclosed rows";
        let width = reader.u32(what)? as usize;
        let offset = reader.offset();
        let cells = width.saturating_mul(reader.u32(what)? as usize);
        if cells > limit {
            return Err(CodecError::TooLong { what, found: cells as u64, limit: limit as u64, offset });
        }
        // Every cell takes a byte at least.
        reader.fits(what, cells)?;
        let cells = (0..cells).map(|_| reader.small_felt(what)).collect::<Result<_, _>>()?;
        Ok(Self { kind, width, cells })
    }
}

/// Memory cells of a memory table.
pub(crate) fn cells(table: &TableEntry) -> u64 {
    1u64.checked_shl(table.log_height).and_then(|rows| rows.checked_mul(memory::CELLS as u64)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
