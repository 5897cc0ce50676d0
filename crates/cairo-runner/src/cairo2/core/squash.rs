//! Squashing a dictionary: its accesses key by key, ascending, and for each key in their order.

use super::operand::failed;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;
use std::collections::BTreeMap;

/// Cells of an access: key, previous value, new value.
const ACCESS_CELLS: usize = 3;

/// Accesses of one key, the next one last.
type Accesses = (Felt252, Vec<u64>);

/// A squashing under way.
pub(super) struct Squash {
    /// Keys that are left, the present one last.
    keys: Vec<Accesses>,
    big_keys: bool,
}

impl Squash {
    /// Reads the accesses.
    pub(super) fn new(vm: &VirtualMachine, accesses: Relocatable, count: usize) -> Result<Self, HintError> {
        let mut by_key: BTreeMap<Felt252, Vec<u64>> = BTreeMap::new();
        for index in 0..count {
            let offset = index.checked_mul(ACCESS_CELLS).ok_or_else(|| failed("a dictionary has too many accesses"))?;
            let key = *vm.get_integer((accesses + offset)?)?;
            by_key.entry(key).or_default().push(index as u64);
        }
        let bound = BigUint::from(1_u32) << 128;
        // Smaller keys can be compared by one range check.
        let big_keys = by_key.last_key_value().is_some_and(|(key, _)| key.to_biguint() >= bound);
        let reversed = |(key, mut indices): Accesses| {
            indices.reverse();
            (key, indices)
        };
        Ok(Self { keys: by_key.into_iter().rev().map(reversed).collect(), big_keys })
    }

    /// Whether some key has more than 128 bits.
    pub(super) const fn has_big_keys(&self) -> bool {
        self.big_keys
    }

    fn present(&mut self) -> Result<&mut Accesses, HintError> {
        self.keys.last_mut().ok_or_else(|| failed("a dictionary's squashing has no key left"))
    }

    /// The present key.
    pub(super) fn key(&self) -> Result<Felt252, HintError> {
        self.keys.last().map(|(key, _)| *key).ok_or_else(|| failed("a dictionary's squashing has no key left"))
    }

    /// The present access of the present key.
    pub(super) fn access(&mut self) -> Result<u64, HintError> {
        let (_, indices) = self.present()?;
        indices.last().copied().ok_or_else(|| failed("a key of a dictionary has no access left"))
    }

    /// Whether the present key has an access behind the present one.
    pub(super) fn has_more_accesses(&self) -> bool {
        self.keys.last().is_some_and(|(_, indices)| indices.len() > 1)
    }

    /// Goes on to the next access of the present key; by how much its index is larger.
    pub(super) fn next_access(&mut self) -> Result<u64, HintError> {
        let passed = self.access()?;
        self.present()?.1.pop();
        Ok(self.access()? - passed)
    }

    /// Goes on to the next key.
    pub(super) fn next_key(&mut self) -> Result<Felt252, HintError> {
        self.keys.pop();
        self.key()
    }
}
