//! Names and numbers of things, each a type of its own, each checked when it is read.

use crate::hex::{IdError, encode, hex_bytes, public_hex, text_serde};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

hex_bytes! {
    /// A SHA-256 digest: the address of a program file, a record, an execution or a proof.
    Digest, 32, "a digest"
}
public_hex!(Digest);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(Sha256::digest(bytes).into())
    }
}

hex_bytes! {
    /// Identity of a program as proofs see it: [`cairo_air::Program::hash`].
    ProgramHash, 32, "a program hash"
}
public_hex!(ProgramHash);

hex_bytes! {
    /// A unit's identity, drawn at random by the distributor.
    UnitId, 10, "a unit id"
}
public_hex!(UnitId);

hex_bytes! {
    /// A donor's public ed25519 key: its identity, and the prover identity in its proofs.
    DonorKey, 32, "a donor key"
}
public_hex!(DonorKey);

hex_bytes! {
    /// The public ed25519 key with which an uploader signs programs.
    SignerKey, 32, "a signer key"
}
public_hex!(SignerKey);

hex_bytes! {
    /// An ed25519 signature.
    Signature, 64, "a signature"
}
public_hex!(Signature);

hex_bytes! {
    /// A number used once, drawn at random for each signed request.
    Nonce, 16, "a nonce"
}
public_hex!(Nonce);

hex_bytes! {
    /// Marks a lease request, so that asking again after a lost answer gives the same lease.
    RequestKey, 16, "a request key"
}
public_hex!(RequestKey);

hex_bytes! {
    /// Proof of holding a lease. `Debug` shows only its beginning.
    LeaseToken, 32, "a lease token"
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode(self.as_bytes()))
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = encode(self.as_bytes());
        write!(f, "LeaseToken({}…)", digits.get(..8).unwrap_or_default())
    }
}

hex_bytes! {
    /// The public part of an uploader's access key.
    UploaderKeyId, 6, "an uploader key's id"
}
public_hex!(UploaderKeyId);

/// Draws random bytes from the operating system.
macro_rules! random {
    ($($name:ident),*) => {$(
        impl $name {
            /// A random one.
            ///
            /// # Errors
            /// If the operating system gives no random bytes.
            pub fn random() -> Result<Self, getrandom::Error> {
                let mut bytes = [0; Self::LEN];
                getrandom::fill(&mut bytes)?;
                Ok(Self::from_bytes(bytes))
            }
        }
    )*};
}
random!(UnitId, Nonce, RequestKey, LeaseToken, UploaderKeyId);

/// A text that is checked when it is made.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $form:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(IdError::new($what, $form, text)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        text_serde!($name);
    };
}
pub(crate) use checked_text;

checked_text! {
    /// A project's name: 1 to 63 of `a-z`, `0-9` and `-`, the first no `-`.
    ProjectName, "a project name", "1 to 63 of a-z, 0-9 and -, beginning with a letter or digit", |name| {
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        (1..=63).contains(&name.len()) && !name.starts_with('-') && name.as_bytes().iter().all(inner)
    }
}

checked_text! {
    /// The uploader's own name for a unit, unique within its project.
    ExternalId, "an external id", "1 to 200 visible characters without blanks at the ends", |id| {
        (1..=200).contains(&id.chars().count()) && id.trim() == id && !id.chars().any(char::is_control)
    }
}

/// Which lease of a unit this is, counted from 1.
pub type AttemptNumber = u32;

/// Seconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The machine's clock.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_secs()))
    }

    /// That many seconds later.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this, 0 if it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
