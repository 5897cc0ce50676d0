use super::bitwise::BitwiseSize;
use super::bitwise_row::BitwiseRow;
use super::range::Range;
use super::range_check::Limbs;
use super::range_row::{Entry, ONCE, RangeRow, UNUSED};
use super::*;
use crate::codec::{CodecError, Reader};
use crate::{ArgumentBinding, Builtin, Claim, Program, RunClaim, Segment, buses, fixture};
use felt::{Felt, encoding};
use stark::graph::Node;
use stark::{Air, AirError};
use std::collections::{BTreeMap, BTreeSet};

/// Columns, constraints, interactions, as the READMEs say. A change here is a new protocol version.
#[test]
fn shapes_are_pinned() -> Result<(), AirError> {
    let shape = |air: Air| (air.width(), air.constraints().len(), air.interactions().len());
    assert_eq!(shape(memory::air(1)?), (17, 2, 8));
    assert_eq!(shape(cell::air()?), (4, 1, 3));
    assert_eq!(shape(instruction::air(5)?), (25, 30, 9));
    assert_eq!(shape(generic::air()?), (36, 28, 6));
    assert_eq!(shape(byte::air()?), (1, 0, 1));
    assert_eq!(shape(word16::air()?), (2, 2, 1));
    assert_eq!(shape(word12::air()?), (2, 2, 1));
    assert_eq!(shape(nibble_and::air()?), (1, 0, 1));
    assert_eq!(shape(range_check::bytes::air(1, 2)?), (17, 3, 17));
    assert_eq!(shape(range_check::words12::air(1, 2)?), (12, 3, 13));
    assert_eq!(shape(range_check::words16::air(1, 2)?), (9, 3, 9));
    let segment = Segment { base: 1, stop: 2 };
    for (table, limbs) in range_check96::Table::ALL.into_iter().zip([12, 8, 6]) {
        assert_eq!(shape(table.table(segment)?), (1 + limbs, 3, 1 + limbs), "{table:?}");
    }
    assert_eq!(shape(add_mod::air()?), (44, 6, 40));
    assert_eq!(shape(mul_mod::air()?), (56, 6, 47));
    for (table, limbs) in word96::Table::ALL.into_iter().zip([12, 8, 6]) {
        assert_eq!(shape(table.table()?), (1 + limbs, 0, 1 + limbs), "{table:?}");
    }
    for (size, constraints) in BitwiseSize::ALL.into_iter().zip([6, 10, 10, 10, 12]) {
        assert_eq!(shape(bitwise::air(size, 1, 6)?), (16, constraints, 9), "{size:?}");
    }
    for (bits, limbs, owned, expected) in [
        (4, 1, None, (5, 1, 8)),
        (8, 4, None, (14, 1, 11)),
        (8, 31, None, (95, 1, 38)),
        (8, 32, None, (98, 1, 40)),
        (4, 63, None, (191, 1, 71)),
        (8, 4, Some([0; 5]), (14, 1, 6)),
        (8, 4, Some([1; 5]), (14, 1, 11)),
        (8, 4, Some([1, 1, 2, 3, 0]), (16, 1, 10)),
        (8, 32, Some([2, 3, 4, 5, 6]), (103, 1, 40)),
    ] {
        let row = BitwiseRow::new(bits, limbs, owned).map(|row| row.air()).transpose()?;
        assert_eq!(row.map(shape), Some(expected), "{bits} {limbs} {owned:?}");
    }
    for (cells, expected) in [
        (&[(12, 12, ONCE)][..], (3, 1, 4)),
        (&[(12, 12, 2)], (4, 1, 4)),
        (&[(12, 12, UNUSED)], (3, 1, 3)),
        (&[(12, 12, ONCE); 4], (6, 1, 10)),
        (&[(16, 128, ONCE); 4], (34, 1, 38)),
        (&[(12, 128, ONCE); 4], (46, 1, 54)),
        (&[(16, 16, 2), (16, 128, 3), (16, 128, 2), (12, 72, ONCE)], (27, 1, 29)),
        (&[(8, 128, ONCE); 16], (258, 1, 274)),
    ] {
        let ranges = cells.iter().map(|(bits, width, uses)| Some((Range::new(*bits, *width, 0)?, *uses)));
        let entries = ranges.map(|cell| cell.map(|(range, uses)| Entry { range, uses })).collect::<Option<Vec<_>>>();
        let row = entries.and_then(RangeRow::new).map(|row| row.air()).transpose()?;
        assert_eq!(row.map(shape), Some(expected), "{cells:?}");
    }
    assert_eq!(shape(byte_and::air()?), (19, 3, 16));
    assert_eq!(shape(pedersen::air(1, 4)?), (20, 22, 6));
    assert_eq!(shape(pedersen_points::air()?), (2, 0, 2));
    assert_eq!(shape(ecdsa::air(1, 3)?), (17, 12, 5));
    assert_eq!(shape(ec_op::air(1, 8)?), (38, 11, 34));
    assert_eq!(shape(product::air(product::User::EcOp)?), (14, 25, 1));
    assert_eq!(shape(keccak::air(1, 17)?), (56, 9, 30));
    assert_eq!(shape(keccak_rounds::air()?), (263, 38, 167));
    assert_eq!(shape(keccak_chunks::air()?), (6, 3, 3));
    assert_eq!(shape(keccak_bytes::air()?), (1, 0, 1));
    assert_eq!(shape(poseidon::air(1, 7)?), (18, 26, 2));
    assert_eq!(shape(opcode_extension::air()?), (17, 14, 8));
    assert_eq!(shape(qm31::air()?), (68, 17, 66));
    assert_eq!(shape(blake::air()?), (32, 6, 31));
    assert_eq!(shape(blake_word::air()?), (54, 1, 34));
    assert_eq!(shape(blake_mix::air()?), (98, 10, 43));
    assert_eq!(shape(blake_schedule::air()?), (1, 0, 1));
    Ok(())
}

