//! What a program's inputs are like, told from how its hints read them: numbers, lists, and records of named values.
//!
//! The shape is fixed by the program. It says in which order the values of arguments come when they are written one after
//! the other, and how to read them from there again: a list is its length and then its elements, a record its values in the
//! order in which hints first read them. So the sequence has one reading, and a program that begins its output with it has
//! bound its arguments.

use super::parse::Refusal;
use super::syntax::{Action, Statement, Target, Value};
use std::collections::HashMap;

/// What an input is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One field element.
    Number,
    /// Any number of values of one shape.
    List(Box<Self>),
    /// Named values, in the order in which hints first read them.
    Record(Vec<(String, Self)>),
}

impl Shape {
    /// Whether it is one field element.
    pub(crate) const fn is_number(&self) -> bool {
        matches!(self, Self::Number)
    }
}

/// Most values that all hints together may name, and the deepest nesting of them.
const MAX_NODES: usize = 1 << 12;

type Node = usize;

/// What is known about an input while hints are looked through.
#[derive(Debug, Default, Clone)]
struct Notes {
    fields: Vec<(String, Node)>,
    items: Option<Node>,
    is_number: bool,
    depth: usize,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A part of the inputs.
    Input(Node),
    /// A number or a pointer that is none.
    Other,
}

/// Finds the shape, hint by hint in the order of the program.
#[derive(Debug)]
pub(crate) struct Shapes {
    nodes: Vec<Notes>,
    /// What names mean after the hints that set them; `None` if several hints differ.
    names: HashMap<String, Option<Meaning>>,
}

/// The names of one hint.
struct Hint<'a> {
    shapes: &'a mut Shapes,
    names: HashMap<String, Meaning>,
    reads_inputs: bool,
}

const ROOT: Node = 0;
/// The deepest nesting of values.
const MAX_DEPTH: usize = 8;

const MIXED: &str = "the input is read as a number here and as a list or by names elsewhere";
const COMPUTED: &str =
    "the value is computed from an input; only plain inputs may be written, so that the program computes it";

impl Shapes {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Notes::default()], names: HashMap::new() }
    }

    /// Looks through a hint. `Ok(false)` if it has nothing to do with inputs.
    pub(crate) fn look(&mut self, statements: &[Statement]) -> Result<bool, Refusal> {
        let mut hint = Hint { shapes: self, names: HashMap::new(), reads_inputs: false };
        hint.block(statements)?;
        let Hint { names, reads_inputs, .. } = hint;
        if reads_inputs {
            for (name, meaning) in names {
                let known = self.names.entry(name).or_insert(Some(meaning));
                *known = known.filter(|known| *known == meaning);
            }
        }
        Ok(reads_inputs)
    }

    /// The shape of all inputs together, by name.
    pub(crate) fn finish(&self) -> Vec<(String, Shape)> {
        match self.shape(ROOT) {
            Shape::Record(fields) => fields,
            // Hints read no input at all.
            Shape::Number | Shape::List(_) => Vec::new(),
        }
    }

    fn shape(&self, node: Node) -> Shape {
        let Some(notes) = self.nodes.get(node) else { return Shape::Number };
        if let Some(items) = notes.items {
            return Shape::List(Box::new(self.shape(items)));
        }
        if notes.fields.is_empty() {
            return Shape::Number;
        }
        Shape::Record(notes.fields.iter().map(|(name, field)| (name.clone(), self.shape(*field))).collect())
    }

    fn add(&mut self, depth: usize) -> Result<Node, &'static str> {
        if depth > MAX_DEPTH || self.nodes.len() >= MAX_NODES {
            return Err("inputs are nested too deeply, or too many");
        }
        self.nodes.push(Notes { depth, ..Notes::default() });
        Ok(self.nodes.len() - 1)
    }

    fn notes(&mut self, node: Node) -> Result<&mut Notes, &'static str> {
        self.nodes.get_mut(node).ok_or("there is no such input")
    }

    fn field(&mut self, of: Node, name: &str) -> Result<Node, &'static str> {
        let notes = self.notes(of)?;
        if notes.items.is_some() || notes.is_number {
            return Err(MIXED);
        }
        let depth = notes.depth + 1;
        if let Some((_, field)) = notes.fields.iter().find(|(known, _)| known == name) {
            return Ok(*field);
        }
        let field = self.add(depth)?;
        self.notes(of)?.fields.push((name.to_owned(), field));
        Ok(field)
    }

    fn items(&mut self, of: Node) -> Result<Node, &'static str> {
        if of == ROOT {
            return Err("program_input has names, no elements");
        }
        let notes = self.notes(of)?;
        if notes.is_number || !notes.fields.is_empty() {
            return Err(MIXED);
        }
        let depth = notes.depth + 1;
        if let Some(items) = notes.items {
            return Ok(items);
        }
        let items = self.add(depth)?;
        self.notes(of)?.items = Some(items);
        Ok(items)
    }

    fn number(&mut self, node: Node) -> Result<(), &'static str> {
        let notes = self.notes(node)?;
        if node == ROOT || notes.items.is_some() || !notes.fields.is_empty() {
            return Err(MIXED);
        }
        notes.is_number = true;
        Ok(())
    }
}

