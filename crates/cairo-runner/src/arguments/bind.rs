//! Arguments as the inputs of a program: one after the other, and from there again what hints read.

use super::{ArgumentError, Arguments, Form, MAX_ARGUMENTS, Value, shorten};
use crate::cairo0::{Input, Shape};
use felt::{Felt, encoding};

/// The names and shapes of a program's inputs, in order.
type Inputs = [(String, Shape)];

impl Arguments {
    /// The values for a Cairo 0 program's inputs, one after the other: of each input in order a number itself, of a list
    /// its length and then its elements, of a record its values in the order of the shape.
    pub(crate) fn for_inputs(&self, inputs: &Inputs) -> Result<Vec<Felt>, ArgumentError> {
        let mut cells = Vec::new();
        match &self.0 {
            Form::Named(entries) => record(entries, inputs, None, &mut cells)?,
            // Numbers alone are the serialised form; if all inputs are numbers, the two are the same.
            Form::Listed(values) if inputs.iter().any(|(_, shape)| *shape != Shape::Number) && is_flat(values) => {
                values.iter().for_each(|value| value.serialise(&mut cells));
                let serialised = || ArgumentError::Serialised { found: cells.len(), inputs: names(inputs) };
                read(&cells, inputs).ok_or_else(serialised)?;
            }
            Form::Listed(values) if values.len() != inputs.len() => {
                let (found, expected) = (values.len(), inputs.len());
                return Err(ArgumentError::Count { found, expected, inputs: names(inputs) });
            }
            Form::Listed(values) => {
                for (index, (value, (_, shape))) in values.iter().zip(inputs).enumerate() {
                    value.shaped(shape, &format!("[{index}]"), &mut cells)?;
                }
            }
        }
        if cells.len() > MAX_ARGUMENTS { Err(ArgumentError::TooMany) } else { Ok(cells) }
    }

    /// The cells of a Cairo 2 program's argument segment.
    pub(crate) fn serialised(&self) -> Result<Vec<Felt>, ArgumentError> {
        let Form::Listed(values) = &self.0 else { return Err(ArgumentError::NamedForCairo2) };
        if values.iter().any(Value::has_names) {
            return Err(ArgumentError::NamedForCairo2);
        }
        let mut cells = Vec::new();
        values.iter().for_each(|value| value.serialise(&mut cells));
        Ok(cells)
    }
}

/// Whether all values are numbers.
fn is_flat(values: &[Value]) -> bool {
    values.iter().all(|value| matches!(value, Value::Felt(_)))
}

fn names(inputs: &Inputs) -> Vec<String> {
    inputs.iter().map(|(name, _)| name.clone()).collect()
}

/// Appends the values of a record. `within` is the path of what has them; none for the arguments themselves.
fn record(
    entries: &[(String, Value)],
    fields: &Inputs,
    within: Option<&str>,
    cells: &mut Vec<Felt>,
) -> Result<(), ArgumentError> {
    let plain = within.map(|within| within.replace('`', ""));
    let named =
        |name: &str| plain.as_ref().map_or_else(|| shorten(name), |within| format!("{within}.{}", shorten(name)));
    let path = |name: &str| {
        within.map_or_else(|| format!("`{}`", shorten(name)), |within| format!("{within}.`{}`", shorten(name)))
    };
    if let Some((name, _)) = entries.iter().find(|(name, _)| !fields.iter().any(|(field, _)| field == name)) {
        return Err(ArgumentError::Unknown { name: named(name), inputs: names(fields) });
    }
    for (name, shape) in fields {
        match entries.iter().find(|(given, _)| given == name) {
            Some((_, value)) => value.shaped(shape, &path(name), cells)?,
            None => return Err(ArgumentError::Missing { name: named(name) }),
        }
    }
    Ok(())
}

impl Value {
    /// Appends a value of a shape.
    fn shaped(&self, shape: &Shape, path: &str, cells: &mut Vec<Felt>) -> Result<(), ArgumentError> {
        match (self, shape) {
            (Self::Felt(felt), Shape::Number) => cells.push(*felt),
            (Self::Array(items), Shape::List(of)) => {
                cells.push(Felt::from(items.len() as u64));
                for (index, item) in items.iter().enumerate() {
                    item.shaped(of, &format!("{path}[{index}]"), cells)?;
                }
            }
            (Self::Object(entries), Shape::Record(fields)) => record(entries, fields, Some(path), cells)?,
            (value, shape) => {
                let found = match value {
                    Self::Felt(_) => "a number",
                    Self::Array(_) => "an array",
                    Self::Object(_) => "an object",
                };
                let expected = match shape {
                    Shape::Number => "a number",
                    Shape::List(_) => "an array",
                    Shape::Record(_) => "an object",
                };
                return Err(ArgumentError::Shape { path: path.to_owned(), found, expected });
            }
        }
        Ok(())
    }

    fn has_names(&self) -> bool {
        match self {
            Self::Felt(_) => false,
            Self::Array(items) => items.iter().any(Self::has_names),
            Self::Object(_) => true,
        }
    }

    fn serialise(&self, cells: &mut Vec<Felt>) {
        match self {
            Self::Felt(felt) => cells.push(*felt),
            Self::Array(items) => {
                cells.push(Felt::from(items.len() as u64));
                items.iter().for_each(|item| item.serialise(cells));
            }
            Self::Object(entries) => entries.iter().for_each(|(_, value)| value.serialise(cells)),
        }
    }
}

/// The inputs that these cells are, one after the other; `None` if they are not.
pub(crate) fn read(cells: &[Felt], inputs: &Inputs) -> Option<Input> {
    let mut rest = cells;
    let input = read_record(&mut rest, inputs)?;
    rest.is_empty().then_some(input)
}

/// How many cells at the beginning are the inputs, one after the other; `None` if they are not there.
#[cfg(feature = "foreign")]
pub(crate) fn prefix(cells: &[Felt], inputs: &Inputs) -> Option<usize> {
    let mut rest = cells;
    read_record(&mut rest, inputs)?;
    Some(cells.len() - rest.len())
}

fn read_record(cells: &mut &[Felt], fields: &Inputs) -> Option<Input> {
    let field = |(name, shape): &(String, Shape)| Some((name.clone(), read_value(cells, shape)?));
    Some(Input::Record(fields.iter().map(field).collect::<Option<Vec<_>>>()?.into()))
}

fn read_value(cells: &mut &[Felt], shape: &Shape) -> Option<Input> {
    match shape {
        Shape::Number => take(cells).map(Input::Number),
        Shape::List(of) => {
            let length = usize::try_from(encoding::to_u64(&take(cells)?)?).ok()?;
            // Every element has a cell at least, since records are never empty.
            let items =
                (length <= cells.len()).then(|| (0..length).map(|_| read_value(cells, of)).collect::<Option<Vec<_>>>());
            Some(Input::List(items??.into()))
        }
        Shape::Record(fields) => read_record(cells, fields),
    }
}

fn take(cells: &mut &[Felt]) -> Option<Felt> {
    let (first, rest) = cells.split_first()?;
    *cells = rest;
    Some(*first)
}

#[cfg(test)]
mod tests;
