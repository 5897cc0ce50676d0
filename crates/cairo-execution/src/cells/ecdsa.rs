//! ecdsa: two cells an instance, which are a public key and a message. The signature is the execution's own.

use super::{builtin_cell, instances};
use crate::{ExecutionError, Run, Segment};
use cairo_air::Builtin;
use stark_curve::ecdsa::{Signed, steps};
use stark_curve::products::BATCH;

/// Checks all instances of a segment.
///
/// # Errors
/// The first instance that is wrong.
pub(super) fn check(run: &Run<'_>, segment: &Segment) -> Result<(), ExecutionError> {
    let addresses: Vec<(usize, u32)> = instances(Builtin::Ecdsa, segment).enumerate().collect();
    for addresses in addresses.chunks(BATCH) {
        let signed = addresses.iter().map(|(instance, _)| signed(run, *instance));
        for ((_, address), steps) in addresses.iter().zip(steps(&signed.collect::<Result<Vec<_>, _>>()?)) {
            steps.map_err(|refusal| ExecutionError::Signature { address: *address, refusal })?;
        }
    }
    Ok(())
}

/// Key, message and signature of an ecdsa instance, counted from 0.
///
/// # Errors
/// If there is no such instance.
pub fn signed(run: &Run<'_>, instance: usize) -> Result<Signed, ExecutionError> {
    let base = run.segments.get(&Builtin::Ecdsa).map_or(0, |segment| segment.base);
    let address = base.saturating_add(Builtin::Ecdsa.cells_per_instance().saturating_mul(instance as u32));
    let at = |offset: u32| builtin_cell(run.memory, Builtin::Ecdsa, address.saturating_add(offset)).copied();
    let cell = ExecutionError::BuiltinCell { builtin: Builtin::Ecdsa, address };
    let signature = run.signatures.get(instance).ok_or(cell)?;
    Ok(Signed { key: at(0)?, message: at(1)?, signature: *signature })
}
