//! Bulk arithmetic over the Stark prime field `p = 2^251 + 17·2^192 + 1`.
//!
//! [`Felt`] is lambdaworks' field element. `starknet_types_core::Felt`, which cairo-vm uses, wraps the same
//! element in the same Montgomery form.

use lambdaworks_math::field::element::FieldElement;
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;

/// An element of the Stark field in Montgomery form, always fully reduced.
pub type Felt = FieldElement<Stark252PrimeField>;

pub mod domain;
pub mod encoding;
pub mod fft;
pub mod integers;
pub mod memory;
pub mod packed;
pub mod poseidon;
pub mod vector;

mod limbs;
// Natively only its tests.
#[cfg(any(test, target_arch = "wasm32"))]
mod radix29;
mod scalar;

pub use scalar::product;