#[test]
fn columns_are_named_in_order() -> Result<(), AirError> {
    let positions = generic::Columns::positions();
    let air = generic::air()?;
    assert_eq!(air.columns()[positions.enabler], "enabler");
    assert_eq!(air.columns()[positions.flag[14]], "flag[14]");
    assert_eq!(air.columns()[positions.dst_inverse], "dst_inverse");
    assert_eq!(positions.next_fp + 1, generic::WIDTH);
    Ok(())
}

#[test]
fn kinds_have_one_encoding_each() -> Result<(), CodecError> {
    let path = Path {
        pc: 9,
        frame: Some(0),
        steps: 3,
        taken: vec![true],
        targets: vec![7],
        returns: Vec::new(),
        owned: vec![1, 0],
    };
    let range = Range::new(12, 40, 9).ok_or(CodecError::Unknown { what: "range", found: 0, offset: 0 })?;
    let row = |owned| BitwiseRow::new(8, 4, owned).ok_or(CodecError::Unknown { what: "row", found: 0, offset: 0 });
    let cells =
        |ranges: Vec<Range>| RangeRow::once(ranges).ok_or(CodecError::Unknown { what: "cells", found: 0, offset: 0 });
    let described = [
        TableKind::Word(Word { flags: 0x4806, taken: None }),
        TableKind::Path(path),
        TableKind::OwningWord(OwningWord { word: Word { flags: 0x480a, taken: None }, at_ap: Some(0), owned: vec![1] }),
        TableKind::Range(range),
        TableKind::BitwiseRow(row(None)?),
        TableKind::BitwiseRow(row(Some([1, 1, 2, 0, 3]))?),
        TableKind::RangeRow(cells(vec![range])?),
        TableKind::RangeRow(cells(vec![range; 16])?),
    ];
    let mut kinds: Vec<TableKind> = TableKind::plain().chain(described).collect();
    let mut bytes = Vec::new();
    kinds.iter().for_each(|kind| kind.encode(&mut bytes));
    let mut reader = Reader::new(&bytes);
    for kind in &kinds {
        assert_eq!(TableKind::decode(&mut reader, 0)?, *kind);
    }
    assert!(reader.rest().is_empty());
    // The bytes, and the order in layouts, belong to the protocol: new kinds get new bytes, and stand where they like.
    kinds.sort();
    let codes: Vec<u8> = kinds.iter().map(|kind| kind.component().code()).collect();
    assert_eq!(
        codes,
        [
            1, 2, 3, 4, 5, 20, 18, 6, 7, 12, 8, 9, 13, 10, 19, 11, 14, 15, 16, 17, 34, 35, 36, 32, 33, 37, 49, 50, 51,
            52, 48, 64, 65, 66, 70, 71, 67, 68, 69, 80, 81, 82, 83, 84, 85, 53, 53, 54, 26, 26
        ]
    );
    for code in (0..=u8::MAX).filter(|code| !codes.contains(code)) {
        let refused = TableKind::decode(&mut Reader::new(&[code]), 0);
        assert_eq!(refused, Err(CodecError::Unknown { what: "table kind", found: code.into(), offset: 0 }));
    }
    Ok(())
}

