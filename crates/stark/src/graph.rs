//! Arithmetic circuits: the one form in which constraints exist. Prover, verifier, debug checker and degree counter all
//! evaluate the same graph.

use felt::Felt;
use foldhash::HashMap;
use std::collections::BTreeMap;

/// Index of a node in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value that a table supplies at a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Main column on this row.
    Main(u32),
    /// Main column on the next row, cyclically.
    MainNext(u32),
    /// LogUp column on this row.
    Aux(u32),
    /// LogUp column on the next row, cyclically.
    AuxNext(u32),
    /// Periodic column, known to the verifier.
    Periodic(u32),
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    /// A field constant, as limbs of its Montgomery form.
    Constant([u64; 4]),
    /// A value of the row.
    Input(Input),
    /// Sum.
    Add(NodeId, NodeId),
    /// Difference.
    Sub(NodeId, NodeId),
    /// Product.
    Mul(NodeId, NodeId),
    /// Negation.
    Neg(NodeId),
}

/// A circuit whose nodes only refer to earlier ones; equal nodes are stored once and constants are folded.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    degrees: Vec<u32>,
    index: HashMap<Node, NodeId>,
}

impl Graph {
    /// The nodes, each after its operands.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Degree of a node in units of the trace length: constants 0, row values 1.
    pub fn degree(&self, id: NodeId) -> u32 {
        self.degrees[id.index()]
    }

    fn intern(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.index.get(&node) {
            return id;
        }
        let degree = match node {
            Node::Constant(_) => 0,
            Node::Input(_) => 1,
            Node::Add(a, b) | Node::Sub(a, b) => self.degree(a).max(self.degree(b)),
            Node::Mul(a, b) => self.degree(a) + self.degree(b),
            Node::Neg(a) => self.degree(a),
        };
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.degrees.push(degree);
        self.index.insert(node, id);
        id
    }

    /// A constant.
    pub fn constant(&mut self, value: &Felt) -> NodeId {
        self.intern(Node::Constant(felt::encoding::montgomery_limbs(value)))
    }

    /// A value of the row.
    pub fn input(&mut self, input: Input) -> NodeId {
        self.intern(Node::Input(input))
    }

    /// The constant that a node is, if it is one.
    pub fn as_constant(&self, id: NodeId) -> Option<Felt> {
        match self.nodes[id.index()] {
            Node::Constant(limbs) => felt::encoding::from_montgomery_limbs(limbs),
            _ => None,
        }
    }

