//! Circuits of modular gates: their values, and the instances of the two builtins that check them.

use super::arithmetic::modulo;
use super::operand::failed;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::{BigInt, BigUint};
use num_integer::{ExtendedGcd, Integer};
use num_traits::{One, Zero};

/// Words of a value, of 96 bits each.
const WORDS: usize = 4;

/// Bits of a word.
const WORD_BITS: u64 = 96;

/// Cells of a builtin's instance: modulus, pointers to values and offsets, number of gates.
const INSTANCE_CELLS: usize = WORDS + 3;

/// Offsets of a gate: two inputs and the result.
const GATE_CELLS: usize = 3;

/// The gates of one builtin.
pub(super) struct Gates {
    /// The first instance.
    pub(super) builtin: Relocatable,
    /// How many gates.
    pub(super) count: usize,
}

/// A circuit being filled.
struct Circuit<'a> {
    vm: &'a mut VirtualMachine,
    values: Relocatable,
    modulus: BigUint,
}

impl Circuit<'_> {
    /// Where the value lives that the `index`-th offset of a list names.
    fn place(&self, offsets: Relocatable, index: usize) -> Result<Relocatable, HintError> {
        let offset = self.vm.get_integer((offsets + index)?)?;
        Ok((self.values + offset.as_ref())?)
    }

    fn get(&self, offsets: Relocatable, index: usize) -> Result<Option<BigUint>, HintError> {
        value(self.vm, self.place(offsets, index)?)
    }

    fn set(&mut self, offsets: Relocatable, index: usize, value: BigUint) -> Result<(), HintError> {
        let place = self.place(offsets, index)?;
        let low = (BigUint::one() << WORD_BITS) - 1_u32;
        let mut rest = value;
        for word in 0..WORDS {
            self.vm.insert_value((place + word)?, Felt252::from(&rest & &low))?;
            rest >>= WORD_BITS;
        }
        Ok(())
    }

    /// Fills the sum of a gate, or the input that makes it; false if too little is known yet.
    fn add(&mut self, offsets: Relocatable) -> Result<bool, HintError> {
        let Some(b) = self.get(offsets, 1)? else { return Ok(false) };
        if let Some(a) = self.get(offsets, 0)? {
            let sum = (a + b).mod_floor(&self.modulus);
            self.set(offsets, 2, sum)?;
            return Ok(true);
        }
        let Some(sum) = self.get(offsets, 2)? else { return Ok(false) };
        let a = modulo(&(BigInt::from(sum) - BigInt::from(b)), &self.modulus);
        self.set(offsets, 0, a)?;
        Ok(true)
    }

    /// Fills the product of a gate, or the inverse of its second input. False if that has none: then what is filled in makes the
    /// product 0, as the code wants it for its proof that there is none.
    fn mul(&mut self, offsets: Relocatable) -> Result<bool, HintError> {
        let b = self.get(offsets, 1)?.ok_or_else(|| failed("a circuit's gate has no input"))?;
        if let Some(a) = self.get(offsets, 0)? {
            let product = (a * b).mod_floor(&self.modulus);
            self.set(offsets, 2, product)?;
            return Ok(true);
        }
        let ExtendedGcd { gcd, x, .. } = BigInt::from(b).extended_gcd(&BigInt::from(self.modulus.clone()));
        let inverse = gcd.is_one();
        let a = if inverse { modulo(&x, &self.modulus) } else { &self.modulus / gcd.magnitude() };
        self.set(offsets, 0, a)?;
        Ok(inverse)
    }
}

/// The value at an address, if all of its words are numbers.
fn value(vm: &VirtualMachine, address: Relocatable) -> Result<Option<BigUint>, HintError> {
    let mut value = BigUint::zero();
    for word in (0..WORDS).rev() {
        let Some(MaybeRelocatable::Int(word)) = vm.get_maybe(&(address + word)?) else { return Ok(None) };
        value = (value << WORD_BITS) + word.to_biguint();
    }
    Ok(Some(value))
}

/// Fills a circuit's values, and the instances of both builtins. Of the multiplications those before the first without an
/// inverse count: the code sees their number.
pub(super) fn evaluate(vm: &mut VirtualMachine, add: Gates, mul: Gates) -> Result<(), HintError> {
    // The code writes the first instance's pointers before.
    let values = vm.get_relocatable((mul.builtin + WORDS)?)?;
    let mul_offsets = vm.get_relocatable((mul.builtin + (WORDS + 1))?)?;
    let add_offsets = if add.count == 0 { mul_offsets } else { vm.get_relocatable((add.builtin + (WORDS + 1))?)? };
    let modulus = value(vm, mul.builtin)?.ok_or_else(|| failed("a circuit has no modulus"))?;
    if modulus.is_zero() {
        return Err(failed("a circuit computes modulo zero"));
    }
    let mut circuit = Circuit { vm, values, modulus };
    let (mut added, mut computed) = (0, None);
    // Additions go first wherever their inputs are known: the gates of each kind stand in an order in which this finds all.
    for gate in 0..=mul.count {
        while added < add.count && circuit.add((add_offsets + GATE_CELLS * added)?)? {
            added += 1;
        }
        if gate < mul.count && !circuit.mul((mul_offsets + GATE_CELLS * gate)?)? {
            computed = computed.or(Some(gate));
        }
    }
    let vm = circuit.vm;
    instances(vm, &add, mul.builtin, values, add_offsets)?;
    let mul = Gates { count: computed.unwrap_or(mul.count), ..mul };
    let modulus = mul.builtin;
    instances(vm, &mul, modulus, values, mul_offsets)
}

/// Writes the instances of a builtin, one for each gate.
fn instances(
    vm: &mut VirtualMachine,
    gates: &Gates,
    modulus: Relocatable,
    values: Relocatable,
    offsets: Relocatable,
) -> Result<(), HintError> {
    for gate in 0..gates.count {
        let instance = (gates.builtin + INSTANCE_CELLS * gate)?;
        for word in 0..WORDS {
            let value = *vm.get_integer((modulus + word)?)?;
            vm.insert_value((instance + word)?, value)?;
        }
        vm.insert_value((instance + WORDS)?, values)?;
        vm.insert_value((instance + (WORDS + 1))?, (offsets + GATE_CELLS * gate)?)?;
        vm.insert_value((instance + (WORDS + 2))?, Felt252::from(gates.count - gate))?;
    }
    Ok(())
}
