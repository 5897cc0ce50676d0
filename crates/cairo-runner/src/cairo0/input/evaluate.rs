//! What a hint that reads inputs would do: first as a plan, which changes nothing, so that the memory it takes is known before.

use super::place::Place;
use super::syntax::{Action, Comparison, Operation, Statement, Target, Value};
use crate::convert::{one_line, to_vm};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use num_bigint::BigInt;
use std::any::Any;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// A program's inputs, or a part of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// One field element.
    Number(Felt),
    /// Values of one shape.
    List(Rc<[Self]>),
    /// Named values.
    Record(Rc<[(String, Self)]>),
}

impl Input {
    /// The elements, if they are numbers.
    pub(crate) fn numbers(&self) -> Option<Vec<Felt252>> {
        let Self::List(items) = self else { return None };
        let number = |item: &Self| match item {
            Self::Number(felt) => Some(to_vm(felt)),
            Self::List(_) | Self::Record(_) => None,
        };
        items.iter().map(number).collect()
    }
}

/// What a name stands for, in a scope of the virtual machine too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// A part of the inputs.
    Input(Input),
    /// An integer.
    Integer(BigInt),
    /// An address.
    Pointer(Relocatable),
}

/// A hint, ready to be planned.
pub(crate) struct InputHint {
    pub(crate) statements: Vec<Statement>,
    /// Where each `ids.…` of it leads to.
    pub(crate) places: HashMap<Vec<String>, Place>,
    pub(crate) data: HintProcessorData,
}

/// What a hint is to do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Segments to add.
    segments: usize,
    writes: Vec<(Relocatable, MaybeRelocatable)>,
    /// Names for the present scope, and for each scope that is entered.
    scopes: Vec<HashMap<String, Known>>,
    initial_dict: Option<HashMap<MaybeRelocatable, MaybeRelocatable>>,
}

/// Most steps of one hint: each argument may be looked at a few times.
const MAX_WORK: u64 = 1 << 24;

/// Largest integer, in bits.
const MAX_BITS: u64 = 1 << 10;

type Done<T> = Result<T, HintError>;

fn fail<T>(message: impl AsRef<str>) -> Done<T> {
    Err(HintError::CustomHint(one_line(message.as_ref(), 200).into()))
}

/// Plans what a hint does.
///
/// # Errors
/// If an assertion does not hold, or something is used as what it is not.
pub(crate) fn plan(hint: &InputHint, inputs: &Input, vm: &VirtualMachine, scopes: &ExecutionScopes) -> Done<Plan> {
    let mut planner = Planner {
        hint,
        inputs,
        vm,
        scopes,
        first_segment: vm.segments.num_segments(),
        written: HashMap::new(),
        plan: Plan { scopes: vec![HashMap::new()], ..Plan::default() },
        work: MAX_WORK,
    };
    planner.block(&hint.statements)?;
    Ok(planner.plan)
}

impl Plan {
    /// The last address that each segment is written at.
    pub(crate) fn reach(&self, visit: &mut dyn FnMut(Relocatable)) {
        let mut last: HashMap<isize, usize> = HashMap::new();
        for (address, _) in &self.writes {
            let offset = last.entry(address.segment_index).or_default();
            *offset = address.offset.max(*offset);
        }
        last.into_iter().for_each(|(segment, offset)| visit(Relocatable::from((segment, offset))));
    }

    /// Does it.
    ///
    /// # Errors
    /// If a cell holds another value already.
    pub(crate) fn execute(self, vm: &mut VirtualMachine, scopes: &mut ExecutionScopes) -> Done<()> {
        for _ in 0..self.segments {
            vm.add_memory_segment();
        }
        for (address, value) in self.writes {
            vm.insert_value(address, value)?;
        }
        for (index, names) in self.scopes.into_iter().enumerate() {
            let boxed = names.into_iter().map(|(name, known)| (name, Box::new(known) as Box<dyn Any>));
            match index {
                0 => boxed.for_each(|(name, known)| scopes.assign_or_update_variable(&name, known)),
                _ => scopes.enter_scope(boxed.collect()),
            }
        }
        if let Some(entries) = self.initial_dict {
            scopes.assign_or_update_variable("initial_dict", Box::new(entries));
        }
        Ok(())
    }
}

struct Planner<'a> {
    hint: &'a InputHint,
    inputs: &'a Input,
    vm: &'a VirtualMachine,
    scopes: &'a ExecutionScopes,
    first_segment: usize,
    /// What the plan writes, by address.
    written: HashMap<Relocatable, MaybeRelocatable>,
    plan: Plan,
    work: u64,
}

