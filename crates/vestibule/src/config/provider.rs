//! Systems at which users have accounts, and how credentials for them are obtained.

mod given;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use outbound::Egress;
use serde::Deserialize;

use super::{
    duration,
    secret_source::SecretSource,
    server::{AllowPrivate, Server},
};
use crate::cli::exit::Stop;

/// What a server writes that is an MCP server with an authorization server of its own, which is found out.
pub(crate) const DISCOVER: &str = "discover";
/// How the providers are called that are found out.
const DISCOVERED: &str = "mcp-";

/// What the provider is called that the server called `server` leads to itself.
pub(crate) fn discovered(server: &str) -> String {
    format!("{DISCOVERED}{server}")
}

/// `[[provider]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// `name`: what servers call it, and the end of its callback URL, `/connect/callback/NAME`: lower-case letters, digits
    /// and hyphens, at most 64. Required.
    pub(crate) name: String,
    /// `title`: what people call it. Default: that of the preset, else its name.
    pub(crate) title: Option<String>,
    /// `preset`: a well-known provider, such as `"github"`; every other key overrides what is known of it. Default: none.
    pub(crate) preset: Option<String>,
    /// `kind`: `"oauth"`, `"client_credentials"`, `"api_key"`, `"basic"` or `"token_exchange"`. Default `"oauth"`.
    pub(crate) kind: Option<Kind>,
    /// `tenant`: the part of a preset's endpoints that an organisation has for itself, such as the host of its own GitLab.
    /// Default: none.
    pub(crate) tenant: Option<String>,
    /// `issuer`: its issuer identifier. When no endpoint is configured, they are taken from its metadata. Default: that of
    /// the preset.
    pub(crate) issuer: Option<String>,
    /// `authorization_endpoint`: where people allow it.
    pub(crate) authorization_endpoint: Option<String>,
    /// `token_endpoint`: where codes and refresh tokens become access tokens.
    pub(crate) token_endpoint: Option<String>,
    /// `revocation_endpoint`: where tokens are ended. Without one, disconnecting ends nothing at the provider.
    pub(crate) revocation_endpoint: Option<String>,
    /// `promises_iss`: whether every authorization response carries `iss` (RFC 9207). Default: that of the preset, else
    /// `false`.
    pub(crate) promises_iss: Option<bool>,
    /// `client_id`: who we are there. Required for `oauth`, `client_credentials` and `token_exchange`.
    pub(crate) client_id: Option<String>,
    /// `client_secret`: what proves it: a text, `{ file = "PATH" }` or `{ env = "NAME" }`. Default: a public client.
    pub(crate) client_secret: Option<SecretSource>,
    /// `client_authentication`: `"basic"`, `"post"` or `"none"`. Default: that of the preset, else `"basic"` with a secret.
    pub(crate) client_authentication: Option<ClientAuthentication>,
    /// `scope`: what it is always asked for. Default: that of the preset, else nothing.
    pub(crate) scope: Option<String>,
    /// `resource`: what tokens are for (RFC 8707). Default: it is not said.
    pub(crate) resource: Option<String>,
    /// `audience`: for whom an exchanged token is (RFC 8693). Default: it is not said.
    pub(crate) audience: Option<String>,
    /// `assertion_audience`: what the endpoint of a token exchange calls itself. Default: `issuer`.
    pub(crate) assertion_audience: Option<String>,
    /// `scope_separator`: what stands between two scopes. Default: that of the preset, else a space.
    pub(crate) scope_separator: Option<char>,
    /// `pkce`: whether it knows PKCE (RFC 7636). Default: that of the preset, else `true`.
    pub(crate) pkce: Option<bool>,
    /// `authorization_parameters`: further parameters of the authorization request. Default: those of the preset.
    pub(crate) authorization_parameters: Option<BTreeMap<String, String>>,
    /// `token_parameters`: further parameters of token requests. Default: those of the preset.
    pub(crate) token_parameters: Option<BTreeMap<String, String>>,
    /// `token_lifetime`: how long an access token lives of which nobody says it. Default: that of the preset, else until it
    /// is refused.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    pub(crate) token_lifetime: Option<Duration>,
    /// `refresh_rotates`: whether a refresh ends the refresh token that was used. Default: that of the preset, else `true`.
    pub(crate) refresh_rotates: Option<bool>,
    /// `refresh_repeats`: whether a refresh whose answer was lost may be repeated. Default: that of the preset, else
    /// `false`.
    pub(crate) refresh_repeats: Option<bool>,
    /// `account`: where it says whose account it is: `"id_token"`, `"token_response"`, `"none"`, or the URL of a JSON
    /// document that the access token opens. Default: that of the preset, else `"none"`.
    pub(crate) account: Option<String>,
    /// `account_id`: where the account's identifier stands there, as JSON pointers. Default: `["/sub"]`.
    pub(crate) account_id: Option<Vec<String>>,
    /// `account_name`: where its name stands. Default: `["/email", "/preferred_username", "/name"]`.
    pub(crate) account_name: Option<Vec<String>>,
    /// `header`: the header that carries the credential. Default `"Authorization"`.
    pub(crate) header: Option<String>,
    /// `prefix`: what stands before it in the header. Default: `"Bearer "` in `Authorization`, nothing elsewhere.
    pub(crate) prefix: Option<String>,
    /// `query`: the parameter of the URL that carries it instead of a header. Default: none does.
    pub(crate) query: Option<String>,
    /// `secret`: an API key, or `NAME:PASSWORD` for `basic`, that everybody uses; it has the forms of `client_secret`.
    /// Default: everybody is asked for their own.
    pub(crate) secret: Option<SecretSource>,
    /// `probe`: a URL that answers 401 when an entered credential is not good. Default: it is not tried.
    pub(crate) probe: Option<String>,
    /// `made_at`: where a person finds or makes the credential: shown on the page. Default: nothing is shown.
    pub(crate) made_at: Option<String>,
    /// `allow_private`: `true` when it is in a private network, or the host names that are. Default `false`.
    #[serde(default)]
    pub(crate) allow_private: AllowPrivate,
}

