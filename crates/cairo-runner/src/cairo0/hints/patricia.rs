//! Updates of Merkle-Patricia trees: an edge stands for a path with one subtree that is not empty, at its end.

use super::Entry;
use super::ids::{Done, Ids, fail};
use super::merkle::{Child, Preimage, is_case, present, set_children};
use super::update_tree::{Case, MAX_HEIGHT, UpdateTree, updates};
use cairo_vm::Felt252;
use num_bigint::BigUint;
use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

pub(super) const HINTS: &[Entry] = &[
    ("8c3591e4ab65e6841341fc3b40330c8c", "patricia_update: the trees", enter),
    ("db5bd8406df63fca3f0e3f148021470a", "patricia_update: a traversal", |ids| enter_named(ids, "node")),
    ("97cb32d0803932b1f60695132bbb59e8", "open_edge", open_edge),
    ("5a07c62596e0ca77c5fad15ed4c0c9f1", "traverse_non_empty", is_binary_or_leaf),
    ("7f969abbdbcafecef875cb5fe9516f98", "traverse_binary_or_leaf: the hash", binary),
    ("84eb8ef5dc9905afa27631b3f5e9ffa9", "traverse_edge: the bottom's hash", bottom),
    ("5c7f56f25cf5e19a0208c4bbd85e81a9", "traverse_binary_or_leaf: the right child", |ids| is_case(ids, Case::Right)),
];

pub(super) const TRAVERSAL: &[Entry] = &[
    ("59e248afb28259f3432f1cc4978f9857", "traverse_empty: not both", not_both),
    ("d335456cb6359e0bc26698dd9410b003", "traverse_edge: not both", not_both),
    ("52b6b6a7d72fbf5ee03c6950d84551ba", "the left child", |ids| enter_named(ids, "left_child")),
    ("6cb9acda96d0e8fc83ed1abfcae1ef59", "the right child", |ids| enter_named(ids, "right_child")),
    ("44ecdbfcd8dc25c329f43df38a6df0d3", "a descent", find_descent),
    ("cd1eef860a348463c4ddd1ea89acea02", "traverse_empty: one child", only_child),
    ("c8565e1ee3d61cc8afcc6d9103bfe642", "traverse_empty: a descent's length", descend_empty),
    ("f4dd89993d22469f570d875faf249b87", "traverse_edge: a descent's length", descend_edge),
    ("0a0e074fe38521d2f5784a48972e36c6", "the node at a descent's end", enter_descent),
    ("18abecd251dfb09924d1e9afc5ab0939", "traverse_edge: the next bit", edge_bit),
    ("6a06048e113f937e0bc467bd5c84378f", "traverse_edge: the empty side", is_empty_side),
    ("8fe15deedd8e9b8f66adeb5859b645ba", "traverse_edge: the edge's child", |ids| enter_side(ids, false)),
    ("22ca821e8ff5344a6f9bce16a7987f27", "traverse_edge: the other child", |ids| enter_side(ids, true)),
];

/// A descent from a node, by its height and the path to it: length and path.
type Descent = (usize, BigUint);
type Descents = Rc<HashMap<(usize, BigUint), Descent>>;

/// A node as length and path of an edge and what is at its end. The length is 0 for what is no edge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Triplet {
    length: usize,
    path: BigUint,
    bottom: Felt252,
}

impl Triplet {
    fn empty() -> Self {
        Self { length: 0, path: BigUint::from(0_u32), bottom: Felt252::ZERO }
    }

    /// The node with this hash.
    fn of(preimage: &Preimage, hash: Felt252) -> Done<Self> {
        match preimage.get(&hash).map(Vec::as_slice) {
            Some([length, path, bottom]) => match usize::try_from(*length) {
                Ok(length) if length <= MAX_HEIGHT => Ok(Self { length, path: path.to_biguint(), bottom: *bottom }),
                _ => fail("an edge is longer than a tree is high"),
            },
            _ => Ok(Self { length: 0, path: BigUint::from(0_u32), bottom: hash }),
        }
    }

    fn children(&self, preimage: &Preimage) -> Done<[Self; 2]> {
        let Some(below) = self.length.checked_sub(1) else {
            if self.bottom == Felt252::ZERO {
                return Ok([Self::empty(), Self::empty()]);
            }
            return match preimage.get(&self.bottom).map(Vec::as_slice) {
                Some([left, right]) => Ok([Self::of(preimage, *left)?, Self::of(preimage, *right)?]),
                _ => fail("there is no preimage of a node with two children"),
            };
        };
        let mut path = self.path.clone();
        path.set_bit(below as u64, false);
        let child = Self { length: below, path, bottom: self.bottom };
        Ok(if self.path.bit(below as u64) { [Self::empty(), child] } else { [child, Self::empty()] })
    }
}

