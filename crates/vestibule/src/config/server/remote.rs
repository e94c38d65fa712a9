//! A server elsewhere: how it is reached and what its tools need.

use std::{collections::BTreeSet, time::Duration};

use gateway::{RemoteServerSettings, ToolScopes};
use http::Uri;
use oauth::Scope;
use serde::Deserialize;

use super::{Allow, Behind, OpenApi, Process, Server};
use crate::{cli::exit::Stop, config::network};

/// The scope of a server for which none is configured.
const DEFAULT_SCOPE: &str = "use";

/// A server elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    /// How it is reached.
    pub(crate) reached: Reached,
    /// What its tools need.
    pub(crate) tools: ToolScopes,
    /// How long it may take to begin an answer.
    pub(crate) answer_time: Duration,
    /// What it may ask of its clients.
    pub(crate) allow: Allow,
    /// How large an answer may be, in bytes.
    pub(crate) largest_result: usize,
    /// The variables whose values are secret.
    pub(super) secret_variables: BTreeSet<String>,
}

/// How a server elsewhere is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// At a URL.
    Http {
        /// Its endpoint.
        url: Uri,
        /// Which hosts may have private addresses.
        allow_private: AllowPrivate,
        /// How messages travel.
        transport: gateway::Transport,
    },
    /// As a process.
    Process(Process),
    /// By requests that a document describes.
    OpenApi(Box<OpenApi>),
}

impl Remote {
    /// Where it is, without secrets: its URL up to `?`, or its command.
    pub(crate) fn endpoint(&self) -> String {
        match &self.reached {
            Reached::Http { url, .. } => without_secrets(url),
            Reached::OpenApi(api) => without_secrets(&api.base_url),
            Reached::Process(process) => process.command.join(" "),
        }
    }

    /// Whether `other` is the same server, whatever its tools need.
    pub(crate) fn is_reached_like(&self, other: &Self) -> bool {
        self.reached == other.reached
            && self.answer_time == other.answer_time
            && self.allow == other.allow
            && self.largest_result == other.largest_result
            && self.secret_variables == other.secret_variables
    }
}

/// Which hosts may have private addresses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "true, false or a list of host names")]
pub(crate) enum AllowPrivate {
    /// The host of the URL, or none.
    All(bool),
    /// These.
    Hosts(Vec<String>),
}

impl Default for AllowPrivate {
    fn default() -> Self {
        Self::All(false)
    }
}

/// A URL up to `?`.
fn without_secrets(url: &Uri) -> String {
    let host = url.authority().map_or("", |authority| authority.as_str());
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}{}", url.scheme_str().unwrap_or_default(), url.path())
}

impl Server {
    pub(super) fn reached(&self, reached: Reached) -> Result<Behind, Stop> {
        let (tools, answer_time) = (self.tools()?, self.timeout.unwrap_or(RemoteServerSettings::ANSWER_TIME));
        let (largest_result, secret_variables) = (self.largest_result()?, self.secret_variables()?);
        let allow = self.allow.clone();
        Ok(Behind::Remote(Remote { reached, tools, answer_time, allow, largest_result, secret_variables }))
    }

    pub(super) fn endpoint(&self) -> Result<Uri, Stop> {
        self.url_of("url", self.url.as_deref())
    }

    /// The URL in the key called `key`.
    pub(super) fn url_of(&self, key: &str, text: Option<&str>) -> Result<Uri, Stop> {
        let text = text.ok_or_else(|| self.mistake(&format!("has no {key}")))?;
        let is_allowed =
            text.starts_with("https://") || text.starts_with("http://") && network::is_on_this_computer(text);
        match text.parse::<Uri>() {
            Ok(url) if is_allowed && url.host().is_some_and(|host| !host.is_empty()) => Ok(url),
            _ => Err(self
                .mistake(&format!("has the {key} {text:?}, which cannot be used"))
                .hint("write https://…, or http://… for a server on this computer")),
        }
    }

    fn tools(&self) -> Result<ToolScopes, Stop> {
        let scope = |text: &str| {
            Scope::parse(text).map_err(|_| self.mistake(&format!("has the scope {text:?}, which is none")))
        };
        Ok(ToolScopes {
            default: scope(self.scope.as_deref().unwrap_or(DEFAULT_SCOPE))?,
            named: self
                .scopes
                .iter()
                .map(|(tool, text)| Ok((tool.clone(), scope(text)?)))
                .collect::<Result<_, Stop>>()?,
            hidden: self.hidden.clone(),
            implied: self
                .implies
                .iter()
                .map(|(token, text)| Ok((token.clone(), scope(text)?)))
                .collect::<Result<_, Stop>>()?,
        })
    }
}
