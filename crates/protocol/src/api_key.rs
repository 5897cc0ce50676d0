//! Uploaders' access keys: `cairn_<id>_<secret>`, sent as `Authorization: Bearer …`.

use crate::hex::{IdError, decode, encode};
use crate::ids::{Digest, UploaderKeyId};
use std::fmt;
use std::str::FromStr;

/// An access key. `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: UploaderKeyId,
    secret: [u8; 32],
}

impl ApiKey {
    /// A random key.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self { id: UploaderKeyId::random()?, secret })
    }

    /// Its public part.
    pub const fn id(&self) -> UploaderKeyId {
        self.id
    }

    /// What the distributor stores instead of the secret. The secret has 256 random bits, so no search finds it from a plain
    /// SHA-256: slow hashes are for passwords that people choose.
    pub fn secret_hash(&self) -> Digest {
        Digest::of(&self.secret)
    }

    /// The whole key, to be shown once.
    pub fn reveal(&self) -> String {
        format!("cairn_{}_{}", self.id, encode(&self.secret))
    }
}

impl FromStr for ApiKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let read = || {
            let (id, secret) = text.strip_prefix("cairn_")?.split_once('_')?;
            Some(Self { id: id.parse().ok()?, secret: decode(secret)? })
        };
        // The text is secret, so the error does not repeat it.
        read().ok_or_else(|| IdError::new("an access key", "`cairn_<12 digits>_<64 digits>`, all hexadecimal", "…"))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, …)", self.id)
    }
}
