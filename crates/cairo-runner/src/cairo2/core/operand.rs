//! Operands of hints.

use crate::cairo2::hint::{CellRef, DerefOrImmediate, Operation, Register, ResOperand};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;

/// A hint's failure that the virtual machine has no word for.
pub(super) fn failed(message: impl Into<Box<str>>) -> HintError {
    HintError::CustomHint(message.into())
}

/// 1 for true.
pub(super) fn flag(value: bool) -> Felt252 {
    Felt252::from(u64::from(value))
}

/// The machine, read and written by operands.
pub(in crate::cairo2) struct Operands<'a>(pub(in crate::cairo2) &'a mut VirtualMachine);

impl Operands<'_> {
    /// The address of a cell.
    pub(in crate::cairo2) fn address(&self, cell: &CellRef) -> Result<Relocatable, HintError> {
        let base = match cell.register {
            Register::Ap => self.0.get_ap(),
            Register::Fp => self.0.get_fp(),
        };
        Ok((base + i32::from(cell.offset))?)
    }

    /// Writes a cell.
    pub(in crate::cairo2) fn put(
        &mut self,
        cell: &CellRef,
        value: impl Into<MaybeRelocatable>,
    ) -> Result<(), HintError> {
        let address = self.address(cell)?;
        Ok(self.0.insert_value(address, value.into())?)
    }

    fn cell(&self, address: Relocatable) -> Result<MaybeRelocatable, HintError> {
        self.0.get_maybe(&address).ok_or_else(|| MemoryError::UnknownMemoryCell(Box::new(address)).into())
    }

    /// An operand's value, a number or a pointer.
    pub(in crate::cairo2) fn value(&self, operand: &ResOperand) -> Result<MaybeRelocatable, HintError> {
        match operand {
            ResOperand::Deref(cell) => self.cell(self.address(cell)?),
            ResOperand::DoubleDeref(cell, offset) => {
                let base = self.0.get_relocatable(self.address(cell)?)?;
                self.cell((base + i32::from(*offset))?)
            }
            ResOperand::Immediate(value) => Ok(value.0.into()),
            ResOperand::BinOp(operation) => {
                let a = self.cell(self.address(&operation.a)?)?;
                let b = match &operation.b {
                    DerefOrImmediate::Deref(cell) => *self.0.get_integer(self.address(cell)?)?,
                    DerefOrImmediate::Immediate(value) => value.0,
                };
                match (&operation.op, a) {
                    (Operation::Add, a) => Ok(a.add_int(&b)?),
                    (Operation::Mul, MaybeRelocatable::Int(a)) => Ok((a * b).into()),
                    (Operation::Mul, MaybeRelocatable::RelocatableValue(_)) => {
                        Err(failed("a hint multiplies a pointer"))
                    }
                }
            }
        }
    }

    /// An operand's value, which must be a number.
    pub(in crate::cairo2) fn integer(&self, operand: &ResOperand) -> Result<Felt252, HintError> {
        match self.value(operand)? {
            MaybeRelocatable::Int(value) => Ok(value),
            MaybeRelocatable::RelocatableValue(_) => Err(failed("a hint needs a number and got a pointer")),
        }
    }

    /// An operand's value as an integer.
    pub(in crate::cairo2) fn natural(&self, operand: &ResOperand) -> Result<BigUint, HintError> {
        Ok(self.integer(operand)?.to_biguint())
    }

    /// Two operands as one number, 128 bits in the lower.
    pub(in crate::cairo2) fn double(&self, low: &ResOperand, high: &ResOperand) -> Result<BigUint, HintError> {
        Ok(self.natural(low)? + (self.natural(high)? << 128))
    }

    /// An operand's value as a number of things.
    pub(in crate::cairo2) fn count(&self, operand: &ResOperand) -> Result<usize, HintError> {
        let value = self.integer(operand)?;
        usize::try_from(value).map_err(|_| failed(format!("a hint counts up to {value}")))
    }

    /// The pointer that an operand stands for: a cell's value plus a constant.
    pub(in crate::cairo2) fn pointer(&self, operand: &ResOperand) -> Result<Relocatable, HintError> {
        match self.value(operand)? {
            MaybeRelocatable::RelocatableValue(pointer) => Ok(pointer),
            MaybeRelocatable::Int(_) => Err(failed("a hint needs a pointer and got a number")),
        }
    }

    /// Writes a number's 128-bit limbs, least significant first.
    pub(in crate::cairo2) fn put_limbs(&mut self, cells: &[&CellRef], value: &BigUint) -> Result<(), HintError> {
        let mut rest = value.clone();
        let low = (BigUint::from(1_u32) << 128) - 1_u32;
        for cell in cells {
            self.put(cell, Felt252::from(&rest & &low))?;
            rest >>= 128;
        }
        Ok(())
    }
}
