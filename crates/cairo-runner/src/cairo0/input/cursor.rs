//! Reads the tokens of a line, and values.

use super::syntax::{Operation, Value};
use super::token::Token;

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 16;

/// Most parts of all values of a line.
const MAX_PARTS: usize = 256;

pub(super) const UNREADABLE: &str = "it is no plain reading of an input";

/// The tokens of a line that are still to be read.
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    depth: usize,
    /// Parts that values of this line may still have: they are walked through recursively.
    parts: usize,
}

pub(super) type Read<T> = Result<T, &'static str>;

impl<'a> Cursor<'a> {
    pub(super) const fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, depth: 0, parts: MAX_PARTS }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Leaves tokens out that have been looked at.
    pub(super) fn skip(&mut self, count: usize) {
        self.tokens = self.tokens.get(count..).unwrap_or_default();
    }

    pub(super) fn peek(&self, at: usize) -> Option<&'a Token> {
        self.tokens.get(at)
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    pub(super) fn is_sign(&self, at: usize, sign: &str) -> bool {
        matches!(self.peek(at), Some(Token::Sign(found)) if *found == sign)
    }

    pub(super) fn is_name(&self, at: usize, name: &str) -> bool {
        matches!(self.peek(at), Some(Token::Name(found)) if found == name)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let is_there = self.is_sign(0, sign);
        if is_there {
            self.next();
        }
        is_there
    }

    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let is_there = self.is_name(0, name);
        if is_there {
            self.next();
        }
        is_there
    }

    pub(super) fn sign(&mut self, sign: &str) -> Read<()> {
        self.take_sign(sign).then_some(()).ok_or(UNREADABLE)
    }

    pub(super) fn name(&mut self) -> Read<String> {
        match self.next() {
            Some(Token::Name(name)) if !is_reserved(name) => Ok(name.clone()),
            _ => Err(UNREADABLE),
        }
    }

    /// `segments.method(`
    pub(super) fn takes_method(&mut self, method: &str) -> bool {
        let is_there =
            self.is_name(0, "segments") && self.is_sign(1, ".") && self.is_name(2, method) && self.is_sign(3, "(");
        if is_there {
            self.skip(4);
        }
        is_there
    }

    pub(super) fn value(&mut self) -> Read<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("brackets are nested too deeply");
        }
        let mut value = self.product()?;
        loop {
            let operation = match self.peek(0) {
                Some(Token::Sign("+")) => Operation::Add,
                Some(Token::Sign("-")) => Operation::Subtract,
                _ => break,
            };
            self.next();
            value = Value::Operation(Box::new(value), operation, Box::new(self.product()?));
        }
        self.depth -= 1;
        Ok(value)
    }

    fn part(&mut self) -> Read<()> {
        self.parts = self.parts.checked_sub(1).ok_or("the line is too long")?;
        Ok(())
    }

    fn product(&mut self) -> Read<Value> {
        let mut value = self.operand()?;
        while self.take_sign("*") {
            value = Value::Operation(Box::new(value), Operation::Multiply, Box::new(self.operand()?));
        }
        Ok(value)
    }

    fn operand(&mut self) -> Read<Value> {
        let mut value = self.atom()?;
        self.part()?;
        while self.take_sign("[") {
            self.part()?;
            value = match self.peek(0) {
                Some(Token::Text(Some(key))) if !key.is_empty() => {
                    self.next();
                    Value::Field(Box::new(value), key.clone())
                }
                Some(Token::Text(_)) => return Err("the name of an input is empty, or has a backslash"),
                _ => Value::Item(Box::new(value), Box::new(self.value()?)),
            };
            self.sign("]")?;
        }
        Ok(value)
    }

    fn atom(&mut self) -> Read<Value> {
        if self.takes_method("add") {
            self.sign(")")?;
            return Ok(Value::Segment);
        }
        if self.takes_method("gen_arg") {
            let list = self.value()?;
            self.sign(")")?;
            return Ok(Value::GenArg(Box::new(list)));
        }
        match self.next() {
            Some(Token::Number(number)) => Ok(Value::Number(number.clone())),
            Some(Token::Sign("(")) => {
                let value = self.value()?;
                self.sign(")")?;
                Ok(value)
            }
            Some(Token::Sign("[")) => self.comprehension(),
            Some(Token::Name(name)) => self.named(name),
            _ => Err(UNREADABLE),
        }
    }

    fn named(&mut self, name: &str) -> Read<Value> {
        match name {
            "program_input" => Ok(Value::Input),
            "ap" => Ok(Value::Ap),
            "fp" => Ok(Value::Fp),
            "ids" => {
                let mut path = Vec::new();
                while self.take_sign(".") {
                    match self.next() {
                        Some(Token::Name(name)) => path.push(name.clone()),
                        _ => return Err(UNREADABLE),
                    }
                }
                if path.is_empty() { Err(UNREADABLE) } else { Ok(Value::Ids(path)) }
            }
            "memory" => {
                self.sign("[")?;
                let address = self.value()?;
                self.sign("]")?;
                Ok(Value::Memory(Box::new(address)))
            }
            "len" => {
                self.sign("(")?;
                let of = self.value()?;
                self.sign(")")?;
                Ok(Value::Length(Box::new(of)))
            }
            // Inputs are field elements already, also those that are written in hexadecimal.
            "int" | "to_felt_or_relocatable" => {
                self.sign("(")?;
                let value = self.value()?;
                if name == "int" && self.take_sign(",") && !matches!(self.next(), Some(Token::Number(_))) {
                    return Err(UNREADABLE);
                }
                self.sign(")")?;
                Ok(value)
            }
            name if is_reserved(name) => Err(UNREADABLE),
            name => Ok(Value::Name(name.to_owned())),
        }
    }

    /// `[int(x, 16) for x in list]`, which is the list.
    fn comprehension(&mut self) -> Read<Value> {
        const REASON: &str = "a list in brackets is taken only as `[x for x in LIST]` or `[int(x, 16) for x in LIST]`";
        let Value::Name(item) = self.value()? else { return Err(REASON) };
        if !self.take_name("for") || self.name()? != item || !self.take_name("in") {
            return Err(REASON);
        }
        let list = self.value()?;
        self.sign("]")?;
        Ok(list)
    }
}

/// Words that mean something else than a name of the hint's own.
fn is_reserved(name: &str) -> bool {
    const WORDS: [&str; 36] = [
        "False",
        "None",
        "True",
        "and",
        "as",
        "assert",
        "class",
        "def",
        "del",
        "dict",
        "elif",
        "else",
        "enumerate",
        "except",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "len",
        "memory",
        "not",
        "or",
        "pass",
        "print",
        "raise",
        "range",
        "return",
        "segments",
        "try",
        "while",
        "with",
        "yield",
    ];
    // Python's and the virtual machine's own variables are none of the hint's.
    WORDS.contains(&name) || name.starts_with("__") || name.starts_with("vm_")
}
