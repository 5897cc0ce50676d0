//! Signatures: donors sign requests, uploaders sign programs. Both are ed25519, verified strictly.
//!
//! A request's signature is over these lines, each ended by `\n`:
//!
//! ```text
//! cairn-request-v1
//! PUT
//! /v1/proofs/e3b0c442…
//! <SHA-256 of the body, hexadecimal>
//! <unix time in seconds, decimal>
//! <nonce, hexadecimal>
//! ```
//!
//! The third line is path and query exactly as sent. The digest travels in a header of its own, so that the signature
//! is checked before the body is read; the body is then checked against the digest.

use crate::ids::{Digest, DonorKey, Nonce, ProjectName, Signature, SignerKey, Timestamp};
use crate::unit_limits::UnitLimits;
use crate::{HEADER_CONTENT, HEADER_KEY, HEADER_NONCE, HEADER_SIGNATURE, HEADER_TIME};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use stark::Preset;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What a request's signature is over.
pub fn request_message(method: &str, target: &str, content: &Digest, time: Timestamp, nonce: &Nonce) -> Vec<u8> {
    format!("cairn-request-v1\n{method}\n{target}\n{content}\n{time}\n{nonce}\n").into_bytes()
}

/// What an uploader signs: a program, under a project's name, with all settings of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The project's name.
    pub name: &'a ProjectName,
    /// SHA-256 of the program file.
    pub program: &'a Digest,
    /// SHA-256 of the program's record.
    pub record: &'a Digest,
    /// What one unit may use.
    pub limits: &'a UnitLimits,
    /// Security that proofs must have.
    pub preset: Preset,
    /// SHA-256 of the description.
    pub description: Digest,
    /// The declared weight.
    pub weight: u32,
    /// The declared price of a proof's bytes.
    pub byte_price: Option<u32>,
}

/// What a program's signature is over: that this signer offers this program, with this record, under this project name,
/// with these settings. One that is not declared is not there, so that older donors understand all offers without it.
pub fn program_message(offer: &Offer<'_>) -> Vec<u8> {
    let Offer { name, program, record, limits, preset, description, weight, byte_price } = offer;
    let UnitLimits { max_steps, max_memory_cells, time_limit } = limits;
    let (version, price) = match byte_price {
        None => ("v2", String::new()),
        Some(price) => ("v3", format!("{price}\n")),
    };
    format!(
        "cairn-program-{version}\n{name}\n{program}\n{record}\n{max_steps}\n{max_memory_cells}\n{time_limit}\n{}\n\
         {description}\n{weight}\n{price}",
        preset.name()
    )
    .into_bytes()
}

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// A header cannot be read.
    #[error("the header `{0}` cannot be read")]
    Malformed(&'static str),
    /// The key is no point of the curve, or a weak one.
    #[error("the public key is not valid")]
    Key,
    /// The signature does not hold.
    #[error("the signature does not hold for this key and message")]
    Invalid,
}

fn verify(key: &[u8; 32], message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| SignatureError::Key)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    key.verify_strict(message, &signature).map_err(|_| SignatureError::Invalid)
}

/// Checks an uploader's signature of a program.
///
/// # Errors
/// If the key is not valid or the signature does not hold.
pub fn verify_program(signer: &SignerKey, offer: &Offer<'_>, signature: &Signature) -> Result<(), SignatureError> {
    verify(signer.as_bytes(), &program_message(offer), signature)
}

/// The headers of a signed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHeaders {
    /// Who signs.
    pub key: DonorKey,
    /// When.
    pub time: Timestamp,
    /// Number used once.
    pub nonce: Nonce,
    /// Digest of the body.
    pub content: Digest,
    /// The signature.
    pub signature: Signature,
}

impl SignedHeaders {
    /// Names and values, to be sent.
    pub fn to_headers(&self) -> [(&'static str, String); 5] {
        [
            (HEADER_KEY, self.key.to_string()),
            (HEADER_TIME, self.time.to_string()),
            (HEADER_NONCE, self.nonce.to_string()),
            (HEADER_CONTENT, self.content.to_string()),
            (HEADER_SIGNATURE, self.signature.to_string()),
        ]
    }

    /// Reads the headers, given a way to look one up.
    ///
    /// # Errors
    /// Names the first header that is missing or cannot be read.
    pub fn from_headers<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SignatureError> {
        fn read<'a, T: std::str::FromStr>(
            get: &impl Fn(&str) -> Option<&'a str>,
            name: &'static str,
        ) -> Result<T, SignatureError> {
            let text = get(name).ok_or(SignatureError::Missing(name))?;
            text.parse().map_err(|_| SignatureError::Malformed(name))
        }
        Ok(Self {
            key: read(&get, HEADER_KEY)?,
            time: Timestamp(read(&get, HEADER_TIME)?),
            nonce: read(&get, HEADER_NONCE)?,
            content: read(&get, HEADER_CONTENT)?,
            signature: read(&get, HEADER_SIGNATURE)?,
        })
    }

