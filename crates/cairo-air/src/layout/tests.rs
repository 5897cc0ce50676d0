//! Each reason for which a layout is refused, just where it begins.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::RunClaim;
use crate::codec::Reader;
use crate::components::bitwise::BitwiseSize;
use crate::components::range::Range;
use crate::components::range_check::Limbs;
use crate::components::range_row::RangeRow;
use crate::components::{Limb, Path, Word};
use crate::{ArgumentBinding, Segment, fixture};
use stark::Parameters;

fn program() -> Program {
    let builtins = [Builtin::Output, Builtin::RangeCheck, Builtin::Bitwise];
    fixture::program(&builtins, [fixture::RET], ArgumentBinding::OutputPrefix)
}

/// Without cells of builtins.
fn claim() -> Claim {
    Claim {
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 1,
            final_ap: 16,
            segments: [[40, 40], [50, 50], [60, 60]].map(|[base, stop]| Segment { base, stop }).to_vec(),
            arguments_start: None,
            output: Vec::new(),
        }],
        owned_end: 1,
        fetches: Vec::new(),
    }
}

fn entry(kind: TableKind, log_height: u32) -> TableEntry {
    TableEntry { kind, log_height }
}

fn path(pc: u32, steps: u32, owned: Vec<u8>) -> TableKind {
    let (taken, targets, returns) = (Vec::new(), Vec::new(), Vec::new());
    TableKind::Path(Path { pc, frame: None, steps, taken, targets, returns, owned })
}

fn open(kind: TableKind) -> DisclosedTable {
    DisclosedTable { kind, width: 1, cells: vec![Felt::zero()] }
}

fn check(tables: Vec<TableEntry>, disclosed: Vec<DisclosedTable>) -> Result<(), LayoutError> {
    Layout { tables, disclosed }.check(&program(), &claim())
}

fn many<T>(count: usize, one: impl Fn(u32) -> T) -> Vec<T> {
    (0..count as u32).map(one).collect()
}

#[test]
fn numbers_of_tables() {
    assert_eq!(MAX_TABLES, 128);
    let of_paths = |committed, disclosed| {
        let tables = many(committed, |pc| entry(path(pc, 1, Vec::new()), 6));
        check(tables, many(disclosed, |pc| open(path(1000 + pc, 1, Vec::new()))))
    };
    for (committed, disclosed) in [(128, 0), (0, 128), (100, 28)] {
        assert_eq!(of_paths(committed, disclosed), Ok(()));
    }
    for (committed, disclosed) in [(129, 0), (0, 129), (100, 29)] {
        assert_eq!(of_paths(committed, disclosed), Err(LayoutError::TooManyTables(129)));
    }
    // Chunks of one kind: four, of which one may be disclosed.
    let generic = |committed, disclosed| {
        check(many(committed, |_| entry(TableKind::Generic, 6)), many(disclosed, |_| open(TableKind::Generic)))
    };
    let refused = |found, limit| Err(LayoutError::TooMany { kind: "generic".to_owned(), found, limit });
    assert_eq!((generic(4, 0), generic(3, 1)), (Ok(()), Ok(())));
    assert_eq!((generic(5, 0), generic(4, 1)), (refused(5, 4), refused(5, 4)));
    // What provides or belongs to a builtin: one.
    let one = LayoutError::TooMany { kind: "byte".to_owned(), found: 2, limit: 1 };
    assert_eq!(check(many(2, |_| entry(TableKind::Limb(Limb::Bits8), 8)), Vec::new()), Err(one));
    let one = LayoutError::TooMany { kind: "range_check8".to_owned(), found: 2, limit: 1 };
    assert_eq!(check(many(2, |_| entry(TableKind::RangeCheck(Limbs::Bytes), 8)), Vec::new()), Err(one));
}

