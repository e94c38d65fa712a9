//! Authorization servers elsewhere whose tokens are accepted.

use std::collections::BTreeSet;

use guard::ClaimNames;
use oauth::Issuer as IssuerIdentifier;
use secret::Secret;
use serde::{Deserialize, Deserializer};

use super::{
    network,
    server::{AllowPrivate, Server},
};
use crate::cli::exit::Stop;

/// What a server calls our own issuer in its list of issuers.
const OWN: &str = "self";

/// `[[issuer]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// `url`: what it calls itself, byte by byte: `iss` of its tokens and `issuer` of its metadata. Required.
    pub(crate) url: String,
    /// `audiences`: audiences of its tokens that mean this server, beside the URL of the MCP endpoint itself. For issuers
    /// that know no resource indicators; a token with such an audience is good for every server that trusts the issuer.
    /// Default: none.
    #[serde(default)]
    pub(crate) audiences: Vec<String>,
    /// `token_type`: `"at+jwt"`, or `"any"` for an issuer whose access tokens do not say that they are some (`typ` is
    /// `JWT` or missing). Default `"at+jwt"`.
    #[serde(default)]
    pub(crate) token_type: TokenType,
    /// `allow_private`: `true` when the issuer is in a private network, or the host names that are. Default `false`.
    #[serde(default)]
    pub(crate) allow_private: AllowPrivate,
    /// `[issuer.claims]`
    #[serde(default)]
    claims: Claims,
    /// `[issuer.introspection]`: ask the issuer about every token instead of verifying it with its keys. Default: no.
    pub(crate) introspection: Option<Introspection>,
}

/// What a token says about its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum TokenType {
    /// That it is an access token (RFC 9068).
    #[default]
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// Anything or nothing, if it does not look like another kind.
    #[serde(rename = "any")]
    Any,
}

/// `[issuer.claims]`: where its tokens say what: the name of a claim, or a JSON pointer such as `/realm_access/roles`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Claims {
    /// `user_name`: default `preferred_username`, then `username`.
    user_name: Option<String>,
    /// `client`: default `client_id`, then `azp`, `appid`, `cid`.
    client: Option<String>,
    /// `scope`: default `scope`, then `scp`.
    scope: Option<String>,
    /// `roles`: default `roles`. An empty text takes none over.
    roles: Option<String>,
    /// `groups`: default `groups`. An empty text takes none over.
    groups: Option<String>,
}

/// `[issuer.introspection]` (RFC 7662)
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Introspection {
    /// `client_id`: who we are at the issuer. Required.
    pub(crate) client_id: String,
    /// `client_secret`: what proves it. Required.
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: Secret<String>,
    /// `endpoint`: where. Default: what the issuer's metadata says.
    pub(crate) endpoint: Option<String>,
}

impl PartialEq for Introspection {
    fn eq(&self, other: &Self) -> bool {
        let all =
            |how: &Self| (how.client_id.clone(), how.client_secret.expose().clone(), how.endpoint.clone());
        all(self) == all(other)
    }
}

impl Eq for Introspection {}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Which issuers a server trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trust {
    /// Whether our own is among them.
    pub(crate) own: bool,
    /// The others.
    pub(crate) external: Vec<Issuer>,
}

impl Issuer {
    /// What it calls itself.
    pub(crate) fn identifier(&self) -> Result<IssuerIdentifier, Stop> {
        IssuerIdentifier::of_another(&self.url)
            .map_err(|error| self.mistake("cannot be one").hint(error.to_string()))
    }

    /// Where its tokens say what.
    pub(crate) fn claims(&self) -> ClaimNames {
        let known = ClaimNames::default();
        let names = |configured: &Option<String>, default: Vec<String>| match configured.as_deref() {
            None => default,
            Some("") => Vec::new(),
            Some(name) => vec![name.to_owned()],
        };
        ClaimNames {
            user_name: names(&self.claims.user_name, known.user_name),
            client: names(&self.claims.client, known.client),
            scope: names(&self.claims.scope, known.scope),
            roles: names(&self.claims.roles, known.roles),
            groups: names(&self.claims.groups, known.groups),
        }
    }

    /// The error for this issuer.
    pub(crate) fn mistake(&self, what: &str) -> Stop {
        Stop::usage(format!("the [[issuer]] {:?} {what}", self.url))
    }
}

impl Server {
    /// Which of the configured issuers it trusts. The configuration was checked: those that it names are there.
    pub(crate) fn trust(&self, issuers: &[Issuer]) -> Trust {
        let Some(named) = &self.issuers else { return Trust { own: true, external: issuers.to_vec() } };
        let is_named = |issuer: &&Issuer| named.contains(&issuer.url);
        Trust { own: named.contains(OWN), external: issuers.iter().filter(is_named).cloned().collect() }
    }
}

/// Refuses issuers that cannot be, and servers that trust nobody or somebody unknown.
pub(super) fn check(issuers: &[Issuer], servers: &[Server]) -> Result<(), Stop> {
    let mut known = BTreeSet::from([OWN]);
    for issuer in issuers {
        issuer.identifier()?;
        if !known.insert(&issuer.url) {
            return Err(issuer.mistake("is there twice"));
        }
        let endpoint = issuer.introspection.as_ref().and_then(|how| how.endpoint.as_deref());
        if endpoint.is_some_and(|url| !url.starts_with("https://") && !network::is_on_this_computer(url)) {
            return Err(issuer.mistake("has an introspection endpoint that is not https").hint(
                "a token and a secret go there: write https://…, or http://… for a server on this computer",
            ));
        }
    }
    for server in servers {
        let named = server.issuers.iter().flatten();
        if let Some(stranger) = named.clone().find(|url| !known.contains(url.as_str())) {
            return Err(server
                .mistake(&format!("trusts the issuer {stranger:?}, which is not configured"))
                .hint("write the url of an [[issuer]] as it stands there, or \"self\" for this server"));
        }
        let trust = server.trust(issuers);
        if !trust.own && trust.external.is_empty() {
            return Err(server.mistake("trusts no issuer").hint("leave `issuers` out to trust all"));
        }
        if trust.external.iter().filter(|issuer| issuer.introspection.is_some()).count() > 1 {
            return Err(server.mistake("trusts more than one issuer that is asked about tokens").hint(
                "nothing tells whose an opaque token is, and no issuer is shown another's: name one in `issuers`",
            ));
        }
    }
    Ok(())
}
