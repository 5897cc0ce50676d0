//! Reads a hint in the small language of [`super::syntax`]. There is no way from here to anything that would execute it otherwise.

use super::cursor::{Cursor, Read, UNREADABLE};
use super::syntax::{Action, Comparison, Statement, Target, Value};
use super::token::{Line, Token, lines};

/// Why a hint is none of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) reason: &'static str,
}

/// Deepest nesting of loops.
const MAX_DEPTH: usize = 16;

/// Most lines of a hint.
const MAX_LINES: usize = 1 << 10;

/// The statements of a hint; none for one that only has comments.
pub(crate) fn parse(code: &str) -> Result<Vec<Statement>, Refusal> {
    let lines = lines(code);
    if lines.len() > MAX_LINES {
        return Err(Refusal { line: MAX_LINES, reason: "the hint is too long" });
    }
    let indent = lines.first().map_or(0, |line| line.indent);
    let mut rest = lines.as_slice();
    let statements = block(&mut rest, indent, 0)?;
    match rest.first() {
        Some(line) => Err(Refusal { line: line.number, reason: "its indentation fits nothing" }),
        None => Ok(statements),
    }
}

fn block(lines: &mut &[Line], indent: usize, depth: usize) -> Result<Vec<Statement>, Refusal> {
    let mut statements = Vec::new();
    while let Some((line, rest)) = lines.split_first().filter(|(line, _)| line.indent == indent) {
        *lines = rest;
        let refuse = |reason| Refusal { line: line.number, reason };
        let mut cursor = Cursor::new(&line.tokens);
        let mut what = cursor.statement().map_err(refuse)?;
        if let Action::For { body, .. } | Action::Range { body, .. } = &mut what {
            if depth >= MAX_DEPTH {
                return Err(refuse("loops are nested too deeply"));
            }
            if cursor.is_empty() {
                let deeper = lines.first().map(|next| next.indent).filter(|deeper| *deeper > indent);
                *body = block(lines, deeper.ok_or(refuse("the loop has no body"))?, depth + 1)?;
            } else {
                // The body stands on the loop's own line.
                let inner = cursor.statement().map_err(refuse)?;
                *body = vec![Statement { line: line.number, what: inner }];
            }
        }
        if !cursor.is_empty() {
            return Err(refuse(UNREADABLE));
        }
        statements.push(Statement { line: line.number, what });
    }
    Ok(statements)
}

impl Cursor<'_> {
    fn statement(&mut self) -> Read<Action> {
        if self.take_name("for") {
            return self.head_of_loop();
        }
        if self.take_name("assert") {
            return self.assertion();
        }
        if self.is_name(0, "print") && self.is_sign(1, "(") {
            return self.print();
        }
        if self.is_name(0, "vm_enter_scope") && self.is_sign(1, "(") {
            return self.enter_scope();
        }
        if self.is_name(0, "initial_dict") && self.is_sign(1, "=") && self.is_sign(2, "{") {
            return self.initial_dict();
        }
        if self.takes_method("write_arg") {
            let at = self.value()?;
            self.sign(",")?;
            let list = self.value()?;
            self.sign(")")?;
            return Ok(Action::WriteArg { at, list });
        }
        self.assignment()
    }

    fn assignment(&mut self) -> Read<Action> {
        let mut targets = Vec::new();
        loop {
            let value = self.value()?;
            if !self.take_sign("=") {
                return if targets.is_empty() { Err(UNREADABLE) } else { Ok(Action::Assign { targets, value }) };
            }
            targets.push(match value {
                Value::Name(name) => Target::Name(name),
                Value::Ids(path) if path.last().is_some_and(|last| last != "address_") => Target::Ids(path),
                Value::Memory(address) => Target::Memory(*address),
                _ => return Err("what stands before `=` is neither a name nor a variable nor a memory cell"),
            });
        }
    }

    fn head_of_loop(&mut self) -> Read<Action> {
        let first = self.name()?;
        let second = if self.take_sign(",") { Some(self.name()?) } else { None };
        if !self.take_name("in") {
            return Err(UNREADABLE);
        }
        let body = Vec::new();
        let action = match second {
            Some(item) => {
                if !(self.take_name("enumerate") && self.take_sign("(")) {
                    return Err("a loop with two names must be one over `enumerate(…)`");
                }
                let over = self.value()?;
                self.sign(")")?;
                Action::For { index: Some(first), item: Some(item), over, body }
            }
            None if self.is_name(0, "range") && self.is_sign(1, "(") => {
                self.skip(2);
                let value = self.value()?;
                let (from, to) =
                    if self.take_sign(",") { (value, self.value()?) } else { (Value::Number(0.into()), value) };
                self.sign(")")?;
                Action::Range { index: first, from, to, body }
            }
            None => Action::For { index: None, item: Some(first), over: self.value()?, body },
        };
        self.sign(":")?;
        Ok(action)
    }

    fn assertion(&mut self) -> Read<Action> {
        let left = self.value()?;
        let comparison = match self.next() {
            Some(Token::Sign("==")) => Comparison::Equal,
            Some(Token::Sign("!=")) => Comparison::NotEqual,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::LessOrEqual,
            Some(Token::Sign(">")) => Comparison::Greater,
            Some(Token::Sign(">=")) => Comparison::GreaterOrEqual,
            _ => return Err("an assertion here is one comparison"),
        };
        let right = self.value()?;
        if self.take_sign(",") {
            // The message, which nobody would see.
            if matches!(self.peek(0), Some(Token::Name(f)) if f == "f") {
                self.next();
            }
            if !matches!(self.next(), Some(Token::Text(_))) {
                return Err(UNREADABLE);
            }
        }
        Ok(Action::Assert { left, comparison, right })
    }

    fn print(&mut self) -> Read<Action> {
        let mut open = 0_usize;
        self.next();
        while let Some(token) = self.next() {
            match token {
                Token::Sign("(" | "[" | "{") => open += 1,
                Token::Sign(")" | "]" | "}") => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Ok(Action::Print);
            }
        }
        Err("the brackets of `print` are not closed")
    }

    fn enter_scope(&mut self) -> Read<Action> {
        self.skip(2);
        let mut names = Vec::new();
        if self.take_name("dict") {
            self.sign("(")?;
            while !self.take_sign(")") {
                let name = self.name()?;
                self.sign("=")?;
                names.push((name, self.value()?));
                if !self.take_sign(",") && !self.is_sign(0, ")") {
                    return Err(UNREADABLE);
                }
            }
        } else if self.take_sign("{") {
            while !self.take_sign("}") {
                let Some(Token::Text(Some(name))) = self.next() else { return Err(UNREADABLE) };
                self.sign(":")?;
                names.push((name.clone(), self.value()?));
                if !self.take_sign(",") && !self.is_sign(0, "}") {
                    return Err(UNREADABLE);
                }
            }
        }
        self.sign(")")?;
        Ok(Action::EnterScope { names })
    }

    fn initial_dict(&mut self) -> Read<Action> {
        self.skip(3);
        let mut entries = Vec::new();
        while !self.take_sign("}") {
            let key = self.value()?;
            self.sign(":")?;
            entries.push((key, self.value()?));
            if !self.take_sign(",") && !self.is_sign(0, "}") {
                return Err(UNREADABLE);
            }
        }
        Ok(Action::InitialDict { entries })
    }
}

#[cfg(test)]
mod tests;