#[test]
fn order() {
    let (generic, memory) = (|| entry(TableKind::Generic, 6), || entry(TableKind::Memory, 6));
    assert_eq!(check(vec![memory(), memory(), generic()], Vec::new()), Ok(()));
    let order = LayoutError::Order { position: 1, kind: "memory".to_owned() };
    assert_eq!(check(vec![generic(), memory()], Vec::new()), Err(order));
    let order = LayoutError::Order { position: 2, kind: "memory".to_owned() };
    assert_eq!(check(vec![memory(), generic(), memory()], Vec::new()), Err(order));
    let (generic, cell) = (|| open(TableKind::Generic), || open(TableKind::Cell));
    assert_eq!(check(Vec::new(), vec![generic(), cell()]), Ok(()));
    let order = |position, kind: &str| Err(LayoutError::DisclosedOrder { position, kind: kind.to_owned() });
    assert_eq!(check(Vec::new(), vec![cell(), generic()]), order(1, "generic"));
    assert_eq!(check(Vec::new(), vec![generic(), generic()]), order(1, "generic"));
    assert_eq!(check(Vec::new(), vec![generic(), cell(), cell()]), order(2, "cell"));
}

#[test]
fn heights() {
    let height = |kind: TableKind, found, expected: &str| {
        let name = kind.to_string();
        let refused = LayoutError::Height { position: 0, kind: name, found, expected: expected.to_owned() };
        assert_eq!(check(vec![entry(kind, found)], Vec::new()), Err(refused));
    };
    height(TableKind::Limb(Limb::Bits8), 7, "2^8");
    height(TableKind::Limb(Limb::Bits8), 9, "2^8");
    height(TableKind::Limb(Limb::Bits12), 8, "2^12");
    height(TableKind::Generic, MAX_LOG_HEIGHT + 1, &format!("at most 2^{MAX_LOG_HEIGHT}"));
    assert_eq!(
        check(vec![entry(TableKind::Generic, MAX_LOG_HEIGHT), entry(TableKind::Limb(Limb::Bits8), 8)], Vec::new()),
        Ok(())
    );
}

#[test]
fn memory() {
    let of = |owned_end, heights: &[u32]| {
        let tables = heights.iter().map(|height| entry(TableKind::Memory, *height)).collect();
        let layout = Layout { tables, disclosed: Vec::new() };
        (layout.memory_end(owned_end), layout.check(&program(), &Claim { owned_end, ..claim() }))
    };
    assert_eq!(of(1, &[]), (1, Ok(())));
    assert_eq!(of(5, &[3, 0]), (5 + 64 + 8, Ok(())));
    // Up to 2^32 cells, owned ones counted.
    let end = (1_u64 << 32) - (8 << 28);
    assert_eq!(of(u32::try_from(end).unwrap(), &[28]), (1 << 32, Ok(())));
    let refused = |found| (found, Err(LayoutError::TooMuchMemory(found)));
    assert_eq!(of(u32::try_from(end).unwrap() + 1, &[28]), refused((1 << 32) + 1));
    assert_eq!(of(1, &[28, 28]), refused((1 << 32) + 1));
    // A height that no shift makes is refused before; the sum stops at the top.
    assert_eq!(cells(&entry(TableKind::Memory, 64)), u64::MAX);
    assert_eq!(cells(&entry(TableKind::Memory, 61)), u64::MAX);
    assert_eq!(of(1, &[64, 64]).0, u64::MAX);
}

