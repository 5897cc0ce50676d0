//! Refusals. This is the only place where an error becomes a status.

use crate::blobs::BlobError;
use crate::store::{Refusal, StoreError};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::text::printable;
use protocol::{Cause, PROBLEM_JSON, Problem, ProjectName, Timestamp};

/// When to come back if the disk is full: somebody has to make room.
const RETRY_STORAGE: u64 = 60;

/// Most characters of a detail.
const MOST_DETAIL: usize = 1000;

/// A refusal on its way out. The request's id is filled in by the outermost layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError(Box<Problem>);

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A refusal.
    ///
    /// What the client sent may stand in the detail, so that is escaped and cut.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(cause, printable(&detail.into(), MOST_DETAIL));
        problem.retry_after = match cause {
            Cause::StorageFull => Some(RETRY_STORAGE),
            Cause::Busy | Cause::ShuttingDown | Cause::Timeout | Cause::Internal => Some(5),
            // The client does it again at once, but not in a circle without end.
            cause => cause.is_temporary().then_some(1),
        };
        Self(Box::new(problem))
    }

    /// With the time after which to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// With the distributor's time.
    #[must_use]
    pub fn server_time(mut self, now: Timestamp) -> Self {
        self.0.server_time = Some(now);
        self
    }

    /// Its cause.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// What is said of it.
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    /// Something that should not happen; the reason goes to the log only.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        let reason = printable(&reason.to_string(), MOST_DETAIL);
        tracing::error!(%reason, "internal error");
        let detail = "the distributor failed; its operator finds the reason in the log under the request's id";
        Self::new(Cause::Internal, detail)
    }
}

impl ApiError {
    /// There is no such project.
    pub fn unknown_project(name: &ProjectName) -> Self {
        Self::new(Cause::UnknownProject, format!("there is no project `{name}`"))
    }

    /// Nothing is at this path.
    pub fn unknown_route(path: &str) -> Self {
        let path = printable(path, 200);
        Self::new(Cause::UnknownRoute, format!("there is nothing at `{path}`; the addresses are listed at /docs"))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => {
                tracing::error!(%error, "storage full");
                Self::new(Cause::StorageFull, "the distributor's disk is full; nothing was stored, try again later")
            }
            StoreError::Busy(_) => {
                tracing::warn!(%error, "database busy");
                Self::new(Cause::Busy, "the distributor's database is busy; try again")
            }
            StoreError::Damaged { .. } | StoreError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => {
                tracing::error!(%error, "storage full");
                Self::new(Cause::StorageFull, "the distributor's disk is full; nothing was stored, try again later")
            }
            BlobError::Io(_) => Self::internal(error),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.cause, refusal.detail)
    }
}

impl From<getrandom::Error> for ApiError {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self.0.cause, Cause::MissingKey | Cause::BadKey) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cairn\""));
        }
        // The outermost layer adds the request's id.
        response.extensions_mut().insert(self);
        response
    }
}

impl ApiError {
    /// The refusal as an answer that carries the request's id.
    pub fn with_request_id(mut self, id: &str) -> Response {
        self.0.request_id = Some(id.to_owned());
        self.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_passes_by_itself_says_when_to_come_back() {
        for cause in Cause::ALL {
            assert_eq!(ApiError::new(*cause, "").0.retry_after.is_some(), cause.is_temporary(), "{cause}");
        }
    }
}
