//! Derived tables against the reference machine: an honest row passes, an altered row does not, and over altered memory a row
//! passes exactly if the machine takes the same steps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod equivalence;
mod needed;
mod pinned;
mod reference;
mod walk;
mod walks;

use super::{Derived, Source};
use crate::decode::{Decoded, Flags, signed};
use crate::program::{ArgumentBinding, Program};
use crate::{Builtin, buses, decode, fixture};
use felt::Felt;
use reference::{Memory, State};
use stark::graph::Input;

/// Words of a test program.
const WORDS: usize = 80;

/// First word after the header.
const FIRST: u64 = 7;

/// A program of which all words but the header, which is always the same, are given.
fn program(bytecode: &[Felt]) -> Program {
    let words = bytecode.iter().skip(FIRST as usize - 1).copied();
    fixture::program(&[Builtin::Output], words, ArgumentBinding::OutputPrefix)
}

/// The row that the sources give.
fn row(derived: &Derived, start: &State, clock: u64, memory: &mut Memory) -> Vec<Felt> {
    let word = memory.get(&start.pc);
    let mut row = Vec::new();
    for source in &derived.rows.sources {
        let value = match source {
            Source::Enabler => Felt::one(),
            Source::Ap => start.ap,
            Source::Fp => start.fp,
            Source::Clock => Felt::from(clock),
            Source::Pc => start.pc,
            Source::Offset(i) => {
                Decoded::new(&word).map_or(Felt::zero(), |decoded| signed(i64::from(decoded.offsets[usize::from(*i)])))
            }
            Source::Immediate => memory.get(&(start.pc + Felt::one())),
            Source::Memory(address) => memory.get(&address.evaluate(&row)),
            Source::Product(a, b) => a.evaluate(&row) * b.evaluate(&row),
            Source::Inverse(factors) => {
                let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(&row));
                product.inv().unwrap_or_default()
            }
            Source::Uses(address) => uses(&address.evaluate(&row)),
        };
        row.push(value);
    }
    row
}

/// What is wrong with a row of a table that owns no cells, given the state that it must start from, and the state that it provides.
fn check(derived: &Derived, row: &[Felt], start: &State, clock: u64, memory: &mut Memory) -> Result<State, String> {
    check_owning(derived, &[], row, start, clock, memory)
}

/// The same for a row that owns these cells; it must provide what it has to as often as [`row`] says.
fn check_owning(
    derived: &Derived,
    owned: &[u8],
    row: &[Felt],
    start: &State,
    clock: u64,
    memory: &mut Memory,
) -> Result<State, String> {
    let air = &derived.air;
    let values = air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    for constraint in air.constraints() {
        if values[constraint.expression.index()] != Felt::zero() {
            return Err(format!("constraint {}", constraint.name));
        }
    }
    let mut end = Err("no state provided".to_owned());
    let (mut required, mut provided_addresses, mut provided) = (Vec::new(), Vec::new(), Vec::new());
    for interaction in air.interactions() {
        let multiplicity = values[interaction.multiplicity.index()];
        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
        let fails = if interaction.bus == buses::STATE && multiplicity == Felt::one() {
            end = Ok(State { pc: tuple[0], ap: tuple[1], fp: tuple[2] });
            tuple[3] != Felt::from(clock + u64::from(derived.rows.steps))
        } else if interaction.bus == buses::OWNED {
            let side = if multiplicity == Felt::one() { &mut provided_addresses } else { &mut required };
            side.extend_from_slice(&tuple);
            multiplicity != Felt::one() && multiplicity != -Felt::one()
        } else if interaction.bus == buses::MEMORY && multiplicity != -Felt::one() {
            provided.push((tuple[0], tuple[1], multiplicity));
            false
        } else if multiplicity != -Felt::one() {
            true
        } else if interaction.bus == buses::STATE {
            tuple != [start.pc, start.ap, start.fp, Felt::from(clock)]
        } else if interaction.bus == buses::MEMORY {
            memory.get(&tuple[0]) != tuple[1]
        } else {
            instruction(&tuple[0], memory).is_none_or(|expected| tuple != expected)
        };
        if fails {
            return Err(format!("interaction {}", interaction.name));
        }
    }
    if owned.is_empty() {
        return if required.is_empty() && provided_addresses.is_empty() && provided.is_empty() {
            end
        } else {
            Err("it owns".to_owned())
        };
    }
    let at = |place: usize| start.ap + Felt::from(place as u64);
    if (&required[..], &provided_addresses[..]) != (&[start.ap][..], &[at(owned.len())][..]) {
        return Err(format!("it owns from {required:?} to {provided_addresses:?}"));
    }
    // One column of uses for each number, filled for the first cell that has it.
    let uses =
        |number: u8| owned.iter().position(|other| *other == number).map_or(Felt::zero(), |first| uses(&at(first)));
    let expected = owned.iter().enumerate().filter(|(_, number)| **number > 0);
    let expected: Vec<_> = expected.map(|(place, number)| (at(place), memory.get(&at(place)), uses(*number))).collect();
    if provided != expected {
        return Err("it provides something else".to_owned());
    }
    end
}

/// How often a cell is used. Any number will do.
fn uses(address: &Felt) -> Felt {
    address * Felt::from(7_u64)
}

/// The tuple that the instruction table provides for a pc.
fn instruction(pc: &Felt, memory: &mut Memory) -> Option<Vec<Felt>> {
    let Decoded { flags, offsets } = Decoded::new(&memory.get(pc)).ok()?;
    let immediate = if flags.op1_imm() { memory.get(&(pc + Felt::one())) } else { Felt::zero() };
    let mut tuple = vec![*pc, Felt::from(u64::from(flags.0))];
    tuple.extend(offsets.map(|offset| decode::signed(i64::from(offset))));
    tuple.push(immediate);
    Some(tuple)
}

fn valid_flags() -> Vec<Flags> {
    (0..1 << 15).map(Flags).filter(|flags| flags.check().is_ok()).collect()
}
