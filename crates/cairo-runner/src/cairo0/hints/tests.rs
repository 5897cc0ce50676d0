#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::merkle::Preimage;
use super::*;
use crate::arguments::Arguments;
use crate::cairo0::Cairo0Hints;
use crate::load::{RunnableProgram, Source};
use cairo_vm::Felt252;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use num_bigint::BigUint;
use starknet_types_core::hash::{Pedersen, StarkHash};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../programs/fixtures/hints/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// No executor is for a text that the library does not have, and no text has two.
#[test]
fn executors_are_for_hints_of_the_library() {
    let library: HashMap<String, String> = serde_json::from_slice(&fixture("library.json")).unwrap();
    let printing = [PRINTS_ARRAY, PRINTS_DICTIONARY];
    let digests: HashSet<String> = library.keys().map(String::as_str).chain(printing).map(digest).collect();
    let idle: Vec<_> = entries().filter(|(of, _)| !digests.contains(*of)).collect();
    assert!(idle.is_empty(), "{idle:?}");
    assert_eq!(BY_DIGEST.len(), entries().count());
    assert!(!is_library_hint("import os") && !is_library_hint("") && !is_library_hint(&"x".repeat(1 << 20)));
}

/// As cairo-vm's `hint_code` has them, of which it shows these only with its feature `test_utils`.
const PRINTS_ARRAY: &str = concat!(
    "print(bytes.fromhex(f\"{ids.name:062x}\").decode().replace('\\x00',''))\n",
    "arr = [memory[ids.arr + i] for i in range(ids.arr_len)]\n",
    "print(arr)"
);
const PRINTS_DICTIONARY: &str = concat!(
    "print(bytes.fromhex(f\"{ids.name:062x}\").decode().replace('\\x00',''))\n",
    "data = __dict_manager.get_dict(ids.dict_ptr)\n",
    "print(\n",
    "    {k: v if isinstance(v, int) else [memory[v + i] for i in range(ids.pointer_size)] for k, v in data.items()}\n",
    ")"
);

#[test]
fn hints_that_print_are_told_from_others() {
    for code in [PRINTS_ARRAY, PRINTS_DICTIONARY] {
        assert!(is_library_hint(code) && prints(code), "{code}");
        assert!(!is_library_hint(&format!("{code}\nids.x = 1")), "{code}");
    }
    assert!(!prints("memory[ap] = segments.add()") && !prints("print(ids.x)"));
}

#[test]
fn nondet_goes_to_any_cell_near_a_register() {
    let is_taken = |cell: &str, expression: &str| {
        nondet::find(&format!("memory[{cell}] = to_felt_or_relocatable({expression})")).is_some()
    };
    for cell in ["ap", "fp", "fp + 0", "fp + 19", "ap + 1"] {
        assert!(is_taken(cell, "nibbles.pop()") && is_taken(cell, "x == 0"), "{cell}");
    }
    for (cell, expression) in
        [("ids.x", "x == 0"), ("fp + x", "x == 0"), ("fp + 99999", "x == 0"), ("ap", "x == 1"), ("ap", "exec('x')")]
    {
        assert!(!is_taken(cell, expression), "{cell} {expression}");
    }
}

/// Leaves by index.
type Leaves = Vec<(BigUint, u64)>;

/// A Patricia tree over some leaves; adds what is behind its hashes.
struct Builder {
    preimage: HashMap<Felt252, Vec<Felt252>>,
}

impl Builder {
    /// The node over the leaves with these indices, as the edge above what is not empty.
    fn node(&mut self, height: usize, leaves: &[(BigUint, Felt252)]) -> (usize, BigUint, Felt252) {
        let nothing = || (0, BigUint::from(0_u32), Felt252::ZERO);
        let [(_, value), ..] = leaves else { return nothing() };
        let Some(below) = height.checked_sub(1) else { return (0, BigUint::from(0_u32), *value) };
        let (right, left): (Vec<_>, Vec<_>) = leaves.iter().cloned().partition(|(index, _)| index.bit(below as u64));
        let [left, right] = [left, right].map(|leaves| self.node(below, &leaves));
        if right == nothing() {
            return (left.0 + 1, left.1, left.2);
        }
        if left == nothing() {
            return (right.0 + 1, right.1 + (BigUint::from(1_u32) << right.0), right.2);
        }
        let children = [self.hash(left), self.hash(right)];
        let hash = Pedersen::hash(&children[0], &children[1]);
        self.preimage.insert(hash, children.to_vec());
        (0, BigUint::from(0_u32), hash)
    }

