//! An AIR in words: its columns, constraints and interactions with their expressions, in the order that the protocol uses.

use crate::air::{Air, Rows};
use crate::graph::{Input, Node, NodeId};
use felt::encoding;
use std::fmt::Write as _;

/// Values of a periodic column that are written out. Longer ones are counters and constants that the protocol's document derives.
const SHOWN: usize = 128;

/// The AIR as Markdown. For small AIRs: shared parts of an expression are written out each time.
pub fn describe(air: &Air) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Columns: {}.\n", air.columns().join(", "));
    for (index, period) in air.periodic().iter().enumerate() {
        let mut values: Vec<_> = period.iter().take(SHOWN).map(encoding::to_short).collect();
        if values.len() < period.len() {
            values.push(format!("… ({} values)", period.len()));
        }
        let _ = writeln!(out, "Periodic column p{index}: {}.\n", values.join(", "));
    }
    let _ = writeln!(out, "| constraint | rows | expression |\n|---|---|---|");
    for constraint in air.constraints() {
        let rows = match constraint.rows {
            Rows::All => "all",
            Rows::Transition => "transition",
            Rows::First => "first",
            Rows::Last => "last",
        };
        let _ = writeln!(out, "| {} | {rows} | `{}` |", constraint.name, expression(air, constraint.expression));
    }
    let _ = writeln!(out, "\n| interaction | bus | multiplicity | tuple |\n|---|---|---|---|");
    for interaction in air.interactions() {
        let tuple: Vec<_> = interaction.tuple.iter().map(|entry| expression(air, *entry)).collect();
        let (name, bus) = (&interaction.name, interaction.bus.name);
        let multiplicity = expression(air, interaction.multiplicity);
        let _ = writeln!(out, "| {name} | {bus} | `{multiplicity}` | `({})` |", tuple.join(", "));
    }
    out
}

fn expression(air: &Air, root: NodeId) -> String {
    let node = |id: NodeId| &air.graph().nodes()[id.index()];
    let factor = |id: NodeId| match node(id) {
        Node::Add(..) | Node::Sub(..) | Node::Neg(_) => format!("({})", expression(air, id)),
        Node::Constant(_) | Node::Input(_) | Node::Mul(..) => expression(air, id),
    };
    match node(root) {
        Node::Constant(_) => air.graph().as_constant(root).map_or_else(String::new, |value| encoding::to_short(&value)),
        Node::Input(Input::Main(column)) => air.columns()[*column as usize].clone(),
        Node::Input(Input::MainNext(column)) => format!("{}'", air.columns()[*column as usize]),
        Node::Input(Input::Periodic(column)) => format!("p{column}"),
        Node::Input(Input::Aux(column)) => format!("aux{column}"),
        Node::Input(Input::AuxNext(column)) => format!("aux{column}'"),
        Node::Add(a, b) => format!("{} + {}", expression(air, *a), expression(air, *b)),
        Node::Sub(a, b) => format!("{} - {}", expression(air, *a), factor(*b)),
        Node::Mul(a, b) => format!("{}·{}", factor(*a), factor(*b)),
        Node::Neg(a) => format!("-{}", factor(*a)),
    }
}