#[test]
fn steps_of_derived_tables() {
    assert_eq!(MAX_DERIVED_STEPS, 1 << 11);
    let of = |paths: &[TableKind]| check(paths.iter().map(|path| entry(path.clone(), 6)).collect(), Vec::new());
    let full = |count| many(count, |pc| path(pc, 256, Vec::new()));
    assert_eq!(of(&full(8)), Ok(()));
    let word = TableKind::Word(Word { flags: 0x4806, taken: None });
    let with_word = [vec![word], full(8)].concat();
    assert_eq!(of(&with_word), Err(LayoutError::TooManyDerivedSteps(2049)));
    assert_eq!(of(&full(9)), Err(LayoutError::TooManyDerivedSteps(9 * 256)));
    // A cell that is provided is a step, one that is not is none; chunks of one table count once.
    let owning = |steps, owned: Vec<u8>| [full(7), vec![path(8, steps, owned)]].concat();
    assert_eq!(of(&owning(255, vec![1, 0, 0, 0])), Ok(()));
    assert_eq!(of(&owning(255, vec![1, 1, 0, 0])), Err(LayoutError::TooManyDerivedSteps(2049)));
    let chunks: Vec<_> = full(8).into_iter().flat_map(|path| [path.clone(), path]).collect();
    assert_eq!(of(&chunks), Ok(()));
    // So is each cell of a range row. Here there are none that are checked, so all that are few enough are too many.
    let row = |cells| TableKind::RangeRow(RangeRow::once(vec![Range::new(8, 16, 0).unwrap(); cells]).unwrap());
    let with_row = |cells| [owning(240, Vec::new()), vec![row(cells)]].concat();
    assert_eq!(of(&with_row(16)), Err(LayoutError::RangeTables { is_owned: false, found: 1 }));
    let with_rows = [with_row(16), vec![row(1)]].concat();
    let sorted = |mut kinds: Vec<TableKind>| {
        kinds.sort();
        kinds
    };
    assert_eq!(of(&sorted(with_rows)), Err(LayoutError::TooManyDerivedSteps(2049)));
}

#[test]
fn builtins_have_their_tables() {
    let check = |cells: u32, owned_end, kinds: &[TableKind]| {
        let mut claim = Claim { owned_end, ..claim() };
        claim.runs[0].segments[1].stop = claim.runs[0].segments[1].base + cells;
        let height = |kind: &TableKind| if *kind == TableKind::Limb(Limb::Bits8) { 8 } else { 6 };
        let tables = kinds.iter().map(|kind| entry(kind.clone(), height(kind))).collect();
        Layout { tables, disclosed: Vec::new() }.check(&program(), &claim)
    };
    let range = || TableKind::Range(Range::new(8, 16, 0).unwrap());
    let tables = |cells, expected, found| {
        Err(LayoutError::BuiltinTables { builtin: Builtin::RangeCheck, cells, expected, found })
    };
    assert_eq!(check(0, 1, &[]), Ok(()));
    assert_eq!(check(3, 1, &[TableKind::RangeCheck(Limbs::Bytes)]), Ok(()));
    assert_eq!(check(3, 1, &[]), tables(3, 1, 0));
    assert_eq!(check(0, 1, &[TableKind::RangeCheck(Limbs::Words16)]), tables(0, 0, 1));
    assert_eq!(
        check(3, 1, &[TableKind::RangeCheck(Limbs::Bytes), TableKind::RangeCheck(Limbs::Words12)]),
        tables(3, 1, 2)
    );
    assert_eq!(check(3, 53, &[range()]), Ok(()));
    let ranges = |is_owned, found| Err(LayoutError::RangeTables { is_owned, found });
    assert_eq!(check(3, 53, &[]), ranges(true, 0));
    assert_eq!(check(3, 53, &[TableKind::RangeCheck(Limbs::Bytes)]), ranges(true, 0));
    assert_eq!(check(3, 52, &[range()]), ranges(false, 1));
    assert_eq!(check(0, 60, &[range()]), ranges(false, 1));
    assert_eq!(check(3, 53, &[TableKind::RangeCheck(Limbs::Bytes), range()]), tables(3, 0, 1));
    // Rows of several cells stand for ranges, beside them or alone.
    let row = || TableKind::RangeRow(RangeRow::once([Range::new(8, 16, 0).unwrap(); 3]).unwrap());
    assert_eq!(check(3, 53, &[row()]), Ok(()));
    assert_eq!(check(3, 53, &[range(), row()]), Ok(()));
    assert_eq!(check(3, 52, &[row()]), ranges(false, 1));
    assert_eq!(check(3, 52, &[TableKind::RangeCheck(Limbs::Bytes), row()]), ranges(false, 1));
    assert_eq!(check(0, 60, &[row()]), ranges(false, 1));
    assert_eq!(check(3, 53, &[TableKind::RangeCheck(Limbs::Bytes), row()]), tables(3, 0, 1));
    // Bitwise is never owned, and the output has no table.
    let mut claim = Claim { owned_end: 100, ..claim() };
    claim.runs[0].segments[2].stop = 65;
    let bitwise = |found| LayoutError::BuiltinTables { builtin: Builtin::Bitwise, cells: 5, expected: 1, found };
    let layout = |kinds: &[TableKind]| Layout {
        tables: kinds.iter().map(|kind| entry(kind.clone(), 6)).collect(),
        disclosed: Vec::new(),
    };
    assert_eq!(layout(&[TableKind::Bitwise(BitwiseSize::Bits64)]).check(&program(), &claim), Ok(()));
    assert_eq!(layout(&[]).check(&program(), &claim), Err(bitwise(0)));
    let two = layout(&[TableKind::Bitwise(BitwiseSize::Any), TableKind::Bitwise(BitwiseSize::Bits64)]);
    assert_eq!(two.check(&program(), &claim), Err(bitwise(2)));
    claim.runs[0].segments[0].stop = 45;
    assert_eq!(layout(&[TableKind::Bitwise(BitwiseSize::Any)]).check(&program(), &claim), Ok(()));
}

