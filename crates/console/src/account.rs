//! What to do with another account than before (UP-15).

use authorization_server::{
    Form, FromBrowser,
    page::{self, PageError},
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use oauth::parameters::Parameters;
use vault::AccountChoice;

use crate::{
    connect::{address, load_for_form},
    person::person,
    problem,
    settings::Console,
};

/// POST /connect-account
pub(crate) async fn post(State(console): State<Console>, from: FromBrowser, form: Form) -> Response {
    let result = choose(&console, &from, &form.parameters).await;
    page::answer(console.server(), &from, result)
}

async fn choose(
    console: &Console,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Response, PageError> {
    let waiting = match load_for_form(console, from, parameters).await? {
        Ok(waiting) => waiting,
        Err(answer) => return Ok(answer),
    };
    let choice = match parameters.one("choice").ok().flatten() {
        Some("replace") => AccountChoice::Replace,
        Some("keep") => AccountChoice::KeepBoth,
        Some("cancel") => AccountChoice::Cancel,
        _ => return Err(PageError::expired_transaction(StatusCode::BAD_REQUEST)),
    };
    let id = &waiting.request.id;
    match console.vault().settle_account(id, &person(&waiting.who), choice).await {
        Ok(_) => Ok(page::see_other(console.issuer(), &address(console, id))),
        Err(error) => problem::answer(console, error),
    }
}
