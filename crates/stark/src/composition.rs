//! The constraints of a height group as one circuit: every table's constraints, the LogUp constraints that its
//! interactions give rise to, and their random combination. The prover runs it over the LDE domain; the verifier, which needs one
//! point, computes the same with values.

use crate::air::{Bus, Rows};
use crate::graph::{Graph, Input, NodeId};
use crate::shape::{Fraction, Group};
use crate::table::{PublicTuple, Table};
use felt::Felt;
use foldhash::{HashMap, HashMapExt};

/// The challenges of the bus argument.
#[derive(Debug, Clone, Copy)]
pub struct BusChallenges {
    /// The point at which the sum of fractions is compared.
    pub z: Felt,
    /// Compresses tuples.
    pub alpha: Felt,
}

impl BusChallenges {
    /// `z − (bus + α·t_1 + α²·t_2 + …)`. The bus number keeps tuples of different buses apart.
    pub fn denominator(&self, tuple: &PublicTuple) -> Felt {
        self.difference(tuple.bus, tuple.tuple.iter())
    }

    /// [`denominator`](Self::denominator) of these entries.
    pub fn difference<'a>(&self, bus: Bus, entries: impl DoubleEndedIterator<Item = &'a Felt>) -> Felt {
        let compressed = entries.rev().fold(Felt::zero(), |sum, entry| (sum + *entry) * self.alpha);
        self.z - Felt::from(u64::from(bus.id)) - compressed
    }
}

/// Constraint sums by the rows on which they vanish; each is a node of the circuit.
#[derive(Debug, Clone, Copy)]
pub struct Sums {
    /// Vanishes on every row.
    pub all: NodeId,
    /// Vanishes on every row but the last.
    pub transition: NodeId,
    /// Vanishes on the first row.
    pub first: NodeId,
    /// Vanishes on the last row.
    pub last: NodeId,
}

impl Sums {
    /// The four nodes in the order all, transition, first, last.
    pub const fn roots(&self) -> [NodeId; 4] {
        [self.all, self.transition, self.first, self.last]
    }
}

/// Builds the circuits of one group.
#[derive(Debug)]
pub struct Composition<'a> {
    group: &'a Group,
    tables: Vec<&'a Table>,
    challenges: BusChallenges,
    /// The circuit.
    pub graph: Graph,
    memos: Vec<HashMap<NodeId, NodeId>>,
}

impl<'a> Composition<'a> {
    /// An empty circuit for `group` of the proof's `tables`.
    pub fn new(group: &'a Group, tables: &'a [Table], challenges: BusChallenges) -> Self {
        let tables: Vec<_> = group.tables.iter().map(|&position| &tables[position]).collect();
        let memos = vec![HashMap::new(); tables.len()];
        Self { group, tables, challenges, graph: Graph::default(), memos }
    }

    fn import(&mut self, table: usize, id: NodeId) -> NodeId {
        let (main, periodic) = (self.group.offsets[table] as u32, self.group.periodic_offsets[table] as u32);
        let rename = |input| match input {
            Input::Main(column) => Input::Main(column + main),
            Input::MainNext(column) => Input::MainNext(column + main),
            Input::Periodic(column) => Input::Periodic(column + periodic),
            Input::Aux(_) | Input::AuxNext(_) => input,
        };
        self.graph.import(self.tables[table].air.graph(), id, &rename, &mut self.memos[table])
    }

    /// The multiplicity and the denominator of a fraction.
    pub fn fraction(&mut self, fraction: Fraction) -> (NodeId, NodeId) {
        let interaction = &self.tables[fraction.table].air.interactions()[fraction.interaction];
        let multiplicity = self.import(fraction.table, interaction.multiplicity);
        let mut constant = self.challenges.z - Felt::from(u64::from(interaction.bus.id));
        let mut power = Felt::one();
        let mut compressed: Option<NodeId> = None;
        for &entry in &interaction.tuple {
            power *= self.challenges.alpha;
            let entry = self.import(fraction.table, entry);
            let (scaled_constant, scaled) = self.graph.scaled(&power, entry);
            constant = constant - scaled_constant;
            compressed = match (compressed, scaled) {
                (Some(sum), Some(term)) => Some(self.graph.add(sum, term)),
                (sum, term) => sum.or(term),
            };
        }
        let constant = self.graph.constant(&constant);
        let denominator = match compressed {
            Some(sum) => self.graph.sub(constant, sum),
            None => constant,
        };
        (multiplicity, denominator)
    }

