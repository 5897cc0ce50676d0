//! What is refused between a layout and its AIRs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::RunClaim;
use crate::components::{Limb, Path, Word};
use crate::fetch::Fetch;
use crate::layout::TableEntry;
use crate::{ArgumentBinding, Builtin, Segment, fixture};
use felt::Felt;

fn program() -> Program {
    fixture::program(&[Builtin::Output], [fixture::RET], ArgumentBinding::OutputPrefix)
}

fn claim(fetches: &[Fetch]) -> Claim {
    Claim {
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 1,
            final_ap: 16,
            segments: vec![Segment { base: 40, stop: 40 }],
            arguments_start: None,
            output: Vec::new(),
        }],
        owned_end: 1,
        fetches: fetches.to_vec(),
    }
}

/// Padding of the generic table: the word 0, which goes on to the next pc.
fn generic(rows: usize) -> DisclosedTable {
    let mut row = vec![Felt::zero(); 36];
    row[crate::components::generic::Columns::<usize>::positions().next_pc] = Felt::one();
    DisclosedTable { kind: TableKind::Generic, width: 36, cells: row.repeat(rows) }
}

const FETCH: Fetch = Fetch { pc: 7, count: 1 };

fn entry(kind: TableKind, log_height: u32) -> TableEntry {
    TableEntry { kind, log_height }
}

fn build(tables: &[(TableKind, u32)], disclosed: Vec<DisclosedTable>, fetches: &[Fetch]) -> Result<usize, LayoutError> {
    let tables = tables.iter().map(|(kind, log_height)| entry(kind.clone(), *log_height)).collect();
    Layout { tables, disclosed }
        .build(&program(), &claim(fetches))
        .map(|built| built.tables.len() + built.disclosed.len())
}

/// Instructions come from a table or from the claim, bytes from their table, and nothing comes that nobody requires.
#[test]
fn providers_are_there_exactly_if_required() {
    use TableKind::{Generic, Instruction, Memory, NibbleAnd};
    const BYTE: TableKind = TableKind::Limb(Limb::Bits8);
    const WORD12: TableKind = TableKind::Limb(Limb::Bits12);
    const WORD16: TableKind = TableKind::Limb(Limb::Bits16);
    let memory = (Memory, 6);
    let with = |kinds: &[(TableKind, u32)], fetches: &[Fetch]| {
        let mut tables = vec![memory.clone()];
        tables.extend_from_slice(kinds);
        build(&tables, Vec::new(), fetches)
    };
    let provider = |bus, expected, found| Err(LayoutError::Provider { bus, expected, found });
    assert_eq!(with(&[], &[]), Ok(1));
    assert_eq!(with(&[(Instruction, 6), (Generic, 6), (BYTE, 8)], &[]), Ok(4));
    assert_eq!(with(&[(Generic, 6)], &[FETCH]), Ok(2));
    assert_eq!(with(&[(Generic, 6)], &[]), provider(buses::INSTRUCTION, 1, 0));
    assert_eq!(with(&[(Instruction, 6), (Generic, 6)], &[]), provider(buses::BYTE, 1, 0));
    assert_eq!(with(&[(Generic, 6), (BYTE, 8)], &[FETCH]), provider(buses::BYTE, 0, 1));
    assert_eq!(with(&[(Instruction, 6), (Generic, 6), (BYTE, 8)], &[FETCH]), provider(buses::INSTRUCTION, 0, 1));
    assert_eq!(with(&[(Instruction, 6), (BYTE, 8)], &[]), provider(buses::INSTRUCTION, 0, 1));
    assert_eq!(with(&[], &[FETCH]), Err(LayoutError::IdleFetches));
    for (kind, height, bus) in
        [(WORD16, 16, buses::WORD16), (WORD12, 12, buses::WORD12), (NibbleAnd, 8, buses::NIBBLE_AND)]
    {
        assert_eq!(with(&[(kind, height)], &[]), provider(bus, 0, 1));
    }
    // What is disclosed requires and provides like the rest.
    assert_eq!(build(std::slice::from_ref(&memory), vec![generic(1)], &[]), provider(buses::INSTRUCTION, 1, 0));
    assert_eq!(build(std::slice::from_ref(&memory), vec![generic(1)], &[FETCH]), Ok(1));
    let byte = DisclosedTable { kind: BYTE, width: 1, cells: vec![Felt::zero()] };
    assert_eq!(build(&[memory], vec![byte], &[]), provider(buses::BYTE, 0, 1));
}

/// Memory tables have addresses of their own, one after the other; other chunks share an AIR.
#[test]
fn chunks() {
    let memory = || entry(TableKind::Memory, 6);
    let generic = || entry(TableKind::Generic, 6);
    let layout = Layout { tables: vec![memory(), memory(), generic(), generic()], disclosed: Vec::new() };
    let (program, claim) = (program(), Claim { owned_end: 9, ..claim(&[FETCH]) });
    let mut draft = layout.draft(&program, &claim, false).unwrap();
    assert_eq!(draft.outlines().len(), 4);
    let tables = draft.tables().unwrap();
    assert!(Arc::ptr_eq(&tables[2].air, &tables[3].air) && !Arc::ptr_eq(&tables[0].air, &tables[1].air));
    for (table, start) in tables.iter().zip([9, 9 + 512]) {
        // Their first constraint pins the first address.
        let expected = crate::components::memory::air(start).unwrap();
        assert_eq!(stark::describe::describe(&table.air), stark::describe::describe(&expected));
    }
    let named: Vec<_> = tables.iter().map(|table| (table.air.name().to_owned(), table.log_height)).collect();
    let expected = ["memory", "memory", "generic", "generic"].map(|name| (name.to_owned(), 6));
    assert_eq!(named, expected);
}