    fn hash(&mut self, (length, path, bottom): (usize, BigUint, Felt252)) -> Felt252 {
        if length == 0 {
            return bottom;
        }
        let (length, path) = (Felt252::from(length as u64), Felt252::from(&path));
        let hash = Pedersen::hash(&bottom, &path) + length;
        self.preimage.insert(hash, vec![length, path, bottom]);
        hash
    }

    fn root(&mut self, height: usize, leaves: &BTreeMap<BigUint, Felt252>) -> Felt252 {
        let filled = leaves.iter().filter(|(_, value)| **value != Felt252::ZERO);
        let filled: Vec<_> = filled.map(|(index, value)| (index.clone(), *value)).collect();
        let node = self.node(height, &filled);
        self.hash(node)
    }
}

/// Runs the program that updates a tree, from leaves to leaves. The program itself asserts that the roots are right.
fn update(height: usize, before: &[(BigUint, u64)], changes: &[(BigUint, u64)]) -> Result<(), String> {
    let mut leaves: BTreeMap<BigUint, Felt252> =
        before.iter().map(|(index, value)| (index.clone(), Felt252::from(*value))).collect();
    let mut builder = Builder { preimage: HashMap::new() };
    let prev_root = builder.root(height, &leaves);
    let changes: BTreeMap<_, _> = changes.iter().cloned().collect();
    let mut updates = Vec::new();
    for (index, value) in changes {
        let value = Felt252::from(value);
        let previous = leaves.insert(index.clone(), value).unwrap_or_default();
        updates.extend([index.to_string(), previous.to_string(), value.to_string()]);
    }
    let new_root = builder.root(height, &leaves);
    let arguments = serde_json::json!({
        "height": height, "prev_root": prev_root.to_string(), "new_root": new_root.to_string(), "updates": updates,
    });
    let program = RunnableProgram::from_json(&fixture("patricia.json")).unwrap();
    let arguments = Arguments::from_json(arguments.to_string().as_bytes()).unwrap();
    let Source::Cairo0(source) = &program.source else { panic!("it is Cairo 0") };
    let mut hints = Cairo0Hints::new(source, &program.bind(&arguments).unwrap());
    let runner = CairoRunner::new(&source.vm_program, LayoutName::all_cairo, None, true, false, true);
    let mut runner = runner.map_err(|error| error.to_string())?;
    let end = runner.initialize(false).map_err(|error| error.to_string())?;
    let preimage: Preimage = Rc::new(builder.preimage);
    runner.exec_scopes.assign_or_update_variable("preimage", Box::new(preimage));
    runner.run_until_pc(end, &mut hints).map_err(|error| error.to_string())
}

#[test]
fn patricia_trees_are_updated() {
    let n = |index: u64| BigUint::from(index);
    let far = |bits: u64, low: u64| (BigUint::from(1_u32) << bits) + low;
    let cases: [(usize, Leaves, Leaves); 9] = [
        // From nothing to one leaf, and on.
        (3, vec![], vec![(n(5), 7)]),
        (3, vec![(n(5), 7)], vec![(n(5), 8)]),
        (3, vec![(n(5), 7)], vec![(n(2), 9)]),
        // An edge is split near its bottom, in the middle, at its top.
        (5, vec![(n(12), 7)], vec![(n(13), 9)]),
        (5, vec![(n(12), 7), (n(13), 9)], vec![(n(8), 1), (n(31), 2)]),
        // Long ways with nothing beside.
        (251, vec![(far(250, 0), 7)], vec![(far(250, 1), 9), (n(0), 3)]),
        (251, vec![(far(250, 0), 7), (far(249, 5), 6)], vec![(far(250, 0), 8), (far(100, 77), 3)]),
        // Leaves become empty.
        (4, vec![(n(1), 1), (n(2), 2), (n(9), 3)], vec![(n(2), 0), (n(9), 0)]),
        (
            4,
            (0..16).map(|index| (n(index), index + 1)).collect(),
            (3..9).map(|index| (n(index), 100 + index)).collect(),
        ),
    ];
    for (height, before, changes) in cases {
        let outcome = update(height, &before, &changes);
        assert_eq!(outcome, Ok(()), "{height}: {before:?} to {changes:?}");
    }
}

/// What the hints lack is an error of theirs, and what they are given wrongly an error of the program.
#[test]
fn patricia_updates_that_are_none() {
    let n = |index: u64| BigUint::from(index);
    let outside = update(3, &[(n(1), 7)], &[(n(9), 8)]).unwrap_err();
    assert!(outside.contains("a leaf that the tree does not have"), "{outside}");
    let high = update(252, &[(n(1), 7)], &[(n(9), 8)]).unwrap_err();
    assert!(high.contains("at most 251"), "{high}");
}
