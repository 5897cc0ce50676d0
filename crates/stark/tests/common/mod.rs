//! A small system of three tables of different heights that uses every feature of the crate: squares looked up in a table
//! of squares, a counter with boundary constraints, a periodic column, public tuples.

#![allow(dead_code, clippy::unwrap_used)]

use felt::Felt;
use stark::{AirBuilder, Bus, Expr, Parameters, PublicTuple, Rows, Table};
use std::sync::Arc;

pub const SQUARES: Bus = Bus { id: 1, name: "squares", arity: 2 };
pub const CHAIN: Bus = Bus { id: 2, name: "chain", arity: 2 };

/// A system of tables with an honest witness.
#[derive(Clone)]
pub struct System {
    pub tables: Vec<Table>,
    pub traces: Vec<Vec<Vec<Felt>>>,
    pub public: Vec<PublicTuple>,
}

/// Cheap parameters for tests of everything but the number of queries.
pub fn parameters() -> Parameters {
    Parameters { log_blowup: 1, queries: 8, grinding_bits: 4, log_fold: 3 }
}

/// `(n, n²)` for n below the height, with multiplicities.
fn squares(log_height: u32) -> Table {
    let mut b = AirBuilder::new("squares");
    let n = b.column("n");
    let multiplicity = b.column("multiplicity");
    b.constrain("starts at 0", Rows::First, &n);
    b.constrain("counts", Rows::Transition, b.next(&n) - &n - 1);
    b.constrain("ends", Rows::Last, &n - ((1u64 << log_height) - 1));
    b.provide("entry", SQUARES, multiplicity, [n.clone(), &n * &n]);
    Table { air: Arc::new(b.build().unwrap()), log_height }
}

/// Walks `x → x + x² mod 2^16`-free chain: state (step, value) with value' = value·small(step) + step.
fn chain(log_height: u32) -> Table {
    let mut b = AirBuilder::new("chain");
    let on = b.column("on");
    let step = b.column("step");
    let value = b.column("value");
    let root = b.column("root");
    let square = b.column("square");
    let parity = b.periodic(vec![Felt::zero(), Felt::one()]);
    b.constrain_boolean("on is boolean", &on);
    b.constrain("root follows parity", Rows::All, &on * (&root - &parity - &parity * 2));
    b.require("square", SQUARES, &on, [root.clone(), square.clone()]);
    b.require("state", CHAIN, &on, [step.clone(), value.clone()]);
    let next = &value * &root + &square;
    b.provide("next state", CHAIN, &on, [&step + 1, next]);
    Table { air: Arc::new(b.build().unwrap()), log_height }
}

/// Three tables: the squares, and the chain in two chunks of different heights.
pub fn system(log_squares: u32, log_chains: [u32; 2], used: [usize; 2]) -> System {
    let tables = vec![squares(log_squares), chain(log_chains[0]), chain(log_chains[1])];
    let mut counts = vec![0u64; 1 << log_squares];
    let (mut step, mut value) = (0u64, Felt::from(7u64));
    let first = vec![Felt::zero(), value];
    let mut traces = Vec::new();
    for (log, used) in log_chains.into_iter().zip(used) {
        let mut columns = vec![Vec::new(); 5];
        for row in 0..1usize << log {
            let root = if row % 2 == 1 { 3u64 } else { 0 };
            let on = row < used;
            let entries = [u64::from(on), step, 0, root, root * root].map(Felt::from);
            for (column, entry) in columns.iter_mut().zip(entries) {
                column.push(entry);
            }
            columns[2][row] = value;
            if on {
                counts[root as usize] += 1;
                value = value * Felt::from(root) + Felt::from(root * root);
                step += 1;
            }
        }
        traces.push(columns);
    }
    let n = (0..1u64 << log_squares).map(Felt::from).collect();
    traces.insert(0, vec![n, counts.into_iter().map(Felt::from).collect()]);
    let public = vec![
        PublicTuple::provide(CHAIN, first),
        PublicTuple::require(CHAIN, vec![Felt::from(step), value]),
    ];
    System { tables, traces, public }
}

pub fn small() -> System {
    system(6, [8, 7], [200, 100])
}

/// Keeps the compiler from calling the import unused where only some tests use it.
pub fn unused(_: Expr) {}
