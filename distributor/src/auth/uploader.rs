//! Uploaders' access keys.

use crate::app::App;
use crate::body::Reader;
use crate::config::Settings;
use crate::error::{ApiError, ApiResult};
use crate::limits::limited;
use crate::share::{Key, Owner};
use crate::source::Source;
use crate::store::{OverQuota, Pusher, UploaderKey};
use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
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
pub struct Uploader {
    key: UploaderKey,
    source: Source,
}

impl Uploader {
    /// The key's id.
    pub const fn id(&self) -> UploaderKeyId {
        self.key.id
    }

    /// Who holds what is taken for the request.
    pub const fn owner(&self) -> Owner {
        Owner { key: Some(Key::Uploader(self.key.id)), source: self.source }
    }

    /// Begins to read the body.
    ///
    /// # Errors
    /// If it is announced to be too large.
    pub fn reader(&self, app: &App, body: Body, headers: &HeaderMap, limit: u64) -> ApiResult<Reader> {
        Reader::new(app, self.owner(), body, headers, limit)
    }

    /// On whose behalf it pushes.
    pub fn pusher(&self, settings: &Settings) -> Pusher {
        Pusher { owner: self.key.owner, quota: self.key.quota.or(settings.quota()) }
    }

    /// Whether the project, which the key reaches, belongs to the key's owner.
    ///
    /// # Errors
    /// `not_owner`; `unknown_project` if there is none.
    pub async fn owns(&self, app: &App, project: &ProjectName) -> ApiResult<()> {
        match app.store.project_owner(project).await? {
            None => Err(ApiError::unknown_project(project)),
            Some(owner) if owner == self.key.owner => Ok(()),
            Some(_) => Err(self.not_owner(project)),
        }
    }

    /// The project belongs to somebody else.
    pub fn not_owner(&self, project: &ProjectName) -> ApiError {
        let detail = format!(
            "the project `{project}` belongs to another owner than the access key {}; its own key changes it, or the operator \
             gives it to this one with `distributor project give {project} {}`",
            self.key.id, self.key.id
        );
        ApiError::new(Cause::NotOwner, detail)
    }

    /// The owner has as much as it may.
    pub fn over_quota(&self, over: &OverQuota) -> ApiError {
        let OverQuota { what, has, more, most } = over;
        let detail = format!(
            "the owner of the access key {} may have {most} {what}, has {has}, and {more} more would come; nothing of this \
             request was taken, and the operator can give a key that allows more",
            self.key.id
        );
        ApiError::new(Cause::QuotaExceeded, detail)
    }

    /// Whether the key allows this at all.
    ///
    /// # Errors
    /// `out_of_scope`.
    pub fn may_somewhere(&self, scope: Scope) -> ApiResult<()> {
        let allowed = match scope {
            Scope::Push => self.key.scopes.push,
            Scope::Read => self.key.scopes.read,
            Scope::Withdraw => self.key.scopes.withdraw,
        };
        if allowed {
            return Ok(());
        }
        let detail =
            format!("the access key {} lacks the scope `{scope}`; ask the operator for another key", self.key.id);
        Err(ApiError::new(Cause::OutOfScope, detail))
    }

    /// Whether the key reaches the project.
    pub fn reaches(&self, project: &ProjectName) -> bool {
        self.key.reaches(project)
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
        let (id, projects) = (self.key.id, &self.key.projects);
        let detail = format!("the access key {id} is for the projects `{projects}`, not for `{project}`");
        Err(ApiError::new(Cause::OutOfScope, detail))
    }
}

/// The key of this secret, if it is known and good.
///
/// # Errors
/// `bad_key`, `key_revoked`.
pub async fn known_key(app: &App, key: &ApiKey) -> ApiResult<UploaderKey> {
    let stored = app.store.key(&key.id()).await?;
    let matching = stored.filter(|stored| {
        let (given, expected) = (key.secret_hash(), stored.secret_hash);
        given.as_bytes()[..].ct_eq(&expected.as_bytes()[..]).into()
    });
    let bad = || ApiError::new(Cause::BadKey, "this distributor knows no such access key; check that it is complete");
    let stored = matching.ok_or_else(bad)?;
    if stored.revoked_at.is_some() {
        let detail = format!("the access key {} was revoked; ask the operator for another one", stored.id);
        return Err(ApiError::new(Cause::KeyRevoked, detail));
    }
    Ok(stored)
}

impl Uploader {
    /// Lets in a request with a key that is known and good, if the key is within its rate.
    ///
    /// # Errors
    /// `rate_limited`.
    pub async fn admitted(parts: &mut Parts, app: &App, key: UploaderKey) -> ApiResult<Self> {
        let source = Source::from_request_parts(parts, app).await?;
        // The operator knows whose it is: such a request counts against the key, not against all who share the address.
        app.limits.sources.give_back(source);
        app.limits.uploaders.take(key.id, app.elapsed()).map_err(|seconds| {
            let most = app.settings.key_requests_per_minute;
            limited(format!("more than {most} requests a minute come with the access key {}", key.id), seconds)
        })?;
        Ok(Self { key, source })
    }

    /// What the names of all projects begin with that the key reaches.
    pub fn beginning(&self) -> &str {
        self.key.projects.trim_end_matches('*')
    }
}

impl FromRequestParts<App> for Uploader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing_key)?;
        let key = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let key = key.and_then(|key| key.trim().parse::<ApiKey>().ok()).ok_or_else(|| {
            let detail = "the header `Authorization` does not hold `Bearer` and an access key `cairn_<id>_<secret>`";
            ApiError::new(Cause::BadKey, detail)
        })?;
        let stored = known_key(app, &key).await?;
        Self::admitted(parts, app, stored).await
    }
}

/// No access key is as good as none; one that is not valid is refused.
impl OptionalFromRequestParts<App> for Uploader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Option<Self>> {
        if parts.headers.contains_key(AUTHORIZATION) {
            return <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some);
        }
        Ok(None)
    }
}

/// Whether anybody may read a project's results and proofs, or the key that came with the request.
///
/// # Errors
/// `missing_key` if a key is needed and none came; `out_of_scope`; `unknown_project`.
pub async fn may_read(app: &App, uploader: Option<&Uploader>, project: &ProjectName) -> ApiResult<()> {
    if let Some(uploader) = uploader {
        return uploader.may(Scope::Read, project);
    }
    match app.store.page(project).await? {
        Some(page) if page.open_results => Ok(()),
        // Whether there is such a project anybody may know.
        Some(_) => Err(missing_key()),
        None => Err(ApiError::unknown_project(project)),
    }
}

/// A key is needed, and none came.
pub fn missing_key() -> ApiError {
    let detail = "this needs an access key in the header `Authorization: Bearer cairn_…`; the operator makes one with \
                  `distributor key create`";
    ApiError::new(Cause::MissingKey, detail)
}
