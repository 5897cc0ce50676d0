//! An AIR: the columns of one table, its constraints and its bus interactions, as data.

use crate::expr::{Expr, Tree};
use crate::graph::{Graph, Input, Node, NodeId};
use felt::Felt;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// Highest degree of a constraint: with it the quotient has two chunks and a blow-up of 2 suffices.
pub const MAX_DEGREE: u32 = 3;

/// Longest period of a periodic column. The verifier interpolates one period, so it is kept short.
pub const MAX_PERIOD: usize = 1 << 10;

/// A relation between tables: tuples that tables provide and require. Numbers enter every fingerprint, so tuples of
/// different buses never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bus {
    /// Number, unique in the protocol and never 0.
    pub id: u32,
    /// Name for messages.
    pub name: &'static str,
    /// Entries of a tuple.
    pub arity: usize,
}

/// The rows on which a constraint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Every row; "the next row" of the last one is the first.
    All,
    /// Every row but the last.
    Transition,
    /// The first row.
    First,
    /// The last row.
    Last,
}

impl Rows {
    /// Highest degree for which the quotient still fits two chunks: dividing by a single point removes only one degree.
    pub const fn max_degree(self) -> u32 {
        match self {
            Self::All | Self::Transition => MAX_DEGREE,
            Self::First | Self::Last => MAX_DEGREE - 1,
        }
    }
}

/// `expression = 0` on `rows`.
#[derive(Debug, Clone)]
pub struct Constraint {
    /// Name for messages.
    pub name: String,
    /// Where it holds.
    pub rows: Rows,
    /// The node of the AIR's graph that must vanish.
    pub expression: NodeId,
}

/// A term `multiplicity / (z − fingerprint(bus, tuple))` on every row. Provided tuples carry positive, required ones
/// negative multiplicities; over all tables and the public tuples the terms must sum to zero.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// Name for messages.
    pub name: String,
    /// The bus.
    pub bus: Bus,
    /// Signed multiplicity.
    pub multiplicity: NodeId,
    /// The tuple, of the bus's arity.
    pub tuple: Vec<NodeId>,
}

/// Why a table description is unusable. These are mistakes of whoever writes the AIR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AirError {
    /// Degree above what its rows allow.
    #[error("{air}: constraint `{constraint}` has degree {degree}; the limit on its rows is {limit}")]
    Degree {
        /// Table name.
        air: String,
        /// Constraint name.
        constraint: String,
        /// Its degree.
        degree: u32,
        /// The highest allowed.
        limit: u32,
    },
    /// An interaction whose LogUp constraint would exceed the degree limit.
    #[error(
        "{air}: interaction `{interaction}` has multiplicity of degree {multiplicity} and tuple of degree {tuple}; the limits are 3 and 2"
    )]
    InteractionDegree {
        /// Table name.
        air: String,
        /// Interaction name.
        interaction: String,
        /// Degree of the multiplicity.
        multiplicity: u32,
        /// Degree of the tuple.
        tuple: u32,
    },
    /// A tuple of the wrong length.
    #[error("{air}: interaction `{interaction}` has {found} entries; bus {bus} takes {expected}")]
    Arity {
        /// Table name.
        air: String,
        /// Interaction name.
        interaction: String,
        /// Bus name.
        bus: &'static str,
        /// Entries given.
        found: usize,
        /// Entries of the bus.
        expected: usize,
    },
    /// A periodic column whose period is no power of two up to [`MAX_PERIOD`].
    #[error("{air}: a periodic column has period {period}; it must be a power of two up to {MAX_PERIOD}")]
    Period {
        /// Table name.
        air: String,
        /// The period.
        period: usize,
    },
    /// An expression of another table's builder.
    #[error("{air}: an expression reads a column that the table does not have")]
    UnknownColumn {
        /// Table name.
        air: String,
    },
    /// An interaction reads the next row, which the LogUp columns do not support.
    #[error("{air}: interaction `{interaction}` reads the next row")]
    InteractionReadsNext {
        /// Table name.
        air: String,
        /// Interaction name.
        interaction: String,
    },
}

/// One table's columns, constraints and interactions.
#[derive(Debug, Clone)]
pub struct Air {
    name: String,
    columns: Vec<String>,
    periodic: Vec<Arc<[Felt]>>,
    graph: Graph,
    constraints: Vec<Constraint>,
    interactions: Vec<Interaction>,
    next_columns: Vec<u32>,
}

impl Air {
    /// Name for messages; it enters the transcript.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the main columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of main columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// One period of each periodic column.
    pub fn periodic(&self) -> &[Arc<[Felt]>] {
        &self.periodic
    }

    /// Fewest rows that hold a whole period of every periodic column.
    pub fn min_height(&self) -> usize {
        self.periodic.iter().map(|column| column.len()).max().unwrap_or(1)
    }

    /// The circuit that constraints and interactions point into.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The constraints.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The bus interactions.
    pub fn interactions(&self) -> &[Interaction] {
        &self.interactions
    }

