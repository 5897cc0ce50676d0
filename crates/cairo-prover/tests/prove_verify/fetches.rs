//! Instructions counted in the claim.

use super::*;

/// The generic witness of the first program with its instructions counted in the claim.
fn listed_witness() -> Witness {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let execution = execution("cairo0/args3", Some(arguments));
    let steps = all_generic(&execution);
    witness(execution, PROVER, steps, MAX_FETCHES, &NoControl).unwrap()
}

/// Instructions counted in the claim in place of an instruction table.
#[test]
fn fetches() {
    let honest = listed_witness();
    assert!(!honest.layout.tables.iter().any(|table| table.kind == TableKind::Instruction));
    let (statement, listed) = (honest.statement.clone(), honest.claim.fetches.clone());
    assert!(listed.len() > 10, "{}", listed.len());
    let honest = Honest { statement: statement.clone(), proof: proof_of(honest) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));

    let refuse = |change: &dyn Fn(&mut Vec<Fetch>)| match honest.changed(|p| change(&mut p.claim.fetches)) {
        Err(VerifyError::Claim(ClaimError::Fetches(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(&|list| list.swap(0, 1)), FetchError::Order(listed[0].pc));
    assert_eq!(refuse(&|list| list.insert(0, listed[0])), FetchError::Order(listed[0].pc));
    assert_eq!(refuse(&|list| list[3].count = 0), FetchError::Unused(listed[3].pc));
    let end = statement.program.execution_base();
    assert_eq!(refuse(&|list| list.push(Fetch { pc: end, count: 1 })), FetchError::Outside(end));
    let last = Fetch { pc: statement.program.final_pc(), count: 1 };
    let position = listed.partition_point(|fetch| fetch.pc < last.pc);
    assert_eq!(refuse(&|list| list.insert(position, last)), FetchError::Final(last.pc));

    // A table beside the list, a list that nobody reads, and neither.
    let table = TableEntry { kind: TableKind::Instruction, log_height: 6 };
    let both = honest.changed(|p| p.layout.tables.insert(1, table.clone()));
    let provider = |expected, found| LayoutError::Provider { bus: buses::INSTRUCTION, expected, found };
    assert_eq!(both, Err(VerifyError::Layout(provider(0, 1))));
    let idle = honest.changed(|p| p.layout.tables.retain(|table| table.kind != TableKind::Generic));
    assert_eq!(idle, Err(VerifyError::Layout(LayoutError::IdleFetches)));
    let neither = honest.changed(|p| p.claim.fetches.clear());
    assert_eq!(neither, Err(VerifyError::Layout(provider(1, 0))));
    let mut long = honest.proof.clone();
    long.claim.fetches = (1..).take(MAX_FETCHES + 1).map(|pc| Fetch { pc, count: 1 }).collect();
    refused!(honest.bytes(&long.encode()), VerifyError::File(ProofFileError::Codec(CodecError::TooLong { .. })));
}

/// False lists, proven in earnest: the prover commits to each before it draws a challenge.
#[test]
fn false_fetches_do_not_balance() {
    let honest = listed_witness();
    let executed: Vec<u32> = honest.claim.fetches.iter().map(|fetch| fetch.pc).collect();
    let program = honest.statement.program.clone();
    let mut unused = (1..program.execution_base()).map(|pc| Fetch { pc, count: 1 });
    let unused = unused.find(|fetch| !executed.contains(&fetch.pc) && fetch.tuple(&program).is_ok()).unwrap();
    let position = executed.partition_point(|pc| *pc < unused.pc);
    type Change<'a> = &'a dyn Fn(&mut Vec<Fetch>);
    let changes: [Change<'_>; 5] = [
        &|list| list[4].count += 1,
        &|list| list.last_mut().unwrap().count = u32::MAX,
        &|list| {
            list.remove(2);
        },
        &|list| list.insert(position, unused),
        // Nothing wraps at 2^32.
        &|list| list[0].count = list[0].count.wrapping_neg(),
    ];
    for change in changes {
        let mut false_claim = honest.clone();
        change(&mut false_claim.claim.fetches);
        false_claim.public = public_tuples(&false_claim.statement, &false_claim.claim, &false_claim.layout);
        let statement = false_claim.statement.clone();
        let found = verify(&statement, &proof_of(false_claim).encode(), &Policy::default());
        assert_eq!(found, Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }
    // And a table that executes another instruction than the program has.
    for column in ["immediate", "flag[5]", "offset[1]", "pc"] {
        let mut other = honest.clone();
        let (names, trace) = common::table(&mut other, &TableKind::Generic);
        let column = names.iter().position(|name| name == column).unwrap();
        trace[column][1] += Felt::one();
        let statement = other.statement.clone();
        let found = verify(&statement, &proof_of(other).encode(), &Policy::default());
        assert_eq!(found, Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }
}
