//! Executes the core hints of Cairo 2 executables: guesses that the code around them then checks.
//!
//! What each hint computes follows from the code that the compiler puts around it. No hint trusts the program: an operand of the wrong kind is an error.

mod arithmetic;
mod circuit;
mod dictionary;
mod operand;
mod squash;

pub(super) use dictionary::INFO_CELLS;
pub(super) use operand::Operands;

use super::hint::Hint;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use dictionary::Dictionaries;
use operand::{failed, flag};
use squash::Squash;

/// What hints remember between them.
#[derive(Default)]
pub(super) struct CoreHints {
    dictionaries: Dictionaries,
    /// The squashing under way.
    squash: Option<Squash>,
    /// Which of the three arcs of a comparison is the longest.
    longest_arc: Option<u8>,
    /// Where the next object of constant size goes; all share one segment.
    next_object: Option<Relocatable>,
    /// Points drawn so far.
    points: u64,
}

impl CoreHints {
    /// Executes one hint.
    ///
    /// # Errors
    /// If the program's state is none that the hint can be executed in.
    pub(super) fn execute(&mut self, vm: &mut VirtualMachine, hint: &Hint) -> Result<(), HintError> {
        let mut vm = Operands(vm);
        match hint {
            Hint::AllocSegment { dst } => {
                let segment = vm.0.add_memory_segment();
                vm.put(dst, segment)
            }
            Hint::AllocConstantSize { size, dst } => {
                let size = vm.count(size)?;
                let object = match self.next_object {
                    Some(next) => next,
                    None => vm.0.add_memory_segment(),
                };
                self.next_object = Some((object + size)?);
                vm.put(dst, object)
            }
            Hint::TestLessThan { lhs, rhs, dst } => {
                let less = vm.integer(lhs)? < vm.integer(rhs)?;
                vm.put(dst, flag(less))
            }
            Hint::TestLessThanOrEqual { lhs, rhs, dst } | Hint::TestLessThanOrEqualAddress { lhs, rhs, dst } => {
                let at_most = vm.value(lhs)? <= vm.value(rhs)?;
                vm.put(dst, flag(at_most))
            }
            Hint::RandomEcPoint { x, y } => {
                let point = arithmetic::point(&mut self.points);
                vm.put(x, point.x())?;
                vm.put(y, point.y())
            }
            Hint::AllocFelt252Dict { segment_arena_ptr } => {
                let arena = vm.pointer(segment_arena_ptr)?;
                self.dictionaries.allocate(vm.0, arena)
            }
            Hint::Felt252DictEntryInit { dict_ptr, key } => {
                let (entry, key) = (vm.pointer(dict_ptr)?, vm.integer(key)?);
                let previous = self.dictionaries.get(entry, &key)?;
                Ok(vm.0.insert_value((entry + 1)?, previous)?)
            }
            Hint::Felt252DictEntryUpdate { dict_ptr, value } => {
                // The pointer stands behind the entry, which is key, previous value and new value.
                let end = vm.pointer(dict_ptr)?;
                let key = *vm.0.get_integer((end - 3)?)?;
                let value = vm.value(value)?;
                self.dictionaries.set(end, key, value)
            }
            Hint::GetSegmentArenaIndex { dict_end_ptr, dict_index } => {
                let end = vm.pointer(dict_end_ptr)?;
                vm.put(dict_index, Felt252::from(self.dictionaries.number(end)?))
            }
            Hint::InitSquashData { dict_accesses, n_accesses, big_keys, first_key, .. } => {
                let (accesses, count) = (vm.pointer(dict_accesses)?, vm.count(n_accesses)?);
                let squash = Squash::new(vm.0, accesses, count)?;
                vm.put(big_keys, flag(squash.has_big_keys()))?;
                vm.put(first_key, squash.key()?)?;
                self.squash = Some(squash);
                Ok(())
            }
            Hint::GetCurrentAccessIndex { range_check_ptr } => {
                let cell = vm.pointer(range_check_ptr)?;
                let index = self.squash()?.access()?;
                Ok(vm.0.insert_value(cell, Felt252::from(index))?)
            }
            Hint::ShouldSkipSquashLoop { should_skip_loop } => {
                let more = self.squash()?.has_more_accesses();
                vm.put(should_skip_loop, flag(!more))
            }
            Hint::ShouldContinueSquashLoop { should_continue } => {
                let more = self.squash()?.has_more_accesses();
                vm.put(should_continue, flag(more))
            }
            Hint::GetCurrentAccessDelta { index_delta_minus1 } => {
                let delta = self.squash()?.next_access()?;
                vm.put(index_delta_minus1, Felt252::from(delta) - Felt252::ONE)
            }
            Hint::GetNextDictKey { next_key } => {
                let key = self.squash()?.next_key()?;
                vm.put(next_key, key)
            }
            Hint::AssertLeFindSmallArcs { range_check_ptr, a, b } => {
                let arcs = arithmetic::arcs(vm.integer(a)?, vm.integer(b)?);
                self.longest_arc = Some(arcs.longest);
                let cell = vm.pointer(range_check_ptr)?;
                for (offset, part) in arcs.parts.into_iter().enumerate() {
                    vm.0.insert_value((cell + offset)?, Felt252::from(part))?;
                }
                Ok(())
            }
            Hint::AssertLeIsFirstArcExcluded { skip_exclude_a_flag } => {
                let other = self.longest_arc()? != 0;
                vm.put(skip_exclude_a_flag, flag(other))
            }
            Hint::AssertLeIsSecondArcExcluded { skip_exclude_b_minus_a } => {
                let other = self.longest_arc()? != 1;
                vm.put(skip_exclude_b_minus_a, flag(other))
            }
            // What it would print is the program's, and the screen the user's.
            Hint::DebugPrint { .. } => Ok(()),
            Hint::EvalCircuit { n_add_mods, add_mod_builtin, n_mul_mods, mul_mod_builtin } => {
                let add = circuit::Gates { builtin: vm.pointer(add_mod_builtin)?, count: vm.count(n_add_mods)? };
                let mul = circuit::Gates { builtin: vm.pointer(mul_mod_builtin)?, count: vm.count(n_mul_mods)? };
                circuit::evaluate(vm.0, add, mul)
            }
            Hint::WideMul128 { .. }
            | Hint::DivMod { .. }
            | Hint::Uint256DivMod { .. }
            | Hint::Uint512DivModByUint256 { .. }
            | Hint::SquareRoot { .. }
            | Hint::Uint256SquareRoot { .. }
            | Hint::LinearSplit { .. }
            | Hint::FieldSqrt { .. }
            | Hint::U256InvModN { .. } => arithmetic::execute(vm, hint),
            Hint::Felt252DictRead { dict_ptr, key, value_dst } => {
                let (entry, key) = (vm.pointer(dict_ptr)?, vm.integer(key)?);
                let value = self.dictionaries.get(entry, &key)?;
                vm.put(value_dst, value)
            }
            Hint::Felt252DictWrite { dict_ptr, key, value } => {
                let (entry, key, value) = (vm.pointer(dict_ptr)?, vm.integer(key)?, vm.value(value)?);
                let previous = self.dictionaries.get(entry, &key)?;
                vm.0.insert_value((entry + 1)?, previous)?;
                self.dictionaries.set(entry, key, value)
            }
            // The assertions of older compilers guard nothing that the code does not check.
            Hint::AssertCurrentAccessIndicesIsEmpty
            | Hint::AssertAllAccessesUsed { .. }
            | Hint::AssertAllKeysUsed
            | Hint::AssertLeAssertThirdArcExcluded
            | Hint::AssertLtAssertValidInput { .. } => Ok(()),
            Hint::AddRelocationRule { .. }
            | Hint::WriteRunParam { .. }
            | Hint::AddMarker { .. }
            | Hint::AddTrace { .. }
            | Hint::SystemCall { .. }
            | Hint::Cheatcode { .. } => Err(failed("a hint that is none of the core's")),
        }
    }

    fn squash(&mut self) -> Result<&mut Squash, HintError> {
        self.squash.as_mut().ok_or_else(|| failed("a dictionary's squashing goes on that never began"))
    }

    fn longest_arc(&self) -> Result<u8, HintError> {
        self.longest_arc.ok_or_else(|| failed("a comparison goes on that never began"))
    }
}

#[cfg(test)]
mod tests;
