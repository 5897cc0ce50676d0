use super::*;

fn program(name: &str) -> RunnableProgram {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs").join(name);
    RunnableProgram::from_json(&std::fs::read(path).expect("the program")).expect("a program")
}

fn cairo0() -> RunnableProgram {
    program("primes/primes.json")
}

fn cairo2() -> RunnableProgram {
    program("collatz/collatz.executable.json")
}

fn read_text(
    name: &str,
    text: impl AsRef<[u8]>,
    id: Option<&str>,
    program: &RunnableProgram,
) -> Result<Vec<UnitToPush>, UnitsError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a write");
    read(&Source::File(path), id, program)
}

fn message(name: &str, text: impl AsRef<[u8]>, id: Option<&str>, program: &RunnableProgram) -> String {
    let error = read_text(name, text, id, program).expect_err("an error").to_string();
    // Without the temporary folder.
    error.rsplit_once('/').map_or(error.clone(), |(_, rest)| rest.to_owned())
}

fn shape(units: &[UnitToPush]) -> Vec<(&str, Vec<String>, u64)> {
    units.iter().map(|unit| (unit.id.as_str(), decimals(&unit.arguments.0, Reading::Signed), unit.place.line)).collect()
}

fn row(id: &str, values: [&str; 2], line: u64) -> (String, Vec<String>, u64) {
    (id.to_owned(), values.map(str::to_owned).to_vec(), line)
}

fn assert_units(units: Result<Vec<UnitToPush>, UnitsError>, expected: &[(String, Vec<String>, u64)]) {
    let units = units.expect("units");
    let expected: Vec<_> = expected.iter().map(|(id, values, line)| (id.as_str(), values.clone(), *line)).collect();
    assert_eq!(shape(&units), expected);
}

#[test]
fn json_lines() {
    let text = "{\"lo\": 0, \"hi\": \"0x10\"}\r\n\n  [16, 32]\n{\"hi\": 5, \"lo\": -3}";
    let expected = [row("0,16", ["0", "16"], 1), row("16,32", ["16", "32"], 3), row("-3,5", ["-3", "5"], 4)];
    assert_units(read_text("a.jsonl", text, None, &cairo0()), &expected);
    assert_units(read_text("a.txt", "\u{feff}[1, 2]\n", None, &cairo2()), &[row("1,2", ["1", "2"], 1)]);
}

#[test]
fn csv_with_header() {
    let expected = [row("0,5", ["0", "5"], 2), row("5,9", ["5", "9"], 3)];
    assert_units(read_text("a.csv", "hi,lo\n5,0\n 9 ,\"5\"\n", None, &cairo0()), &expected);
    assert_units(read_text("a.CSV", "from,to\r\n0,5\r\n5,9\r\n", None, &cairo2()), &expected);
    let expected = [row("0,5", ["0", "5"], 3), row("5,9", ["5", "9"], 6)];
    assert_units(read_text("a.csv", "a,b\n\n0,5\n\n\r\n5,9", None, &cairo2()), &expected);
}

#[test]
fn columns_are_recognised_by_what_stands_between_them() {
    let expected = [row("0,5", ["0", "5"], 2), row("5,9", ["5", "9"], 3)];
    for (name, text) in [
        ("a.csv", "lo;hi\n0;5\n5;9\n"),
        ("a.csv", "lo\thi\r\n0\t5\r\n5\t9\r\n"),
        ("a.tsv", "lo\thi\n0\t5\n5\t9\n"),
        ("a.txt", "lo;hi\n0;5\n5;9\n"),
        ("units", "\u{feff}lo\thi\n0\t5\n5\t9\n"),
        ("a.dat", "\"lo\",hi\n0,5\n5,9\n"),
    ] {
        assert_units(read_text(name, text, None, &cairo0()), &expected);
    }
    // A name may have in it what stands between others; the most frequent one counts.
    let named = "\"a, b\";lo;hi\nx;0;5\ny;5;9\n";
    let expected = [row("x", ["0", "5"], 2), row("y", ["5", "9"], 3)];
    assert_units(read_text("a.csv", named, Some("a, b"), &cairo0()), &expected);
    // The end of the name goes before how it begins, and without one lines of JSON are known by theirs.
    assert_units(read_text("a.txt", "\n [0, 5]\n", None, &cairo0()), &[row("0,5", ["0", "5"], 2)]);
    assert!(message("a.jsonl", "lo,hi\n0,5\n", None, &cairo0()).contains("must be a JSON object"));
    assert!(message("a.txt", "0;5\n5;9\n", None, &cairo0()).contains("the first line must name the columns"));
    assert_eq!(message("a.txt", " \n", None, &cairo0()), "a.txt: there is no argument set in it");
}