    /// Main columns that some constraint reads on the next row, ascending.
    pub fn next_columns(&self) -> &[u32] {
        &self.next_columns
    }

    /// This AIR without one constraint. For tests that show each constraint to be needed.
    #[must_use]
    pub fn without_constraint(&self, index: usize) -> Self {
        let mut reduced = self.clone();
        reduced.constraints.remove(index);
        reduced
    }

    /// This AIR without one interaction. For tests that show each interaction to be needed.
    #[must_use]
    pub fn without_interaction(&self, index: usize) -> Self {
        let mut reduced = self.clone();
        reduced.interactions.remove(index);
        reduced
    }
}

/// Collects columns, constraints and interactions of one table.
#[derive(Debug)]
pub struct AirBuilder {
    air: Air,
    trees: Vec<Expr>,
    memo: HashMap<*const Tree, NodeId>,
}

impl AirBuilder {
    /// Starts a table.
    pub fn new(name: impl Into<String>) -> Self {
        let air = Air {
            name: name.into(),
            columns: Vec::new(),
            periodic: Vec::new(),
            graph: Graph::default(),
            constraints: Vec::new(),
            interactions: Vec::new(),
            next_columns: Vec::new(),
        };
        Self { air, trees: Vec::new(), memo: HashMap::new() }
    }

    /// Adds a main column; columns are numbered in the order in which they are added.
    pub fn column(&mut self, name: impl Into<String>) -> Expr {
        let index = self.air.columns.len() as u32;
        self.air.columns.push(name.into());
        Expr::new(Tree::Input(Input::Main(index)))
    }

    /// Adds `N` main columns named `name[0]`, `name[1]`, ….
    pub fn columns<const N: usize>(&mut self, name: &str) -> [Expr; N] {
        std::array::from_fn(|i| self.column(format!("{name}[{i}]")))
    }

    /// The value on the next row (of the last row: the first) of an expression over main columns and constants.
    pub fn next(&self, expr: &Expr) -> Expr {
        shift(expr, &mut HashMap::new())
    }

    /// Adds a column known to the verifier: `values` repeated. A period equal to the height is a fixed column.
    pub fn periodic(&mut self, values: Vec<Felt>) -> Expr {
        let index = self.air.periodic.len() as u32;
        self.air.periodic.push(values.into());
        Expr::new(Tree::Input(Input::Periodic(index)))
    }

    /// Demands `expr = 0` on `rows`.
    pub fn constrain(&mut self, name: impl Into<String>, rows: Rows, expr: impl Into<Expr>) {
        let expression = self.node(&expr.into());
        self.air.constraints.push(Constraint { name: name.into(), rows, expression });
    }

    /// Demands that a value is 0 or 1 on every row.
    pub fn constrain_boolean(&mut self, name: impl Into<String>, expr: &Expr) {
        self.constrain(name, Rows::All, expr * (Expr::one() - expr));
    }

    /// Adds the tuple to what tables offer on the bus, `multiplicity` times.
    pub fn provide(
        &mut self,
        name: impl Into<String>,
        bus: Bus,
        multiplicity: impl Into<Expr>,
        tuple: impl IntoIterator<Item = Expr>,
    ) {
        let multiplicity = self.node(&multiplicity.into());
        let tuple = tuple.into_iter().map(|entry| self.node(&entry)).collect();
        self.air.interactions.push(Interaction { name: name.into(), bus, multiplicity, tuple });
    }

    /// Demands the tuple on the bus, `multiplicity` times.
    pub fn require(
        &mut self,
        name: impl Into<String>,
        bus: Bus,
        multiplicity: impl Into<Expr>,
        tuple: impl IntoIterator<Item = Expr>,
    ) {
        self.provide(name, bus, -multiplicity.into(), tuple);
    }

    fn node(&mut self, expr: &Expr) -> NodeId {
        let key = Arc::as_ptr(&expr.0);
        if let Some(&id) = self.memo.get(&key) {
            return id;
        }
        let id = match &*expr.0 {
            Tree::Constant(value) => self.air.graph.constant(value),
            Tree::Input(input) => self.air.graph.input(*input),
            Tree::Add(a, b) => {
                let (a, b) = (self.node(a), self.node(b));
                self.air.graph.add(a, b)
            }
            Tree::Sub(a, b) => {
                let (a, b) = (self.node(a), self.node(b));
                self.air.graph.sub(a, b)
            }
            Tree::Mul(a, b) => {
                let (a, b) = (self.node(a), self.node(b));
                self.air.graph.mul(a, b)
            }
            Tree::Neg(a) => {
                let a = self.node(a);
                self.air.graph.neg(a)
            }
        };
        // The tree is kept alive so that its address cannot be used again.
        self.trees.push(expr.clone());
        self.memo.insert(key, id);
        id
    }

