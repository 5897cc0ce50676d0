//! A graph compiled to straight-line code over packed field elements: dead nodes dropped, registers reused.

use crate::graph::{Graph, Input, Node, NodeId};
use felt::Felt;
use felt::packed::Packed;

#[derive(Debug, Clone, Copy)]
enum Op {
    Load(u32),
    Add(u32, u32),
    Sub(u32, u32),
    Mul(u32, u32),
    Neg(u32),
}

/// Straight-line code. Registers `0..constants.len()` hold the constants, the rest are working registers.
#[derive(Debug)]
pub struct Circuit {
    ops: Vec<(Op, u32)>,
    constants: Vec<Felt>,
    inputs: Vec<Input>,
    outputs: Vec<u32>,
    registers: usize,
}

impl Circuit {
    /// Compiles the nodes that `roots` depend on.
    pub fn compile(graph: &Graph, roots: &[NodeId]) -> Self {
        let nodes = graph.nodes();
        let mut uses = vec![0u32; nodes.len()];
        // A root is used once more than any operand, so its register is never given away.
        roots.iter().for_each(|root| uses[root.index()] += 1);
        for i in (0..nodes.len()).rev() {
            if uses[i] > 0 {
                operands(&nodes[i]).for_each(|operand| uses[operand.index()] += 1);
            }
        }
        let mut constants = Vec::new();
        let mut register = vec![u32::MAX; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            if let (Node::Constant(_), true) = (node, uses[i] > 0) {
                register[i] = constants.len() as u32;
                constants.push(graph.as_constant(NodeId(i as u32)).unwrap_or_default());
            }
        }
        let mut code =
            Self { ops: Vec::new(), inputs: Vec::new(), outputs: Vec::new(), registers: constants.len(), constants };
        let mut free: Vec<u32> = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            if uses[i] == 0 {
                continue;
            }
            let at = |id: &NodeId| register[id.index()];
            let op = match node {
                Node::Input(input) => {
                    code.inputs.push(*input);
                    Op::Load(code.inputs.len() as u32 - 1)
                }
                Node::Add(a, b) => Op::Add(at(a), at(b)),
                Node::Sub(a, b) => Op::Sub(at(a), at(b)),
                Node::Mul(a, b) => Op::Mul(at(a), at(b)),
                Node::Neg(a) => Op::Neg(at(a)),
                Node::Constant(_) => continue,
            };
            for operand in operands(node) {
                uses[operand.index()] -= 1;
                if uses[operand.index()] == 0 && !matches!(nodes[operand.index()], Node::Constant(_)) {
                    free.push(register[operand.index()]);
                }
            }
            register[i] = free.pop().unwrap_or_else(|| {
                code.registers += 1;
                code.registers as u32 - 1
            });
            code.ops.push((op, register[i]));
        }
        code.outputs = roots.iter().map(|root| register[root.index()]).collect();
        code
    }

    /// The row values that the code reads.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Number of multiplications in a run.
    pub fn multiplications(&self) -> u64 {
        self.ops.iter().filter(|(op, _)| matches!(op, Op::Mul(..))).count() as u64
    }

    /// Registers with the constants in place, to be used for any number of runs.
    #[inline(always)]
    pub fn registers<P: Packed>(&self) -> Vec<[P; 2]> {
        let mut registers = vec![[P::broadcast(&Felt::zero()); 2]; self.registers];
        for (register, constant) in registers.iter_mut().zip(&self.constants) {
            *register = [P::broadcast(constant); 2];
        }
        registers
    }

    /// Runs the code for two packs of rows; `inputs` are in the order of [`Circuit::inputs`].
    ///
    /// No closures here: what they contain is not compiled with the kernel's instructions.
    #[inline(always)]
    pub fn run<P: Packed>(&self, registers: &mut [[P; 2]], inputs: [&[P]; 2]) {
        for &(op, target) in &self.ops {
            registers[target as usize] = match op {
                Op::Load(input) => [inputs[0][input as usize], inputs[1][input as usize]],
                Op::Add(a, b) => {
                    let (a, b) = (&registers[a as usize], &registers[b as usize]);
                    [a[0].add(b[0]), a[1].add(b[1])]
                }
                Op::Sub(a, b) => {
                    let (a, b) = (&registers[a as usize], &registers[b as usize]);
                    [a[0].sub(b[0]), a[1].sub(b[1])]
                }
                Op::Mul(a, b) => {
                    let (a, b) = (&registers[a as usize], &registers[b as usize]);
                    [a[0].mul(b[0]), a[1].mul(b[1])]
                }
                Op::Neg(a) => {
                    let a = &registers[a as usize];
                    [a[0].neg(), a[1].neg()]
                }
            };
        }
    }

    /// The values of root `k` after a run.
    #[inline(always)]
    pub fn output<P: Packed>(&self, registers: &[[P; 2]], k: usize) -> [P; 2] {
        registers[self.outputs[k] as usize]
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