    /// `a + b`.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(x), Some(y)) => self.constant(&(x + y)),
            (Some(x), None) if x == Felt::zero() => b,
            (None, Some(y)) if y == Felt::zero() => a,
            _ => self.intern(Node::Add(a.min(b), a.max(b))),
        }
    }

    /// `a − b`.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(x), Some(y)) => self.constant(&(x - y)),
            (None, Some(y)) if y == Felt::zero() => a,
            (Some(x), None) if x == Felt::zero() => self.neg(b),
            _ if a == b => self.constant(&Felt::zero()),
            _ => self.intern(Node::Sub(a, b)),
        }
    }

    /// `a · b`.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (a, b) = (a.min(b), a.max(b));
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(x), Some(y)) => self.constant(&(x * y)),
            (Some(x), None) => self.mul_constant(&x, a, b),
            (None, Some(y)) => self.mul_constant(&y, b, a),
            (None, None) => self.intern(Node::Mul(a, b)),
        }
    }

    fn mul_constant(&mut self, value: &Felt, constant: NodeId, other: NodeId) -> NodeId {
        if *value == Felt::zero() {
            constant
        } else if *value == Felt::one() {
            other
        } else if *value == -Felt::one() {
            self.neg(other)
        } else {
            self.intern(Node::Mul(constant.min(other), constant.max(other)))
        }
    }

    /// `−a`.
    pub fn neg(&mut self, a: NodeId) -> NodeId {
        match (self.as_constant(a), &self.nodes[a.index()]) {
            (Some(x), _) => self.constant(&-x),
            (None, Node::Neg(inner)) => *inner,
            (None, _) => self.intern(Node::Neg(a)),
        }
    }

    /// Copies a node of `other` and all below it, renaming inputs. `memo` holds what was copied before.
    pub fn import(
        &mut self,
        other: &Self,
        id: NodeId,
        rename: &impl Fn(Input) -> Input,
        memo: &mut HashMap<NodeId, NodeId>,
    ) -> NodeId {
        // Operands come first, so one pass up to `id` suffices and no recursion can run deep.
        let mut needed = vec![false; id.index() + 1];
        needed[id.index()] = true;
        for i in (0..=id.index()).rev() {
            if needed[i] && !memo.contains_key(&NodeId(i as u32)) {
                match other.nodes[i] {
                    Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => {
                        needed[a.index()] = true;
                        needed[b.index()] = true;
                    }
                    Node::Neg(a) => needed[a.index()] = true,
                    Node::Constant(_) | Node::Input(_) => {}
                }
            }
        }
        for (i, node) in other.nodes[..=id.index()].iter().enumerate() {
            let old = NodeId(i as u32);
            if !needed[i] || memo.contains_key(&old) {
                continue;
            }
            let new = match *node {
                Node::Constant(_) => self.intern(node.clone()),
                Node::Input(input) => self.input(rename(input)),
                Node::Add(a, b) => self.add(memo[&a], memo[&b]),
                Node::Sub(a, b) => self.sub(memo[&a], memo[&b]),
                Node::Mul(a, b) => self.mul(memo[&a], memo[&b]),
                Node::Neg(a) => self.neg(memo[&a]),
            };
            memo.insert(old, new);
        }
        memo[&id]
    }

    /// The value of every node, given the row's values.
    pub fn evaluate(&self, row: impl Fn(Input) -> Felt) -> Vec<Felt> {
        let mut values = vec![Felt::zero(); self.nodes.len()];
        self.evaluate_nodes(0..self.nodes.len(), row, &mut values);
        values
    }

    /// The values of some nodes: each comes after those that it depends on. `values` has a place for every node.
    pub fn evaluate_nodes(
        &self,
        nodes: impl IntoIterator<Item = usize>,
        row: impl Fn(Input) -> Felt,
        values: &mut [Felt],
    ) {
        for index in nodes {
            values[index] = match self.nodes[index] {
                // Only reduced constants are ever interned.
                Node::Constant(limbs) => felt::encoding::from_montgomery_limbs(limbs).unwrap_or_default(),
                Node::Input(input) => row(input),
                Node::Add(a, b) => values[a.index()] + values[b.index()],
                Node::Sub(a, b) => values[a.index()] - values[b.index()],
                Node::Mul(a, b) => values[a.index()] * values[b.index()],
                Node::Neg(a) => -values[a.index()],
            };
        }
    }

    /// The nodes that some others depend on, these included, each after those that it depends on.
    pub fn needed(&self, roots: impl IntoIterator<Item = NodeId>) -> Vec<usize> {
        let mut needed = vec![false; self.nodes.len()];
        for root in roots {
            needed[root.index()] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                match self.nodes[index] {
                    Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => {
                        needed[a.index()] = true;
                        needed[b.index()] = true;
                    }
                    Node::Neg(a) => needed[a.index()] = true,
                    Node::Constant(_) | Node::Input(_) => {}
                }
            }
        }
        (0..self.nodes.len()).filter(|index| needed[*index]).collect()
    }

    /// `scale · id` with the constant pushed through sums down to products and row values, where equal scaled values meet
    /// and are computed once. The constant part is returned apart.
    pub fn scaled(&mut self, scale: &Felt, id: NodeId) -> (Felt, Option<NodeId>) {
        let mut terms: Vec<(NodeId, Felt)> = Vec::new();
        let mut constant = Felt::zero();
        // Operands come before their nodes, so when a node is the last of those left, its coefficient is complete.
        let mut left = BTreeMap::from([(id, *scale)]);
        while let Some((id, scale)) = left.pop_last() {
            let mut add = |id, scale| *left.entry(id).or_insert_with(Felt::zero) += scale;
            match self.nodes[id.index()] {
                Node::Constant(limbs) => {
                    constant += scale * felt::encoding::from_montgomery_limbs(limbs).unwrap_or_default();
                }
                Node::Add(a, b) => {
                    add(a, scale);
                    add(b, scale);
                }
                Node::Sub(a, b) => {
                    add(a, scale);
                    add(b, -scale);
                }
                Node::Neg(a) => add(a, -scale),
                Node::Mul(a, b) => match (self.as_constant(a), self.as_constant(b)) {
                    (Some(c), _) => add(b, scale * c),
                    (_, Some(c)) => add(a, scale * c),
                    _ => terms.push((id, scale)),
                },
                Node::Input(_) => terms.push((id, scale)),
            }
        }
        let mut sum: Option<NodeId> = None;
        for (atom, coefficient) in terms.into_iter().rev() {
            if coefficient == Felt::zero() {
                continue;
            }
            let factor = self.constant(&coefficient);
            let term = self.mul(factor, atom);
            sum = Some(match sum {
                Some(sum) => self.add(sum, term),
                None => term,
            });
        }
        (constant, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that is used again and again is visited once.
    #[test]
    fn scaling_shared_sums() {
        let mut graph = Graph::default();
        let [x, y] = [0, 1].map(|column| graph.input(Input::Main(column)));
        let product = graph.mul(x, y);
        let five = graph.constant(&Felt::from(5u64));
        let mut sum = graph.add(product, five);
        sum = graph.sub(sum, y);
        for _ in 0..100 {
            sum = graph.add(sum, sum);
        }
        let scale = Felt::from(3u64);
        let (constant, scaled) = graph.scaled(&scale, sum);
        let doubled = scale * Felt::from(2u64).pow(100u64);
        assert_eq!(constant, doubled * Felt::from(5u64));
        let values = graph.evaluate(|input| Felt::from(if input == Input::Main(0) { 11u64 } else { 13 }));
        let expected = doubled * Felt::from(11u64 * 13 - 13);
        assert_eq!(scaled.map(|node| values[node.index()]), Some(expected));
        assert_eq!(values[sum.index()] * scale, constant + expected);
        // What cancels is gone.
        let negated = graph.neg(sum);
        let nothing = graph.add(sum, negated);
        assert_eq!(graph.scaled(&scale, nothing), (Felt::zero(), None));
    }
}
