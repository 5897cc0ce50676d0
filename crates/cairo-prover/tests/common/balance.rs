//! How a prover that cheats makes all lookups balance again.

use cairo_air::components::Limb;
use cairo_air::{TableKind, buses};
use cairo_prover::Witness;
use felt::{Felt, encoding};
use stark::Bus;
use stark::graph::{Graph, Input, Node, NodeId};
use std::collections::HashMap;

/// The columns of which a multiplicity is the product: that of the enabler, if it is a factor, and that of the count.
fn counted(graph: &Graph, multiplicity: NodeId) -> Option<(Option<usize>, usize)> {
    let column = |id: NodeId| match graph.nodes()[id.index()] {
        Node::Input(Input::Main(column)) => Some(column as usize),
        _ => None,
    };
    match graph.nodes()[multiplicity.index()] {
        Node::Mul(a, b) => {
            let (a, b) = (column(a)?, column(b)?);
            Some((Some(a.min(b)), a.max(b)))
        }
        _ => Some((None, column(multiplicity)?)),
    }
}

fn is_enabler(air: &stark::Air, column: usize) -> bool {
    air.columns().get(column).is_some_and(|name| name == "enabler")
}

/// The bus on which tables of a kind provide what others ask for, as often as a column says.
fn provides(kind: &TableKind) -> Option<Bus> {
    match kind {
        TableKind::Memory | TableKind::Cell | TableKind::Range(_) | TableKind::Path(_) => Some(buses::MEMORY),
        TableKind::Instruction => Some(buses::INSTRUCTION),
        TableKind::Limb(Limb::Bits8) => Some(buses::BYTE),
        TableKind::Limb(Limb::Bits16) => Some(buses::WORD16),
        TableKind::Limb(Limb::Bits12) => Some(buses::WORD12),
        TableKind::NibbleAnd => Some(buses::NIBBLE_AND),
        TableKind::ByteAnd => Some(buses::BYTE_AND),
        TableKind::BitwiseRow(_) => Some(buses::MEMORY),
        TableKind::Word96(_) => Some(buses::WORD96),
        TableKind::OpcodeExtension => Some(buses::OPCODE_EXTENSION),
        _ => None,
    }
}

/// Gives every table that provides something the multiplicities that others need, where it has the tuple at all. Rows that are
/// not in use have no say.
pub fn balance(witness: &mut Witness) {
    let Witness { layout, tables, public, traces, .. } = witness;
    let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
    let key = |bus: Bus, tuple: &[Felt]| (bus.id, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
    for tuple in public.iter() {
        *sums.entry(key(tuple.bus, &tuple.tuple)).or_default() += tuple.multiplicity;
    }
    for provider in [false, true] {
        for ((entry, table), trace) in layout.tables.iter().zip(tables.iter()).zip(traces.iter_mut()) {
            let (graph, height) = (table.air.graph(), 1 << entry.log_height);
            for row in 0..height {
                let value = |input| match input {
                    Input::Main(column) => trace[column as usize][row],
                    Input::MainNext(column) => trace[column as usize][(row + 1) % height],
                    Input::Periodic(column) => {
                        let column = &table.air.periodic()[column as usize];
                        column[row % column.len()]
                    }
                    _ => Felt::zero(),
                };
                let values = graph.evaluate(value);
                for interaction in table.air.interactions() {
                    let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                    let key = key(interaction.bus, &tuple);
                    let count = counted(graph, interaction.multiplicity)
                        .filter(|_| provides(&entry.kind) == Some(interaction.bus))
                        // What an enabler alone provides is provided once: nothing counts it.
                        .filter(|(enabler, column)| enabler.is_some() || !is_enabler(&table.air, *column));
                    match (count, provider) {
                        (None, false) => *sums.entry(key).or_default() += values[interaction.multiplicity.index()],
                        (Some((enabler, column)), true) => {
                            let times = enabler.map_or(Felt::one(), |enabler| trace[enabler][row]);
                            trace[column][row] = match times.inv() {
                                Ok(inverse) => -sums.remove(&key).unwrap_or_default() * inverse,
                                Err(_) => Felt::zero(),
                            };
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// What a row provides for others on the memory bus: the same as public tuples.
pub fn provided(witness: &Witness, position: usize, row: usize) -> Vec<stark::PublicTuple> {
    let (table, trace) = (&witness.tables[position], &witness.traces[position]);
    let values = table.air.graph().evaluate(|input| match input {
        Input::Main(column) => trace[column as usize][row],
        _ => Felt::zero(),
    });
    let memory = table.air.interactions().iter().filter(|interaction| interaction.bus == buses::MEMORY);
    let tuple = |interaction: &stark::Interaction| stark::PublicTuple {
        bus: interaction.bus,
        multiplicity: values[interaction.multiplicity.index()],
        tuple: interaction.tuple.iter().map(|entry| values[entry.index()]).collect(),
    };
    memory.map(tuple).collect()
}
