//! Whose credential at which provider goes with the calls of a server.

use std::collections::BTreeMap;

use oauth::Scope;
use serde::Deserialize;

use super::{Server, ServerKind};
use crate::cli::exit::Stop;

/// The longest name of a server whose provider is found out: the provider's own name is four characters longer.
const LONGEST_DISCOVERED: usize = 60;

/// What the calls of a server need at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The provider, by name.
    pub(crate) provider: String,
    /// The team whose credential it is; the caller's own without one.
    pub(crate) team: Option<String>,
    /// What every call needs there, beside what the provider is always asked for.
    pub(crate) scope: Scope,
    /// What a tool needs beside that, by its name.
    pub(crate) scopes: BTreeMap<String, Scope>,
    /// How a client is told that it cannot show links.
    pub(crate) elicitation: Elicitation,
}

/// What a client of 2026-07-28 gets that does not say that it shows links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Elicitation {
    /// The link in the text of a failed tool call, which a model can hand on.
    #[default]
    Text,
    /// The error -32021, as the letter of the revision asks.
    Strict,
}

impl Server {
    /// The team whose credentials it uses.
    pub(crate) fn team(&self) -> Option<&str> {
        self.team.as_deref()
    }

    /// What its calls need at a provider; `None` when it has none.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, Stop> {
        let Some(provider) = &self.provider else { return self.without_provider().map(|()| None) };
        if !matches!(self.kind, ServerKind::Remote | ServerKind::OpenApi) {
            return Err(self
                .mistake("has a provider, which only a remote server or an OpenAPI document can have")
                .hint(
                    "a program gets its keys with environment; a virtual server has those of its members",
                ));
        }
        let scope = |text: &str| {
            Scope::parse(text)
                .map_err(|_| self.mistake(&format!("asks its provider for {text:?}, which is no scope")))
        };
        let scopes = self.provider_scopes.iter().map(|(tool, text)| Ok((tool.clone(), scope(text)?)));
        Ok(Some(Credentials {
            provider: provider.clone(),
            team: self.team.clone(),
            scope: scope(self.provider_scope.as_deref().unwrap_or_default())?,
            scopes: scopes.collect::<Result<_, Stop>>()?,
            elicitation: self.elicitation,
        }))
    }

    /// Whether its own authorization server can be its provider.
    pub(crate) fn check_discovered(&self) -> Result<(), Stop> {
        if self.kind != ServerKind::Remote {
            return Err(self
                .mistake("has a provider that is to be found out, which only a remote MCP server has")
                .hint("write which: provider = \"NAME\", as a [[provider]] calls itself"));
        }
        if self.name.len() > LONGEST_DISCOVERED {
            return Err(self.mistake(&format!(
                "has a provider that is to be found out, and a name of more than {LONGEST_DISCOVERED} characters"
            )));
        }
        Ok(())
    }

    fn without_provider(&self) -> Result<(), Stop> {
        let is_alone = self.team.is_none()
            && self.provider_scope.is_none()
            && self.provider_scopes.is_empty()
            && self.elicitation == Elicitation::default();
        if is_alone {
            return Ok(());
        }
        Err(self
            .mistake("says what it needs at a provider, and has none")
            .hint("write which: provider = \"NAME\", as a [[provider]] calls itself"))
    }
}
