//! Merkle trees that are small enough to be computed: the leaves are a dictionary's entries.

use super::Entry;
use super::ids::{Done, Ids, fail};
use super::merkle::Preimage;
use super::update_tree::MAX_HEIGHT;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::MaybeRelocatable;
use num_bigint::BigUint;
use starknet_types_core::hash::{Pedersen, StarkHash};
use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

pub(super) const HINTS: &[Entry] = &[
    ("329a2a6fe1b7a25f040ef3e9dc068669", "small_merkle_tree_update: the scope", enter),
    ("15a1a9dd5d3291b0b4efe52450f8fb19", "small_merkle_tree_update: the roots", roots),
];

/// Most hashes of a tree: each takes about as long as a few thousand steps.
const MAX_HASHES: usize = 1 << 16;

/// Cells of a `DictAccess`: key, previous value, new value.
const ACCESS: usize = 3;

fn enter(ids: &mut Ids<'_>) -> Done<()> {
    let manager = ids.scopes.get_dict_manager()?;
    let boxed: Box<dyn Any> = Box::new(manager);
    ids.scopes.enter_scope(HashMap::from([("dict_manager".to_owned(), boxed)]));
    Ok(())
}

/// The roots of the tree with all entries as they are, and with those that changed as they were.
fn roots(ids: &mut Ids<'_>) -> Done<()> {
    let (start, end) = (ids.pointer("squashed_dict_start")?, ids.pointer("squashed_dict_end")?);
    let cells = (end - start)?;
    if !cells.is_multiple_of(ACCESS) {
        return fail("the squashed dictionary has no whole number of entries");
    }
    let entries = {
        let manager = ids.scopes.get_dict_manager()?;
        let manager = manager.borrow();
        manager.get_tracker(end)?.get_dictionary_copy()
    };
    let mut before = Vec::new();
    for access in 0..cells / ACCESS {
        let at = (start + access * ACCESS)?;
        let [key, previous, new] = [ids.read(at)?, ids.read((at + 1_usize)?)?, ids.read((at + 2_usize)?)?];
        if entries.get(&MaybeRelocatable::Int(key)) != Some(&MaybeRelocatable::Int(new)) {
            return fail("the dictionary has other values than the squashed one");
        }
        before.push((key.to_biguint(), previous));
    }
    let number = |value: &MaybeRelocatable| match value {
        MaybeRelocatable::Int(value) => Ok(*value),
        MaybeRelocatable::RelocatableValue(_) => fail("a leaf or its key is an address"),
    };
    let leaf = |(key, value): (&MaybeRelocatable, &MaybeRelocatable)| Ok((number(key)?.to_biguint(), number(value)?));
    let now = entries.iter().map(leaf).collect::<Done<Vec<_>>>()?;
    let mut tree = Tree::new(ids.small("height", MAX_HEIGHT)?)?;
    let roots = [tree.set(now)?, tree.set(before)?];
    for (name, root) in ["new_root", "prev_root"].into_iter().zip(roots) {
        ids.set(name, root)?;
    }
    let preimage: Preimage = Rc::new(tree.preimage);
    ids.set_scope("preimage", preimage);
    Ok(())
}

/// A Merkle tree with leaves that are 0 if nothing else is said.
struct Tree {
    /// Hashes of empty subtrees, by height.
    empty: Vec<Felt252>,
    /// Nodes by height and index.
    nodes: HashMap<(usize, BigUint), Felt252>,
    preimage: HashMap<Felt252, Vec<Felt252>>,
    hashes_left: usize,
}

impl Tree {
    fn new(height: usize) -> Done<Self> {
        let mut empty = vec![Felt252::ZERO];
        for level in 0..height {
            let below = empty.get(level).copied().unwrap_or_default();
            empty.push(Pedersen::hash(&below, &below));
        }
        Ok(Self { empty, nodes: HashMap::new(), preimage: HashMap::new(), hashes_left: MAX_HASHES })
    }

    /// Sets leaves; the root after it.
    fn set(&mut self, leaves: Vec<(BigUint, Felt252)>) -> Done<Felt252> {
        let height = self.empty.len() - 1;
        let mut changed = BTreeSet::new();
        for (index, value) in leaves {
            if index.bits() > height as u64 {
                return fail("the dictionary has a key that is no leaf of the tree");
            }
            self.nodes.insert((0, index.clone()), value);
            changed.insert(index);
        }
        for level in 0..height {
            let parents: BTreeSet<BigUint> = changed.into_iter().map(|index| index >> 1_u32).collect();
            for index in &parents {
                let Some(left) = self.hashes_left.checked_sub(1) else {
                    return fail(format!("the tree takes more than {MAX_HASHES} hashes"));
                };
                self.hashes_left = left;
                let children = [0_u32, 1].map(|side| self.node(level, &((index << 1_u32) + side)));
                let [left, right] = children;
                let hash = Pedersen::hash(&left, &right);
                self.nodes.insert((level + 1, index.clone()), hash);
                self.preimage.insert(hash, children.to_vec());
            }
            changed = parents;
        }
        Ok(self.node(height, &BigUint::from(0_u32)))
    }

    fn node(&self, level: usize, index: &BigUint) -> Felt252 {
        let known = self.nodes.get(&(level, index.clone())).copied();
        known.or_else(|| self.empty.get(level).copied()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Against every node computed: a tree of height 2.
    #[test]
    fn roots_are_those_of_the_whole_tree() {
        let felt = |value: u64| Felt252::from(value);
        let whole = |leaves: [u64; 4]| {
            let [a, b, c, d] = leaves.map(felt);
            Pedersen::hash(&Pedersen::hash(&a, &b), &Pedersen::hash(&c, &d))
        };
        let mut tree = Tree::new(2).unwrap();
        assert_eq!(tree.set(Vec::new()).unwrap(), whole([0; 4]));
        let leaves =
            |leaves: &[(u32, u64)]| leaves.iter().map(|(at, value)| (BigUint::from(*at), felt(*value))).collect();
        assert_eq!(tree.set(leaves(&[(1, 20), (3, 4)])).unwrap(), whole([0, 20, 0, 4]));
        assert_eq!(tree.set(leaves(&[(1, 2)])).unwrap(), whole([0, 2, 0, 4]));
        let root = whole([0, 2, 0, 4]);
        assert_eq!(tree.preimage[&root], [Pedersen::hash(&felt(0), &felt(2)), Pedersen::hash(&felt(0), &felt(4))]);
        assert!(tree.set(leaves(&[(4, 1)])).is_err());
        // 251 levels above the one leaf.
        let mut high = Tree::new(MAX_HEIGHT).unwrap();
        high.hashes_left = 251;
        assert!(high.set(leaves(&[(5, 1)])).is_ok());
        assert!(high.set(leaves(&[(5, 2)])).is_err());
    }
}
