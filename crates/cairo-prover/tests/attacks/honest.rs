//! Honest runs, from which forgeries begin.

use super::*;

/// An honest run with output, range checks and bitwise (of small inputs), all steps in the generic table.
pub fn honest() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
        generic_witness(execution("cairo0/args3", Some(arguments)))
    })
}

/// The same run with 12-bit limbs.
pub fn honest12() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| with_12_bit_limbs(honest()))
}

/// The limbs that runs with more range checks have, instead of bytes.
pub fn with_12_bit_limbs(honest: &Witness) -> Witness {
    let mut forger = Forger::new(honest);
    let segment = forger.range_check();
    let cells = forger.column(&TableKind::Memory, "address").len() * memory::CELLS;
    let mut values: Vec<Felt> = (1..=cells as u64).map(|address| forger.memory(address)).collect();
    values.insert(0, Felt::zero());
    let multiplicities = Multiplicities::new(values.len());
    let position = forger.position(&TableKind::RangeCheck(Limbs::Bytes));
    let Witness { layout, traces, .. } = &mut forger.0;
    let entry = &mut layout.tables[position];
    entry.kind = TableKind::RangeCheck(Limbs::Words12);
    traces[position] = fill_words12(&values, segment, entry.log_height, &multiplicities, &NoControl).unwrap();
    let position = layout.tables.partition_point(|entry| entry.kind < TableKind::Limb(Limb::Bits12));
    layout.tables.insert(position, TableEntry { kind: TableKind::Limb(Limb::Bits12), log_height: word12::LOG_HEIGHT });
    traces.insert(position, word12_witness::fill(&multiplicities));
    forger.reclaim();
    forger.balance();
    forger.0
}

/// The planner's model where no table is disclosed.
pub fn all_committed(execution: &Execution) -> Costs {
    Costs { disclosed_terms: 0, ..Costs::new(execution, DEFAULT_COLUMNS) }
}

/// The same kind of run with tables as the planner chooses them.
pub fn planned() -> &'static Witness {
    static PLANNED: OnceLock<Witness> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
        let steps = plan(&execution, &all_committed(&execution)).tables;
        witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
    })
}

/// The same with the cells above those of the paths in a memory table.
pub fn planned_with_memory() -> &'static Witness {
    static PLANNED: OnceLock<Witness> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let mut forger = Forger::new(planned());
        let end = forger.path_cells().into_iter().map(|(cell, ..)| cell + 1).max().unwrap();
        forger.share(end as u32);
        forger.reclaim();
        forger.balance();
        forger.0
    })
}

pub fn small(value: u64) -> Felt {
    Felt::from(value)
}

pub fn integer(value: &Felt) -> u64 {
    encoding::to_u64(value).expect("small")
}
