//! Systems of tables with honest witnesses. [`features`] uses everything the crate offers: constraints on all kinds of rows up
//! to the highest degrees, next-row reads, periodic columns in constraints and tuples, tuples of degree 2, multiplicities
//! of degree 3, paired and lonely fractions, a table without interactions, tables of one height and of different heights.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::needless_range_loop)]

pub mod forge;
pub mod mutation;
pub mod random_air;
pub mod tiny;
pub mod tree;

use felt::Felt;
use stark::{
    Air, AirBuilder, Bus, NoControl, Parameters, Proof, ProveError, PublicTuple, Rows, Shape, Table, VerifyError,
    least_memory, peak_memory, prove, prove_within, verify,
};
use std::sync::Arc;

pub const SQUARES: Bus = Bus { id: 1, name: "squares", arity: 2 };
pub const CHAIN: Bus = Bus { id: 2, name: "chain", arity: 2 };
pub const PAIRS: Bus = Bus { id: 3, name: "pairs", arity: 2 };

/// What the tests bind their proofs to.
pub const CONTEXT: &[u8] = b"context";

/// A system of tables with a witness.
#[derive(Clone)]
pub struct System {
    pub tables: Vec<Table>,
    pub traces: Vec<Vec<Vec<Felt>>>,
    pub public: Vec<PublicTuple>,
}

impl System {
    pub fn prove(&self, parameters: &Parameters) -> Result<Proof, ProveError> {
        prove(&self.tables, self.traces.clone(), &self.public, CONTEXT, parameters, &NoControl)
    }

    /// The proof that is made within so many bytes.
    pub fn prove_within(&self, limit: u64, parameters: &Parameters) -> Proof {
        let System { tables, traces, public } = self;
        prove_within(limit, tables, traces.clone(), public, CONTEXT, parameters, &NoControl).unwrap()
    }

    /// The same proof comes out of less memory.
    pub fn prove_in_less(&self, parameters: &Parameters, proof: &Proof) {
        let shape = Shape::new(&self.tables, parameters);
        let (least, most) = (least_memory(&shape), peak_memory(&shape));
        assert!(least <= most);
        for limit in [0, least + (most - least) / 3, most - 1] {
            assert!(self.prove_within(limit, parameters) == *proof, "another proof in {limit} of {most} bytes");
        }
    }

    pub fn verify(&self, parameters: &Parameters, proof: &Proof) -> Result<(), VerifyError> {
        verify(&self.tables, &self.public, CONTEXT, parameters, proof)
    }

    /// A cell of the witness, by the names of table position and column.
    pub fn cell(&mut self, table: usize, column: &str, row: usize) -> &mut Felt {
        let column = self.tables[table].air.columns().iter().position(|name| name == column).unwrap();
        &mut self.traces[table][column][row]
    }

    /// Replaces the AIR of one table.
    pub fn with_air(&self, table: usize, air: Air) -> Self {
        let mut system = self.clone();
        system.tables[table].air = Arc::new(air);
        system
    }
}

/// Cheap parameters for tests of everything but the number of queries.
pub fn parameters() -> Parameters {
    Parameters { log_blowup: 1, queries: 8, grinding_bits: 4, log_fold: 3 }
}

pub fn felt(value: u64) -> Felt {
    Felt::from(value)
}

/// `(n, n²)` for n below the height, with multiplicities.
fn squares(log_height: u32) -> Table {
    let mut b = AirBuilder::new("squares");
    let n = b.column("n");
    let multiplicity = b.column("multiplicity");
    b.constrain("starts at 0", Rows::First, &n);
    b.constrain("counts", Rows::Transition, b.next(&n) - &n - 1);
    b.provide("entry", SQUARES, multiplicity, [n.clone(), &n * &n]);
    Table { air: Arc::new(b.build().unwrap()), log_height }
}

/// A walk `(step, value) → (step + 1, value·root + root²)` where `root` is 0 on even rows and 3 on odd ones.
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
    // These two share a LogUp column and its multiplicity.
    b.require("square", SQUARES, &on, [root.clone(), square.clone()]);
    b.require("state", CHAIN, &on, [step.clone(), value.clone()]);
    let next = &value * &root + &square;
    b.provide("next state", CHAIN, &on, [&step + 1, next]);
    Table { air: Arc::new(b.build().unwrap()), log_height }
}

/// Three tables: the squares, and the chain in two chunks of different heights, the first `used` rows of which are on.
pub fn system(log_squares: u32, log_chains: [u32; 2], used: [usize; 2]) -> System {
    let tables = vec![squares(log_squares), chain(log_chains[0]), chain(log_chains[1])];
    let mut counts = vec![0u64; 1 << log_squares];
    let (mut step, mut value) = (0u64, felt(7));
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
                value = value * felt(root) + felt(root * root);
                step += 1;
            }
        }
        traces.push(columns);
    }
    let n = (0..1u64 << log_squares).map(Felt::from).collect();
    traces.insert(0, vec![n, counts.into_iter().map(Felt::from).collect()]);
    let public = vec![PublicTuple::provide(CHAIN, first), PublicTuple::require(CHAIN, vec![felt(step), value])];
    System { tables, traces, public }
}

pub fn small() -> System {
    system(6, [8, 7], [200, 100])
}

const GADGET_LOG_HEIGHT: u32 = 7;
const GADGET_HEIGHT: usize = 1 << GADGET_LOG_HEIGHT;

fn octave(row: usize) -> Felt {
    felt([3, 1, 4, 1, 5, 9, 2, 6][row % 8])
}

