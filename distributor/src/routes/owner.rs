//! The pages of owners: signing in with an access key, and what that key may do, as forms.

use super::extract::At;
use super::units::{retried, withdrawn_unit};
use crate::app::App;
use crate::auth::{Scope, Uploader, known_key};
use crate::body::Reader;
use crate::error::{ApiError, ApiResult};
use crate::limits::limited;
use crate::sessions::Session;
use crate::share::Owner;
use crate::site::answer::html;
use crate::site::owner;
use crate::source::Source;
use crate::store::UnitFilter;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{Cause, ProjectName, ProjectPage, UnitId, UnitState};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Largest form.
const MOST_FORM: u64 = 1 << 18;

/// Name of the cookie. Without a path it is for the folder of the page that sets it, `owner`, wherever a proxy has put
/// that.
const NAME: &str = "cairn-owner";

/// The token of the request's cookie.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned())
}

/// An owner who is signed in, with a key that is good still.
pub struct SignedIn {
    uploader: Uploader,
    session: Session,
    headers: HeaderMap,
}

/// Where who is not signed in may do so.
pub struct SignInFirst(Option<ApiError>, String);

impl IntoResponse for SignInFirst {
    fn into_response(self) -> Response {
        match self {
            Self(Some(error), _) => error.into_response(),
            Self(None, to) => Redirect::to(&to).into_response(),
        }
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = SignInFirst;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, SignInFirst> {
        let folders = parts.uri.path().matches('/').count().saturating_sub(1);
        let first = || {
            SignInFirst(None, format!("{}owner", if folders == 0 { "./".to_owned() } else { "../".repeat(folders) }))
        };
        let session =
            cookie(&parts.headers).and_then(|token| app.sessions.get(&token, app.elapsed())).ok_or_else(first)?;
        let stored =
            app.store.key(&session.key).await.map_err(|error| SignInFirst(Some(error.into()), String::new()))?;
        // Revoked meanwhile.
        let stored = stored.filter(|stored| stored.revoked_at.is_none()).ok_or_else(first)?;
        let uploader = Uploader::admitted(parts, app, stored).await;
        let uploader = uploader.map_err(|error| SignInFirst(Some(error), String::new()))?;
        Ok(Self { uploader, session, headers: parts.headers.clone() })
    }
}

/// What every form of a session brings.
#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    form_token: String,
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    serde_urlencoded::from_bytes(bytes)
        .map_err(|error| ApiError::new(Cause::BadRequest, format!("the form is not what is expected here: {error}")))
}

impl SignedIn {
    /// The form, if it is of one of this session's own pages.
    async fn form<T: DeserializeOwned>(&self, app: &App, body: Body) -> ApiResult<T> {
        let (bytes, _room) = self.uploader.reader(app, body, &self.headers, MOST_FORM)?.bytes(None).await?;
        let Token { form_token } = parse(&bytes)?;
        if !self.session.allows(&form_token) {
            let detail = "the form is not of this session: load its page again, and send it from there";
            return Err(ApiError::new(Cause::BadRequest, detail));
        }
        parse(&bytes)
    }
}

/// What owners find: a form to sign in, or their projects.
#[utoipa::path(
    get, path = "/owner", tag = "site",
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn home(State(app): State<App>, signed_in: Result<SignedIn, SignInFirst>) -> ApiResult<Response> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(SignInFirst(Some(error), _)) => return Err(error),
        Err(SignInFirst(None, _)) => {
            return Ok(html(&owner::frame("/owner", "Sign in"), &owner::sign_in("./owner/sign-in", None)));
        }
    };
    let uploader = &signed_in.uploader;
    let (mut cards, more) = app.store.cards(uploader.beginning(), owner::PROJECTS).await?;
    let more = more && cards.iter().all(|card| uploader.reaches(&card.name));
    cards.retain(|card| uploader.reaches(&card.name));
    let main = owner::projects(&cards, more, &signed_in.session.form_token);
    Ok(html(&owner::frame("/owner", "Your projects"), &main))
}

#[derive(Debug, Deserialize)]
struct SignIn {
    #[serde(default)]
    key: String,
}

