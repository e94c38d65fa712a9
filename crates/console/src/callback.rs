//! Where a provider sends the browser back to (RFC 6749 §4.1.2).
//!
//! The vault checks the answer: the state was made for this browser, this user and this provider, is used for the first
//! time and not too old; the issuer is the one that was gone to (UP-06, UP-09, UP-10). Whatever came of it is in the
//! connect request, and every answer from here is a redirect to the page that shows it: nothing that the provider put into
//! the address stays in one that loads anything.

use authorization_server::{
    FromBrowser,
    page::{self, PageError},
};
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use vault::{ConnectError, ConnectErrorKind, ProviderName};

use crate::{connect::address, pages::CONNECT_PATH, person::person, problem, settings::Console};

/// GET /connect/callback/{provider}
pub(crate) async fn get(
    State(console): State<Console>,
    from: FromBrowser,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let result = accept(&console, &from, &provider, &query.unwrap_or_default()).await;
    page::answer(console.server(), &from, result)
}

async fn accept(
    console: &Console,
    from: &FromBrowser,
    unverified_provider: &str,
    query: &str,
) -> Result<Response, PageError> {
    let nowhere = || Ok(page::see_other(console.issuer(), &console.issuer().url(CONNECT_PATH)));
    let Some(provider) = ProviderName::parse(unverified_provider) else { return nowhere() };
    // Without session and cookie nothing is looked at: the answer is somebody else's (UP-09).
    let Some(who) = console.server().signed_in(from).await? else { return nowhere() };
    let Some(browser) = from.digest() else { return nowhere() };
    match console.vault().callback(&provider, &person(&who), &browser, query).await {
        Ok(connected) => Ok(page::see_other(console.issuer(), &address(console, connected.id()))),
        Err(ConnectError { why: ConnectErrorKind::Vault(error), .. }) => Err(problem::unavailable(error)),
        Err(error) => {
            tracing::warn!(%provider, user = %who.user_id(), %error, "an account was not connected");
            match &error.id {
                Some(id) if !error.is_forbidden() => {
                    Ok(page::see_other(console.issuer(), &address(console, id)))
                }
                _ => nowhere(),
            }
        }
    }
}
