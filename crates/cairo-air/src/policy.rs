//! What a verifier demands of a proof besides its being right.

use stark::security::{ProofSize, Security};
use stark::{Outlined, Parameters, PublicTerms, Shape};

/// A verifier's demands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Fewest bits of security by the conjecture on list decoding; see [`stark::security`].
    pub min_conjectured_bits: f64,
    /// Fewest bits of security by theorems alone.
    pub min_proven_bits: f64,
    /// Largest proof file.
    pub max_proof_bytes: usize,
    /// Most steps of each run.
    pub max_steps: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_conjectured_bits: 96.0,
            min_proven_bits: 0.0,
            max_proof_bytes: 64 << 20,
            max_steps: crate::claim::MAX_STEPS,
        }
    }
}

/// A demand that a proof does not meet.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A file above [`Policy::max_proof_bytes`].
    #[error("the proof has {found} bytes; this verifier takes at most {limit}")]
    ProofBytes {
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A run above [`Policy::max_steps`].
    #[error("the proof claims a run of {found} steps; this verifier takes at most {limit}")]
    Steps {
        /// Steps claimed.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Security below [`Policy::min_conjectured_bits`].
    #[error("the proof has {found:.1} bits of conjectured security; this verifier demands {least:.1}")]
    ConjecturedBits {
        /// What it has.
        found: f64,
        /// What is demanded.
        least: f64,
    },
    /// Security below [`Policy::min_proven_bits`].
    #[error("the proof has {found:.1} bits of proven security; this verifier demands {least:.1}")]
    ProvenBits {
        /// What it has.
        found: f64,
        /// What is demanded.
        least: f64,
    },
}

impl Policy {
    pub(crate) const fn check_size(&self, bytes: usize) -> Result<(), PolicyError> {
        if bytes > self.max_proof_bytes {
            return Err(PolicyError::ProofBytes { found: bytes, limit: self.max_proof_bytes });
        }
        Ok(())
    }

    pub(crate) const fn check_steps(&self, n_steps: u64) -> Result<(), PolicyError> {
        if n_steps > self.max_steps {
            return Err(PolicyError::Steps { found: n_steps, limit: self.max_steps });
        }
        Ok(())
    }

    /// A figure that is no number meets no demand.
    pub(crate) fn check_security(&self, security: &Security) -> Result<(), PolicyError> {
        let (found, least) = (security.conjectured, self.min_conjectured_bits);
        if found.is_nan() || least.is_nan() || found < least {
            return Err(PolicyError::ConjecturedBits { found, least });
        }
        let (found, least) = (security.proven, self.min_proven_bits);
        if found.is_nan() || least.is_nan() || found < least {
            return Err(PolicyError::ProvenBits { found, least });
        }
        Ok(())
    }
}

/// Bits of security of a proof of these tables, or of tables with these outlines.
pub fn security<T: Outlined>(tables: &[T], public: &PublicTerms, parameters: &Parameters) -> Security {
    parameters.security(&size(tables, public, parameters))
}

/// What the errors of a proof depend on. Terms of disclosed rows are public tuples.
fn size<T: Outlined>(tables: &[T], public: &PublicTerms, parameters: &Parameters) -> ProofSize {
    let shape = Shape::new(tables, parameters);
    let tables: Vec<_> = tables.iter().map(T::outline).collect();
    let terms = tables.iter().map(|table| (table.interactions.len() as u128) << table.log_height);
    let interactions = tables.iter().flat_map(|table| &table.interactions);
    let arities = interactions.map(|term| term.bus.arity).chain(public.runs().map(|terms| terms.bus.arity));
    ProofSize {
        log_max_height: shape.groups.first().map_or(0, |group| group.log_height),
        terms: terms.sum::<u128>() + public.len() as u128,
        tuple_arity: arities.max().unwrap_or(0) as u64,
        constraints: shape.groups.iter().map(|group| group.constraints as u64).max().unwrap_or(0),
        openings: shape.groups.iter().map(|group| group.openings() as u64).sum(),
        folds: shape.folds.len() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buses;
    use crate::components::byte;
    use felt::Felt;
    use stark::{PublicTuple, Table};
    use std::sync::Arc;

    #[test]
    fn public_tuples_count() -> Result<(), stark::AirError> {
        let table = Table { air: Arc::new(byte::air()?), log_height: byte::LOG_HEIGHT };
        let tuple = |bus: stark::Bus| PublicTuple::provide(bus, vec![Felt::zero(); bus.arity]);
        let size = |public: &[PublicTuple]| {
            let ProofSize { terms, tuple_arity, .. } =
                size(std::slice::from_ref(&table), &public.into(), &Parameters::default());
            (terms, tuple_arity)
        };
        assert_eq!(size(&[]), (256, 1));
        assert_eq!(size(&[tuple(buses::INSTRUCTION), tuple(buses::MEMORY)]), (258, 6));
        Ok(())
    }
}
