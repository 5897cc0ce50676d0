//! pedersen.

use crate::forger::{Forger, honest, pranks};
use crate::json;
use crate::runs::{proven, try_run};
use cairo_air::components::pedersen::{INPUT_ROWS, ROWS};
use cairo_air::{Builtin, TableKind};
use cairo_execution::ExecutionError;
use cairo_prover::Witness;
use cairo_prover::witness::pedersen::rows;
use felt::{Felt, encoding};
use stark_curve::Word;
use stark_curve::pedersen::{Hashes, TABLE, hashes};
use std::sync::OnceLock;

pub const OWN: TableKind = TableKind::Pedersen;
const POINTS: TableKind = TableKind::PedersenPoints;

/// The program of whose instance 1 nobody wrote anything.
pub fn partly() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| honest("cairo0/pedersen_partly", None))
}

fn power(bits: u64) -> Felt {
    Felt::from(2).pow(bits)
}

fn arguments(x: &Felt, y: &Felt, n: u64) -> String {
    format!(r#"{{"x": {}, "y": {}, "n": {n}}}"#, json(x), json(y))
}

#[test]
fn runs() {
    for n in [0, 1, 3, 70] {
        let (x, y) = (Felt::from(1), -Felt::from(2));
        let (output, kinds) = proven(try_run("cairo0/pedersen_args", Some(&arguments(&x, &y, n))).unwrap());
        let last = (0..n).fold(x, |x, _| hashes(&[[x, y]])[0].unwrap());
        assert_eq!(output[3], last);
        assert_eq!(kinds.contains("pedersen") && kinds.contains("pedersen_points"), n > 0);
    }
    proven(try_run("cairo0/pedersen_partly", None).unwrap());
}

#[test]
fn inputs_at_the_edges() {
    let top = power(251);
    let edges = [
        Felt::zero(),
        -Felt::one(),
        top - Felt::one(),
        top,
        top + power(192) - Felt::one(),
        top + power(192) * Felt::from(16),
        top + power(192) * Felt::from(17) - Felt::one(),
        power(248),
        power(248) - Felt::one(),
    ];
    for (x, y) in edges.iter().zip(edges.iter().cycle().skip(4)) {
        let (output, _) = proven(try_run("cairo0/pedersen_args", Some(&arguments(x, y, 1))).unwrap());
        assert_eq!(Some(output[3]), hashes(&[[*x, *y]])[0]);
    }
}

#[test]
fn executions_that_are_none() {
    let mut execution = try_run("cairo0/pedersen_partly", None).unwrap();
    let address = execution.segments[&Builtin::Pedersen].base + 14;
    execution.memory[address as usize] += Felt::one();
    let found = execution.check();
    let is_named = matches!(found, Err(ExecutionError::BuiltinResult { builtin: Builtin::Pedersen, address: at, .. }) if at == address);
    assert!(is_named, "{found:?}");
}

#[test]
fn pranks_on_the_instances() {
    let mut list: Vec<(String, usize, String)> = Vec::new();
    let mut add = |what: &str, row, column: &str| list.push((what.to_owned(), row, column.to_owned()));
    add("first_address", 0, "address");
    add("next_address", 32, "address");
    add("same_address", 20, "address");
    add("last_address", 255, "address");
    add("start_x", 32, "sum_x[0]");
    add("start_y", 32, "sum_y");
    for i in 0..4 {
        add(&format!("sum[{i}]_tangent"), 40, &format!("slope[{i}]"));
        add(&format!("point[{i}]"), 40, &format!("digit[{i}]"));
        add(&format!("point[{i}]"), 40, &format!("point_x[{i}]"));
        add(&format!("point[{i}]"), 40, &format!("slope[{i}]"));
    }
    for i in 1..4 {
        add(&format!("sum_x[{i}]"), 40, &format!("sum_x[{i}]"));
    }
    add("next_sum_x", 40, "sum_x[0]");
    add("next_sum_y", 40, "sum_y");
    add("next_prefix", 40, "prefix");
    add("next_prefix", 40, "digit[3]");
    add("boolean_tight", 0, "tight");
    // Instance 0 has the largest inputs, instance 1 zeros.
    add("tight_zeros", 9, "digit[2]");
    add("same_tight", 33, "tight");
    add("tight_49", 3, "digit[2]");
    add("tight_49", 36, "tight");
    add("tight_48", 4, "prefix");
    add("tight_48", 37, "tight");
    add("tight_47", 4, "digit[1]");
    add("input", 15, "digit[3]");
    add("input", 31, "digit[3]");
    add("hash", 31, "slope[3]");
    add("hash", 31, "address");
    let list: Vec<_> = list.iter().map(|(what, row, column)| (what.as_str(), *row, column.as_str())).collect();
    pranks(partly(), &OWN, &list);
    pranks(partly(), &POINTS, &[("point[0]", 5, "multiplicity[0]"), ("point[1]", 1000, "multiplicity[1]")]);
}

/// Instance 1 is rewritten with these integers below 2^256 as inputs, whether or not they are below `p`; everything follows from them.
pub fn forged(words: [Word; 2]) -> Forger {
    let mut forger = Forger::new(partly());
    let hashes = Hashes::of_words(&[words]);
    let base = forger.instance(Builtin::Pedersen, 1);
    for (at, values) in rows(base as u32, &words, &hashes, 0).enumerate() {
        for (name, value) in forger.columns(&OWN).iter().zip(values) {
            forger.set(&OWN, ROWS + at, name, value);
        }
    }
    let [x, y] = words.map(|word| {
        let shift = Felt::from(2).pow(64_u64);
        word.iter().rev().fold(Felt::zero(), |sum, limb| sum * shift + Felt::from(*limb))
    });
    let hash = hashes.ends()[0].unwrap().x;
    for (address, value) in (base..).zip([x, y, hash]) {
        forger.set_memory(address, value);
    }
    forger.balance();
    forger
}

/// `p` and an integer below `2^192`, with something added to the limb of `2^192`.
fn beyond(low: u64, high: i64) -> Word {
    [low, 0, 0, encoding::MODULUS[0].wrapping_add_signed(high)]
}

#[test]
fn other_instances_that_hold_pass() {
    for words in [[[5, 6, 7, 8], [9, 10, 11, 1 << 59]], [beyond(0, 0), beyond(77, -1)]] {
        assert!(forged(words).faults().is_empty(), "{words:?}");
    }
}

/// `x` and `x + p` are one field element and have two hashes.
#[test]
fn inputs_beyond_the_modulus() {
    let small = [3, 0, 0, 0];
    for (word, fault) in [
        // p and a little more: a digit behind place 48.
        (beyond(1, 0), "pedersen/tight_zeros"),
        (beyond(4, 0), "pedersen/tight_zeros"),
        ([0, 0, 1 << 60, encoding::MODULUS[0]], "pedersen/tight_47"),
        // Place 48.
        (beyond(0, 1), "pedersen/tight_48"),
        (beyond(9, 14), "pedersen/tight_48"),
        // Place 49.
        (beyond(0, 15), "pedersen/tight_49"),
        (beyond(0, 0xe0), "pedersen/tight_49"),
        // Places 50 to 61.
        (beyond(0, 0xef), "pedersen/tight_zeros"),
        (beyond(0, (1 << 50) - 0x11), "pedersen/tight_zeros"),
    ] {
        forged([word, small]).refused_for(&[fault]);
        forged([small, word]).refused_for(&[fault]);
        // Without the mark the first digit's point is not to be had.
        let mut forger = forged([small, word]);
        for row in 0..INPUT_ROWS {
            forger.set(&OWN, ROWS + INPUT_ROWS + row, "tight", Felt::zero());
        }
        forger.balance();
        forger.refused_for(&["pedersen_point"]);
    }
    // Digits above 8 at place 62, or any at place 63: the table has none.
    let largest = (1 << 60) - 1;
    for word in [[0, 0, 0, 9 << 56], [0, 0, 0, 15 << 56], [u64::MAX, u64::MAX, u64::MAX, largest], [0, 0, 0, 1 << 60]] {
        forged([word, small]).refused_for(&["pedersen_point"]);
        forged([small, word]).refused_for(&["pedersen_point"]);
    }
}

/// A mark may be set where it need not: then more is demanded, not less. It cannot be 2.
#[test]
fn marks() {
    let mut forger = forged([beyond(0, 1), [3, 0, 0, 0]]);
    for row in 5..INPUT_ROWS {
        forger.set(&OWN, ROWS + row, "tight", Felt::from(2));
    }
    forger.balance();
    forger.refused_for(&["pedersen/boolean_tight"]);
}

/// Another digit's point, the same digit's at another place, or the other input's.
#[test]
fn other_points() {
    for (input, place, value) in [(0, 5, 4), (0, 6, 3), (1, 5, 3)] {
        let mut forger = forged([[3 << 20, 0, 0, 0], [1, 0, 0, 0]]);
        // Place 5 is the third of row 14.
        let row = ROWS + 14;
        let point = TABLE.point(input, place, value);
        let name = |name: &str, i: usize| format!("{name}[{i}]");
        let sum_x = forger.get(&OWN, row, "sum_x[2]");
        let honest = Hashes::of_words(&[[[3 << 20, 0, 0, 0], [1, 0, 0, 0]]]);
        let sum = honest.step(0, 14 * 4 + 2).sum;
        assert_eq!(sum.x, sum_x);
        let (slope, next) = sum.add_by_slope(point).unwrap();
        forger.set(&OWN, row, &name("point_x", 2), point.x).set(&OWN, row, &name("slope", 2), slope);
        forger.set(&OWN, row, &name("sum_x", 3), next.x);
        let faults = forger.faults();
        assert!(faults.contains("pedersen_point"), "{faults:?}");
    }
}

/// A sum that meets the digit's point: whatever the slope, it is the tangent's.
#[test]
fn the_first_sum_is_fixed() {
    let mut forger = forged([[3, 0, 0, 0], [1, 0, 0, 0]]);
    let point = *TABLE.point(0, 63, 0);
    forger.set(&OWN, ROWS, "sum_x[0]", point.x).set(&OWN, ROWS, "sum_y", point.y);
    let faults = forger.faults();
    for fault in ["pedersen/start_x", "pedersen/start_y", "pedersen/sum[0]_tangent"] {
        assert!(faults.contains(fault), "{faults:?}");
    }
}

/// Two values for one cell.
#[test]
fn a_hash_that_memory_does_not_have() {
    let mut forger = forged([[3, 0, 0, 0], [1, 0, 0, 0]]);
    let base = forger.instance(Builtin::Pedersen, 1);
    forger.set_memory(base + 2, Felt::from(7)).balance();
    forger.refused_for(&["memory"]);
}

#[test]
fn half_an_instance() {
    let mut forger = Forger::new(partly());
    let at = forger.0.statement.program.builtins().iter().position(|builtin| *builtin == Builtin::Pedersen).unwrap();
    forger.0.claim.runs[0].segments[at].stop -= 1;
    let claim = forger.0.claim.check(&forger.0.statement.program, &forger.0.statement.runs, u64::MAX);
    assert!(claim.is_err());
}
