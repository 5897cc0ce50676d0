//! What a project's preset demands of a proof. Distributor and uploader verify with the same policy.

use cairo_air::Policy;
use stark::Preset;

/// Largest proof file that travels.
pub const MAX_PROOF_BYTES: usize = 64 << 20;

/// The demands on a proof of a unit: the bits of security that the preset names, and the project's limit on steps.
pub fn policy(preset: Preset, max_steps: u64) -> Policy {
    let (min_conjectured_bits, min_proven_bits) = match preset {
        Preset::Bench96 => (96.0, 0.0),
        Preset::Default100 | Preset::Compact => (100.0, 0.0),
        Preset::Proven100 => (100.0, 100.0),
    };
    Policy { min_conjectured_bits, min_proven_bits, max_proof_bytes: MAX_PROOF_BYTES, max_steps }
}

/// Presets travel under their names, as on the command line: `#[serde(with = "protocol::preset")]`.
pub mod preset {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use stark::Preset;

    /// Writes the name.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(preset: &Preset, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(preset.name())
    }

    /// Reads the name.
    ///
    /// # Errors
    /// For a name that is no preset's.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Preset, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        name.parse().map_err(D::Error::custom)
    }
}