/// Signs in with an access key, which the form brings.
#[utoipa::path(
    post, path = "/owner/sign-in", tag = "site",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To the owner's page"),
        (status = 200, description = "The form again", body = String, content_type = "text/html"),
    )
)]
pub async fn sign_in(State(app): State<App>, source: Source, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    check_site(&headers)?;
    app.limits
        .sign_ins
        .take(source, app.elapsed())
        .map_err(|seconds| limited(format!("too many wish to sign in from the address {source}"), seconds))?;
    let owner = Owner { key: None, source };
    let (bytes, _room) = Reader::new(&app, owner, body, &headers, 1 << 12)?.bytes(None).await?;
    let SignIn { key } = parse(&bytes)?;
    let stored = match key.trim().parse() {
        Ok(key) => known_key(&app, &key).await,
        Err(_) => Err(ApiError::new(Cause::BadKey, "this is no access key: one looks like cairn_<id>_<secret>")),
    };
    let stored = match stored {
        Ok(stored) => stored,
        Err(error) if error.problem().status < 500 => {
            let main = owner::sign_in("./sign-in", Some(&error.problem().detail));
            return Ok(html(&owner::frame("/owner/sign-in", "Sign in"), &main));
        }
        Err(error) => return Err(error),
    };
    let token = app.sessions.begin(stored.id, app.elapsed())?;
    tracing::info!(key = %stored.id, "an owner signed in");
    let mut response = Redirect::to("../owner").into_response();
    set_cookie(&mut response, &headers, &token, "")?;
    Ok(response)
}

/// A browser says whose page a form is of; other sites have nothing to send here. What proxies do to the host does not
/// matter to it.
fn check_site(headers: &HeaderMap) -> ApiResult<()> {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_none_or(|site| matches!(site, "same-origin" | "none")) {
        return Ok(());
    }
    Err(ApiError::new(Cause::BadRequest, "the form is of another site's page: sign in on this one"))
}

fn set_cookie(response: &mut Response, headers: &HeaderMap, token: &str, more: &str) -> ApiResult<()> {
    let secure = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={token}; HttpOnly; SameSite=Strict{secure}{more}");
    response.headers_mut().insert(SET_COOKIE, HeaderValue::from_str(&text).map_err(ApiError::internal)?);
    Ok(())
}

/// Signs out.
#[utoipa::path(
    post, path = "/owner/sign-out", tag = "site",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the form to sign in"))
)]
pub async fn sign_out(
    State(app): State<App>,
    signed_in: Result<SignedIn, SignInFirst>,
    body: Body,
) -> ApiResult<Response> {
    let mut response = Redirect::to("../owner").into_response();
    if let Ok(signed_in) = signed_in {
        let _: Token = signed_in.form(&app, body).await?;
        if let Some(token) = cookie(&signed_in.headers) {
            app.sessions.end(&token);
        }
        set_cookie(&mut response, &signed_in.headers, "", "; Max-Age=0")?;
    }
    Ok(response)
}

/// What an owner sees of a project: its queue, failures, and what visitors are told.
#[utoipa::path(
    get, path = "/owner/projects/{name}", tag = "site",
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 303, description = "To the form to sign in"),
        (status = 403, description = "`out_of_scope`"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn project(
    State(app): State<App>,
    At(name): At<ProjectName>,
    signed_in: Result<SignedIn, SignInFirst>,
) -> ApiResult<Response> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(first) => return first.or_refuse(),
    };
    let SignedIn { uploader, session, .. } = &signed_in;
    uploader.may(Scope::Read, &name)?;
    let unknown = || ApiError::unknown_project(&name);
    let now = app.now();
    let one = app.store.project(&name, now).await?.ok_or_else(unknown)?;
    let page = app.store.page(&name).await?.ok_or_else(unknown)?;
    let of = |state, suspect| UnitFilter { state, suspect };
    let failed = app.store.units(&name, &of(Some(UnitState::Failed), false), 0, owner::UNITS, now).await?;
    let suspect = app.store.units(&name, &of(None, true), 0, owner::UNITS, now).await?;
    let own = uploader.owns(&app, &name).await.is_ok();
    let view = owner::View {
        project: &one,
        page: &page,
        failed: &failed.units,
        suspect: &suspect.units,
        form_token: &session.form_token,
        may: (own && uploader.may(Scope::Push, &name).is_ok(), own && uploader.may(Scope::Withdraw, &name).is_ok()),
    };
    Ok(html(&owner::frame("/owner/projects/x", name.as_str()), &owner::project(&view)))
}