    /// Checks the signature; time and nonce are for the distributor to judge.
    ///
    /// # Errors
    /// If the key is not valid or the signature does not hold.
    pub fn verify(&self, method: &str, target: &str) -> Result<(), SignatureError> {
        let message = request_message(method, target, &self.content, self.time, &self.nonce);
        verify(self.key.as_bytes(), &message, &self.signature)
    }
}

/// A secret ed25519 key: a donor's or an uploader's. `Debug` shows the public key only.
#[derive(Clone)]
pub struct Identity(SigningKey);

impl Identity {
    /// A random one.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self::from_seed(&seed))
    }

    /// From its 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key as a donor's: also the prover identity in its proofs.
    pub fn donor_key(&self) -> DonorKey {
        DonorKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// The public key as an uploader's.
    pub fn signer_key(&self) -> SignerKey {
        SignerKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs a request.
    pub fn sign_request(
        &self,
        method: &str,
        target: &str,
        content: Digest,
        time: Timestamp,
        nonce: Nonce,
    ) -> SignedHeaders {
        let signature = self.sign(&request_message(method, target, &content, time, &nonce));
        SignedHeaders { key: self.donor_key(), time, nonce, content, signature }
    }

    /// Signs a program with its project's settings.
    pub fn sign_program(&self, offer: &Offer<'_>) -> Signature {
        self.sign(&program_message(offer))
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }

    /// Reads the key file, or makes a new key and writes it, readable by its owner only. The file has the public key beside the
    /// secret one, so that a flipped bit does not pass for another key; a file of an earlier version, which has the secret
    /// one only, is written anew.
    ///
    /// # Errors
    /// If the file is there and is no key file, or cannot be read or written. A damaged file is never overwritten.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match std::fs::File::open(path).and_then(|file| read_text(file, MAX_KEY_FILE)) {
            Ok(text) => {
                let (identity, form) =
                    Self::from_file_text(&text).ok_or_else(|| KeyFileError::Damaged(path.to_owned()))?;
                if form == Form::SecretOnly {
                    // On a disk that cannot be written to, the old form serves as well as before.
                    let _ = identity.replace_file(path);
                }
                Ok(identity)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Self::random().map_err(KeyFileError::Random)?;
                match identity.create_file(path) {
                    Ok(()) => Ok(identity),
                    // Another process was quicker.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load_or_create(path),
                    Err(error) => Err(KeyFileError::Write(path.to_owned(), error)),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(KeyFileError::Damaged(path.to_owned())),
            Err(error) => Err(KeyFileError::Read(path.to_owned(), error)),
        }
    }

    /// The one of a key file's text; `None` if that is none, or secret and public key in it do not belong together.
    pub fn from_key_text(text: &str) -> Option<Self> {
        Self::from_file_text(text).map(|(identity, _)| identity)
    }

    /// The text of its key file. It holds the secret.
    pub fn to_key_text(&self) -> String {
        format!("cairn-ed25519-secret {} public {}\n", crate::hex::encode(self.0.as_bytes()), self.donor_key())
    }

    fn from_file_text(text: &str) -> Option<(Self, Form)> {
        let digits = text.strip_prefix("cairn-ed25519-secret ")?.strip_suffix('\n')?;
        let Some((secret, public)) = digits.split_once(" public ") else {
            return crate::hex::decode(digits).map(|seed| (Self::from_seed(&seed), Form::SecretOnly));
        };
        let identity = Self::from_seed(&crate::hex::decode(secret)?);
        let public: DonorKey = public.parse().ok()?;
        (identity.donor_key() == public).then_some((identity, Form::Both))
    }

    /// Writes a temporary file and links it to its place, so that the place never holds half a key, and no other key is lost.
    fn create_file(&self, path: &Path) -> io::Result<()> {
        self.write_beside(path, |temporary| std::fs::hard_link(temporary, path))
    }

    /// Writes a temporary file and renames it to its place.
    fn replace_file(&self, path: &Path) -> io::Result<()> {
        self.write_beside(path, |temporary| std::fs::rename(temporary, path))
    }

    fn write_beside(&self, path: &Path, put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let nonce = Nonce::random().map_err(io::Error::other)?;
        let temporary = folder.join(format!(".key-{nonce}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        let written =
            file.write_all(self.to_key_text().as_bytes()).and_then(|()| file.sync_all()).and_then(|()| put(&temporary));
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => written?,
        }
        std::fs::File::open(folder)?.sync_all()
    }
}

/// Most bytes that are read of a key file.
const MAX_KEY_FILE: u64 = 1000;

/// What a key file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The secret key, as files of earlier versions do.
    SecretOnly,
    /// The secret key and the public one.
    Both,
}

fn read_text(file: std::fs::File, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.donor_key())
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file holds something else.
    #[error(
        "the key file {} is damaged: secret and public key in it do not belong together, or it is no key file. Restore it from a \
         backup, or move it away to begin with a new key (what the old key earned stays with the old key)",
        .0.display()
    )]
    Damaged(PathBuf),
    /// Reading failed.
    #[error("cannot read the key file {path}: {1}", path = .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// Writing failed.
    #[error("cannot write the key file {path}: {1}", path = .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// No random bytes.
    #[error("the operating system gives no random bytes for a key: {0}")]
    Random(#[source] getrandom::Error),
}