impl Planner<'_> {
    fn block(&mut self, statements: &[Statement]) -> Done<()> {
        statements.iter().try_for_each(|statement| {
            self.spend()?;
            self.statement(&statement.what).map_err(|error| {
                let message = match error {
                    HintError::CustomHint(message) => message,
                    other => other.to_string().into(),
                };
                // In a loop the inner line is named already.
                if message.starts_with("line ") {
                    return HintError::CustomHint(message);
                }
                let message = format!("line {} of the hint: {message}", statement.line);
                HintError::CustomHint(one_line(&message, 300).into())
            })
        })
    }

    fn spend(&mut self) -> Done<()> {
        match self.work.checked_sub(1) {
            Some(work) => {
                self.work = work;
                Ok(())
            }
            None => fail("the hint takes too many steps"),
        }
    }

    fn statement(&mut self, action: &Action) -> Done<()> {
        match action {
            Action::Assign { targets, value } => {
                let value = self.value(value)?;
                targets.iter().try_for_each(|target| self.assign(target, &value))
            }
            Action::WriteArg { at, list } => {
                let (at, list) = (self.pointer(at)?, self.value(list)?);
                self.write_list(at, &list)
            }
            Action::For { index, item, over, body } => {
                let Known::Input(Input::List(items)) = self.value(over)? else {
                    return fail("the loop is over no list");
                };
                for (position, element) in items.iter().enumerate() {
                    self.spend()?;
                    if let Some(index) = index {
                        self.name(index, Known::Integer(position.into()));
                    }
                    if let Some(item) = item {
                        self.name(item, Known::Input(element.clone()));
                    }
                    self.block(body)?;
                }
                Ok(())
            }
            Action::Range { index, from, to, body } => {
                let (mut at, to) = (self.integer(from)?, self.integer(to)?);
                if &to - &at > BigInt::from(self.work) {
                    return fail("the loop is too long");
                }
                while at < to {
                    self.spend()?;
                    self.name(index, Known::Integer(at.clone()));
                    self.block(body)?;
                    at += 1;
                }
                Ok(())
            }
            Action::Assert { left, comparison, right } => self.assert(left, *comparison, right),
            Action::EnterScope { names } => {
                let mut scope = HashMap::new();
                for (name, value) in names {
                    scope.insert(name.clone(), self.value(value)?);
                }
                self.plan.scopes.push(scope);
                Ok(())
            }
            Action::InitialDict { entries } => {
                let mut dictionary = HashMap::new();
                for (key, value) in entries {
                    let (key, value) = (self.value(key)?, self.value(value)?);
                    dictionary.insert(cell_of(&key)?, cell_of(&value)?);
                }
                self.plan.initial_dict = Some(dictionary);
                Ok(())
            }
            Action::Print => Ok(()),
        }
    }

    fn name(&mut self, name: &str, known: Known) {
        if let Some(scope) = self.plan.scopes.last_mut() {
            scope.insert(name.to_owned(), known);
        }
    }

    fn assign(&mut self, target: &Target, value: &Known) -> Done<()> {
        match target {
            Target::Name(name) => {
                self.name(name, value.clone());
                Ok(())
            }
            Target::Ids(path) => {
                let Some(place) = self.hint.places.get(path) else { return fail("there is no such variable") };
                let address = place.address(self.vm, &self.hint.data, |address| self.read(address))?;
                self.write(address, cell_of(value)?);
                Ok(())
            }
            Target::Memory(address) => {
                let address = self.pointer(address)?;
                self.write(address, cell_of(value)?);
                Ok(())
            }
        }
    }

    fn assert(&mut self, left: &Value, comparison: Comparison, right: &Value) -> Done<()> {
        let holds = match (self.value(left)?, self.value(right)?) {
            (Known::Pointer(left), Known::Pointer(right)) if left.segment_index == right.segment_index => {
                compare(left.offset.cmp(&right.offset), comparison)
            }
            (Known::Pointer(_), _) | (_, Known::Pointer(_)) => comparison == Comparison::NotEqual,
            (left, right) => compare(integer_of(&left)?.cmp(&integer_of(&right)?), comparison),
        };
        if holds { Ok(()) } else { fail("an assertion about the inputs does not hold") }
    }

    fn write(&mut self, address: Relocatable, value: MaybeRelocatable) {
        self.written.insert(address, value.clone());
        self.plan.writes.push((address, value));
    }

    fn write_list(&mut self, at: Relocatable, list: &Known) -> Done<()> {
        let numbers = match list {
            Known::Input(input) => input.numbers(),
            Known::Integer(_) | Known::Pointer(_) => None,
        };
        let Some(numbers) = numbers else { return fail("what is written is no list of numbers") };
        for (offset, number) in numbers.into_iter().enumerate() {
            self.spend()?;
            self.write((at + offset)?, number.into());
        }
        Ok(())
    }

    fn read(&self, address: Relocatable) -> Option<MaybeRelocatable> {
        self.written.get(&address).cloned().or_else(|| self.vm.get_maybe(&address))
    }

    fn add_segment(&mut self) -> Relocatable {
        self.plan.segments += 1;
        Relocatable::from(((self.first_segment + self.plan.segments - 1) as isize, 0))
    }

    fn pointer(&mut self, value: &Value) -> Done<Relocatable> {
        match self.value(value)? {
            Known::Pointer(pointer) => Ok(pointer),
            Known::Input(_) | Known::Integer(_) => fail("a number is used as an address"),
        }
    }

    fn integer(&mut self, value: &Value) -> Done<BigInt> {
        integer_of(&self.value(value)?)
    }

    fn value(&mut self, value: &Value) -> Done<Known> {
        match value {
            Value::Number(number) => Ok(Known::Integer(number.clone())),
            Value::Name(name) => self.named(name),
            Value::Ap => Ok(Known::Pointer(self.vm.get_ap())),
            Value::Fp => Ok(Known::Pointer(self.vm.get_fp())),
            Value::Ids(path) => {
                let Some(place) = self.hint.places.get(path) else { return fail("there is no such variable") };
                place.value(self.vm, &self.hint.data, |address| self.read(address)).map(|value| known(&value))
            }
            Value::Input => Ok(Known::Input(self.inputs.clone())),
            Value::Field(of, name) => match self.value(of)? {
                Known::Input(Input::Record(fields)) => match fields.iter().find(|(field, _)| field == name) {
                    Some((_, field)) => Ok(Known::Input(field.clone())),
                    None => fail(format!("there is no input `{name}`")),
                },
                _ => fail(format!("there is nothing that has a `{name}`")),
            },
            Value::Item(of, index) => {
                let index = self.integer(index)?;
                let Known::Input(Input::List(items)) = self.value(of)? else { return fail("there is no list") };
                match usize::try_from(&index).ok().and_then(|index| items.get(index)) {
                    Some(item) => Ok(Known::Input(item.clone())),
                    None => fail(format!("the list has {} elements, and none at {index}", items.len())),
                }
            }
            Value::Length(of) => match self.value(of)? {
                Known::Input(Input::List(items)) => Ok(Known::Integer(items.len().into())),
                _ => fail("what has a length here is no list"),
            },
            Value::Memory(address) => {
                let address = self.pointer(address)?;
                match self.read(address) {
                    Some(value) => Ok(known(&value)),
                    None => fail(format!("nothing was written to {address}")),
                }
            }
            Value::Segment => Ok(Known::Pointer(self.add_segment())),
            Value::GenArg(list) => {
                let list = self.value(list)?;
                let segment = self.add_segment();
                self.write_list(segment, &list)?;
                Ok(Known::Pointer(segment))
            }
            Value::Operation(left, operation, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operate(&left, *operation, &right)
            }
        }
    }

    fn named(&self, name: &str) -> Done<Known> {
        if let Some(known) = self.plan.scopes.last().and_then(|scope| scope.get(name)) {
            return Ok(known.clone());
        }
        match self.plan.scopes.len() {
            1 => self.scopes.get::<Known>(name).or_else(|_| fail(format!("`{name}` is not set here"))),
            _ => fail(format!("`{name}` is not set in the scope that was entered")),
        }
    }
}

