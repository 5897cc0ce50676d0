//! The parameters that trade security against time and proof size, and the presets.

use std::fmt;
use std::str::FromStr;

/// The adjustable part of the protocol. All of it is absorbed before the first challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// `log2` of the blow-up: LDE domain over table height. The rate of every codeword is its inverse.
    pub log_blowup: u32,
    /// Number of FRI queries.
    pub queries: u32,
    /// Proof of work before the queries: leading zero bits of a digest.
    pub grinding_bits: u32,
    /// `log2` of the highest arity of a FRI fold.
    pub log_fold: u32,
}

/// Bounds of [`Parameters::log_blowup`].
pub const LOG_BLOWUP_RANGE: (u32, u32) = (1, 4);

/// Bounds of [`Parameters::queries`].
pub const QUERIES_RANGE: (u32, u32) = (1, 512);

/// Bounds of [`Parameters::grinding_bits`].
pub const GRINDING_BITS_RANGE: (u32, u32) = (0, 32);

/// Bounds of [`Parameters::log_fold`].
pub const LOG_FOLD_RANGE: (u32, u32) = (1, 3);

/// Why parameters are unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Blow-up out of bounds. Below 2 the quotient chunks would not be tested, above 16 the domain grows for nothing.
    #[error("log_blowup is {0}; it must be from {min} to {max}", min = LOG_BLOWUP_RANGE.0, max = LOG_BLOWUP_RANGE.1)]
    LogBlowup(u32),
    /// Number of queries out of bounds.
    #[error("queries is {0}; it must be from {min} to {max}", min = QUERIES_RANGE.0, max = QUERIES_RANGE.1)]
    Queries(u32),
    /// Grinding out of bounds.
    #[error("grinding_bits is {0}; it must be from {min} to {max}", min = GRINDING_BITS_RANGE.0, max = GRINDING_BITS_RANGE.1)]
    GrindingBits(u32),
    /// Fold arity out of bounds.
    #[error("log_fold is {0}; it must be from {min} to {max}", min = LOG_FOLD_RANGE.0, max = LOG_FOLD_RANGE.1)]
    LogFold(u32),
}

const fn within(value: u32, range: (u32, u32)) -> bool {
    range.0 <= value && value <= range.1
}

impl Parameters {
    /// Bytes of the encoding.
    pub const ENCODED_LEN: usize = 16;

    /// Checks the bounds.
    ///
    /// # Errors
    /// The first field out of bounds, in the order of the fields.
    pub const fn validate(&self) -> Result<(), ParametersError> {
        if !within(self.log_blowup, LOG_BLOWUP_RANGE) {
            return Err(ParametersError::LogBlowup(self.log_blowup));
        }
        if !within(self.queries, QUERIES_RANGE) {
            return Err(ParametersError::Queries(self.queries));
        }
        if !within(self.grinding_bits, GRINDING_BITS_RANGE) {
            return Err(ParametersError::GrindingBits(self.grinding_bits));
        }
        if !within(self.log_fold, LOG_FOLD_RANGE) {
            return Err(ParametersError::LogFold(self.log_fold));
        }
        Ok(())
    }

    /// The fields in order, 4 bytes each, little-endian. Different parameters, valid or not, have different encodings.
    pub fn encode(&self) -> [u8; Self::ENCODED_LEN] {
        let mut bytes = [0; Self::ENCODED_LEN];
        let fields = [self.log_blowup, self.queries, self.grinding_bits, self.log_fold];
        for (chunk, field) in bytes.chunks_exact_mut(4).zip(fields) {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// The first field out of bounds.
    pub fn decode(bytes: &[u8; Self::ENCODED_LEN]) -> Result<Self, ParametersError> {
        let field = |index: usize| {
            let at = 4 * index;
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let parameters = Self { log_blowup: field(0), queries: field(1), grinding_bits: field(2), log_fold: field(3) };
        parameters.validate()?;
        Ok(parameters)
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Preset::default().parameters()
    }
}

/// Named parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Preset {
    /// 96 bits conjectured: the level at which other provers publish their times.
    Bench96,
    /// 100 bits conjectured, at the fastest blow-up.
    #[default]
    Default100,
    /// 100 bits conjectured with half the queries: smaller proofs, slower to make.
    Compact,
    /// 100 bits without a conjecture about codes.
    Proven100,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [Self::Bench96, Self::Default100, Self::Compact, Self::Proven100];

    /// Name as written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bench96 => "bench-96",
            Self::Default100 => "default-100",
            Self::Compact => "compact",
            Self::Proven100 => "proven-100",
        }
    }

