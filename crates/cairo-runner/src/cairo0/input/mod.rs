//! Hints that read inputs: `program_input`, in any form that is plain access. They are parsed in a small language of our own
//! and never given to Python.

mod cursor;
mod evaluate;
mod parse;
mod place;
mod shape;
mod syntax;
mod token;

pub(crate) use evaluate::{Input, InputHint, Known, plan};
pub(crate) use parse::{Refusal, parse};
pub(crate) use place::{Place, Types, VariableType};
pub(crate) use shape::{Shape, Shapes};
pub(crate) use syntax::{Action, Statement, Target, Value};

/// Whether some statement prints, also within a loop.
pub(crate) fn prints(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match &statement.what {
        Action::Print => true,
        Action::For { body, .. } | Action::Range { body, .. } => prints(body),
        _ => false,
    })
}

/// Every `ids.…` of some statements, and whether it is written.
pub(crate) fn ids_of(statements: &[Statement]) -> Vec<(&[String], bool)> {
    let mut paths = Vec::new();
    statements.iter().for_each(|statement| ids_of_action(&statement.what, &mut paths));
    paths
}

fn ids_of_action<'a>(action: &'a Action, paths: &mut Vec<(&'a [String], bool)>) {
    match action {
        Action::Assign { targets, value } => {
            ids_of_value(value, paths);
            for target in targets {
                match target {
                    Target::Name(_) => {}
                    Target::Ids(path) => paths.push((path, true)),
                    Target::Memory(address) => ids_of_value(address, paths),
                }
            }
        }
        Action::WriteArg { at: left, list: right } | Action::Assert { left, right, .. } => {
            ids_of_value(left, paths);
            ids_of_value(right, paths);
        }
        Action::For { over, body, .. } => {
            ids_of_value(over, paths);
            paths.extend(ids_of(body));
        }
        Action::Range { from, to, body, .. } => {
            ids_of_value(from, paths);
            ids_of_value(to, paths);
            paths.extend(ids_of(body));
        }
        Action::EnterScope { names } => names.iter().for_each(|(_, value)| ids_of_value(value, paths)),
        Action::InitialDict { entries } => entries.iter().for_each(|(key, value)| {
            ids_of_value(key, paths);
            ids_of_value(value, paths);
        }),
        Action::Print => {}
    }
}

fn ids_of_value<'a>(value: &'a Value, paths: &mut Vec<(&'a [String], bool)>) {
    match value {
        Value::Ids(path) => paths.push((path, false)),
        Value::Field(of, _) | Value::Length(of) | Value::Memory(of) | Value::GenArg(of) => ids_of_value(of, paths),
        Value::Item(left, right) | Value::Operation(left, _, right) => {
            ids_of_value(left, paths);
            ids_of_value(right, paths);
        }
        Value::Number(_) | Value::Name(_) | Value::Ap | Value::Fp | Value::Input | Value::Segment => {}
    }
}