#[test]
fn disclosed_rows() {
    let memory = || vec![(TableKind::Memory, 6)];
    let refused = |table: DisclosedTable| {
        let kind = table.kind.to_string();
        (kind, build(&memory(), vec![table], &[FETCH]).unwrap_err())
    };
    let cells = |count: usize| vec![Felt::zero(); count];
    let (kind, error) = refused(DisclosedTable { kind: TableKind::Generic, width: 35, cells: cells(35) });
    let width = DisclosedError::Width { found: 35, expected: 36 };
    assert_eq!(error, LayoutError::Disclosed { position: 0, kind, error: width });
    let (kind, error) = refused(DisclosedTable { kind: TableKind::Generic, width: 36, cells: cells(37) });
    let uneven = DisclosedError::Cells { cells: 37, width: 36 };
    assert_eq!(error, LayoutError::Disclosed { position: 0, kind, error: uneven });
    let mut rows = generic(2);
    rows.cells[36] = Felt::from(2_u64);
    let (kind, error) = refused(rows);
    let constraint = DisclosedError::Constraint { constraint: "boolean_enabler".to_owned(), row: 1 };
    assert_eq!(error, LayoutError::Disclosed { position: 0, kind, error: constraint });
    let (_, error) = refused(DisclosedTable { kind: TableKind::Memory, width: 17, cells: cells(17) });
    assert!(matches!(error, LayoutError::Disclosed { error: DisclosedError::NotLocal { .. }, .. }), "{error}");
    // Words too are only tables if there are such words.
    let word = TableKind::Word(Word { flags: 0x7fff, taken: None });
    let (_, error) = refused(DisclosedTable { kind: word.clone(), width: 9, cells: cells(9) });
    assert!(matches!(error, LayoutError::Component { position: 0, .. }), "{error}");
    let error = build(&[(TableKind::Memory, 6), (word, 6)], Vec::new(), &[FETCH]).unwrap_err();
    assert!(matches!(error, LayoutError::Component { position: 1, .. }), "{error}");
    // What the STARK layer has to say of heights.
    let low = build(&[(TableKind::Memory, 5)], Vec::new(), &[]).unwrap_err();
    assert!(matches!(low, LayoutError::Tables(_)), "{low}");
}

/// Each look at the disclosed rows refuses what are no rows, the one for their terms too.
#[test]
fn both_looks_refuse_uneven_rows() {
    let uneven = DisclosedTable { kind: TableKind::Generic, width: 36, cells: vec![Felt::zero(); 37] };
    let layout = Layout { tables: vec![entry(TableKind::Memory, 6)], disclosed: vec![uneven] };
    let (program, claim) = (program(), claim(&[FETCH]));
    let mut draft = layout.draft(&program, &claim, false).unwrap();
    let error = DisclosedError::Cells { cells: 37, width: 36 };
    let refused = LayoutError::Disclosed { position: 0, kind: "generic".to_owned(), error };
    assert_eq!(draft.disclosed_tuples().map(|_| ()), Err(refused.clone()));
    assert_eq!(draft.check_disclosed(), Err(refused));
}

/// Work adds up over the tables, and the last that may be is let in.
#[test]
fn work_disclosed() {
    // 36 columns, 28 constraints and 6 interactions.
    let row: u64 = 36 * 34;
    let most = (MAX_DISCLOSED_WORK / row) as usize;
    assert_eq!(MAX_DISCLOSED_WORK, 1 << 22);
    let memory = || vec![(TableKind::Memory, 6)];
    assert_eq!(build(&memory(), vec![generic(most)], &[FETCH]), Ok(1));
    let too_much = |work| Err(LayoutError::TooMuchDisclosed(work));
    assert_eq!(build(&memory(), vec![generic(most + 1)], &[FETCH]), too_much(row * (most as u64 + 1)));
    // A cell table: 4 columns, one constraint and three interactions.
    let left = (MAX_DISCLOSED_WORK - row * most as u64) / 16;
    let cell =
        |rows: u64| DisclosedTable { kind: TableKind::Cell, width: 4, cells: vec![Felt::zero(); 4 * rows as usize] };
    assert_eq!(build(&memory(), vec![generic(most), cell(left)], &[FETCH]), Ok(1));
    let over = row * most as u64 + 16 * (left + 1);
    assert_eq!(build(&memory(), vec![generic(most), cell(left + 1)], &[FETCH]), too_much(over));
}

/// A disclosed table of a kind that is committed too has its AIR, and its rows give their terms.
#[test]
fn disclosed_terms() {
    let path = Path {
        pc: 7,
        frame: None,
        steps: 1,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: Vec::new(),
    };
    let kind = TableKind::Path(path);
    let (program, claim) = (program(), claim(&[]));
    let width = match &kind {
        TableKind::Path(path) => path.size(&program).unwrap().columns,
        _ => 0,
    };
    let open = DisclosedTable { kind: kind.clone(), width, cells: vec![Felt::one(); width] };
    let layout = Layout { tables: vec![entry(TableKind::Memory, 6), entry(kind, 6)], disclosed: vec![open] };
    let mut draft = layout.draft(&program, &claim, true).unwrap();
    let terms = draft.disclosed_tuples().unwrap();
    // Two states, and the cells of `ret`.
    let buses: Vec<_> = terms.iter().map(|term| term.bus).collect();
    assert_eq!(buses, [buses::STATE, buses::STATE, buses::MEMORY, buses::MEMORY]);
    assert_eq!(terms[0].tuple[0], Felt::from(7_u64));
    assert_eq!(draft.check_disclosed(), Ok(()));
    assert_eq!(draft.tables().unwrap().len(), 2);
    assert_eq!(layout.build(&program, &claim).unwrap().disclosed, terms);
}