/// Two tables, one of them with a disclosed row, to the byte.
#[test]
fn the_encoding_is_pinned() {
    let row = DisclosedTable { kind: TableKind::Cell, width: 2, cells: [5_u64, 6, 7, 8].map(Felt::from).to_vec() };
    assert_eq!(row.rows(), 2);
    assert_eq!(DisclosedTable { width: 0, ..row.clone() }.rows(), 0);
    let layout = Layout {
        tables: vec![entry(TableKind::Memory, 6), entry(TableKind::Limb(Limb::Bits8), 8)],
        disclosed: vec![row],
    };
    let mut bytes = Vec::new();
    layout.encode(&mut bytes);
    let expected: [&[u8]; 4] = [
        &[2, 0, 0, 0, 0, 0, 0, 0, 1, 6, 6, 8],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[18, 2, 0, 0, 0, 2, 0, 0, 0],
        &[5, 6, 7, 8],
    ];
    assert_eq!(bytes, expected.concat());
    assert_eq!(layout.disclosed[0].encoded_len(), 13);
    let mut reader = Reader::new(&bytes);
    assert_eq!(Layout::decode(&mut reader), Ok(layout.clone()));
    assert!(reader.rest().is_empty());
    assert_eq!(layout.kinds().map(TableKind::to_string).collect::<Vec<_>>(), ["memory", "byte", "cell"]);
    for length in 0..bytes.len() {
        assert!(Layout::decode(&mut Reader::new(&bytes[..length])).is_err(), "{length} bytes");
    }
}

