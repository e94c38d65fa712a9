//! Signing out: on its own, or to go on with a waiting request as somebody else.

use axum::{extract::State, response::Response};
use http::StatusCode;
use store::session;

use crate::{
    AuthorizationServer,
    authorize::page_url,
    browser::{self, FromBrowser},
    form::Form,
    login::load_waiting,
    page::{self, PageError},
    pages::{LOGIN_PATH, SignedOut},
    waiting_page::waiting_page,
};

/// POST /logout
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    form: Form,
) -> Response {
    let transaction = form.parameters.one("transaction").ok().flatten();
    let result = sign_out(&server, &from, transaction).await;
    page::answer(&server, &from, result)
}

async fn sign_out(
    server: &AuthorizationServer,
    from: &FromBrowser,
    transaction: Option<&str>,
) -> Result<Response, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    if let Some(token) = &from.session {
        server.store().commit(session::delete(&token.digest())).await?;
    }
    let response = match transaction {
        None => page::show(server.issuer(), StatusCode::OK, SignedOut.render(from.language), None),
        Some(transaction) => match waiting_page(server, from, transaction) {
            Some(page) => server.sign_in_before(&page?, from),
            None => {
                let waiting = load_waiting(server, from, Some(transaction)).await?;
                page::see_other(server.issuer(), &page_url(server, LOGIN_PATH, &waiting.transaction))
            }
        },
    };
    Ok(page::with_cookie(response, browser::clear_session(server.issuer())))
}
