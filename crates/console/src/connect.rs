//! Connecting an account: asking the person, and sending them on.
//!
//! 1. `GET /connect?e=ID`: whoever is not signed in signs in and comes back. Then the very person whom the link was made
//!    for is asked (UP-07): which app and tool wait, what the provider is asked for, how to undo it. A request that has
//!    an outcome is shown with it, on whatever node it came about.
//! 2. `POST /connect`: a form of this page, in this browser. Deny ends the request. Allow is what makes
//!    `vault::Allowed`, without which no URL of the provider exists (UP-13); then the browser goes to the provider, or
//!    the secret that was typed is kept.
//! 3. The provider sends the browser to [`crate::callback`], and that one back to step 1.

use authorization_server::{
    Form, FromBrowser, OwnPage, SignedIn,
    page::{self, Page, PageError},
};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use oauth::parameters::Parameters;
use secret::{Digest, Secret};
use vault::{AuthorizeStep, ConnectError, ConnectErrorKind, ConnectRequest, EnteredSecret};

use crate::{
    pages::{CONNECT_PATH, Outcome, OutcomeKind, Problem},
    person::person,
    problem,
    settings::Console,
    show,
};

/// A connect request of the person who is signed in.
pub(crate) struct Waiting {
    pub(crate) request: ConnectRequest,
    pub(crate) who: SignedIn,
    pub(crate) page: OwnPage,
}

/// GET /connect
pub(crate) async fn get(
    State(console): State<Console>,
    from: FromBrowser,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Parameters::parse(query.unwrap_or_default().as_bytes()).ok();
    let id = query.as_ref().and_then(|query| query.one("e").ok().flatten());
    let result = match id {
        Some(id) => ask(&console, &from, id).await,
        None => Ok(unused(&console, &from)),
    };
    page::answer(console.server(), &from, result)
}

/// POST /connect
pub(crate) async fn post(State(console): State<Console>, from: FromBrowser, form: Form) -> Response {
    let result = decide(&console, &from, &form.parameters).await;
    page::answer(console.server(), &from, result)
}

async fn ask(console: &Console, from: &FromBrowser, id: &str) -> Result<Response, PageError> {
    let waiting = match load(console, from, id).await? {
        Ok(waiting) => waiting,
        Err(answer) => return Ok(answer),
    };
    let response = show::request(console, from, &waiting, None).await?;
    Ok(console.server().naming_the_browser(from, response))
}

async fn decide(
    console: &Console,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Response, PageError> {
    let waiting = match load_for_form(console, from, parameters).await? {
        Ok(waiting) => waiting,
        Err(answer) => return Ok(answer),
    };
    let browser = from.digest().ok_or_else(PageError::foreign_form)?;
    let id = &waiting.request.id;
    let result = match parameters.one("decision").ok().flatten() {
        Some("allow") => allow(console, &waiting, &browser, parameters).await,
        Some("deny") => {
            console.vault().decline(id, &person(&waiting.who)).await.map(|()| address(console, id))
        }
        _ => return Err(PageError::expired_transaction(StatusCode::BAD_REQUEST)),
    };
    match result {
        Ok(url) => Ok(page::see_other(console.issuer(), &url)),
        Err(ConnectError { why: ConnectErrorKind::Entered(told), .. }) => {
            show::request(console, from, &waiting, Some(Problem::Secret { told })).await
        }
        Err(error) => problem::answer(console, error),
    }
}

/// Where the browser goes now: to the provider, or back to the page, which then says that it is done.
async fn allow(
    console: &Console,
    waiting: &Waiting,
    browser: &Digest,
    parameters: &Parameters,
) -> Result<String, ConnectError> {
    let (vault, id, who) = (console.vault(), &waiting.request.id, person(&waiting.who));
    let allowed = vault.allow(id, &who, browser).await?;
    match vault.authorize(allowed).await? {
        AuthorizeStep::Redirect(url) => Ok(url.to_string()),
        AuthorizeStep::EnterSecret { with_name, .. } => {
            let one = |name| parameters.one(name).ok().flatten().unwrap_or_default();
            let name = with_name.then(|| one("username").to_owned());
            let secret = EnteredSecret { name, secret: Secret::from(one("secret")) };
            vault.enter_secret(id, &who, secret).await?;
            Ok(address(console, id))
        }
    }
}

/// The address of the page of a connect request.
pub(crate) fn address(console: &Console, id: &str) -> String {
    console.issuer().url(&path(id))
}

fn path(id: &str) -> String {
    format!("{CONNECT_PATH}?e={id}")
}

/// Loads a connect request for the very person whom it is for; or says what is answered instead.
pub(crate) async fn load(
    console: &Console,
    from: &FromBrowser,
    unverified_id: &str,
) -> Result<Result<Waiting, Response>, PageError> {
    let closed = |status| show::outcome(console, from, status, OutcomeKind::Closed, None);
    let Some(page) = own_page(unverified_id) else { return Ok(Err(closed(StatusCode::NOT_FOUND))) };
    let Some(who) = console.server().signed_in(from).await? else {
        return Ok(Err(console.server().sign_in_before(&page, from)));
    };
    let request = console.vault().connect_request(unverified_id).await.map_err(problem::unavailable)?;
    let Some(request) = request else { return Ok(Err(closed(StatusCode::NOT_FOUND))) };
    if console.vault().may_connect(&request, &person(&who)).is_err() {
        tracing::warn!(user = %who.user_id(), "a connect link was opened by another user than it was made for");
        return Ok(Err(other_user(console, from, &who, &page)));
    }
    Ok(Ok(Waiting { request, who, page }))
}

/// The same for a form of ours, which names the request.
pub(crate) async fn load_for_form(
    console: &Console,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Result<Waiting, Response>, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    let id = parameters.one("e").ok().flatten();
    let id = id.ok_or_else(|| PageError::expired_transaction(StatusCode::BAD_REQUEST))?;
    load(console, from, id).await
}

/// Identifiers of ours only: what is no identifier names no page.
fn own_page(unverified_id: &str) -> Option<OwnPage> {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_identifier = !unverified_id.is_empty() && unverified_id.bytes().all(is_character);
    is_identifier.then(|| OwnPage::at(&path(unverified_id))).flatten()
}

fn other_user(console: &Console, from: &FromBrowser, who: &SignedIn, page: &OwnPage) -> Response {
    let transaction = console.server().transaction_of(page, from);
    let kind = OutcomeKind::OtherUser { user_name: who.user_name() };
    show::outcome(console, from, StatusCode::FORBIDDEN, kind, transaction.as_deref())
}

/// Where an answer of a provider ends that belongs to nothing.
fn unused(console: &Console, from: &FromBrowser) -> Response {
    let html = Outcome { kind: OutcomeKind::Unused, transaction: None }.render(from.language);
    Page::new(StatusCode::FORBIDDEN, html).answer(console.issuer())
}