    /// Checks degrees, arities and periods, and finishes the table.
    ///
    /// # Errors
    /// The first [`AirError`] found.
    pub fn build(self) -> Result<Air, AirError> {
        let mut air = self.air;
        let reads = air.graph.nodes().iter().filter_map(|node| match node {
            Node::Input(input) => Some(*input),
            _ => None,
        });
        let known = |input| match input {
            Input::Main(column) | Input::MainNext(column) => (column as usize) < air.columns.len(),
            Input::Periodic(column) => (column as usize) < air.periodic.len(),
            Input::Aux(_) | Input::AuxNext(_) => false,
        };
        if !reads.into_iter().all(known) {
            return Err(AirError::UnknownColumn { air: air.name });
        }
        for constraint in &air.constraints {
            let (degree, limit) = (air.graph.degree(constraint.expression), constraint.rows.max_degree());
            if degree > limit {
                return Err(AirError::Degree { air: air.name, constraint: constraint.name.clone(), degree, limit });
            }
        }
        for interaction in &air.interactions {
            check_interaction(&air, interaction)?;
        }
        if let Some(column) =
            air.periodic.iter().find(|column| !column.len().is_power_of_two() || column.len() > MAX_PERIOD)
        {
            return Err(AirError::Period { air: air.name.clone(), period: column.len() });
        }
        let next = air.graph.nodes().iter().filter_map(|node| match node {
            Node::Input(Input::MainNext(column)) => Some(*column),
            _ => None,
        });
        air.next_columns = next.collect();
        air.next_columns.sort_unstable();
        Ok(air)
    }
}

/// [`AirBuilder::next`]; `memo` holds what was shifted before, since parts of an expression may be shared.
fn shift(expr: &Expr, memo: &mut HashMap<*const Tree, Expr>) -> Expr {
    let key = Arc::as_ptr(&expr.0);
    if let Some(shifted) = memo.get(&key) {
        return shifted.clone();
    }
    let shifted = match &*expr.0 {
        Tree::Input(Input::Main(column)) => Expr::new(Tree::Input(Input::MainNext(*column))),
        Tree::Add(a, b) => shift(a, memo) + shift(b, memo),
        Tree::Sub(a, b) => shift(a, memo) - shift(b, memo),
        Tree::Mul(a, b) => shift(a, memo) * shift(b, memo),
        Tree::Neg(a) => -shift(a, memo),
        // Constants stay; nothing reads two rows ahead, and periodic columns have no next row.
        Tree::Constant(_) | Tree::Input(_) => expr.clone(),
    };
    memo.insert(key, shifted.clone());
    shifted
}

fn check_interaction(air: &Air, interaction: &Interaction) -> Result<(), AirError> {
    let (name, bus) = (interaction.name.clone(), interaction.bus);
    if interaction.tuple.len() != bus.arity {
        let (found, expected) = (interaction.tuple.len(), bus.arity);
        return Err(AirError::Arity { air: air.name.clone(), interaction: name, bus: bus.name, found, expected });
    }
    let multiplicity = air.graph.degree(interaction.multiplicity);
    let tuple = interaction.tuple.iter().map(|entry| air.graph.degree(*entry)).max().unwrap_or(0);
    // Alone in its LogUp column a fraction m/d gives h·d − m.
    if multiplicity > MAX_DEGREE || tuple + 1 > MAX_DEGREE {
        return Err(AirError::InteractionDegree { air: air.name.clone(), interaction: name, multiplicity, tuple });
    }
    let roots = interaction.tuple.iter().chain([&interaction.multiplicity]);
    if roots.into_iter().any(|root| reads_next(&air.graph, *root)) {
        return Err(AirError::InteractionReadsNext { air: air.name.clone(), interaction: name });
    }
    Ok(())
}

/// Whether a node depends on the next row.
pub(crate) fn reads_next(graph: &Graph, root: NodeId) -> bool {
    let mut stack = vec![root];
    // Parts of an expression may be shared many times over.
    let mut seen = vec![false; graph.nodes().len()];
    while let Some(id) = stack.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        match graph.nodes()[id.index()] {
            Node::Input(Input::MainNext(_) | Input::AuxNext(_)) => return true,
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => stack.extend([a, b]),
            Node::Neg(a) => stack.push(a),
            Node::Constant(_) | Node::Input(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shared parts of an expression are shifted once.
    #[test]
    fn next_row_of_a_shared_expression() -> Result<(), AirError> {
        let mut b = AirBuilder::new("test");
        let x = b.column("x");
        let mut sum = &x + 1;
        for _ in 0..100 {
            sum = &sum + &sum;
        }
        b.provide("shared", Bus { id: 5, name: "bus", arity: 1 }, 1, [sum.clone()]);
        b.constrain("doubled", Rows::All, b.next(&sum));
        let air = b.build()?;
        assert_eq!(air.next_columns(), [0]);
        let next = |input| if input == Input::MainNext(0) { Felt::from(6u64) } else { Felt::zero() };
        let values = air.graph().evaluate(next);
        let expected = Felt::from(7u64) * Felt::from(2u64).pow(100u64);
        assert_eq!(values[air.constraints()[0].expression.index()], expected);
        Ok(())
    }
}
