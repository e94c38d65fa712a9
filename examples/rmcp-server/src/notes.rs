//! Four tools. Each reads in its permit who calls; whether they may was decided before, by the guard.

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
};
use serde::{Deserialize, Serialize};

/// Everybody's notes, by issuer and subject: a subject means something only together with its issuer.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<(String, String), Vec<String>>>>);

/// Something to remember.
#[derive(Deserialize, JsonSchema)]
struct Note {
    /// The note.
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
        self.change(permit(&parts)?, |_| {})
    }

    /// Remembers a note.
    #[tool]
    async fn remember(
        &self,
        Parameters(note): Parameters<Note>,
        Extension(parts): Extension<Parts>,
    ) -> Result<Json<Remembered>, ErrorData> {
        self.change(permit(&parts)?, |notes| notes.push(note.text))
    }

    /// Forgets all your notes.
    #[tool]
    async fn forget(&self, Extension(parts): Extension<Parts>) -> Result<Json<Remembered>, ErrorData> {
        self.change(permit(&parts)?, Vec::clear)
    }

    fn change(
        &self,
        permit: &Permit,
        change: impl FnOnce(&mut Vec<String>),
    ) -> Result<Json<Remembered>, ErrorData> {
        let owner = (permit.issuer().as_str().to_owned(), permit.subject().to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = all.entry(owner).or_default();
        change(notes);
        Ok(Json(Remembered { notes: notes.clone() }))
    }
}

#[tool_handler]
impl ServerHandler for Notes {}

/// The guard has left its permit among the extensions of the HTTP request.
fn permit(parts: &Parts) -> Result<&Permit, ErrorData> {
    let permit = parts.extensions.get::<Arc<Permit>>();
    permit.map(AsRef::as_ref).ok_or_else(|| ErrorData::internal_error("the server is not guarded", None))
}
