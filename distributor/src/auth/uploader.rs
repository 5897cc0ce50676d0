//! Uploaders' access keys.

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::store::UploaderKey;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use protocol::{ApiKey, Cause, ProjectName, UploaderKeyId};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// What a request needs of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Make projects and add units.
    Push,
    /// Read units, results, proofs and events.
    Read,
    /// Withdraw and retry.
    Withdraw,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Push => "push",
            Self::Read => "read",
            Self::Withdraw => "withdraw",
        })
    }
}

/// A request with a valid access key.
#[derive(Debug, Clone)]
pub struct Uploader(UploaderKey);

impl Uploader {
    /// The key's id.
    pub const fn id(&self) -> UploaderKeyId {
        self.0.id
    }

    /// Whether the key allows this at all.
    ///
    /// # Errors
    /// `out_of_scope`.
    pub fn may_somewhere(&self, scope: Scope) -> ApiResult<()> {
        let allowed = match scope {
            Scope::Push => self.0.scopes.push,
            Scope::Read => self.0.scopes.read,
            Scope::Withdraw => self.0.scopes.withdraw,
        };
        if allowed {
            return Ok(());
        }
        let detail =
            format!("the access key {} lacks the scope `{scope}`; ask the operator for another key", self.0.id);
        Err(ApiError::new(Cause::OutOfScope, detail))
    }

    /// Whether the key reaches the project.
    pub fn reaches(&self, project: &ProjectName) -> bool {
        self.0.reaches(project)
    }

    /// Whether the key allows this with this project.
    ///
    /// # Errors
    /// `out_of_scope`.
    pub fn may(&self, scope: Scope, project: &ProjectName) -> ApiResult<()> {
        self.may_somewhere(scope)?;
        if self.reaches(project) {
            return Ok(());
        }
        let (id, projects) = (self.0.id, &self.0.projects);
        let detail = format!("the access key {id} is for the projects `{projects}`, not for `{project}`");
        Err(ApiError::new(Cause::OutOfScope, detail))
    }
}

impl FromRequestParts<App> for Uploader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(|| {
            let detail = "this needs an access key in the header `Authorization: Bearer cairn_…`; the operator makes one \
                          with `distributor key create`";
            ApiError::new(Cause::MissingKey, detail)
        })?;
        let bad = |detail: &str| ApiError::new(Cause::BadKey, detail);
        let key = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let key = key.and_then(|key| key.trim().parse::<ApiKey>().ok()).ok_or_else(|| {
            bad("the header `Authorization` does not hold `Bearer` and an access key `cairn_<id>_<secret>`")
        })?;
        let stored = app.store.key(&key.id()).await?;
        let matching = stored.filter(|stored| {
            let (given, expected) = (key.secret_hash(), stored.secret_hash);
            given.as_bytes()[..].ct_eq(&expected.as_bytes()[..]).into()
        });
        let stored =
            matching.ok_or_else(|| bad("this distributor knows no such access key; check that it is complete"))?;
        if stored.revoked_at.is_some() {
            let detail = format!("the access key {} was revoked; ask the operator for another one", stored.id);
            return Err(ApiError::new(Cause::KeyRevoked, detail));
        }
        Ok(Self(stored))
    }
}
