//! Updates of Merkle trees, of one leaf and of several.

use super::super::input::Known;
use super::Entry;
use super::ids::{Done, Ids, fail};
use super::update_tree::{Case, MAX_HEIGHT, UpdateTree, updates};
use cairo_vm::Felt252;
use num_bigint::BigUint;
use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

pub(super) const HINTS: &[Entry] = &[
    ("626fb17939d1105b981c5c4dc50f39a6", "merkle_multi_update", enter),
    ("bf26630c30a664f1fa6e82a4eadf2ed1", "merkle_multi_update_inner", look),
    ("863c38d8af3e4ddca95513a09d6afb52", "merkle_multi_update_inner: the right child", |ids| {
        enter_child(ids, "right_child")
    }),
    ("4e24328b933198c916c423946e13602c", "merkle_multi_update_inner: the left child", |ids| {
        enter_child(ids, "left_child")
    }),
    ("65fe67c1edf6fc582f1c1ce2ed6a7978", "merkle_multi_update_inner: not only the left child", not_left),
    ("1229e4e8dc8a632c986294d677263bdb", "merkle_multi_update_inner: a leaf", |ids| is_case(ids, Case::Leaf)),
    ("38a99e57d00fcf126a78d4adafecea78", "merkle_multi_update_inner: both children", |ids| is_case(ids, Case::Both)),
    ("c174b74827b40a8f61a172145265dba4", "merkle_update: the path's end", path_is_empty),
    ("a3df9456d1d85f65ca3a456936ed4da2", "merkle_update: the index's parity", parity),
    ("4025c3c7553a811658e6eeb987d5155f", "merkle_update: the right sibling", |ids| sibling(ids, "y")),
    ("54b0ad9a05075b89dbf5bd39644d3e90", "merkle_update: the left sibling", |ids| sibling(ids, "x")),
];

/// What is behind a hash: two children, or for an edge of a Patricia tree its length, its path and its bottom.
pub(super) type Preimage = Rc<HashMap<Felt252, Vec<Felt252>>>;

/// A child that may be missing.
pub(super) type Child = Option<Rc<UpdateTree>>;

fn enter(ids: &mut Ids<'_>) -> Done<()> {
    let node: Child = UpdateTree::build(ids.small("height", MAX_HEIGHT)?, updates(ids)?)?;
    enter_node(ids, node)
}

fn enter_node(ids: &mut Ids<'_>, node: Child) -> Done<()> {
    let preimage: Preimage = ids.scope("preimage")?;
    let names: [(&str, Box<dyn Any>); 2] = [("node", Box::new(node)), ("preimage", Box::new(preimage))];
    ids.scopes.enter_scope(names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    Ok(())
}

fn enter_child(ids: &mut Ids<'_>, child: &str) -> Done<()> {
    let child: Child = ids.scope(child)?;
    enter_node(ids, child)
}

/// Looks at a node: writes what its two hashes, before and after, are of, and says whether not only its right child changes.
fn look(ids: &mut Ids<'_>) -> Done<()> {
    let node = present(ids)?;
    let case = if ids.felt("height")? == Felt252::ZERO {
        if *node != UpdateTree::Leaf(ids.felt("new_root")?) {
            return fail("the leaf of the update is another one");
        }
        Case::Leaf
    } else {
        let preimage: Preimage = ids.scope("preimage")?;
        let (children, case) = node.decode()?;
        let start = ids.pointer("hash_ptr")?;
        for (hash, root) in ["prev_root", "new_root"].into_iter().enumerate() {
            let Some([left, right]) = preimage.get(&ids.felt(root)?).map(Vec::as_slice) else {
                return fail("there is no preimage of a root with two children");
            };
            let at = (start + hash * HASH)?;
            ids.write(at, *left)?;
            ids.write((at + 1_usize)?, *right)?;
        }
        set_children(ids, children);
        case
    };
    ids.set_scope("case", case);
    ids.set_ap(Felt252::from(u64::from(case != Case::Right)))
}

/// Cells of a hash: two inputs and the result.
const HASH: usize = 3;

/// The node of the present scope.
pub(super) fn present(ids: &Ids<'_>) -> Done<Rc<UpdateTree>> {
    match ids.scope::<Child>("node")? {
        Some(node) => Ok(node),
        None => fail("there is no update below this node"),
    }
}

pub(super) fn set_children(ids: &mut Ids<'_>, [left, right]: [Child; 2]) {
    ids.set_scope("left_child", left);
    ids.set_scope("right_child", right);
}

pub(super) fn not_left(ids: &mut Ids<'_>) -> Done<()> {
    let case: Case = ids.scope("case")?;
    ids.set_ap(Felt252::from(u64::from(case != Case::Left)))
}

pub(super) fn is_case(ids: &mut Ids<'_>, expected: Case) -> Done<()> {
    let case: Case = ids.scope("case")?;
    if case == expected { Ok(()) } else { fail("the update goes another way than the tree") }
}

/// The authentication path, which an earlier hint took from the inputs: siblings, the lowest last.
fn path(ids: &Ids<'_>) -> Done<Vec<Felt252>> {
    if let Ok(path) = ids.scope::<Vec<Felt252>>("auth_path") {
        return Ok(path);
    }
    match ids.scope::<Known>("auth_path")? {
        Known::Input(input) => match input.numbers() {
            Some(path) => Ok(path),
            None => fail("the authentication path is no list of numbers"),
        },
        Known::Integer(_) | Known::Pointer(_) => fail("the authentication path is no list of numbers"),
    }
}

fn path_is_empty(ids: &mut Ids<'_>) -> Done<()> {
    if path(ids)?.is_empty() { Ok(()) } else { fail("the authentication path is longer than the tree is high") }
}

fn parity(ids: &mut Ids<'_>) -> Done<()> {
    let index: BigUint = ids.integer("index")?;
    ids.set_ap(Felt252::from(u64::from(index.bit(0))))
}

/// The next sibling is the same before and after.
fn sibling(ids: &mut Ids<'_>, member: &str) -> Done<()> {
    let mut path = path(ids)?;
    let Some(sibling) = path.pop() else { return fail("the authentication path is shorter than the tree is high") };
    ids.set_scope("auth_path", path);
    ids.set(&format!("prev_node_hash.{member}"), sibling)?;
    ids.set(&format!("new_node_hash.{member}"), sibling)
}
