//! What stands in an address.

use crate::error::{ApiError, ApiResult};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use protocol::{Cause, IdError, MAX_PAGE};
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// The one variable part of a path.
pub struct At<T>(pub T);

impl<T: FromStr<Err = IdError>, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let bad = |reason: String| ApiError::new(Cause::BadRequest, format!("the address is not valid: {reason}"));
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|error| bad(error.body_text()))?;
        text.parse().map(Self).map_err(|error| bad(error.to_string()))
    }
}

/// Both variable parts of a path.
pub struct AtBoth<A, B>(pub A, pub B);

impl<A: FromStr<Err = IdError>, B: FromStr<Err = IdError>, S: Send + Sync> FromRequestParts<S> for AtBoth<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let bad = |reason: String| ApiError::new(Cause::BadRequest, format!("the address is not valid: {reason}"));
        let Path((first, second)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|error| bad(error.body_text()))?;
        let first = first.parse().map_err(|error: IdError| bad(error.to_string()))?;
        let second = second.parse().map_err(|error: IdError| bad(error.to_string()))?;
        Ok(Self(first, second))
    }
}

/// The query.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|error| {
            ApiError::new(Cause::BadRequest, format!("the query of the address is not valid: {}", error.body_text()))
        })
    }
}

/// The length of a page.
///
/// # Errors
/// If more is asked for than there may be.
pub fn page_length(asked: Option<u32>) -> ApiResult<u32> {
    let length = asked.unwrap_or(100);
    if (1..=MAX_PAGE).contains(&length) {
        return Ok(length);
    }
    Err(ApiError::new(Cause::BadRequest, format!("`limit` is 1 to {MAX_PAGE}, not {length}")))
}