impl SignInFirst {
    fn or_refuse(self) -> ApiResult<Response> {
        match self {
            Self(Some(error), _) => Err(error),
            first => Ok(first.into_response()),
        }
    }
}

/// The form of a project's page.
#[derive(Debug, Deserialize)]
struct PageForm {
    #[serde(default)]
    about: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    cite: String,
    #[serde(default)]
    plot: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    argument_label: String,
    open_results: Option<String>,
}

impl PageForm {
    fn page(self) -> ApiResult<ProjectPage> {
        let bad = |error: protocol::IdError| ApiError::new(Cause::BadRequest, error.to_string());
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut plot = given(&self.plot).map(|plot| plot.parse::<protocol::Plot>()).transpose().map_err(bad)?;
        if let Some(plot) = &mut plot {
            plot.label = self.label;
            if plot.argument.is_some() {
                plot.argument_label = self.argument_label;
            }
        }
        let page = ProjectPage {
            // Browsers send line ends as two characters.
            about: self.about.replace("\r\n", "\n"),
            cause: given(&self.cause).map(|cause| cause.parse()).transpose().map_err(bad)?,
            cite: self.cite.replace("\r\n", "\n"),
            plot,
            open_results: self.open_results.is_some(),
        };
        page.check().map_err(bad)?;
        Ok(page)
    }
}

/// Changes what visitors are told, by a form.
#[utoipa::path(
    post, path = "/owner/projects/{name}/page", tag = "site",
    params(("name" = String, Path, description = "The project")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To the project's page, or the form to sign in"),
        (status = 403, description = "`out_of_scope`, `not_owner`"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn put_page(
    State(app): State<App>,
    At(name): At<ProjectName>,
    signed_in: Result<SignedIn, SignInFirst>,
    body: Body,
) -> ApiResult<Response> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(first) => return first.or_refuse(),
    };
    signed_in.uploader.may(Scope::Push, &name)?;
    let form: PageForm = signed_in.form(&app, body).await?;
    signed_in.uploader.owns(&app, &name).await?;
    if !app.store.put_page(&name, &form.page()?, app.now()).await? {
        return Err(ApiError::unknown_project(&name));
    }
    Ok(Redirect::to(&format!("../{name}")).into_response())
}

/// Puts a unit back into the queue, by a form.
#[utoipa::path(
    post, path = "/owner/units/{id}/retry", tag = "site",
    params(("id" = String, Path, description = "The unit")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To the project's page, or the form to sign in"),
        (status = 403, description = "`out_of_scope`, `not_owner`"),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`, `project_withdrawn`"),
    )
)]
pub async fn retry(
    State(app): State<App>,
    At(id): At<UnitId>,
    signed_in: Result<SignedIn, SignInFirst>,
    body: Body,
) -> ApiResult<Response> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(first) => return first.or_refuse(),
    };
    let _: Token = signed_in.form(&app, body).await?;
    let unit = retried(&app, &signed_in.uploader, &id).await?;
    Ok(Redirect::to(&format!("../../projects/{}", unit.project)).into_response())
}

/// Withdraws a unit, by a form.
#[utoipa::path(
    post, path = "/owner/units/{id}/withdraw", tag = "site",
    params(("id" = String, Path, description = "The unit")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To the project's page, or the form to sign in"),
        (status = 403, description = "`out_of_scope`, `not_owner`"),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`"),
    )
)]
pub async fn withdraw(
    State(app): State<App>,
    At(id): At<UnitId>,
    signed_in: Result<SignedIn, SignInFirst>,
    body: Body,
) -> ApiResult<Response> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(first) => return first.or_refuse(),
    };
    let _: Token = signed_in.form(&app, body).await?;
    let unit = withdrawn_unit(&app, &signed_in.uploader, &id).await?;
    Ok(Redirect::to(&format!("../../projects/{}", unit.project)).into_response())
}
