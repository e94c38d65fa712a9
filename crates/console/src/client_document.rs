//! The document that says who we are to the authorization server of one MCP server (Client ID Metadata Documents). Its URL
//! is our client identifier there, and it has one redirect URI: one for each provider, so that no answer can be taken for
//! another's (UP-06).

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use vault::ProviderName;

use crate::settings::Console;

/// GET /connect/client/{provider}
pub(crate) async fn get(State(console): State<Console>, Path(provider): Path<String>) -> Response {
    let document = ProviderName::parse(&provider).and_then(|name| console.vault().client_metadata(&name));
    match document {
        Some(document) => {
            let headers =
                [(header::CACHE_CONTROL, "public, max-age=300"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
            (headers, Json(document)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
