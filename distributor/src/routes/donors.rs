//! `/v1/donors`.

use crate::app::App;
use crate::auth::Signed;
use crate::error::ApiResult;
use axum::Json;
use axum::extract::State;
use protocol::DonorCredit;

/// What the donor that signs has done.
#[utoipa::path(
    get, path = "/v1/donors/me", tag = "donors", security(("donor" = [])),
    responses((status = 200, body = DonorCredit))
)]
pub async fn me(State(app): State<App>, signed: Signed) -> ApiResult<Json<DonorCredit>> {
    Ok(Json(app.store.donor(&signed.donor, app.now()).await?.credit))
}