/// A node of the tree of updates, of the tree before or of the tree after it. `None` is an empty one.
#[derive(Clone)]
enum Node {
    Updates(Rc<UpdateTree>),
    Hashed(Triplet),
}

fn children(node: Option<&Node>, preimage: &Preimage) -> Done<[Option<Node>; 2]> {
    match node {
        None => Ok([None, None]),
        Some(Node::Updates(tree)) => Ok(tree.decode()?.0.map(|child| child.map(Node::Updates))),
        Some(Node::Hashed(triplet)) => {
            let filled = |child: Triplet| (child != Triplet::empty()).then_some(Node::Hashed(child));
            Ok(triplet.children(preimage)?.map(filled))
        }
    }
}

/// The longest ways down, of more than one step, along which all trees branch off into nothing.
fn find_descents(
    (mut height, mut path): (usize, BigUint),
    mut nodes: [Option<Node>; 3],
    preimage: &Preimage,
    found: &mut HashMap<(usize, BigUint), Descent>,
) -> Done<()> {
    if nodes.first().is_none_or(Option::is_none) {
        return Ok(());
    }
    let begin = (height, path.clone());
    let mut sides = None;
    while height > 0 {
        let mut lefts = [const { None }; 3];
        let mut rights = [const { None }; 3];
        for ((node, left), right) in nodes.iter().zip(&mut lefts).zip(&mut rights) {
            [*left, *right] = children(node.as_ref(), preimage)?;
        }
        if lefts.iter().all(Option::is_none) {
            (nodes, path) = (rights, (path << 1_u32) + 1_u32);
        } else if rights.iter().all(Option::is_none) {
            (nodes, path) = (lefts, path << 1_u32);
        } else {
            sides = Some([lefts, rights]);
            break;
        }
        height -= 1;
    }
    let length = begin.0 - height;
    if length > 1 {
        let mask = (BigUint::from(1_u32) << length) - 1_u32;
        found.insert(begin, (length, &path & mask));
    }
    for (side, nodes) in sides.into_iter().flatten().enumerate() {
        find_descents((height - 1, (&path << 1_u32) + side), nodes, preimage, found)?;
    }
    Ok(())
}

fn enter(ids: &mut Ids<'_>) -> Done<()> {
    let height = ids.small("height", MAX_HEIGHT)?;
    let preimage: Preimage = ids.scope("preimage")?;
    let node: Child = UpdateTree::build(height, updates(ids)?)?;
    let hashed = |root: Felt252| Triplet::of(&preimage, root).map(|triplet| Some(Node::Hashed(triplet)));
    let nodes = [node.clone().map(Node::Updates), hashed(ids.felt("prev_root")?)?, hashed(ids.felt("new_root")?)?];
    let mut descents = HashMap::new();
    find_descents((height, BigUint::from(0_u32)), nodes, &preimage, &mut descents)?;
    let descents: Descents = Rc::new(descents);
    ids.set_scope("node", node);
    ids.set_scope("descent_map", descents);
    Ok(())
}

