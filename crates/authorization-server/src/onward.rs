//! From a form of ours on to the client, so that no policy of ours holds where the client leads on (decision 0034).
//!
//! 1. Browsers hold `form-action` against every redirect that follows a form. A person in a browser whose client is
//!    reached over `https`, or on this computer, therefore gets a page that leads on, and the forms may lead to this
//!    server only.
//! 2. Behind an app's scheme nothing leads on, and programs have no policy: they get 303 (RFC 9700 §4.12).

use axum::response::Response;
use http::StatusCode;
use oauth::RedirectUri;

use crate::{
    AuthorizationServer, browser::FromBrowser, consent::app, login::WaitingRequest, page, pages::Onward,
};

/// Answers a form with the way to the client. `url` is the redirect URI of the request with the parameters of the
/// response.
pub(crate) fn to_client(
    server: &AuthorizationServer,
    from: &FromBrowser,
    waiting: &WaitingRequest,
    url: &str,
) -> Response {
    let redirect_uri = &waiting.record.redirect_uri;
    if !by_page(from, redirect_uri) {
        return page::see_other(server.issuer(), url);
    }
    let onward = Onward { client: app(&waiting.client, redirect_uri), return_uri: url };
    page::show(server.issuer(), StatusCode::OK, onward.render(from.language), None)
}

/// Where a form may be redirected to, beside our own pages.
pub(crate) fn form_destination<'a>(
    from: &FromBrowser,
    redirect_uri: &'a RedirectUri,
) -> Option<&'a RedirectUri> {
    (!by_page(from, redirect_uri)).then_some(redirect_uri)
}

fn by_page(from: &FromBrowser, redirect_uri: &RedirectUri) -> bool {
    from.is_navigation && redirect_uri.is_web()
}