/// Names are those of messages and of `docs/TABLES.md`.
#[test]
fn plain_kinds_have_names() {
    let names: Vec<String> = TableKind::plain().map(|kind| kind.to_string()).collect();
    let expected = "memory instruction generic cell byte word16 word12 nibble_and range_check8 range_check12 range_check16 \
                    bitwise bitwise16 bitwise32 bitwise64 bitwise128 pedersen pedersen_points ecdsa ec_op ec_op_product ecdsa_product keccak keccak_rounds keccak_chunks keccak_bytes poseidon \
                    range_check96_8 range_check96_12 range_check96_16 add_mod mul_mod word96_8 word96_12 word96_16 opcode_extension qm31 blake blake_word blake_mix blake_schedule byte_and";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    assert!(TableKind::plain().is_sorted());
}

/// Each builtin has a table that walks its segment, but for the output, which is public memory.
#[test]
fn builtins_have_tables() {
    for builtin in Builtin::ALL {
        let has_table = TableKind::plain().any(|kind| kind.component().occurrence() == Occurrence::Builtin(builtin));
        assert_eq!(has_table, builtin != Builtin::Output, "{builtin}");
    }
}

/// No two families provide for one bus. Kinds of one family may: the layout counts them together, so that one of them must be there.
#[test]
fn each_bus_has_one_provider() {
    let buses = TableKind::plain().filter_map(|kind| match kind.component().occurrence() {
        Occurrence::IfRequired(bus) => Some((bus.id, std::mem::discriminant(&kind))),
        Occurrence::AsNeeded | Occurrence::Builtin(_) => None,
    });
    let mut buses: Vec<_> = buses.collect();
    buses.sort_by_key(|(bus, _)| *bus);
    buses.dedup();
    let count = buses.len();
    buses.dedup_by_key(|(bus, _)| *bus);
    assert_eq!(buses.len(), count);
}

/// A program with all builtins, and the claim that it used one instance of each.
fn one_of_each() -> (Program, Claim) {
    let program = fixture::program(&Builtin::ALL, [fixture::RET], ArgumentBinding::OutputPrefix);
    let segments = (2..).zip(Builtin::ALL).map(|(place, builtin)| {
        let base = 20 * place;
        Segment { base, stop: base + builtin.cells_per_instance() }
    });
    let claim = Claim {
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 1,
            final_ap: 300,
            segments: segments.collect(),
            arguments_start: None,
            output: vec![Felt::zero()],
        }],
        owned_end: 1,
        fetches: Vec::new(),
    };
    (program, claim)
}

/// All tables that have nothing but their names.
fn airs() -> Vec<(String, Air)> {
    let (program, claim) = one_of_each();
    let context = Context { program: &program, claim: &claim, memory_start: 1 };
    let air = |kind: TableKind| (kind.to_string(), kind.component().air(context).expect("all kinds exist"));
    TableKind::plain().map(air).collect()
}

/// Tuples of two buses never meet: numbers, names and arities are each bus's own.
#[test]
fn buses_are_apart() {
    let airs = airs();
    let all = airs.iter().flat_map(|(_, air)| air.interactions().iter().map(|interaction| interaction.bus));
    let mut buses: Vec<_> = all.chain(Builtin::ALL.into_iter().filter_map(buses::walk)).collect();
    buses.sort_by_key(|bus| bus.id);
    buses.dedup();
    for pair in buses.windows(2) {
        assert_ne!(pair[0].id, pair[1].id);
    }
    let mut names: Vec<_> = buses.iter().map(|bus| bus.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), buses.len());
}