/// Enters a scope with a node, and with what all scopes of a traversal have.
fn enter_scope(ids: &mut Ids<'_>, node: Child) -> Done<()> {
    let (preimage, descents): (Preimage, Descents) = (ids.scope("preimage")?, ids.scope("descent_map")?);
    let names: [(&str, Box<dyn Any>); 3] =
        [("node", Box::new(node)), ("preimage", Box::new(preimage)), ("descent_map", Box::new(descents))];
    ids.scopes.enter_scope(names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    Ok(())
}

fn enter_named(ids: &mut Ids<'_>, name: &str) -> Done<()> {
    let node: Child = ids.scope(name)?;
    enter_scope(ids, node)
}

fn open_edge(ids: &mut Ids<'_>) -> Done<()> {
    let node = ids.felt("node")?;
    let preimage: Preimage = ids.scope("preimage")?;
    let Some([length, path, bottom]) = preimage.get(&node).map(Vec::as_slice) else {
        return fail("there is no preimage of an edge");
    };
    let edge = ids.vm.add_memory_segment();
    ids.set("edge", edge)?;
    for (member, value) in [("edge.length", length), ("edge.path", path), ("edge.bottom", bottom)] {
        ids.set(member, *value)?;
    }
    ids.set("hash_ptr.result", node - *length)
}

fn is_binary_or_leaf(ids: &mut Ids<'_>) -> Done<()> {
    let holds = ids.felt("height")? == Felt252::ZERO || {
        let preimage: Preimage = ids.scope("preimage")?;
        match preimage.get(&ids.felt("node")?) {
            Some(children) => children.len() == 2,
            None => return fail("there is no preimage of a node"),
        }
    };
    ids.set_ap(Felt252::from(u64::from(holds)))
}

/// Writes the two children of a hash.
fn two_children(ids: &mut Ids<'_>, hash: Felt252, to: &str) -> Done<()> {
    let preimage: Preimage = ids.scope("preimage")?;
    let Some([left, right]) = preimage.get(&hash).map(Vec::as_slice) else {
        return fail("there is no preimage of a node with two children");
    };
    ids.set(&format!("{to}.x"), *left)?;
    ids.set(&format!("{to}.y"), *right)
}

fn binary(ids: &mut Ids<'_>) -> Done<()> {
    let (children, case) = present(ids)?.decode()?;
    two_children(ids, ids.felt("node")?, "current_hash")?;
    set_children(ids, children);
    ids.set_scope("case", case);
    ids.set_ap(Felt252::from(u64::from(case != Case::Both)))
}

fn bottom(ids: &mut Ids<'_>) -> Done<()> {
    two_children(ids, ids.felt("edge.bottom")?, "hash_ptr")
}

fn not_both(ids: &mut Ids<'_>) -> Done<()> {
    let (children, case) = present(ids)?.decode()?;
    set_children(ids, children);
    ids.set_scope("case", case);
    ids.set_ap(Felt252::from(u64::from(case != Case::Both)))
}

fn find_descent(ids: &mut Ids<'_>) -> Done<()> {
    let descents: Descents = ids.scope("descent_map")?;
    let at = (ids.small("height", MAX_HEIGHT)?, ids.integer("path")?);
    let descent = descents.get(&at).cloned();
    ids.set_ap(Felt252::from(u64::from(descent.is_some())))?;
    ids.set_scope("descend", descent);
    Ok(())
}

fn descent(ids: &Ids<'_>) -> Done<(Felt252, Felt252)> {
    match ids.scope::<Option<Descent>>("descend")? {
        Some((length, path)) => Ok((Felt252::from(length as u64), Felt252::from(&path))),
        None => fail("there is no descent here"),
    }
}

fn only_child(ids: &mut Ids<'_>) -> Done<()> {
    let case: Case = ids.scope("case")?;
    let is_left = case == Case::Left;
    ids.set("child_bit", Felt252::from(u64::from(!is_left)))?;
    enter_named(ids, if is_left { "left_child" } else { "right_child" })
}

fn descend_empty(ids: &mut Ids<'_>) -> Done<()> {
    let (length, word) = descent(ids)?;
    let siblings = ids.pointer("siblings")?;
    ids.write(siblings, length)?;
    ids.set("word", word)
}

fn descend_edge(ids: &mut Ids<'_>) -> Done<()> {
    let (length, word) = descent(ids)?;
    ids.set("length", length)?;
    ids.set("word", word)
}

fn enter_descent(ids: &mut Ids<'_>) -> Done<()> {
    let (length, word) = (ids.small("length", MAX_HEIGHT)?, ids.integer("word")?);
    let mut node: Child = ids.scope("node")?;
    for bit in (0..length).rev() {
        let Some(at) = node else { return fail("a descent leads to where nothing changes") };
        let ([left, right], _) = at.decode()?;
        node = if word.bit(bit as u64) { right } else { left };
    }
    enter_scope(ids, node)
}

fn edge_bit(ids: &mut Ids<'_>) -> Done<()> {
    let (path, length) = (ids.integer("edge.path")?, ids.small("new_length", MAX_HEIGHT)?);
    ids.set("bit", Felt252::from(u64::from(path.bit(length as u64))))
}

fn is_empty_side(ids: &mut Ids<'_>) -> Done<()> {
    let case: Case = ids.scope("case")?;
    let bit = ids.felt("bit")? != Felt252::ZERO;
    ids.set_ap(Felt252::from(u64::from((case == Case::Right) ^ bit)))
}

/// Enters the child on the edge's side, or the other one.
fn enter_side(ids: &mut Ids<'_>, other: bool) -> Done<()> {
    let is_right = (ids.felt("bit")? != Felt252::ZERO) ^ other;
    enter_named(ids, if is_right { "right_child" } else { "left_child" })
}
