//! An ordinary server of the SDK with five tools. Those that are about somebody read in the permit who that is; whether
//! they may was decided before, by the guard.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::request::Parts;
use guard::Permit;
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{
        tool::Extension,
        wrapper::{Json, Parameters},
    },
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::{Deserialize, Serialize};

/// The server as the SDK makes it, for clients that reach it at `origin`.
///
/// Without sessions: the token says in every request who is there, and an id that somebody else got hold of opens
/// nothing.
pub(crate) fn service(origin: &str) -> StreamableHttpService<Notes, NeverSessionManager> {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let configuration = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts([host])
        // The SDK looks at no origin unless it is told to (the standard: MUST).
        .with_allowed_origins([origin])
        .enforce_origin_validation();
    let notes = Notes::default();
    StreamableHttpService::new(move || Ok(notes.clone()), Arc::default(), configuration)
}

/// Everybody's notes.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<Owner, Vec<String>>>>);

/// Issuer and subject: a subject means something only together with its issuer.
type Owner = (String, String);

/// Something written.
#[derive(Deserialize, JsonSchema)]
struct Note {
    /// The text.
    text: String,
}

/// The notes of whoever asks.
#[derive(Serialize, JsonSchema)]
struct Remembered {
    /// Oldest first.
    notes: Vec<String>,
}

#[tool_router]
impl Notes {
    /// Counts the words of a text, for anybody.
    #[tool]
    async fn count_words(&self, Parameters(note): Parameters<Note>) -> String {
        note.text.split_whitespace().count().to_string()
    }

    /// Says who is asking, through which client, and what for.
    #[tool]
    async fn who_am_i(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        let permit = permit(&parts)?;
        let name = permit.user_name().unwrap_or(permit.subject());
        Ok(format!("{name}, through the client {}, for {}", permit.client_id(), permit.scope()))
    }

    /// Lists your notes.
    #[tool]
    async fn recall(&self, Extension(parts): Extension<Parts>) -> Result<Json<Remembered>, ErrorData> {
        Ok(self.change(permit(&parts)?, |_| {}))
    }

    /// Remembers a note.
    #[tool]
    async fn remember(
        &self,
        Parameters(note): Parameters<Note>,
        Extension(parts): Extension<Parts>,
    ) -> Result<Json<Remembered>, ErrorData> {
        Ok(self.change(permit(&parts)?, |notes| notes.push(note.text)))
    }

    /// Forgets all your notes.
    #[tool]
    async fn forget(&self, Extension(parts): Extension<Parts>) -> Result<Json<Remembered>, ErrorData> {
        Ok(self.change(permit(&parts)?, Vec::clear))
    }

    fn change(&self, permit: &Permit, change: impl FnOnce(&mut Vec<String>)) -> Json<Remembered> {
        let owner = (permit.issuer().as_str().to_owned(), permit.subject().to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = all.entry(owner).or_default();
        change(notes);
        Json(Remembered { notes: notes.clone() })
    }
}

#[tool_handler]
impl ServerHandler for Notes {}

/// The guard has left its permit among the extensions of the HTTP request.
fn permit(parts: &Parts) -> Result<&Permit, ErrorData> {
    let permit = parts.extensions.get::<Arc<Permit>>();
    permit.map(AsRef::as_ref).ok_or_else(|| ErrorData::internal_error("the server is not guarded", None))
}