    /// One line for a help text.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Bench96 => "96 bits conjectured, 57 proven; fastest, for comparison with other provers",
            Self::Default100 => "100 bits conjectured, 59 proven; fastest at that level",
            Self::Compact => "100 bits conjectured, 59 proven; smaller proofs that take about twice as long to make",
            Self::Proven100 => {
                "100 bits proven; about twice as long to make as with default-100, and the largest proofs"
            }
        }
    }

    /// The parameters.
    pub const fn parameters(self) -> Parameters {
        let (log_blowup, queries) = match self {
            Self::Bench96 => (1, 80),
            Self::Default100 => (1, 84),
            Self::Compact => (2, 42),
            Self::Proven100 => (2, 83),
        };
        // Two bits more would spare two queries in a hundred, and take a short proof longer than everything else.
        Parameters { log_blowup, queries, grinding_bits: 18, log_fold: 3 }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no preset's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset `{0}`; the presets are {list}", list = Preset::ALL.map(Preset::name).join(", "))]
pub struct UnknownPreset(pub String);

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: Parameters = Preset::Default100.parameters();

    #[test]
    fn presets_are_valid() {
        for preset in Preset::ALL {
            assert_eq!(preset.parameters().validate(), Ok(()), "{preset}");
        }
        assert_eq!(Parameters::default(), VALID);
    }

    #[test]
    fn bounds_are_inclusive_and_each_has_its_error() {
        type Set = fn(&mut Parameters, u32);
        type Case = (Set, (u32, u32), fn(u32) -> ParametersError);
        let cases: [Case; 4] = [
            (|p, v| p.log_blowup = v, LOG_BLOWUP_RANGE, ParametersError::LogBlowup),
            (|p, v| p.queries = v, QUERIES_RANGE, ParametersError::Queries),
            (|p, v| p.grinding_bits = v, GRINDING_BITS_RANGE, ParametersError::GrindingBits),
            (|p, v| p.log_fold = v, LOG_FOLD_RANGE, ParametersError::LogFold),
        ];
        for (set, (min, max), error) in cases {
            let with = |value| {
                let mut parameters = VALID;
                set(&mut parameters, value);
                parameters
            };
            for inside in [min, max] {
                assert_eq!(with(inside).validate(), Ok(()));
                assert_eq!(Parameters::decode(&with(inside).encode()), Ok(with(inside)));
            }
            for outside in [min.checked_sub(1), Some(max + 1), Some(u32::MAX)].into_iter().flatten() {
                assert_eq!(with(outside).validate(), Err(error(outside)));
                assert_eq!(Parameters::decode(&with(outside).encode()), Err(error(outside)));
            }
            assert!(error(9999).to_string().ends_with(&format!("is 9999; it must be from {min} to {max}")));
        }
    }

    #[test]
    fn encoding_is_pinned() {
        let parameters = Parameters { log_blowup: 2, queries: 0x0101, grinding_bits: 20, log_fold: 3 };
        assert_eq!(parameters.encode(), [2, 0, 0, 0, 1, 1, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0]);
    }

    #[test]
    fn preset_names() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
            assert!(!preset.description().is_empty());
        }
        let unknown = "default".parse::<Preset>();
        assert_eq!(unknown, Err(UnknownPreset("default".to_owned())));
        let message = unknown.err().map(|error| error.to_string());
        let expected = "there is no preset `default`; the presets are bench-96, default-100, compact, proven-100";
        assert_eq!(message.as_deref(), Some(expected));
    }
}