#[test]
fn what_is_wrong_with_a_row_names_the_column() {
    let of = |text: &str| message("a.csv", text, Some("name"), &cairo2());
    insta::assert_snapshot!(of("name;from;to;by\na;1\n"), @"a.csv, line 2, column 3: the line has 2 fields, but the header has 4: `to`, `by` are missing");
    insta::assert_snapshot!(of("name,from\na,x\n"), @r#"a.csv, line 2, column 2: argument [0] is "x"; an argument is an integer, a decimal or hexadecimal string, or an array or object of them (in the column `from`)"#);
    insta::assert_snapshot!(of("name,from,to\na,,3\n"), @r#"a.csv, line 2, column 2: argument [0] is ""; an argument is an integer, a decimal or hexadecimal string, or an array or object of them (it is empty) (in the column `from`)"#);
}

#[test]
fn ids_from_a_field() {
    let text = "{\"lo\": 0, \"id\": \"first\", \"hi\": 5}\n{\"id\": 2, \"lo\": 5, \"hi\": 9}";
    let expected = [row("first", ["0", "5"], 1), row("2", ["5", "9"], 2)];
    assert_units(read_text("a.jsonl", text, Some("id"), &cairo0()), &expected);
    let expected = [row("first", ["0", "5"], 2)];
    assert_units(read_text("a.csv", "lo,id,hi\n0,first,5\n", Some("id"), &cairo2()), &expected);
}

#[test]
fn ranges_and_nothing() {
    let range = Source::Range("0..10:4".parse().expect("a range"));
    let expected = [row("0,4", ["0", "4"], 1), row("4,8", ["4", "8"], 2), row("8,10", ["8", "10"], 3)];
    assert_units(read(&range, None, &cairo0()), &expected);
    assert_units(read(&range, None, &cairo2()), &expected);
    let error = read(&range, None, &program("nqueens/nqueens.json")).expect_err("three inputs").to_string();
    assert!(error.contains("takes 3 arguments (n, depth, prefix), but 2 are given"), "{error}");
    let error = read(&Source::Nothing, None, &cairo0()).expect_err("two inputs").to_string();
    assert!(error.contains("--args FILE") && error.contains("takes 2 arguments"), "{error}");
    assert_eq!(shape(&read(&Source::Nothing, None, &cairo2()).expect("a unit")), [("no arguments", Vec::new(), 1)]);
}

#[test]
fn long_arguments_get_a_short_name() {
    let long = default_id(&vec![Felt::from(123_456_789); 50]);
    assert!(long.as_str().starts_with("sha256:") && long.as_str().len() == 71);
    assert_ne!(long, default_id(&vec![Felt::from(123_456_789); 51]));
}

#[test]
fn errors_of_json_lines_say_line_and_column() {
    let of = |text: &str| message("a.jsonl", text, None, &cairo0());
    insta::assert_snapshot!(of("[1, 2]\n{\"lo\": 1, \"hi\": \"x\"}"), @r#"a.jsonl, line 2, column 17: argument `hi` is "x"; an argument is an integer, a decimal or hexadecimal string, or an array or object of them"#);
    insta::assert_snapshot!(of("[1, 2]\n[3, 4.5]"), @r#"a.jsonl, line 2, column 5: argument [1] is "4.5"; an argument is an integer, a decimal or hexadecimal string, or an array or object of them (it is a floating-point number: write all digits of a whole number)"#);
    insta::assert_snapshot!(of("[1, 2]\n\n[3, 4"), @"a.jsonl, line 3, column 5: EOF while parsing a list");
    insta::assert_snapshot!(of("[1, 2]\n{\"lo\": 1, \"hi\" 2}"), @"a.jsonl, line 2, column 16: expected `:`");
    insta::assert_snapshot!(of("[1, 2]\n5"), @"a.jsonl, line 2, column 1: each line must be a JSON object or a JSON array of arguments");
    insta::assert_snapshot!(of("[1, 2] [3]"), @"a.jsonl, line 1, column 8: trailing characters");
    insta::assert_snapshot!(of("{\"lo\": 1, \"hi\": 2, \"lo\": 3}"), @"a.jsonl, line 1, column 26: argument `lo` is given twice");
    insta::assert_snapshot!(of("{\"lo\": 1, \"high\": 2}"), @"a.jsonl, line 1, column 19: the program has no input `high`; its inputs are: lo, hi");
    insta::assert_snapshot!(of("{\"lo\": 1}"), @"a.jsonl, line 1: the program's input `hi` is not among the arguments");
    insta::assert_snapshot!(of("[1]"), @"a.jsonl, line 1: the program takes 2 arguments (lo, hi), but 1 are given");
    insta::assert_snapshot!(of("[\"ä\", 2]"), @r#"a.jsonl, line 1, column 2: argument [0] is "ä"; an argument is an integer, a decimal or hexadecimal string, or an array or object of them"#);
    insta::assert_snapshot!(of("\n \n"), @"a.jsonl: there is no argument set in it");
    insta::assert_snapshot!(message("a.jsonl", b"[1, 2]\n[\xff]", None, &cairo0()), @"a.jsonl, line 2, column 2: this is not UTF-8; save the file as UTF-8");
    insta::assert_snapshot!(message("a.jsonl", "{\"lo\": 1}", None, &cairo2()), @"a.jsonl, line 1: a Cairo 2 executable takes its arguments as a JSON array, without objects (names are for Cairo 0)");
}

#[test]
fn errors_of_csv_say_line_and_column() {
    let of = |text: &str| message("a.csv", text, None, &cairo0());
    insta::assert_snapshot!(of("lo,hi\n1,2\n3,four\n"), @r#"a.csv, line 3, column 2: argument `hi` is "four"; an argument is an integer, a decimal or hexadecimal string, or an array or object of them"#);
    insta::assert_snapshot!(of("lo,hi\n1,2\n3\n"), @"a.csv, line 3, column 2: the line has 1 field, but the header has 2: `hi` is missing");
    insta::assert_snapshot!(of("lo,hi\n1,2\n3,4,5\n"), @"a.csv, line 3, column 3: the line has 3 fields, but the header has 2: `5` is too many, behind the column `hi`");
    insta::assert_snapshot!(of("lo,hi\n1,\"2\n3,4\n"), @"a.csv, line 2, column 2: this cell goes over several lines; is a quotation mark missing, or one too many?");
    insta::assert_snapshot!(of("lo,lo\n1,2\n"), @"a.csv, line 1, column 2: there are two columns `lo`");
    insta::assert_snapshot!(of("lo,high\n1,2\n"), @"a.csv, line 2, column 2: the program has no input `high`; its inputs are: lo, hi");
    insta::assert_snapshot!(of("0,400\n400,800\n"), @"a.csv, line 1: the first line must name the columns, but it has a number");
    insta::assert_snapshot!(of("lo,hi\n"), @"a.csv: there is no argument set in it");
    insta::assert_snapshot!(message("a.csv", "a,b\n1,2\n3,\n", None, &cairo2()), @r#"a.csv, line 3, column 2: argument [1] is ""; an argument is an integer, a decimal or hexadecimal string, or an array or object of them (it is empty) (in the column `b`)"#);
    insta::assert_snapshot!(message("a.csv", "lo,hi\n1,2\n", Some("name"), &cairo0()), @"a.csv, line 1: there is no column `name`; the columns are: lo, hi");
}

#[test]
fn what_spreadsheets_write_is_read() {
    let expected = [row("0,5", ["0", "5"], 2), row("5,9", ["5", "9"], 5)];
    // Blank rows, with and without their separators; CRLF; a byte order mark; semicolons and tabs.
    let text = "lo,hi\n0,5\n,\n   \n5,9\n\n";
    assert_units(read_text("a.csv", text, None, &cairo0()), &expected);
    assert_units(read_text("a.csv", format!("\u{feff}{}", text.replace('\n', "\r\n")), None, &cairo0()), &expected);
    assert_units(read_text("a.csv", text.replace(',', ";"), None, &cairo0()), &expected);
    assert_units(read_text("a.csv", text.replace(',', "\t"), None, &cairo0()), &expected);
    let after_a_break = [row("first", ["0", "5"], 2)];
    assert_units(read_text("a.csv", "id,lo,hi\nfirst,\" 0\",0x5\n", Some("id"), &cairo0()), &after_a_break);
    let error = message("a.csv", b"\xff\xfel\0o\0", None, &cairo0());
    assert!(error.ends_with("this is UTF-16; save the file as UTF-8"), "{error}");
}

#[test]
fn numbers_that_are_none_say_why() {
    let of = |cell: &str| message("a.csv", format!("lo;hi\n1;{cell}\n"), None, &cairo0());
    for (cell, why) in [
        ("+5", "leave the `+` out"),
        ("5.0", "floating-point"),
        ("1e6", "floating-point"),
        ("1 000", "blanks"),
        ("1,000", "groups the digits"),
        ("1_000", "groups the digits"),
        ("ff", "need `0x`"),
        ("", "it is empty"),
    ] {
        let error = of(cell);
        assert!(
            error.starts_with("a.csv, line 2, column 2: argument `hi` is ") && error.contains(why),
            "{cell}: {error}"
        );
    }
    let negative = read_text("a.csv", "lo,hi\n-5,0x10\n", None, &cairo0()).expect("a unit");
    assert_eq!(shape(&negative), [("-5,16", vec!["-5".to_owned(), "16".to_owned()], 2)]);
    assert_eq!(negative[0].arguments.0[0], -Felt::from(5), "-5 is p - 5");
}

#[test]
fn one_document_says_what_makes_lines_of_it() {
    for (text, filter) in [
        (r#"[{"lo": 1, "hi": 2}, {"lo": 3, "hi": 4}]"#, ".[]"),
        ("[\n  {\"lo\": 1, \"hi\": 2},\n  {\"lo\": 3, \"hi\": 4}\n]\n", ".[]"),
        ("[\n  [1, 2],\n  [3, 4]\n]\n", ".[]"),
        ("{\n  \"lo\": 1,\n  \"hi\": 2\n}\n", "."),
    ] {
        let error = read_text("a.jsonl", text, None, &cairo0()).expect_err("an error").to_string();
        assert!(
            error.contains("this is one JSON document") && error.contains(&format!("jq -c '{filter}' /")),
            "{error}"
        );
    }
    assert_units(read_text("a.jsonl", "\n[1, 2]\n", None, &cairo0()), &[row("1,2", ["1", "2"], 2)]);
}

#[test]
fn duplicates_are_refused() {
    insta::assert_snapshot!(message("a.jsonl", "[1, 2]\n[3, 4]\n{\"lo\": \"0x1\", \"hi\": 2}", None, &cairo0()), @"a.jsonl, line 3: the unit `1,2` is there already, at line 1; the same arguments are the same unit, so remove one of the two");
    insta::assert_snapshot!(message("a.csv", "id,lo,hi\na,1,2\nb,3,4\nc,0x1,2\n", Some("id"), &cairo0()), @"a.csv, line 4: the unit `c` has the same arguments as the unit `a` at line 2. The same arguments give the same result, which would be counted twice: remove one of the two");
    insta::assert_snapshot!(message("a.csv", "id,lo,hi\na,1,2\na,3,4\n", Some("id"), &cairo0()), @"a.csv, line 3: the unit `a` is there already, at line 2; each unit needs a name of its own");
}

#[test]
fn bad_ids_are_refused() {
    let of = |text: &str| message("a.jsonl", text, Some("id"), &cairo0());
    insta::assert_snapshot!(of("{\"id\": \"\", \"lo\": 1, \"hi\": 2}"), @"a.jsonl, line 1, column 8: an external id must be 1 to 200 visible characters without blanks at the ends, but is ``");
    insta::assert_snapshot!(of("{\"lo\": 1, \"hi\": 2}"), @"a.jsonl, line 1: the field `id` is missing");
    insta::assert_snapshot!(of("{\"id\": 1, \"id\": 2, \"lo\": 1, \"hi\": 2}"), @"a.jsonl, line 1, column 17: the field `id` is given twice");
    insta::assert_snapshot!(of("[1, 2]"), @"a.jsonl, line 1, column 1: --id-field `id` needs an object in each line");
}

#[test]
fn unreadable_files_are_told() {
    let error = read(&Source::File("/nowhere/args.jsonl".into()), None, &cairo0()).expect_err("no file").to_string();
    assert!(error.starts_with("cannot read the arguments file /nowhere/args.jsonl"), "{error}");
}
