//! Parts of the distributor that do something else first: fail, wait, or end the process.

use async_trait::async_trait;
use cairo_air::Program;
use distributor::blobs::{BlobError, Blobs, Kind, Opened, Spooled};
use distributor::store::{Refusal, VerifiedRun};
use distributor::verify::{CairoVerifier, ExecutionBounds, Runs, Verifier};
use felt::Felt;
use protocol::{Digest, Preset, UnitLimits};
use std::fs::File;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// What happens around the storing of a file.
pub type Hook = Box<dyn Fn() -> Result<(), BlobError> + Send + Sync>;

/// Files, with a hook before and one after each is stored.
pub struct HookedBlobs {
    pub inner: Arc<dyn Blobs>,
    pub before_put: Hook,
    pub after_put: Hook,
}

#[async_trait]
impl Blobs for HookedBlobs {
    async fn spool(&self) -> Result<NamedTempFile, BlobError> {
        self.inner.spool().await
    }

    async fn put(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError> {
        (self.before_put)()?;
        let stored = self.inner.put(kind, spooled).await?;
        (self.after_put)()?;
        Ok(stored)
    }

    async fn open(&self, kind: Kind, sha256: &Digest) -> Result<Option<Opened>, BlobError> {
        self.inner.open(kind, sha256).await
    }

    async fn fetch(&self, kind: Kind, sha256: &Digest) -> Result<Option<File>, BlobError> {
        self.inner.fetch(kind, sha256).await
    }

    async fn read(&self, kind: Kind, sha256: &Digest) -> Result<Option<Vec<u8>>, BlobError> {
        self.inner.read(kind, sha256).await
    }

    async fn stored(&self, kind: Kind) -> Result<Vec<(Digest, protocol::Timestamp)>, BlobError> {
        self.inner.stored(kind).await
    }

    async fn delete(&self, kind: Kind, sha256: &Digest) -> Result<(), BlobError> {
        self.inner.delete(kind, sha256).await
    }

    async fn ping(&self) -> Result<(), BlobError> {
        self.inner.ping().await
    }
}

/// The real verifier, with a hook before each proof.
pub struct HookedVerifier {
    pub inner: CairoVerifier,
    pub before_proof: Box<dyn Fn() + Send + Sync>,
}

impl Verifier for HookedVerifier {
    fn proof(&self, runs: Runs<'_>, proof: &[u8], preset: Preset, max_steps: u64) -> Result<Vec<VerifiedRun>, Refusal> {
        (self.before_proof)();
        self.inner.proof(runs, proof, preset, max_steps)
    }

    fn execution(
        &self,
        program: &Program,
        arguments: &[Felt],
        file: File,
        limits: &UnitLimits,
        bounds: &ExecutionBounds,
    ) -> Result<VerifiedRun, Refusal> {
        self.inner.execution(program, arguments, file, limits, bounds)
    }
}