impl Hint<'_> {
    fn block(&mut self, statements: &[Statement]) -> Result<(), Refusal> {
        statements.iter().try_for_each(|statement| {
            self.statement(&statement.what).map_err(|reason| Refusal { line: statement.line, reason })?;
            match &statement.what {
                Action::For { body, .. } | Action::Range { body, .. } => self.block(body),
                _ => Ok(()),
            }
        })
    }

    fn statement(&mut self, action: &Action) -> Result<(), &'static str> {
        match action {
            Action::Assign { targets, value } => {
                let meaning = self.meaning(value)?;
                targets.iter().try_for_each(|target| self.assign(target, value, meaning))
            }
            Action::WriteArg { at, list } => {
                self.computed(at)?;
                self.list_of_numbers(list)
            }
            Action::For { index, item, over, .. } => {
                let Meaning::Input(list) = self.meaning(over)? else { return Err("the loop is over no input") };
                let items = self.shapes.items(list)?;
                let names = [(index, Meaning::Other), (item, Meaning::Input(items))];
                let named = names.into_iter().filter_map(|(name, meaning)| Some((name.clone()?, meaning)));
                self.names.extend(named);
                Ok(())
            }
            Action::Range { index, from, to, .. } => {
                self.computed(from)?;
                self.computed(to)?;
                self.names.insert(index.clone(), Meaning::Other);
                Ok(())
            }
            Action::Assert { left, right, .. } => {
                self.computed(left)?;
                self.computed(right)
            }
            Action::EnterScope { names } => {
                for (name, value) in names {
                    let meaning = self.meaning(value)?;
                    self.names.insert(name.clone(), meaning);
                }
                self.reads_inputs = true;
                Ok(())
            }
            Action::InitialDict { entries } => {
                self.reads_inputs = true;
                entries.iter().try_for_each(|(key, value)| {
                    self.written(key)?;
                    self.written(value)
                })
            }
            Action::Print => Ok(()),
        }
    }

    fn assign(&mut self, target: &Target, value: &Value, meaning: Meaning) -> Result<(), &'static str> {
        match target {
            Target::Name(name) => {
                self.names.insert(name.clone(), meaning);
                Ok(())
            }
            Target::Ids(_) => self.written(value),
            Target::Memory(address) => {
                self.computed(address)?;
                self.written(value)
            }
        }
    }

    /// A value that goes to memory.
    fn written(&mut self, value: &Value) -> Result<(), &'static str> {
        match self.meaning(value)? {
            Meaning::Input(node) => self.shapes.number(node),
            Meaning::Other => Ok(()),
        }
    }

    /// A value that only decides where something goes, or is compared.
    fn computed(&mut self, value: &Value) -> Result<(), &'static str> {
        match value {
            Value::Operation(left, _, right) => {
                self.computed(left)?;
                self.computed(right)
            }
            value => self.written(value),
        }
    }

    fn list_of_numbers(&mut self, list: &Value) -> Result<(), &'static str> {
        let Meaning::Input(list) = self.meaning(list)? else { return Err("what is written is no list of inputs") };
        let items = self.shapes.items(list)?;
        self.shapes.number(items)
    }

    fn meaning(&mut self, value: &Value) -> Result<Meaning, &'static str> {
        match value {
            Value::Number(_) | Value::Ap | Value::Fp | Value::Ids(_) | Value::Segment => Ok(Meaning::Other),
            Value::Name(name) => self.name(name),
            Value::Input => {
                self.reads_inputs = true;
                Ok(Meaning::Input(ROOT))
            }
            Value::Field(of, name) => match self.meaning(of)? {
                Meaning::Input(of) => self.shapes.field(of, name).map(Meaning::Input),
                Meaning::Other => Err("what has names here is no input"),
            },
            Value::Item(of, index) => {
                self.computed(index)?;
                match self.meaning(of)? {
                    Meaning::Input(of) => self.shapes.items(of).map(Meaning::Input),
                    Meaning::Other => Err("what has elements here is no input"),
                }
            }
            Value::Length(of) => match self.meaning(of)? {
                Meaning::Input(of) => self.shapes.items(of).map(|_| Meaning::Other),
                Meaning::Other => Err("what has a length here is no input"),
            },
            Value::Memory(address) => self.computed(address).map(|()| Meaning::Other),
            Value::GenArg(list) => self.list_of_numbers(list).map(|()| Meaning::Other),
            Value::Operation(left, _, right) => match (self.meaning(left)?, self.meaning(right)?) {
                (Meaning::Other, Meaning::Other) => Ok(Meaning::Other),
                _ => Err(COMPUTED),
            },
        }
    }

    fn name(&mut self, name: &str) -> Result<Meaning, &'static str> {
        if let Some(meaning) = self.names.get(name) {
            return Ok(*meaning);
        }
        match self.shapes.names.get(name) {
            Some(Some(meaning)) => {
                self.reads_inputs = true;
                Ok(*meaning)
            }
            Some(None) => Err("the name is set to different things by different hints before"),
            None => Err("the name is not set in this hint or a reading of inputs before it"),
        }
    }
}

#[cfg(test)]
mod tests;
