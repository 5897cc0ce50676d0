//! What somebody needs who checks a proof and trusts nobody.

use crate::ids::ProjectName;
use crate::project::ProjectSpec;
use crate::unit::ProofRuns;
use serde::{Deserialize, Serialize};

/// Answer to `GET /v1/checks/{sha256}`: of which project a proof is, and of which runs. Nothing of it has to be believed: the program
/// file has the digest that its uploader signed, and the proof holds for this program on these arguments or it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofCheck {
    /// The project.
    pub project: ProjectName,
    /// What its uploader declared and signed.
    pub spec: ProjectSpec,
    /// The proof, and its runs in order.
    pub proof: ProofRuns,
}