/// How a credential is obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A person allows it in the browser (OAuth 2, authorization code).
    Oauth,
    /// We are a client for ourselves (OAuth 2, client credentials).
    ClientCredentials,
    /// A key that a person has.
    ApiKey,
    /// A user name and a password.
    Basic,
    /// The caller's own token is exchanged (RFC 8693).
    TokenExchange,
}

/// How we prove who we are at the token endpoint (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuthentication {
    /// In the header.
    Basic,
    /// In the body.
    Post,
    /// Not at all.
    None,
}

impl Provider {
    /// Whether the configuration file itself holds a secret of it.
    pub(crate) fn has_secret_in_the_file(&self) -> bool {
        [&self.client_secret, &self.secret].into_iter().flatten().any(SecretSource::is_in_the_file)
    }

    /// The error for this provider.
    pub(crate) fn mistake(&self, what: &str) -> Stop {
        Stop::usage(format!("the provider {:?} {what}", self.name))
    }
}

/// Refuses providers that cannot be, and servers whose provider is not there.
pub(super) fn check(providers: &[Provider], servers: &[Server]) -> Result<(), Stop> {
    let mut names = BTreeSet::new();
    for provider in providers {
        let is_taken = provider.name == DISCOVER || provider.name.starts_with(DISCOVERED);
        if !super::is_plain_name(&provider.name) || is_taken {
            return Err(provider.mistake("cannot be called so").hint(
                "use lower-case letters, digits and hyphens, at most 64; `discover` and `mcp-…` mean those that are found out",
            ));
        }
        provider.given(Egress::public())?;
        if !names.insert(provider.name.as_str()) {
            return Err(provider.mistake("is there twice").hint("give each [[provider]] a name of its own"));
        }
    }
    for server in servers {
        let Some(credentials) = server.credentials()? else { continue };
        let name = credentials.provider.as_str();
        if name == DISCOVER {
            server.check_discovered()?;
        } else if !names.contains(name) {
            return Err(server
                .mistake(&format!("has the provider {name:?}, which is not configured"))
                .hint(format!("add [[provider]] with name = {name:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
