//! What people read when the vault cannot do something.

use authorization_server::page::{self, PageError};
use axum::response::Response;
use http::StatusCode;
use vault::{ConnectError, ConnectErrorKind, VaultError};

use crate::{api::ApiError, connect::address, settings::Console};

/// Something that is needed is away.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` takes")]
pub(crate) fn unavailable(error: VaultError) -> PageError {
    PageError::unavailable(&error)
}

/// The answer to a form that could not be taken: the page of the request, when it says what happened; else an error.
pub(crate) fn answer(console: &Console, error: ConnectError) -> Result<Response, PageError> {
    let forbidden = error.is_forbidden();
    match (error.why, error.id) {
        (ConnectErrorKind::Vault(error), _) => Err(unavailable(error)),
        (_, Some(id)) if !forbidden => Ok(page::see_other(console.issuer(), &address(console, &id))),
        _ => Err(PageError::expired_transaction(StatusCode::FORBIDDEN)),
    }
}

/// The same for what programs are told.
pub(crate) fn of_api(error: ApiError, otherwise: impl FnOnce() -> PageError) -> PageError {
    match error {
        ApiError::Unavailable(reason, _) => PageError::unavailable(&reason),
        _ => otherwise(),
    }
}