fn fixed(row: usize) -> Felt {
    felt((row * row + 1) as u64)
}

/// Columns of [`gadgets`] in order.
const GADGET_COLUMNS: [&str; 17] =
    ["a", "b", "c", "w", "s", "first", "last", "q", "on", "g", "x", "y", "m", "r", "u", "v", "extra"];

/// One constraint or interaction of each kind that the other tables lack.
fn gadgets() -> Table {
    let mut builder = AirBuilder::new("gadgets");
    let [a, b, c, w, s, first, last, q, on, g, x, y, m, r, u, v, extra] =
        GADGET_COLUMNS.map(|name| builder.column(name));
    let octave = builder.periodic((0..8).map(octave).collect());
    let fixed = builder.periodic((0..GADGET_HEIGHT).map(fixed).collect());
    builder.constrain("product", Rows::All, &c - &a * &a * &b);
    builder.constrain("alternates", Rows::All, builder.next(&(&w * &w)) + &w - 1);
    builder.constrain("accumulates", Rows::Transition, builder.next(&s) - &s - &a * &b * &octave);
    builder.constrain("first", Rows::First, &first * &first - 4);
    builder.constrain("last", Rows::Last, &last * &last - 9);
    builder.constrain("fixed", Rows::All, &q - &fixed);
    // Each alone in its LogUp column: a tuple of degree 2, a multiplicity of degree 3.
    builder.require("degree 2", SQUARES, &on, [a.clone(), &a * &a]);
    builder.require("cubed multiplicity", SQUARES, &g * &g * &g, [x, y]);
    // Two of different multiplicities in one column, with a periodic column in a tuple, and one that the next table's joins.
    builder.provide("left", PAIRS, &m, [q, octave]);
    builder.require("right", PAIRS, &r, [u.clone(), v.clone()]);
    builder.provide("extra", PAIRS, &extra, [u, v]);
    Table { air: Arc::new(builder.build().unwrap()), log_height: GADGET_LOG_HEIGHT }
}

fn gadget_trace(counts: &mut [Felt]) -> Vec<Vec<Felt>> {
    let mut columns: Vec<Vec<Felt>> = vec![Vec::new(); GADGET_COLUMNS.len()];
    let mut sum = felt(5);
    for row in 0..GADGET_HEIGHT {
        let (a, b, x) = (row % 8, row + 1, row % 4);
        let (on, g) = (row % 3 == 0, row % 5 == 0);
        counts[a] += felt(u64::from(on));
        counts[x] += felt(u64::from(g));
        let (m, r, extra) = (row < 10, (20..30).contains(&row) || row == 41, row == 40);
        let (u, v) = if row < 35 { (fixed(row.abs_diff(20)), octave(row.abs_diff(20))) } else { (felt(77), felt(78)) };
        let first = if row == 0 { 2 } else { row };
        let last = if row == GADGET_HEIGHT - 1 { 3 } else { row };
        let small = |value: usize| felt(value as u64);
        let flag = |on: bool| felt(u64::from(on));
        let entries = [
            small(a),
            small(b),
            small(a * a * b),
            small(row % 2),
            sum,
            small(first),
            small(last),
            fixed(row),
            flag(on),
            flag(g),
            small(x),
            small(x * x),
            flag(m),
            flag(r),
            u,
            v,
            flag(extra),
        ];
        for (column, entry) in columns.iter_mut().zip(entries) {
            column.push(entry);
        }
        sum += small(a * b) * octave(row);
    }
    columns
}

/// A table without interactions: `z → z² + 1` from 1.
fn idle(log_height: u32) -> (Table, Vec<Vec<Felt>>) {
    let mut b = AirBuilder::new("idle");
    let z = b.column("z");
    b.constrain("starts at 1", Rows::First, &z - 1);
    b.constrain("squares up", Rows::Transition, b.next(&z) - &z * &z - 1);
    let column =
        std::iter::successors(Some(Felt::one()), |z| Some(*z * *z + Felt::one())).take(1 << log_height).collect();
    (Table { air: Arc::new(b.build().unwrap()), log_height }, vec![column])
}

fn add_features(mut system: System) -> System {
    let mut gadget = gadget_trace(&mut system.traces[0][1]);
    let (idle, idle_trace) = idle(9);
    // Before the second chain, so that the two share a group and a pair of fractions goes across the tables.
    system.tables.insert(2, gadgets());
    system.traces.insert(2, std::mem::take(&mut gadget));
    system.tables.push(idle);
    system.traces.push(idle_trace);
    system
}

/// Positions of the tables of [`features`].
pub const SQUARES_TABLE: usize = 0;
pub const CHAIN_TABLES: [usize; 2] = [1, 3];
pub const GADGETS_TABLE: usize = 2;
pub const IDLE_TABLE: usize = 4;

/// Five tables that use every feature, in four groups: idle (2^9 rows), chain (2^8), gadgets and chain (2^7), squares (2^6).
pub fn features() -> System {
    add_features(small())
}

/// [`features`] with all buses silent but for a public tuple that cancels itself.
pub fn quiet() -> System {
    let mut system = add_features(system(6, [8, 7], [0, 0]));
    for column in ["on", "g", "m", "r", "extra"] {
        for row in 0..GADGET_HEIGHT {
            *system.cell(GADGETS_TABLE, column, row) = Felt::zero();
        }
    }
    for row in 0..64 {
        *system.cell(SQUARES_TABLE, "multiplicity", row) = Felt::zero();
    }
    system
}
