//! How a prover that cheats makes all lookups balance again.

use cairo_air::components::Limb;
use cairo_air::{TableKind, buses};
use cairo_prover::Witness;
use felt::{Felt, encoding};
use foldhash::HashMap;
use stark::graph::{Graph, Input, Node, NodeId};
use stark::{Bus, Interaction, PublicTuple, Table};

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
        TableKind::Memory | TableKind::Cell | TableKind::Range(_) => Some(buses::MEMORY),
        TableKind::Path(_) | TableKind::OwningWord(_) => Some(buses::MEMORY),
        TableKind::Instruction => Some(buses::INSTRUCTION),
        TableKind::Limb(Limb::Bits8) => Some(buses::BYTE),
        TableKind::Limb(Limb::Bits16) => Some(buses::WORD16),
        TableKind::Limb(Limb::Bits12) => Some(buses::WORD12),
        TableKind::NibbleAnd => Some(buses::NIBBLE_AND),
        TableKind::ByteAnd => Some(buses::BYTE_AND),
        TableKind::BitwiseRow(_) | TableKind::RangeRow(_) => Some(buses::MEMORY),
        TableKind::Word96(_) => Some(buses::WORD96),
        TableKind::OpcodeExtension => Some(buses::OPCODE_EXTENSION),
        _ => None,
    }
}

/// For each bus, what is provided of a tuple (its entries as limbs) less what is required.
type Sums = HashMap<u32, HashMap<Vec<[u64; 4]>, Felt>>;

/// Gives every table that provides something the multiplicities that others need, where it has the tuple at all. Rows that are
/// not in use have no say.
pub fn balance(witness: &mut Witness) {
    let Witness { layout, tables, public, traces, .. } = witness;
    let mut sums = Sums::default();
    let mut add = |bus: Bus, tuple: &[[u64; 4]], multiplicity: &Felt| {
        let sums = sums.entry(bus.id).or_default();
        match sums.get_mut(tuple) {
            Some(sum) => *sum += *multiplicity,
            None => drop(sums.insert(tuple.to_vec(), *multiplicity)),
        }
    };
    for PublicTuple { bus, multiplicity, tuple } in public.iter() {
        add(*bus, &tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>(), multiplicity);
    }
    let (mut values, mut tuple) = (Vec::new(), Vec::new());
    let mut counts = Vec::new();
    for ((entry, table), trace) in layout.tables.iter().zip(tables.iter()).zip(traces.iter()) {
        let count = |interaction: &Interaction| {
            counted(table.air.graph(), interaction.multiplicity)
                .filter(|_| provides(&entry.kind) == Some(interaction.bus))
                // What an enabler alone provides is provided once: nothing counts it.
                .filter(|(enabler, column)| enabler.is_some() || !is_enabler(&table.air, *column))
        };
        let of_table: Vec<_> = table.air.interactions().iter().map(count).collect();
        for row in (0..1 << entry.log_height).filter(|_| of_table.iter().any(Option::is_none)) {
            evaluate(table, trace, row, &mut values);
            for (interaction, _) in table.air.interactions().iter().zip(&of_table).filter(|(_, count)| count.is_none())
            {
                limbs(interaction, &values, &mut tuple);
                add(interaction.bus, &tuple, &values[interaction.multiplicity.index()]);
            }
        }
        counts.push(of_table);
    }
    for ((table, trace), counts) in tables.iter().zip(traces.iter_mut()).zip(&counts) {
        for row in (0..table.height()).filter(|_| counts.iter().any(Option::is_some)) {
            evaluate(table, trace, row, &mut values);
            for (interaction, count) in table.air.interactions().iter().zip(counts) {
                let Some((enabler, column)) = *count else { continue };
                let times = enabler.map_or(Felt::one(), |enabler| trace[enabler][row]);
                limbs(interaction, &values, &mut tuple);
                trace[column][row] = match (encoding::is_zero(&times), sums.get_mut(&interaction.bus.id)) {
                    (false, Some(sums)) => match sums.remove(tuple.as_slice()) {
                        Some(sum) => -sum * times.inv().unwrap(),
                        None => Felt::zero(),
                    },
                    _ => Felt::zero(),
                };
            }
        }
    }
}

fn evaluate(table: &Table, trace: &[Vec<Felt>], row: usize, values: &mut Vec<Felt>) {
    let graph = table.air.graph();
    values.resize(graph.nodes().len(), Felt::zero());
    let value = |input| match input {
        Input::Main(column) => trace[column as usize][row],
        Input::MainNext(column) => trace[column as usize][(row + 1) % table.height()],
        Input::Periodic(column) => {
            let column = &table.air.periodic()[column as usize];
            column[row % column.len()]
        }
        _ => Felt::zero(),
    };
    graph.evaluate_nodes(0..graph.nodes().len(), value, values);
}

fn limbs(interaction: &Interaction, values: &[Felt], out: &mut Vec<[u64; 4]>) {
    out.clear();
    out.extend(interaction.tuple.iter().map(|entry| encoding::montgomery_limbs(&values[entry.index()])));
}

/// What a row provides for others on the memory bus: the same as public tuples.
pub fn provided(witness: &Witness, position: usize, row: usize) -> Vec<PublicTuple> {
    let (table, trace) = (&witness.tables[position], &witness.traces[position]);
    let values = table.air.graph().evaluate(|input| match input {
        Input::Main(column) => trace[column as usize][row],
        _ => Felt::zero(),
    });
    let memory = table.air.interactions().iter().filter(|interaction| interaction.bus == buses::MEMORY);
    let tuple = |interaction: &Interaction| PublicTuple {
        bus: interaction.bus,
        multiplicity: values[interaction.multiplicity.index()],
        tuple: interaction.tuple.iter().map(|entry| values[entry.index()]).collect(),
    };
    memory.map(tuple).collect()
}
