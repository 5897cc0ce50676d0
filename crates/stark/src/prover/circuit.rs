//! A graph compiled to straight-line code over packed field elements: dead nodes dropped, sums of products reduced once, registers
//! reused.

use crate::graph::{Graph, Input, Node, NodeId};
use felt::Felt;
use felt::packed::{MAX_PRODUCTS, MAX_VALUES, Packed};
use foldhash::{HashMap, HashMapExt};

/// Where an operand stands: a constant or working register, or, with the highest bit set, an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(u32);

impl Place {
    const INPUT: u32 = 1 << 31;

    /// The index in memory of which the inputs of this run begin `offset` places behind those of the first one.
    #[inline(always)]
    fn index(self, offset: usize) -> usize {
        (self.0 & !Self::INPUT) as usize + (self.0 >> 31) as usize * offset
    }
}

/// One instruction.
#[derive(Debug, Clone, Copy)]
enum Op {
    Add(Place, Place),
    Sub(Place, Place),
    Mul(Place, Place),
    Neg(Place),
    Sum(Counts),
}

/// A sum takes as many operands from the list: two for each product, first those of negative products, then of positive ones, then
/// values to subtract, then values to add.
#[derive(Debug, Clone, Copy)]
struct Counts {
    negative: u8,
    positive: u8,
    minus: u8,
    plus: u8,
}

/// Straight-line code. Its memory holds the constants first, then working registers, then inputs.
#[derive(Debug)]
pub struct Circuit {
    ops: Vec<(Op, u32)>,
    operands: Vec<Place>,
    constants: Vec<Felt>,
    inputs: Vec<Input>,
    outputs: Vec<Place>,
    registers: usize,
}

/// How much arithmetic a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arithmetic {
    /// Products of field elements, before reduction.
    pub products: u64,
    /// Reductions of a product or a sum of products.
    pub reductions: u64,
    /// Sums and differences of two elements, before carrying. Those of products among each other belong to the products.
    pub additions: u64,
    /// Carries: one for each sum without products. A sum of products carries when it is reduced.
    pub carries: u64,
}

impl Circuit {
    /// Compiles the nodes that `roots` depend on.
    pub fn compile(graph: &Graph, roots: &[NodeId]) -> Self {
        Plan::new(graph, roots).allocate()
    }

    /// The row values that the code reads.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Arithmetic of a run.
    pub fn arithmetic(&self) -> Arithmetic {
        self.ops.iter().fold(Arithmetic::default(), |sum, (op, _)| {
            let (products, values) = match op {
                Op::Mul(..) => (1, 0),
                Op::Sum(counts) => (
                    u64::from(counts.negative) + u64::from(counts.positive),
                    u64::from(counts.minus) + u64::from(counts.plus),
                ),
                Op::Add(..) | Op::Sub(..) => (0, 2),
                Op::Neg(_) => (0, 1),
            };
            let carries = u64::from(products == 0);
            Arithmetic {
                products: sum.products + products,
                reductions: sum.reductions + 1 - carries,
                // The first of values alone is added to nothing.
                additions: sum.additions + values - carries,
                carries: sum.carries + carries,
            }
        })
    }

    /// Memory with the constants in place, for the inputs of `runs` runs.
    #[inline(always)]
    pub fn memory<P: Packed>(&self, runs: usize) -> Vec<[P; 2]> {
        let len = self.registers + runs * self.inputs.len();
        let mut memory = vec![[P::broadcast(&Felt::zero()); 2]; len];
        for (place, constant) in memory.iter_mut().zip(&self.constants) {
            *place = [P::broadcast(constant); 2];
        }
        memory
    }

    /// Where in memory input `k` of a run belongs; the inputs are in the order of [`Circuit::inputs`].
    pub fn input(&self, run: usize, k: usize) -> usize {
        self.registers + run * self.inputs.len() + k
    }

