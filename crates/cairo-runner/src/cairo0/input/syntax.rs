//! What a hint that reads inputs may consist of: far less than Python, and never given to it.

use num_bigint::BigInt;

/// A line, or a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The line's number in the hint, from 1.
    pub(crate) line: usize,
    pub(crate) what: Action,
}

/// What a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// `a = b = value`; the targets from the left to the right.
    Assign { targets: Vec<Target>, value: Value },
    /// `segments.write_arg(at, list)`.
    WriteArg { at: Value, list: Value },
    /// `for index, item in …:`
    For { index: Option<String>, item: Option<String>, over: Value, body: Vec<Statement> },
    /// `for index in range(from, to):`
    Range { index: String, from: Value, to: Value, body: Vec<Statement> },
    /// `assert left == right`, and the other comparisons.
    Assert { left: Value, comparison: Comparison, right: Value },
    /// `vm_enter_scope(dict(name=value, …))`, with braces too.
    EnterScope { names: Vec<(String, Value)> },
    /// `initial_dict = {1: 2, …}`.
    InitialDict { entries: Vec<(Value, Value)> },
    /// `print(…)`, which does nothing here.
    Print,
}

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A name of the scope.
    Name(String),
    /// `ids.a.b`.
    Ids(Vec<String>),
    /// `memory[address]`.
    Memory(Value),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(BigInt),
    Name(String),
    Ap,
    Fp,
    /// `ids.a.b`; `ids.a.address_` with the last name `address_`.
    Ids(Vec<String>),
    /// `program_input`.
    Input,
    /// `of["key"]`.
    Field(Box<Self>, String),
    /// `of[index]`.
    Item(Box<Self>, Box<Self>),
    /// `len(of)`.
    Length(Box<Self>),
    /// `memory[address]`.
    Memory(Box<Self>),
    /// `segments.add()`.
    Segment,
    /// `segments.gen_arg(list)`.
    GenArg(Box<Self>),
    /// A sum, a difference, a product.
    Operation(Box<Self>, Operation, Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
