//! What a donor looks at in a lease before it begins anything.

use crate::keep::KeepProofs;
use crate::lease::{Lease, LeaseMode, LeaseRequest, MAX_LEASE_UNITS};
use crate::project::ProjectSpec;
use crate::unit::MAX_UNIT_ARGUMENTS;
use std::collections::HashSet;

/// Whether a lease can be what was asked for.
///
/// # Errors
/// Says what makes no sense.
pub fn check_lease(request: &LeaseRequest, lease: &Lease) -> Result<(), String> {
    let project = &lease.project;
    if request.project.as_ref().is_some_and(|name| *name != project.name) {
        return Err(format!("a unit of project {} came", project.name));
    }
    let wanted = match request.mode {
        LeaseMode::Both => matches!(lease.mode, LeaseMode::Both | LeaseMode::Prove),
        mode => lease.mode == mode,
    };
    let prove = lease.mode == LeaseMode::Prove;
    if !wanted || lease.units.iter().any(|unit| prove != unit.execution.is_some()) {
        return Err(format!("a lease to {} came, where `{}` was asked for", lease.mode, request.mode));
    }
    let most = MAX_LEASE_UNITS.min(request.limits.lease_units.max(1) as usize);
    if lease.units.is_empty() || lease.units.len() > most {
        return Err(format!("a lease of {} units came; 1 to {most} were asked for", lease.units.len()));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = lease.units.iter().find(|unit| !seen.insert(unit.id)) {
        return Err(format!("a lease came with the unit {} twice", twice.id));
    }
    let arguments: usize = lease.units.iter().map(|unit| unit.arguments.0.len()).sum();
    if arguments > MAX_UNIT_ARGUMENTS {
        return Err(format!("units with {arguments} arguments came; there can be {MAX_UNIT_ARGUMENTS}"));
    }
    // The ranges are those in which a project can be declared.
    let spec = ProjectSpec {
        program: project.program,
        record: project.record,
        program_hash: project.program_hash,
        signer: project.signer,
        signature: project.signature,
        limits: project.limits,
        preset: project.preset,
        description: String::new(),
        weight: project.weight,
        byte_price: project.byte_price,
        keep_proofs: KeepProofs::All,
    };
    spec.check().map_err(|error| error.to_string())
}