    /// Runs the code for two packs of rows, those whose inputs are number `run`.
    ///
    /// No closures here: what they contain is not compiled with the kernel's instructions.
    #[inline(always)]
    pub fn run<P: Packed>(&self, memory: &mut [[P; 2]], run: usize) {
        let offset = run * self.inputs.len();
        let mut operands = self.operands.as_slice();
        for &(op, target) in &self.ops {
            let result = match op {
                Op::Add(a, b) => {
                    let (a, b) = (&memory[a.index(offset)], &memory[b.index(offset)]);
                    [a[0].add(b[0]), a[1].add(b[1])]
                }
                Op::Sub(a, b) => {
                    let (a, b) = (&memory[a.index(offset)], &memory[b.index(offset)]);
                    [a[0].sub(b[0]), a[1].sub(b[1])]
                }
                Op::Mul(a, b) => {
                    let (a, b) = (&memory[a.index(offset)], &memory[b.index(offset)]);
                    [a[0].mul(b[0]), a[1].mul(b[1])]
                }
                Op::Neg(a) => {
                    let a = &memory[a.index(offset)];
                    [a[0].neg(), a[1].neg()]
                }
                Op::Sum(counts) => {
                    let (these, rest) = operands.split_at(counts.operands());
                    operands = rest;
                    sum(memory, offset, counts, these)
                }
            };
            memory[target as usize] = result;
        }
    }

    /// The values of root `k` after run number `run`.
    #[inline(always)]
    pub fn output<P: Packed>(&self, memory: &[[P; 2]], run: usize, k: usize) -> [P; 2] {
        memory[self.outputs[k].index(run * self.inputs.len())]
    }
}

impl Counts {
    #[inline(always)]
    fn operands(self) -> usize {
        2 * (usize::from(self.negative) + usize::from(self.positive)) + usize::from(self.minus) + usize::from(self.plus)
    }
}

#[inline(always)]
fn sum<P: Packed>(memory: &[[P; 2]], offset: usize, counts: Counts, operands: &[Place]) -> [P; 2] {
    let (negative, rest) = operands.split_at(2 * usize::from(counts.negative));
    let (positive, rest) = rest.split_at(2 * usize::from(counts.positive));
    let (minus, plus) = rest.split_at(usize::from(counts.minus));
    let mut sums = [P::empty_sum(); 2];
    if !negative.is_empty() {
        sums = add_products(memory, offset, sums, negative);
        sums = [P::negate_sum(sums[0]), P::negate_sum(sums[1])];
    }
    sums = add_products(memory, offset, sums, positive);
    for value in minus {
        let value = &memory[value.index(offset)];
        sums = [P::subtract_value(sums[0], value[0]), P::subtract_value(sums[1], value[1])];
    }
    for value in plus {
        let value = &memory[value.index(offset)];
        sums = [P::add_value(sums[0], value[0]), P::add_value(sums[1], value[1])];
    }
    if negative.is_empty() && positive.is_empty() {
        [P::total_of_values(sums[0]), P::total_of_values(sums[1])]
    } else {
        [P::total(sums[0]), P::total(sums[1])]
    }
}

#[inline(always)]
fn add_products<P: Packed>(memory: &[[P; 2]], offset: usize, mut sums: [P::Sum; 2], pairs: &[Place]) -> [P::Sum; 2] {
    for pair in pairs.chunks_exact(2) {
        let (a, b) = (&memory[pair[0].index(offset)], &memory[pair[1].index(offset)]);
        sums = [P::add_product(sums[0], a[0], b[0]), P::add_product(sums[1], a[1], b[1])];
    }
    sums
}

/// A value of the code before registers are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Constant(u32),
    Input(u32),
    /// What the step with this number gives.
    Step(u32),
}

/// A sum of products and values with signs; other operations are the simplest of sums.
#[derive(Debug, Default)]
struct Terms {
    negative: Vec<[Value; 2]>,
    positive: Vec<[Value; 2]>,
    minus: Vec<Value>,
    plus: Vec<Value>,
}

