use std::sync::Arc;

use authorization_server::AuthorizationServer;
use axum::extract::FromRef;
use guard::Guard;
use oauth::{Clock, Issuer};
use vault::Vault;

/// What the console needs to know; handed in whole.
#[derive(Clone)]
pub struct Settings {
    /// Who knows who is signed in, and how pages look.
    pub authorization_server: AuthorizationServer,
    /// What keeps the connections.
    pub vault: Vault,
    /// What lets programs in to the HTTP API: the guard of the resource [`crate::API_PATH`], which no MCP server has.
    pub guard: Guard,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// The settings as every handler gets them.
#[derive(Clone)]
pub(crate) struct Console(Arc<Settings>);

impl Console {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    pub(crate) fn server(&self) -> &AuthorizationServer {
        &self.0.authorization_server
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        self.server().issuer()
    }
}

impl FromRef<Console> for AuthorizationServer {
    fn from_ref(console: &Console) -> Self {
        console.server().clone()
    }
}