/// Who provides on a bus decides what is required on it: `buses.rs` argues from these tables, and the derived ones, which provide states and
/// their own cells, and tables of ranges and range rows, which do the same.
#[test]
fn providers_of_each_bus() {
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, air) in airs() {
        for interaction in air.interactions() {
            // What is required has the negative of a multiplicity that is positive, here as in every table.
            let minus_one = encoding::montgomery_limbs(&-Felt::one());
            let required = match &air.graph().nodes()[interaction.multiplicity.index()] {
                Node::Neg(_) => true,
                Node::Constant(value) => *value == minus_one,
                _ => false,
            };
            if !required {
                found.entry(interaction.bus.name).or_default().insert(name.clone());
            }
        }
    }
    let found: Vec<(&str, String)> =
        found.into_iter().map(|(bus, names)| (bus, names.into_iter().collect::<Vec<_>>().join(" "))).collect();
    let expected = [
        ("add_mod", "add_mod"),
        ("blake_cells", "blake_word"),
        ("blake_message", "blake_word"),
        ("blake_schedule", "blake_schedule"),
        ("blake_word", "blake blake_mix blake_word"),
        ("byte", "byte"),
        ("byte_and", "byte_and"),
        ("ec_op_product", "ec_op_product"),
        ("ecdsa_product", "ecdsa_product"),
        ("instruction", "instruction"),
        ("keccak_byte", "keccak_bytes"),
        ("keccak_chunk", "keccak_chunks"),
        ("keccak_lane", "keccak keccak_rounds"),
        ("memory", "cell memory"),
        ("mul_mod", "mul_mod"),
        ("nibble_and", "nibble_and"),
        ("opcode_extension", "opcode_extension"),
        ("owned", "cell"),
        ("pedersen_point", "pedersen_points"),
        ("state", "blake generic qm31"),
        ("word12", "word12"),
        ("word16", "word16"),
        ("word96", "word96_12 word96_16 word96_8"),
    ];
    assert_eq!(found, expected.map(|(bus, names)| (bus, names.to_owned())));
}

/// The kinds whose rows may be disclosed: those whose READMEs argue about each row by itself. Path, word and owning word tables are all built alike.
#[test]
fn kinds_that_may_be_disclosed() {
    let (program, claim) = one_of_each();
    let is_local = |kind: TableKind| {
        let air = kind.component().air(Context { program: &program, claim: &claim, memory_start: 1 });
        air.expect("all kinds exist").check_local().is_ok()
    };
    let path = Path {
        pc: 7,
        frame: None,
        steps: 1,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: Vec::new(),
    };
    let range = Range::new(12, 40, 9).expect("a range");
    let cells = RangeRow::once([range, range]).expect("cells");
    use TableKind as Kind;
    let word = Word { flags: 0x4806, taken: None };
    let owning = OwningWord { word, at_ap: Some(0), owned: vec![1] };
    let derived = [Kind::Word(word), Kind::OwningWord(owning), Kind::Path(path), Kind::Range(range)];
    let rows = [(8, 32, None), (4, 5, Some([1, 1, 2, 3, 0]))];
    let rows = rows.map(|(bits, limbs, owned)| Kind::BitwiseRow(BitwiseRow::new(bits, limbs, owned).expect("a row")));
    let fixed =
        [Kind::Instruction, Kind::Generic, Kind::Cell, Kind::Limb(Limb::Bits8), Kind::NibbleAnd, Kind::PedersenPoints];
    let keccak = [Kind::KeccakChunks, Kind::KeccakBytes];
    let modular = [Kind::AddMod, Kind::MulMod].into_iter().chain(word96::Table::ALL.map(Kind::Word96));
    let extensions =
        [Kind::OpcodeExtension, Kind::Qm31, Kind::Blake, Kind::BlakeWord, Kind::BlakeMix, Kind::BlakeSchedule];
    for kind in derived
        .into_iter()
        .chain(fixed)
        .chain(keccak)
        .chain(modular)
        .chain(extensions)
        .chain(rows)
        .chain([Kind::ByteAnd, Kind::RangeRow(cells)])
    {
        assert!(is_local(kind.clone()), "{kind}");
    }
    let tied = [
        Kind::Memory,
        Kind::Limb(Limb::Bits16),
        Kind::Limb(Limb::Bits12),
        Kind::RangeCheck(Limbs::Bytes),
        Kind::RangeCheck(Limbs::Words12),
        Kind::RangeCheck(Limbs::Words16),
    ];
    let bitwise = [
        Kind::Bitwise(BitwiseSize::Any),
        Kind::Bitwise(BitwiseSize::Bits16),
        Kind::Bitwise(BitwiseSize::Bits32),
        Kind::Bitwise(BitwiseSize::Bits64),
        Kind::Bitwise(BitwiseSize::Bits128),
    ];
    let curve = [
        Kind::Pedersen,
        Kind::Ecdsa,
        Kind::Product(product::User::Ecdsa),
        Kind::EcOp,
        Kind::Product(product::User::EcOp),
        Kind::Keccak,
        Kind::KeccakRounds,
        Kind::Poseidon,
    ];
    let checked = range_check96::Table::ALL.map(Kind::RangeCheck96);
    for kind in tied.into_iter().chain(bitwise).chain(curve).chain(checked) {
        assert!(!is_local(kind.clone()), "{kind}");
    }
}
