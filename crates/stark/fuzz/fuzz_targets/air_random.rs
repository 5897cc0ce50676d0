//! Random small AIRs with random traces: the prover never panics, and the verifier accepts exactly what the debug checker
//! finds clean.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use arbitrary::{Result, Unstructured};
use common::{System, parameters};
use felt::Felt;
use libfuzzer_sys::fuzz_target;
use stark::{AirBuilder, Bus, Expr, Parameters, PublicTuple, Rows, Table, debug};
use std::sync::Arc;

const BUSES: [Bus; 3] = [
    Bus { id: 1, name: "none", arity: 0 },
    Bus { id: 2, name: "one", arity: 1 },
    Bus { id: 3, name: "two", arity: 2 },
];

fn small(u: &mut Unstructured<'_>) -> Result<Felt> {
    let value = Felt::from(u64::from(u.int_in_range(0..=4u8)?));
    Ok(if u.ratio(1, 4)? { -value } else { value })
}

/// Sums and products of the given parts.
fn expression(u: &mut Unstructured<'_>, parts: &[Expr], depth: u8) -> Result<Expr> {
    if depth == 0 || parts.is_empty() || u.ratio(1, 3)? {
        return Ok(if parts.is_empty() || u.ratio(1, 5)? { Expr::from(small(u)?) } else { u.choose(parts)?.clone() });
    }
    let (a, b) = (expression(u, parts, depth - 1)?, expression(u, parts, depth - 1)?);
    Ok(match u.int_in_range(0..=3)? {
        0 => a + b,
        1 => a - b,
        2 => a * b,
        _ => -a,
    })
}

fn rows(u: &mut Unstructured<'_>) -> Result<Rows> {
    Ok(*u.choose(&[Rows::All, Rows::Transition, Rows::First, Rows::Last])?)
}

/// A table and a trace: constant or repeating columns, with a few cells changed.
fn table(u: &mut Unstructured<'_>) -> Result<Option<(Table, Vec<Vec<Felt>>)>> {
    let mut b = AirBuilder::new("random");
    let log_height = u.int_in_range(6..=8)?;
    let height = 1usize << log_height;
    let (mut parts, mut trace) = (Vec::new(), Vec::new());
    for _ in 0..u.int_in_range(0..=4)? {
        parts.push(b.column("column"));
        let period = 1usize << u.int_in_range(0..=2)?;
        let values = (0..period).map(|_| small(u)).collect::<Result<Vec<_>>>()?;
        let mut column: Vec<_> = values.iter().cycle().take(height).copied().collect();
        if u.ratio(1, 8)? {
            let row = *u.choose(&[0, 1, height / 2, height - 2, height - 1])?;
            column[row] = small(u)?;
        }
        trace.push(column);
    }
    let columns = parts.clone();
    for _ in 0..u.int_in_range(0..=2)? {
        let period = 1usize << u.int_in_range(0..=2)?;
        parts.push(b.periodic((0..period).map(|_| small(u)).collect::<Result<_>>()?));
    }
    let mut with_next = parts.clone();
    with_next.extend(columns.iter().map(|column| b.next(column)));
    for _ in 0..u.int_in_range(0..=3)? {
        let rows = rows(u)?;
        // Differences of equal values hold, so that some random constraints do.
        let expression = match (u.ratio(1, 2)?, columns.is_empty()) {
            (true, false) => {
                let column = u.choose(&columns)?;
                let x = if u.ratio(1, 2)? { b.next(column) } else { column.clone() };
                (&x - small(u)?) * (&x - small(u)?)
            }
            _ => expression(u, &with_next, 3)?,
        };
        b.constrain("random", rows, expression);
    }
    for _ in 0..u.int_in_range(0..=3)? {
        let bus = *u.choose(&BUSES)?;
        let multiplicity = expression(u, &parts, 2)?;
        let tuple = (0..bus.arity).map(|_| expression(u, &parts, 2)).collect::<Result<Vec<_>>>()?;
        b.provide("random", bus, &multiplicity, tuple.clone());
        if u.ratio(7, 8)? {
            b.require("random", bus, multiplicity, tuple);
        }
    }
    Ok(b.build().ok().map(|air| (Table { air: Arc::new(air), log_height }, trace)))
}

fn system(u: &mut Unstructured<'_>) -> Result<Option<(System, Parameters)>> {
    let mut system = System { tables: vec![], traces: vec![], public: vec![] };
    for _ in 0..u.int_in_range(1..=3)? {
        let Some((table, trace)) = table(u)? else { return Ok(None) };
        system.tables.push(table);
        system.traces.push(trace);
    }
    if u.ratio(1, 8)? {
        let bus = *u.choose(&BUSES)?;
        let tuple = (0..bus.arity).map(|_| small(u)).collect::<Result<_>>()?;
        system.public.push(PublicTuple { bus, multiplicity: small(u)?, tuple });
    }
    let log_blowup = u.int_in_range(1..=2)?;
    let log_fold = u.int_in_range(1..=3)?;
    Ok(Some((system, Parameters { log_blowup, log_fold, queries: 3, ..parameters() })))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(Some((system, parameters))) = system(&mut Unstructured::new(bytes)) else { return };
    let report = debug::check(&system.tables, &system.traces, &system.public);
    let proof = system.prove(&parameters).expect("bounds hold");
    let answer = system.verify(&parameters, &proof);
    assert_eq!(answer.is_ok(), report.is_clean(), "{answer:?} {report}");
});