/// A file that is cut off is refused for the field in which it ends, also where fields have no fixed length.
#[test]
fn cut_off_files_are_refused() {
    let kind = path(7, 3, vec![1, 0, 2]);
    let mut description = Vec::new();
    kind.encode(&mut description);
    let height = 8 + description.len();
    // A cell of ten bytes and one of one.
    let cell = |value: Felt| DisclosedTable { kind: TableKind::Cell, width: 1, cells: vec![value] };
    let disclosed = vec![cell(Felt::from(2_u64).pow(64_u64)), cell(Felt::one())];
    let layout = Layout { tables: vec![entry(kind, 6)], disclosed };
    let mut bytes = Vec::new();
    layout.encode(&mut bytes);
    assert_eq!(bytes.len(), height + 1 + 8 + (9 + 10) + (9 + 1));
    assert_eq!(Layout::decode(&mut Reader::new(&bytes)), Ok(layout));
    // Nine bytes for each disclosed table are asked for before the first is read.
    let tables = height + 1 + 8;
    let fields = [
        (10, "list of tables"),
        (height, ""),
        (height + 1, "table height"),
        (tables + 18, "list of disclosed tables"),
        (tables + 19, "list of disclosed rows"),
        (tables + 20, "table kind"),
        (bytes.len(), "list of disclosed rows"),
    ];
    for offset in 0..bytes.len() {
        let refused = Layout::decode(&mut Reader::new(&bytes[..offset])).unwrap_err();
        let what = fields.iter().find(|(end, _)| offset < *end).map_or("", |(_, name)| name);
        match refused {
            CodecError::Derived { position: 0, .. } => assert_eq!(what, "", "{offset} bytes"),
            refused => assert_eq!(refused, CodecError::Truncated { what, offset }),
        }
    }
    // With a last byte of 0, a shorter form says the same.
    let first = tables + 9;
    assert_eq!(bytes[first..first + 10], [0xc8, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes[first + 9] = 0;
    let refused = CodecError::NonCanonical { what: "list of disclosed rows", offset: first };
    assert_eq!(Layout::decode(&mut Reader::new(&bytes)), Err(refused));
}

/// Tables are built of no layout that is not one.
#[test]
fn nothing_is_built_of_a_layout_out_of_order() {
    let build = |kinds: [TableKind; 2]| {
        let claim = Claim { fetches: vec![crate::fetch::Fetch { pc: 7, count: 1 }], ..claim() };
        let tables = kinds.map(|kind| entry(kind, 6)).to_vec();
        Layout { tables, disclosed: Vec::new() }.build(&program(), &claim).map(|built| built.tables.len())
    };
    assert_eq!(build([TableKind::Memory, TableKind::Generic]), Ok(2));
    let order = LayoutError::Order { position: 1, kind: "memory".to_owned() };
    assert_eq!(build([TableKind::Generic, TableKind::Memory]), Err(order));
}

/// Cells of all disclosed tables together, before any of them is read.
#[test]
fn too_many_disclosed_cells() {
    let file = |tables: &[(u32, u32)]| {
        let mut bytes = vec![0; 8];
        bytes.extend((tables.len() as u64).to_le_bytes());
        for (width, rows) in tables {
            bytes.push(18);
            bytes.extend(width.to_le_bytes());
            bytes.extend(rows.to_le_bytes());
            bytes.resize(bytes.len() + (*width as usize * *rows as usize).min(MAX_DISCLOSED_CELLS + 1), 0);
        }
        Layout::decode(&mut Reader::new(&bytes)).map(|layout| layout.disclosed.len())
    };
    assert_eq!(MAX_DISCLOSED_CELLS, 1 << 18);
    assert_eq!(file(&[(4, 1 << 16)]), Ok(1));
    assert_eq!(file(&[(4, 1 << 15), (8, 1 << 14)]), Ok(2));
    let refused =
        |found, limit, offset| Err(CodecError::TooLong { what: "list of disclosed rows", found, limit, offset });
    assert_eq!(file(&[(4, (1 << 16) + 1)]), refused((1 << 18) + 4, 1 << 18, 21));
    assert_eq!(file(&[(4, 1 << 15), (8, (1 << 14) + 1)]), refused((1 << 17) + 8, 1 << 17, 30 + (1 << 17)));
    // More cells than bytes are left.
    let mut bytes = vec![0; 8];
    bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 18, 9, 0, 0, 0, 9, 0, 0, 0, 0]);
    assert!(matches!(Layout::decode(&mut Reader::new(&bytes)), Err(CodecError::Truncated { .. })));
}

/// As long as the shape of tables with the least columns that their kinds have.
#[test]
fn the_least_length_counts_what_is_described() {
    let parameters = Parameters { log_blowup: 1, queries: 5, grinding_bits: 0, log_fold: 3 };
    let least = |kind: TableKind, log_height| {
        Layout { tables: vec![entry(kind, log_height)], disclosed: Vec::new() }.least_proof_len(&parameters)
    };
    let outlined = |width: usize, interactions: usize, log_height| {
        let term = BusTerm { bus: buses::MEMORY, is_pairable: true };
        let outline = Outline {
            name: String::new(),
            log_height,
            width,
            next_columns: Vec::new(),
            periods: Vec::new(),
            constraints: 0,
            interactions: vec![term; interactions],
        };
        Proof::least_len(&Shape::new(&[outline], &parameters))
    };
    assert_eq!(least(TableKind::Generic, 8), outlined(1, 1, 8));
    assert_eq!(least(path(1, 3, Vec::new()), 8), outlined(4, 2, 8));
    assert_eq!(least(path(1, 3, vec![1, 0, 2, 1]), 9), outlined(6, 7, 9));
    assert!(least(TableKind::Generic, 9) > least(TableKind::Generic, 8));
}
