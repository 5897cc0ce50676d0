//! The formats of data on standard output. A further one is a file here and its line in [`FORMATS`].

mod aligned;
mod csv;
mod jsonl;
mod writer;

pub use writer::{Summary, Writer};

use super::sheet::Sheet;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::fmt;
use std::io::{self, Write};

/// All formats; the first is the usual one.
static FORMATS: [Format; 3] = [Format(&aligned::Aligned), Format(&jsonl::JsonLines), Format(&csv::Csv)];

/// A format.
#[derive(Clone, Copy)]
pub struct Format(&'static dyn Writer);

impl Format {
    /// All of them.
    pub fn all() -> &'static [Self] {
        &FORMATS
    }

    /// JSON lines, which other programs are fed with.
    pub fn json_lines() -> Self {
        Self(&jsonl::JsonLines)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether people read it.
    pub fn is_for_people(self) -> bool {
        self.0.is_for_people()
    }

    /// What it is.
    pub fn help(self) -> &'static str {
        self.0.help()
    }

    /// Writes a sheet.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(self, sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
        if sheet.is_empty() && self.0.is_for_people() { Ok(()) } else { self.0.write(sheet, out) }
    }

    /// Writes a sheet to standard output, as it fits a terminal if that is one.
    ///
    /// # Errors
    /// If writing fails.
    pub fn print(self, sheet: &Sheet) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let size = terminal_size::terminal_size_of(&stdout);
        match size.filter(|_| !(sheet.is_empty() && self.0.is_for_people())) {
            Some((width, _)) => self.0.write_within(sheet, usize::from(width.0), &mut stdout),
            None => self.write(sheet, &mut stdout),
        }
    }

    /// Writes one value of all rows below them; `false` if the format has no place for it.
    ///
    /// # Errors
    /// If writing fails.
    pub fn summarise(self, summary: &Summary, out: &mut dyn Write) -> io::Result<bool> {
        self.0.summarise(summary, out)
    }
}

impl Default for Format {
    fn default() -> Self {
        Self(&aligned::Aligned)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.help()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::sheet::{Column, Value};

    fn sheet() -> Sheet {
        let columns = [Column::text("unit"), Column::number("count"), Column::each("output"), Column::text("late")];
        let mut sheet = Sheet::new(columns);
        let outputs = |numbers: &[&str]| Value::Numbers(numbers.iter().map(ToString::to_string).collect());
        sheet.push(vec![Value::text("0..400"), Value::Number(78), outputs(&["-1"]), Value::Flag(true)]);
        let hostile = Value::text("a \"b\", c\u{1b}[31m");
        sheet.push(vec![hostile, Value::Number(u64::MAX), outputs(&["1", "2"]), Value::Nothing]);
        sheet
    }

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        format.write(&sheet(), &mut out).expect("a Vec takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    fn named(name: &str) -> Format {
        Format::from_str(name, false).expect("a format")
    }

    #[test]
    fn every_format_writes_everything_and_nothing_that_acts_on_a_terminal() {
        for format in Format::all() {
            let text = written(*format);
            assert!(text.contains("0..400") && text.contains(&u64::MAX.to_string()), "{format:?}");
            assert!(!text.contains('\u{1b}') && text.contains("1b"), "{format:?}");
        }
    }

    #[test]
    fn aligned_columns() {
        insta::assert_snapshot!(written(Format::default()), @r#"
        unit                               count  output_0  output_1  late
        0..400                                78        -1            yes
        a "b", c\u{1b}[31m  18446744073709551615         1         2
        "#);
    }

    #[test]
    fn a_table_that_is_too_wide_stands_row_by_row() {
        let within = |width| {
            let mut out = Vec::new();
            Format::default().0.write_within(&sheet(), width, &mut out).expect("a Vec takes everything");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(within(67), written(Format::default()));
        insta::assert_snapshot!(within(60), @r#"
        unit      0..400
        count     78
        output_0  -1
        output_1
        late      yes

        unit      a "b", c\u{1b}[31m
        count     18446744073709551615
        output_0  1
        output_1  2
        late
        "#);
    }

    #[test]
    fn comma_separated_values() {
        insta::assert_snapshot!(written(named("csv")), @r#"
        unit,count,output_0,output_1,late
        0..400,78,-1,,yes
        "a ""b"", c\u{1b}[31m",18446744073709551615,1,2,
        "#);
    }

    #[test]
    fn json_lines() {
        insta::assert_snapshot!(written(Format::json_lines()), @r#"
        {"unit":"0..400","count":78,"output":["-1"],"late":true}
        {"unit":"a \"b\", c\u001b[31m","count":"18446744073709551615","output":["1","2"],"late":null}
        "#);
        for line in written(named("jsonl")).lines() {
            let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(object.as_object().map(serde_json::Map::len), Some(4), "{line}");
        }
    }

    /// What programs without output give.
    #[test]
    fn empty_lists_take_no_column() {
        let mut sheet = Sheet::new([Column::text("unit"), Column::each("output"), Column::number("n_steps")]);
        sheet.push(vec![Value::text("a"), Value::Numbers(Vec::new()), Value::Number(6)]);
        let written = |format: &Format| {
            let mut out = Vec::new();
            format.write(&sheet, &mut out).expect("a Vec takes everything");
            String::from_utf8(out).expect("UTF-8")
        };
        let expected =
            ["unit  n_steps\na           6\n", "{\"unit\":\"a\",\"output\":[],\"n_steps\":6}\n", "unit,n_steps\na,6\n"];
        assert_eq!(Format::all().iter().map(written).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_people_see_nothing_of_nothing() {
        let empty = Sheet::new([Column::text("unit")]);
        let written = |format: Format| {
            let mut out = Vec::new();
            format.write(&empty, &mut out).expect("a Vec takes everything");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(Format::all().iter().map(|format| written(*format)).collect::<Vec<_>>(), ["", "", "unit\n"]);
    }
}
