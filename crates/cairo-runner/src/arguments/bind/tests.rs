#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn list(of: Shape) -> Shape {
    Shape::List(Box::new(of))
}

fn record(fields: &[(&str, Shape)]) -> Vec<(String, Shape)> {
    fields.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect()
}

/// A number, a list of points, a record.
fn inputs() -> Vec<(String, Shape)> {
    let point = Shape::Record(record(&[("y", Shape::Number), ("x", Shape::Number)]));
    record(&[
        ("n", Shape::Number),
        ("points", list(point)),
        ("deep", Shape::Record(record(&[("rows", list(list(Shape::Number)))]))),
    ])
}

fn bound(json: &str) -> Result<Vec<Felt>, ArgumentError> {
    Arguments::from_json(json.as_bytes()).unwrap().for_inputs(&inputs())
}

const WHOLE: &str = r#"{"deep": {"rows": [[1, 2], [], [3]]}, "points": [{"x": 5, "y": 6}, {"y": 8, "x": 7}], "n": 4}"#;

fn felts(values: &[u64]) -> Vec<Felt> {
    values.iter().copied().map(Felt::from).collect()
}

#[test]
fn values_come_one_after_the_other() {
    let expected = felts(&[4, 2, 6, 5, 8, 7, 3, 2, 1, 2, 0, 1, 3]);
    assert_eq!(bound(WHOLE), Ok(expected.clone()));
    // In order, and as they are serialised.
    assert_eq!(
        bound(r#"[4, [{"x": 5, "y": 6}, {"y": 8, "x": 7}], {"rows": [[1, 2], [], [3]]}]"#),
        Ok(expected.clone())
    );
    assert_eq!(bound("[4, 2, 6, 5, 8, 7, 3, 2, 1, 2, 0, 1, 3]"), Ok(expected.clone()));
    assert_eq!(Arguments::from_felts(&expected).for_inputs(&inputs()), Ok(expected));
}

/// A forger cannot give a program other values whose sequence begins in the same way: each has one reading.
#[test]
fn sequences_have_one_reading() {
    let cells = bound(WHOLE).unwrap();
    let Some(Input::Record(fields)) = read(&cells, &inputs()) else { panic!("it is a record") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["n", "points", "deep"]);
    assert_eq!(fields[0].1, Input::Number(Felt::from(4)));
    for length in 0..cells.len() {
        assert_eq!(read(&cells[..length], &inputs()), None, "{length}");
    }
    assert_eq!(read(&[cells.clone(), felts(&[0])].concat(), &inputs()), None);
    // A length that nothing could have.
    let huge = [felts(&[4]), vec![-Felt::from(1)]].concat();
    assert_eq!(read(&huge, &inputs()), None);
    assert_eq!(read(&felts(&[4, u64::MAX]), &inputs()), None);
}

#[test]
fn values_of_another_shape_are_named() {
    let error = |json: &str| bound(json).unwrap_err();
    let shape = |json: &str, at: &str| {
        let error = error(json);
        assert!(matches!(&error, ArgumentError::Shape { path, .. } if path == at), "{json}: {error}");
    };
    shape(r#"{"n": [4], "points": [], "deep": {"rows": []}}"#, "`n`");
    shape(r#"{"n": 4, "points": [{"x": 1, "y": 2}, 3], "deep": {"rows": []}}"#, "`points`[1]");
    shape(r#"{"n": 4, "points": [{"x": 1, "y": [2]}], "deep": {"rows": []}}"#, "`points`[0].`y`");
    shape(r#"{"n": 4, "points": [], "deep": 5}"#, "`deep`");
    shape("[4, [], [5]]", "[2]");
    let missing = error(r#"{"n": 4, "points": [{"x": 1}], "deep": {"rows": []}}"#);
    assert_eq!(missing, ArgumentError::Missing { name: "points[0].y".to_owned() });
    let unknown = error(r#"{"n": 4, "points": [], "deep": {"rows": [], "colour": 5}}"#);
    assert_eq!(unknown, ArgumentError::Unknown { name: "deep.colour".to_owned(), inputs: vec!["rows".to_owned()] });
    assert!(matches!(error("[4, 2, 6]"), ArgumentError::Serialised { found: 3, .. }));
    assert!(matches!(error("[4, [], {\"rows\": []}, 5]"), ArgumentError::Count { found: 4, expected: 3, .. }));
    let twice = Arguments::from_json(br#"{"deep": {"rows": [], "rows": []}}"#);
    assert_eq!(twice, Err(ArgumentError::Repeated { name: "rows".to_owned() }));
}

#[test]
fn executables_take_no_objects() {
    for json in [r#"{"n": 1}"#, r#"[{"n": 1}]"#, r#"[[1, [{"n": 1}]]]"#] {
        assert_eq!(Arguments::from_json(json.as_bytes()).unwrap().serialised(), Err(ArgumentError::NamedForCairo2));
    }
}
