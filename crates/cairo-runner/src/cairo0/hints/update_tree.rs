//! Trees over the leaves that an update changes.

use super::ids::{Done, Ids, fail};
use cairo_vm::Felt252;
use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Highest tree.
pub(super) const MAX_HEIGHT: usize = 251;

/// Most nodes of a tree.
const MAX_NODES: usize = 1 << 20;

/// Cells of a `DictAccess`: key, previous value, new value.
const ACCESS: usize = 3;

/// The nodes above changed leaves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UpdateTree {
    /// A leaf's new value.
    Leaf(Felt252),
    /// Children; what has no changed leaf below it is left out.
    Node([Option<Rc<Self>>; 2]),
}

/// Where changed leaves lie below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Leaf,
    Left,
    Right,
    Both,
}

impl UpdateTree {
    /// The tree over leaves by index; of several values for one index the last counts. `None` if there are none.
    pub(super) fn build(height: usize, leaves: impl IntoIterator<Item = (BigUint, Felt252)>) -> Done<Option<Rc<Self>>> {
        let mut layer: BTreeMap<BigUint, Rc<Self>> =
            leaves.into_iter().map(|(index, value)| (index, Rc::new(Self::Leaf(value)))).collect();
        if layer.is_empty() {
            return Ok(None);
        }
        if layer.len().saturating_mul(height + 1) > MAX_NODES {
            return fail(format!(
                "an update of {} leaves in a tree of height {height} takes too much memory",
                layer.len()
            ));
        }
        for _ in 0..height {
            let mut parents: BTreeMap<BigUint, [Option<Rc<Self>>; 2]> = BTreeMap::new();
            for (index, node) in layer {
                let [left, right] = parents.entry(&index >> 1_u32).or_default();
                *(if index.bit(0) { right } else { left }) = Some(node);
            }
            layer = parents.into_iter().map(|(index, children)| (index, Rc::new(Self::Node(children)))).collect();
        }
        match layer.remove(&BigUint::from(0_u32)).filter(|_| layer.is_empty()) {
            Some(root) => Ok(Some(root)),
            None => fail("an update has a leaf that the tree does not have"),
        }
    }

    /// The children, and where changed leaves lie.
    pub(super) fn decode(&self) -> Done<([Option<Rc<Self>>; 2], Case)> {
        match self {
            Self::Node(children) => match children {
                [Some(_), Some(_)] => Ok((children.clone(), Case::Both)),
                [Some(_), None] => Ok((children.clone(), Case::Left)),
                [None, Some(_)] => Ok((children.clone(), Case::Right)),
                [None, None] => fail("there are no updates in the tree"),
            },
            Self::Leaf(_) => fail("a leaf has no children"),
        }
    }
}

/// The keys and new values of `n_updates` accesses from `update_ptr` on.
pub(super) fn updates(ids: &Ids<'_>) -> Done<Vec<(BigUint, Felt252)>> {
    let count = ids.small("n_updates", MAX_NODES)?;
    let mut at = ids.pointer("update_ptr")?;
    let mut updates = Vec::new();
    for _ in 0..count {
        updates.push((ids.read(at)?.to_biguint(), ids.read((at + 2_usize)?)?));
        at = (at + ACCESS)?;
    }
    Ok(updates)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn trees_have_the_changed_leaves_alone() {
        let leaf = |value: u64| Some(Rc::new(UpdateTree::Leaf(Felt252::from(value))));
        let node = |children| Some(Rc::new(UpdateTree::Node(children)));
        let build = |height, leaves: &[(u32, u64)]| {
            UpdateTree::build(
                height,
                leaves.iter().map(|(index, value)| (BigUint::from(*index), Felt252::from(*value))),
            )
        };
        assert_eq!(build(2, &[]).unwrap(), None);
        assert_eq!(build(0, &[(0, 7)]).unwrap(), leaf(7));
        assert_eq!(build(1, &[(1, 7), (1, 8)]).unwrap(), node([None, leaf(8)]));
        let expected = node([node([None, leaf(5)]), node([leaf(6), leaf(7)])]);
        let tree = build(2, &[(3, 7), (1, 5), (2, 6)]).unwrap();
        assert_eq!(tree, expected);
        let (children, case) = tree.unwrap().decode().unwrap();
        assert_eq!(case, Case::Both);
        assert_eq!(children[0].as_ref().unwrap().decode().unwrap().1, Case::Right);
        assert!(build(1, &[(2, 7)]).is_err());
        assert!(UpdateTree::Leaf(Felt252::ONE).decode().is_err());
        let many = (0..MAX_NODES as u32 / 100).map(|index| (BigUint::from(index), Felt252::ONE));
        assert!(UpdateTree::build(MAX_HEIGHT, many).is_err());
    }
}