impl Terms {
    fn operands(&self) -> impl Iterator<Item = Value> {
        let products = self.negative.iter().chain(&self.positive).flatten();
        products.chain(&self.minus).chain(&self.plus).copied()
    }
}

/// A step and when its operands are there: after the step of this node.
#[derive(Debug)]
struct Step {
    after: usize,
    terms: Terms,
}

/// Steps, each giving a value of its own. A node takes one step; a sum is one step with all products and sums below it that are used
/// nowhere else, or several if it is long.
struct Plan {
    steps: Vec<Step>,
    constants: Vec<Felt>,
    constant_values: HashMap<[u64; 4], Value>,
    inputs: Vec<Input>,
    roots: Vec<Value>,
}

impl Plan {
    fn new(graph: &Graph, roots: &[NodeId]) -> Self {
        let nodes = graph.nodes();
        let mut uses = vec![0u32; nodes.len()];
        let mut used_by_sum = vec![false; nodes.len()];
        roots.iter().for_each(|root| uses[root.index()] += 1);
        for i in (0..nodes.len()).rev() {
            if uses[i] > 0 {
                for operand in operands(&nodes[i]) {
                    uses[operand.index()] += 1;
                    used_by_sum[operand.index()] = !matches!(nodes[i], Node::Mul(..));
                }
            }
        }
        let mut plan = Self {
            steps: Vec::new(),
            constants: Vec::new(),
            constant_values: HashMap::new(),
            inputs: Vec::new(),
            roots: Vec::new(),
        };
        let mut values: Vec<Option<Value>> = vec![None; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            values[i] = match node {
                _ if uses[i] == 0 => None,
                Node::Constant(limbs) => Some(plan.constant(*limbs)),
                Node::Input(input) => {
                    plan.inputs.push(*input);
                    Some(Value::Input(plan.inputs.len() as u32 - 1))
                }
                // A part of the sum that uses it.
                _ if uses[i] == 1 && used_by_sum[i] => None,
                _ => Some(plan.node(graph, NodeId(i as u32), &values)),
            };
        }
        plan.roots = roots.iter().filter_map(|root| values[root.index()]).collect();
        plan
    }

    fn constant(&mut self, limbs: [u64; 4]) -> Value {
        let next = Value::Constant(self.constants.len() as u32);
        let value = *self.constant_values.entry(limbs).or_insert(next);
        if value == next {
            // Graphs hold reduced constants only.
            self.constants.push(felt::encoding::from_montgomery_limbs(limbs).unwrap_or_default());
        }
        value
    }

    /// The step of a node, given the values of those before it that are not parts of other steps.
    fn node(&mut self, graph: &Graph, id: NodeId, values: &[Option<Value>]) -> Value {
        let (mut products, mut others) = (Vec::new(), Vec::new());
        let mut left = vec![(id, false)];
        while let Some((id, minus)) = left.pop() {
            if let Some(value) = values[id.index()] {
                others.push((value, minus));
                continue;
            }
            match graph.nodes()[id.index()] {
                Node::Add(a, b) => left.extend([(a, minus), (b, minus)]),
                Node::Sub(a, b) => left.extend([(a, minus), (b, !minus)]),
                Node::Neg(a) => left.push((a, !minus)),
                Node::Mul(a, b) => {
                    // A negative product by a constant is a positive one by its opposite.
                    let opposite = |plan: &mut Self, node| {
                        let constant = graph.as_constant(node).filter(|_| minus)?;
                        Some(plan.constant(felt::encoding::montgomery_limbs(&-constant)))
                    };
                    let opposite_a = opposite(self, a);
                    let opposite_b = if opposite_a.is_none() { opposite(self, b) } else { None };
                    let minus = minus && opposite_a.is_none() && opposite_b.is_none();
                    // Factors are never parts of a sum, so they have values.
                    if let (Some(x), Some(y)) = (opposite_a.or(values[a.index()]), opposite_b.or(values[b.index()])) {
                        products.push(([x, y], minus));
                    }
                }
                // They have values.
                Node::Constant(_) | Node::Input(_) => {}
            }
        }
        self.terms(id.index(), products, others)
    }

