#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::parse::parse;
use super::*;

fn shapes(hints: &[&str]) -> Result<Vec<(String, Shape)>, Refusal> {
    let mut shapes = Shapes::new();
    for hint in hints {
        shapes.look(&parse(hint)?)?;
    }
    Ok(shapes.finish())
}

fn list(of: Shape) -> Shape {
    Shape::List(Box::new(of))
}

fn record(fields: &[(&str, Shape)]) -> Vec<(String, Shape)> {
    fields.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect()
}

#[test]
fn inputs_come_in_the_order_of_their_first_reading() {
    let found = shapes(&[
        "ids.b = program_input['b']\nids.x = program_input['deep']['x']",
        "ids.a = program_input['a']\nids.b = program_input['b']",
        "ids.w = program_input['deep']['w']",
    ]);
    let deep = Shape::Record(record(&[("x", Shape::Number), ("w", Shape::Number)]));
    assert_eq!(found, Ok(record(&[("b", Shape::Number), ("deep", deep), ("a", Shape::Number)])));
}

#[test]
fn lists_by_every_way_of_reading_them() {
    for code in [
        "memory[ids.p] = program_input['x'][ids.i]",
        "memory[ids.p] = program_input['x'][3]",
        "ids.n = len(program_input['x'])",
        "ids.p = segments.gen_arg(program_input['x'])",
        "segments.write_arg(ids.p, program_input['x'])",
        "for i, value in enumerate(program_input['x']):\n    memory[ids.p + i] = value",
        "for value in program_input['x']: ids.n = value",
        "x = program_input['x']\nfor i in range(len(x)):\n    memory[ids.p + i] = x[i]",
        "ids.p = p = segments.add()\nfor i, value in enumerate([int(y, 16) for y in program_input['x']]): memory[p + i] = value",
    ] {
        assert_eq!(shapes(&[code]), Ok(record(&[("x", list(Shape::Number))])), "{code}");
    }
    let point = Shape::Record(record(&[("y", Shape::Number), ("x", Shape::Number)]));
    let code = "for point in program_input['points']:\n    ids.y = point['y']\n    ids.x = point['x']";
    assert_eq!(shapes(&[code]), Ok(record(&[("points", list(point))])));
    let rows = shapes(&["memory[ap] = program_input['rows'][ids.i][ids.j]"]);
    assert_eq!(rows, Ok(record(&[("rows", list(list(Shape::Number)))])));
}

#[test]
fn names_live_on_in_later_hints() {
    let first = "tiles = program_input['tiles']\ncount = len(tiles)";
    let expected = Ok(record(&[("tiles", list(Shape::Number))]));
    assert_eq!(shapes(&[first, "ids.n = count\nids.first = tiles[0]"]), expected);
    // Of no hint that reads inputs.
    assert!(shapes(&["ids.n = count", first]).is_err());
    assert!(shapes(&["count = 5", "ids.n = count"]).is_err());
    // Of two that differ.
    assert!(shapes(&[first, "tiles = program_input['others']", "ids.n = len(tiles)"]).is_err());
    assert_eq!(shapes(&[first, first, "ids.n = len(tiles)"]), expected);
}

#[test]
fn hints_without_inputs_are_told() {
    let mut found = Shapes::new();
    for code in ["ids.n = 5", "print(5)", "memory[ap] = segments.add()", "assert ids.n == 5"] {
        assert_eq!(found.look(&parse(code).unwrap()), Ok(false), "{code}");
    }
    assert_eq!(found.look(&parse("x = program_input['x']").unwrap()), Ok(true));
    assert_eq!(found.finish(), record(&[("x", Shape::Number)]));
}

#[test]
fn contradictions_are_refused() {
    for code in [
        "ids.n = program_input['n'] + 1",
        "ids.n = 2 * program_input['n']",
        "ids.n = program_input",
        "ids.n = len(program_input)",
        "ids.n = program_input[0]",
        "ids.n = program_input['n']\nids.m = program_input['n']['m']",
        "ids.n = program_input['n']\nids.m = program_input['n'][0]",
        "ids.n = len(program_input['n'])\nids.m = program_input['n']['m']",
        "ids.n = len(program_input['n'])\nids.m = program_input['n']",
        "segments.write_arg(ids.p, program_input['n'])\nids.m = program_input['n'][0][0]",
        "segments.write_arg(ids.p, ids.q)",
        "for i in ids.n: ids.m = i",
        "ids.n = len(ids.m)",
        "ids.n = ids.m[0]",
        "ids.n = unknown",
    ] {
        assert!(shapes(&[code]).is_err(), "{code}");
    }
    // Where something goes may be computed from inputs, as may what is compared.
    assert!(shapes(&["memory[ids.p + program_input['n'] + 1] = 0\nassert program_input['n'] + 1 == 2"]).is_ok());
}

#[test]
fn nesting_and_number_are_bounded() {
    let deep = format!("ids.n = program_input{}", "['a']".repeat(MAX_DEPTH + 1));
    assert!(shapes(&[&deep]).is_err());
    let most = format!("ids.n = program_input{}", "['a']".repeat(MAX_DEPTH));
    assert!(shapes(&[&most]).is_ok());
    let mut found = Shapes::new();
    let refused = (0..=MAX_NODES)
        .map(|n| format!("ids.n = program_input['{n}']"))
        .find_map(|code| found.look(&parse(&code).unwrap()).err());
    assert!(refused.is_some());
}