fn known(value: &MaybeRelocatable) -> Known {
    match value {
        MaybeRelocatable::Int(value) => Known::Integer(value.to_bigint()),
        MaybeRelocatable::RelocatableValue(pointer) => Known::Pointer(*pointer),
    }
}

fn integer_of(known: &Known) -> Done<BigInt> {
    match known {
        Known::Integer(value) => Ok(value.clone()),
        Known::Input(Input::Number(felt)) => Ok(to_vm(felt).to_bigint()),
        Known::Input(_) | Known::Pointer(_) => fail("what is used as a number is none"),
    }
}

/// What is written to memory.
fn cell_of(known: &Known) -> Done<MaybeRelocatable> {
    match known {
        Known::Pointer(pointer) => Ok((*pointer).into()),
        known => Ok(Felt252::from(&integer_of(known)?).into()),
    }
}

fn operate(left: &Known, operation: Operation, right: &Known) -> Done<Known> {
    if let Known::Pointer(pointer) = left {
        let by = match right {
            Known::Pointer(other) if operation == Operation::Subtract => {
                return Ok(Known::Integer((*pointer - *other)?.into()));
            }
            right => Felt252::from(&integer_of(right)?),
        };
        return match operation {
            Operation::Add => Ok(Known::Pointer((*pointer + &by)?)),
            Operation::Subtract => Ok(Known::Pointer((*pointer + &(-by))?)),
            Operation::Multiply => fail("an address is multiplied"),
        };
    }
    if matches!(right, Known::Pointer(_)) && operation == Operation::Add {
        return operate(right, operation, left);
    }
    let (left, right) = (integer_of(left)?, integer_of(right)?);
    let result = match operation {
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
    };
    if result.bits() > MAX_BITS { fail("a number is too large") } else { Ok(Known::Integer(result)) }
}

fn compare(ordering: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}