    /// Numerator and denominator of the sum of one batch of fractions.
    pub fn batch(&mut self, batch: &[Fraction]) -> (NodeId, NodeId) {
        let mut sum: Option<(NodeId, NodeId)> = None;
        for &fraction in batch {
            let (m, d) = self.fraction(fraction);
            sum = Some(match sum {
                None => (m, d),
                // m1/d1 + m2/d2; rows that use one multiplicity for both need one product fewer.
                Some((m1, d1)) if m1 == m => {
                    let both = self.graph.add(d1, d);
                    (self.graph.mul(m, both), self.graph.mul(d1, d))
                }
                Some((m1, d1)) => {
                    let (left, right) = (self.graph.mul(m1, d), self.graph.mul(m, d1));
                    (self.graph.add(left, right), self.graph.mul(d1, d))
                }
            });
        }
        // A batch is never empty; an empty sum is 0/1.
        sum.unwrap_or_else(|| (self.graph.constant(&Felt::zero()), self.graph.constant(&Felt::one())))
    }

    /// The LogUp constraints. Column `k` but the last holds the sum of batch `k`: `h·D − M = 0`. The last is the running sum
    /// `S` of all batches, cyclic because the group's total `T` is spread over the rows: `S(gx) − S(x) + T/N` equals the sum
    /// of all batches at `x`, of which the last is written out.
    fn lookup_constraints(&mut self, total: &Felt) -> Vec<NodeId> {
        let Some((last, others)) = self.group.batches.split_last() else { return Vec::new() };
        let mut constraints = Vec::with_capacity(others.len() + 1);
        // N is a power of two below p, so its inverse exists.
        let share = *total * Felt::from(self.group.height() as u64).inv().unwrap_or_default();
        let running = self.graph.input(Input::Aux(others.len() as u32));
        let next = self.graph.input(Input::AuxNext(others.len() as u32));
        let step = self.graph.sub(next, running);
        let share = self.graph.constant(&share);
        let mut rest = self.graph.add(step, share);
        for (column, batch) in others.iter().enumerate() {
            let helper = self.graph.input(Input::Aux(column as u32));
            rest = self.graph.sub(rest, helper);
            let (numerator, denominator) = self.batch(batch);
            let product = self.graph.mul(helper, denominator);
            constraints.push(self.graph.sub(product, numerator));
        }
        let (numerator, denominator) = self.batch(last);
        let product = self.graph.mul(rest, denominator);
        constraints.push(self.graph.sub(product, numerator));
        constraints
    }

    /// Adds all constraints and combines them with powers of `lambda`.
    pub fn constraints(&mut self, total: &Felt, lambda: &Felt) -> Sums {
        let mut listed: Vec<(Rows, NodeId)> = Vec::with_capacity(self.group.constraints);
        for table in 0..self.tables.len() {
            let air = &self.tables[table].air;
            for constraint in air.constraints() {
                let node = self.import(table, constraint.expression);
                listed.push((constraint.rows, node));
            }
        }
        listed.extend(self.lookup_constraints(total).into_iter().map(|node| (Rows::All, node)));
        let zero = self.graph.constant(&Felt::zero());
        let mut sums = [zero; 4];
        let mut power = Felt::one();
        for (rows, node) in listed {
            let sum = match rows {
                Rows::All => 0,
                Rows::Transition => 1,
                Rows::First => 2,
                Rows::Last => 3,
            };
            let factor = self.graph.constant(&power);
            let term = self.graph.mul(factor, node);
            sums[sum] = self.graph.add(sums[sum], term);
            power *= *lambda;
        }
        let [all, transition, first, last] = sums;
        Sums { all, transition, first, last }
    }
}