    /// Adds the step of a sum and, before it, steps for parts of it that are too long for one.
    fn terms(&mut self, node: usize, mut products: Vec<([Value; 2], bool)>, mut values: Vec<(Value, bool)>) -> Value {
        // Parts are taken as soon as their operands are there, so that no more values wait than must.
        products.sort_by_key(|([a, b], _)| self.after(*a).max(self.after(*b)));
        values.sort_by_key(|(value, _)| self.after(*value));
        while products.len() > MAX_PRODUCTS {
            let part = self.step(products.drain(..MAX_PRODUCTS).collect(), Vec::new(), None);
            values.push((part, false));
        }
        while values.len() > MAX_VALUES {
            let part = self.step(Vec::new(), values.drain(..MAX_VALUES).collect(), None);
            values.push((part, false));
        }
        self.step(products, values, Some(node))
    }

    /// Adds a step after that of a node, by default after the last of its operands.
    fn step(&mut self, products: Vec<([Value; 2], bool)>, values: Vec<(Value, bool)>, after: Option<usize>) -> Value {
        let mut terms = Terms::default();
        for (factors, minus) in products {
            if minus { terms.negative.push(factors) } else { terms.positive.push(factors) }
        }
        for (value, minus) in values {
            if minus { terms.minus.push(value) } else { terms.plus.push(value) }
        }
        let after = after.or_else(|| terms.operands().map(|value| self.after(value)).max()).unwrap_or_default();
        self.steps.push(Step { after, terms });
        Value::Step(self.steps.len() as u32 - 1)
    }

    fn after(&self, value: Value) -> usize {
        match value {
            Value::Constant(_) | Value::Input(_) => 0,
            Value::Step(step) => self.steps[step as usize].after,
        }
    }

    /// Orders the steps and gives out registers.
    fn allocate(self) -> Circuit {
        // A step comes after its operands: they were added before, for nodes not after its own, and sorting keeps that order.
        let mut order: Vec<u32> = (0..self.steps.len() as u32).collect();
        order.sort_by_key(|step| self.steps[*step as usize].after);
        let mut uses = vec![0u32; self.steps.len()];
        let mut count = |value| {
            if let Value::Step(step) = value {
                uses[step as usize] += 1;
            }
        };
        self.steps.iter().flat_map(|step| step.terms.operands()).for_each(&mut count);
        // A root is used once more than any operand, so its register is never given away.
        self.roots.iter().copied().for_each(&mut count);
        let mut registers = self.constants.len() as u32;
        let mut register = vec![u32::MAX; self.steps.len()];
        let mut free: Vec<u32> = Vec::new();
        let (mut ops, mut listed) = (Vec::with_capacity(order.len()), Vec::new());
        // Inputs are put behind the registers when their number is known.
        let place = |register: &[u32], value| match value {
            Value::Constant(constant) => Place(constant),
            Value::Input(input) => Place(input | Place::INPUT),
            Value::Step(step) => Place(register[step as usize]),
        };
        for number in order {
            let terms = &self.steps[number as usize].terms;
            let at = |value| place(&register, value);
            let op = match (&terms.negative[..], &terms.positive[..], &terms.minus[..], &terms.plus[..]) {
                ([], [[a, b]], [], []) => Op::Mul(at(*a), at(*b)),
                ([], [], [], [a, b]) => Op::Add(at(*a), at(*b)),
                ([], [], [b], [a]) => Op::Sub(at(*a), at(*b)),
                ([], [], [a], []) => Op::Neg(at(*a)),
                (negative, positive, minus, plus) => {
                    listed.extend(terms.operands().map(at));
                    let [negative, positive] = [negative, positive].map(|list| list.len() as u8);
                    let [minus, plus] = [minus, plus].map(|list| list.len() as u8);
                    Op::Sum(Counts { negative, positive, minus, plus })
                }
            };
            for value in terms.operands() {
                if let Value::Step(step) = value {
                    uses[step as usize] -= 1;
                    if uses[step as usize] == 0 {
                        free.push(register[step as usize]);
                    }
                }
            }
            register[number as usize] = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            ops.push((op, register[number as usize]));
        }
        let outputs = self.roots.iter().map(|root| place(&register, *root)).collect();
        let mut circuit = Circuit {
            ops,
            operands: listed,
            constants: self.constants,
            inputs: self.inputs,
            outputs,
            registers: registers as usize,
        };
        circuit.place_inputs(registers);
        circuit
    }
}

