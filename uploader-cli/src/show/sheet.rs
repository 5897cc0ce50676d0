//! What a command shows: named columns and rows of values, which every format writes in its way.

use std::collections::BTreeMap;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Lists of numbers. Formats that are flat have a column for each place of the longest list.
    Each,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name for programs.
    pub name: &'static str,
    /// Name over a column of text; that of [`Kind::Each`] is followed by `_0`, `_1`, ….
    pub heading: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is left out where people read.
    pub detail: bool,
}

impl Column {
    /// Texts.
    pub const fn text(name: &'static str) -> Self {
        Self { name, heading: name, kind: Kind::Text, detail: false }
    }

    /// Numbers.
    pub const fn number(name: &'static str) -> Self {
        Self { kind: Kind::Number, ..Self::text(name) }
    }

    /// Lists of numbers.
    pub const fn each(name: &'static str) -> Self {
        Self { kind: Kind::Each, ..Self::text(name) }
    }

    /// The same under another name in text.
    #[must_use]
    pub const fn headed(self, heading: &'static str) -> Self {
        Self { heading, ..self }
    }

    /// The same, left out where people read.
    #[must_use]
    pub const fn detail(self) -> Self {
        Self { detail: true, ..self }
    }
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Nothing,
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
    /// Numbers of any size, in decimal.
    Numbers(Vec<String>),
    /// Yes or no.
    Flag(bool),
    /// A digest or a key, of which the first characters tell people enough.
    Digest(String),
}

impl Value {
    /// The text of something.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// As text for a flat format.
    pub fn flat(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) | Self::Digest(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Numbers(numbers) => numbers.join(" "),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// Columns and rows.
#[derive(Debug, Clone)]
pub struct Sheet {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    /// Headings of the places of a list, by column.
    names: BTreeMap<usize, Vec<String>>,
    /// How many places of a list flat formats leave out, by column.
    skipped: BTreeMap<usize, usize>,
}

impl Sheet {
    /// One without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self { columns, rows: Vec::new(), names: BTreeMap::new(), skipped: BTreeMap::new() }
    }

    /// Names the places of a column of lists, for flat formats. A name that another column has stands behind the column's own.
    pub fn name_places(&mut self, at: usize, names: &[String]) {
        self.names.insert(at, names.to_vec());
    }

    /// Leaves the first places of a column of lists out of flat formats: other columns have them.
    pub fn skip_places(&mut self, at: usize, count: usize) {
        self.skipped.insert(at, count);
    }

    /// Adds a row. Missing values are [`Value::Nothing`].
    pub fn push(&mut self, mut row: Vec<Value>) {
        row.resize(self.columns.len(), Value::Nothing);
        self.rows.push(row);
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// The sheet without lists: the headings, each with whether numbers stand below it, and the rows as `text` has each value.
    pub fn flat(&self, details: bool, text: impl Fn(&Value) -> String) -> (Vec<(String, bool)>, Vec<Vec<String>>) {
        let places: Vec<(usize, &Column, Option<usize>)> = (0..)
            .zip(&self.columns)
            .filter(|(_, column)| details || !column.detail)
            .flat_map(|(at, column)| match column.kind {
                Kind::Each => {
                    let first = self.skipped.get(&at).copied().unwrap_or(0);
                    (first..self.longest(at)).map(|place| (at, column, Some(place))).collect()
                }
                Kind::Text | Kind::Number => vec![(at, column, None)],
            })
            .collect();
        let heading = |(at, column, place): &(usize, &Column, Option<usize>)| {
            (self.heading(*at, column, *place), column.kind != Kind::Text)
        };
        let cell = |row: &[Value], at: usize, place: Option<usize>| match (row.get(at), place) {
            (Some(Value::Numbers(numbers)), Some(place)) => numbers.get(place).cloned().unwrap_or_default(),
            (Some(value), None) => text(value),
            _ => String::new(),
        };
        let row = |row: &Vec<Value>| places.iter().map(|(at, _, place)| cell(row, *at, *place)).collect();
        (places.iter().map(heading).collect(), self.rows.iter().map(row).collect())
    }

    fn heading(&self, at: usize, column: &Column, place: Option<usize>) -> String {
        let Some(place) = place else { return column.heading.to_owned() };
        match self.names.get(&at).and_then(|names| names.get(place)) {
            Some(name) if self.has_heading(name) => format!("{}_{name}", column.heading),
            Some(name) => name.clone(),
            None => format!("{}_{place}", column.heading),
        }
    }

    /// Whether a column has this heading, or may have it for one of its places.
    fn has_heading(&self, name: &str) -> bool {
        let of_place = |column: &Column| {
            let place = name.strip_prefix(column.heading).and_then(|rest| rest.strip_prefix('_'));
            column.kind == Kind::Each && place.is_some_and(|place| place.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.columns.iter().any(|column| column.heading == name || column.name == name || of_place(column))
    }

    /// Length of a column's longest list.
    fn longest(&self, at: usize) -> usize {
        let length = |row: &Vec<Value>| match row.get(at) {
            Some(Value::Numbers(numbers)) => numbers.len(),
            _ => 0,
        };
        self.rows.iter().map(length).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_a_column_for_each_place() {
        let columns =
            [Column::text("unit"), Column::each("arguments").headed("argument").detail(), Column::number("n")];
        let mut sheet = Sheet::new(columns);
        sheet.push(vec![Value::text("a"), Value::Numbers(vec!["1".to_owned(), "2".to_owned()]), Value::Number(7)]);
        sheet.push(vec![Value::text("b"), Value::Numbers(vec!["3".to_owned()])]);
        let (headings, rows) = sheet.flat(true, Value::flat);
        let names: Vec<&str> = headings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["unit", "argument_0", "argument_1", "n"]);
        assert_eq!(headings.iter().map(|(_, number)| *number).collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!(rows, [["a", "1", "2", "7"], ["b", "3", "", ""]]);
        assert_eq!(sheet.flat(false, Value::flat).1, [["a", "7"], ["b", ""]]);
    }
}
