//! The proof file.

use crate::claim::Claim;
use crate::codec::{CodecError, Reader, Write};
use crate::layout::Layout;
use crate::statement::Statement;
use crate::version::{OLDEST_VERSION, PROTOCOL_VERSION, Version};
use stark::Parameters;
use stark::parameters::ParametersError;

/// First bytes of a proof file.
pub const MAGIC: [u8; 8] = *b"CAIRNPRF";

/// A proof file: for what it was made, with which parameters, what it claims, its tables, and the STARK proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CairoProof {
    /// Which form the file has.
    pub version: Version,
    /// [`crate::Program::hash`] of the program.
    pub program_hash: [u8; 32],
    /// [`Statement::arguments_hash`] of all runs' arguments.
    pub arguments_hash: [u8; 32],
    /// Identity of the prover.
    pub prover: [u8; 32],
    /// Parameters of the STARK.
    pub parameters: Parameters,
    /// What the proof claims.
    pub claim: Claim,
    /// Its tables.
    pub layout: Layout,
    /// The encoded [`stark::Proof`]; its length follows from all the rest.
    pub stark: Vec<u8>,
}

/// Why bytes are not a proof file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// Other first bytes.
    #[error("this is no proof file: it does not begin with `CAIRNPRF`")]
    Magic,
    /// Another protocol version.
    #[error("the proof file has version {0}; this verifier reads the versions {OLDEST_VERSION} to {PROTOCOL_VERSION}")]
    Version(u32),
    /// Parameters out of bounds.
    #[error("the proof's parameters are unusable: {0}")]
    Parameters(#[from] ParametersError),
    /// A field that cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl CairoProof {
    /// A proof of this statement, of the newest version.
    pub fn new(statement: &Statement, parameters: Parameters, claim: Claim, layout: Layout, stark: Vec<u8>) -> Self {
        Self::new_in(Version::Batch, statement, parameters, claim, layout, stark)
    }

    /// The same of that version, of which the transcript of `stark` must be.
    pub fn new_in(
        version: Version,
        statement: &Statement,
        parameters: Parameters,
        claim: Claim,
        layout: Layout,
        stark: Vec<u8>,
    ) -> Self {
        let (program_hash, arguments_hash) = (statement.program.hash(), statement.arguments_hash_in(version));
        Self { version, program_hash, arguments_hash, prover: statement.prover, parameters, claim, layout, stark }
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stark.len() + 4096);
        out.extend_from_slice(&MAGIC);
        out.u32(self.version.number());
        out.extend_from_slice(&self.program_hash);
        out.extend_from_slice(&self.arguments_hash);
        out.extend_from_slice(&self.prover);
        out.extend_from_slice(&self.parameters.encode());
        self.claim.encode(self.version, &mut out);
        self.layout.encode(&mut out);
        out.extend_from_slice(&self.stark);
        out
    }

    /// Reads a file. Every list is bounded before it is allocated; whether the contents make sense is for
    /// [`crate::verify()`] to say.
    ///
    /// # Errors
    /// [`ProofFileError`] with the place.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofFileError> {
        let mut reader = Reader::new(bytes);
        if reader.array::<8>("magic").ok() != Some(MAGIC) {
            return Err(ProofFileError::Magic);
        }
        let number = reader.u32("version")?;
        let version = Version::from_number(number).ok_or(ProofFileError::Version(number))?;
        let program_hash = reader.array("program hash")?;
        let arguments_hash = reader.array("arguments hash")?;
        let prover = reader.array("prover identity")?;
        let parameters = Parameters::decode(&reader.array::<{ Parameters::ENCODED_LEN }>("parameters")?)?;
        let claim = Claim::decode(&mut reader, version)?;
        let layout = Layout::decode(&mut reader)?;
        let stark = reader.rest().to_vec();
        Ok(Self { version, program_hash, arguments_hash, prover, parameters, claim, layout, stark })
    }
}