impl Circuit {
    /// Puts inputs, counted from 0 so far, behind the registers.
    fn place_inputs(&mut self, registers: u32) {
        let inputs = |place: &mut Place| {
            if place.0 & Place::INPUT != 0 {
                place.0 += registers;
            }
        };
        for (op, _) in &mut self.ops {
            match op {
                Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) => [a, b].into_iter().for_each(inputs),
                Op::Neg(a) => inputs(a),
                Op::Sum(_) => {}
            }
        }
        self.operands.iter_mut().chain(&mut self.outputs).for_each(inputs);
    }
}

fn operands(node: &Node) -> impl Iterator<Item = NodeId> {
    let (a, b) = match *node {
        Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => (Some(a), Some(b)),
        Node::Neg(a) => (Some(a), None),
        Node::Constant(_) | Node::Input(_) => (None, None),
    };
    a.into_iter().chain(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use felt::packed::{WithPacked, dispatch_each};

    /// Runs a circuit twice, on the rows of two pairs of packs: input `k` is `values[k]` plus the number of the row. Gives the outputs
    /// of each row.
    #[derive(Clone, Copy)]
    struct Rows<'a>(&'a Circuit, &'a [Felt]);

    impl WithPacked for Rows<'_> {
        type Output = Vec<Vec<Felt>>;

        #[inline(always)]
        fn run<P: Packed>(self) -> Self::Output {
            let Rows(circuit, values) = self;
            let mut memory = circuit.memory::<P>(2);
            let mut outputs = vec![Vec::new(); 4 * P::WIDTH];
            for (k, value) in values.iter().enumerate() {
                for pack in 0..4 {
                    let first = (pack * P::WIDTH) as u64;
                    let rows: Vec<_> = (first..first + P::WIDTH as u64).map(|row| value + Felt::from(row)).collect();
                    memory[circuit.input(pack / 2, k)][pack % 2] = P::load(&rows);
                }
            }
            for run in 0..2 {
                circuit.run(&mut memory, run);
                for k in 0..circuit.outputs.len() {
                    for (pack, output) in circuit.output(&memory, run, k).into_iter().enumerate() {
                        let mut rows = vec![Felt::zero(); P::WIDTH];
                        output.store(&mut rows);
                        for (row, value) in rows.into_iter().enumerate() {
                            outputs[(run * 2 + pack) * P::WIDTH + row].push(value);
                        }
                    }
                }
            }
            outputs
        }
    }

    /// Compiles, runs on every kernel, and compares with the graph's own evaluation.
    fn check(graph: &Graph, roots: &[NodeId]) -> Circuit {
        let circuit = Circuit::compile(graph, roots);
        let large = -Felt::from(9u64);
        let values = circuit.inputs().iter().map(|input| match input {
            Input::Main(k) => large - Felt::from(u64::from(*k)),
            _ => Felt::from(3u64).pow(1000u64),
        });
        let values: Vec<_> = values.collect();
        for (kernel, rows) in dispatch_each(Rows(&circuit, &values)) {
            for (row, outputs) in rows.iter().enumerate() {
                let row = Felt::from(row as u64);
                let of = |input| circuit.inputs().iter().position(|listed| *listed == input);
                let expected = graph.evaluate(|input| of(input).map_or(Felt::zero(), |k| values[k] + row));
                let expected: Vec<_> = roots.iter().map(|root| expected[root.index()]).collect();
                assert_eq!(*outputs, expected, "{kernel}");
            }
        }
        circuit
    }

    fn inputs(graph: &mut Graph, count: u32) -> Vec<NodeId> {
        (0..count).map(|k| graph.input(Input::Main(k))).collect()
    }

    /// `Σ ±x_i·y_i ± Σ z_i` is one step with one reduction while it is short, and parts of a long one come first.
    #[test]
    fn sums_of_products() {
        // x_0 is one more value; parts of 8 products are values of the last one, and parts of 64 values of their own.
        for (products, values, expected) in [
            (1, 0, [1, 1, 0]),
            (2, 1, [1, 2, 0]),
            (8, 64, [1, 65, 1]),
            (9, 0, [2, 2, 0]),
            (40, 200, [5, 205, 3]),
            (0, 70, [0, 70, 2]),
        ] {
            let mut graph = Graph::default();
            let x = inputs(&mut graph, 2 * products + values + 1);
            let mut sum = x[0];
            for i in 0..products as usize {
                let product = graph.mul(x[2 * i + 1], x[2 * i + 2]);
                sum = if i % 3 == 1 { graph.sub(sum, product) } else { graph.add(sum, product) };
            }
            for i in 0..values as usize {
                let value = x[2 * products as usize + 1 + i];
                sum = if i % 2 == 1 { graph.sub(value, sum) } else { graph.add(value, sum) };
            }
            let circuit = check(&graph, &[sum]);
            let Arithmetic { products: found, reductions, additions, carries } = circuit.arithmetic();
            assert_eq!((found, [reductions, additions, carries]), (u64::from(products), expected));
        }
    }

    /// What is used twice is computed once; what is a root is kept.
    #[test]
    fn shared_parts() {
        let mut graph = Graph::default();
        let x = inputs(&mut graph, 4);
        let product = graph.mul(x[0], x[1]);
        let (one, two) = (graph.add(product, x[2]), graph.sub(x[3], product));
        let five = graph.constant(&Felt::from(5u64));
        let scaled = graph.mul(five, x[2]);
        let negative = graph.sub(one, scaled);
        let square = graph.mul(negative, negative);
        let negated = graph.neg(square);
        let sum = graph.add(negated, two);
        let zero = graph.constant(&Felt::zero());
        let circuit = check(&graph, &[sum, one, two, square, x[1], zero, sum]);
        // x0·x1, 5·x2 within `negative`, and the square; x2 in `one`, `one` in `negative`, x3 − product, two − square.
        assert_eq!(circuit.arithmetic(), Arithmetic { products: 3, reductions: 3, additions: 4, carries: 3 });
    }

    /// Any graph.
    #[test]
    fn random_graphs() {
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for round in 0..60 {
            let mut graph = Graph::default();
            let mut nodes = inputs(&mut graph, 5);
            nodes.extend([0, 1, 7].map(|value| graph.constant(&Felt::from(value as u64))));
            nodes.push(graph.input(Input::AuxNext(0)));
            for _ in 0..20 + 5 * round {
                // Recent nodes more often than others, so that some are used once.
                let mut any =
                    || if random(2) == 0 { nodes.len() - 1 - random(nodes.len().min(6)) } else { random(nodes.len()) };
                let (a, b) = (nodes[any()], nodes[any()]);
                let node = match random(7) {
                    0 | 1 => graph.add(a, b),
                    2 | 3 => graph.sub(a, b),
                    4 | 5 => graph.mul(a, b),
                    _ => graph.neg(a),
                };
                nodes.push(node);
            }
            let roots: Vec<_> = (0..4).map(|_| nodes[nodes.len() - 1 - random(10)]).collect();
            check(&graph, &roots);
        }
    }
}
