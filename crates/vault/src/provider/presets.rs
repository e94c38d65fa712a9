//! Providers whose endpoints and peculiarities are known. The configuration may say otherwise of every member.
//!
//! Each row is what the provider's own documentation says; what a provider leaves open follows the standards.

mod business;
mod development;
mod documents;
mod messages;

use oauth::TokenEndpointAuthMethod;

use crate::provider::{AccountMembers, AccountSource, Endpoints, Quirks};

/// What is known about a provider before the configuration says who we are there.
#[derive(Debug, Clone)]
pub struct Preset {
    /// What it is called in the configuration.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where it is spoken to.
    pub endpoints: Endpoints,
    /// How a client with a secret authenticates.
    pub authentication: TokenEndpointAuthMethod,
    /// What is asked for when the configuration says nothing.
    pub scope: &'static str,
    /// In what it differs from the standards.
    pub quirks: Quirks,
    /// Where it tells whose account it is.
    pub accounts: AccountSource,
}

/// The tenant is not part of a host name or of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant has letters, digits, hyphens and dots, and begins and ends with a letter or digit")]
pub struct TenantError;

/// A row of the table: the name, and what makes the preset of a tenant.
type Row = (&'static str, fn(Option<&str>) -> Preset);

/// Every preset, in alphabetical order.
const TABLE: &[Row] = &[
    ("asana", documents::asana),
    ("atlassian", development::atlassian),
    ("bitbucket", development::bitbucket),
    ("box", documents::box_),
    ("discord", messages::discord),
    ("dropbox", documents::dropbox),
    ("figma", documents::figma),
    ("github", development::github),
    ("gitlab", development::gitlab),
    ("google", documents::google),
    ("hubspot", business::hubspot),
    ("linear", development::linear),
    ("microsoft", documents::microsoft),
    ("notion", documents::notion),
    ("salesforce", business::salesforce),
    ("sentry", development::sentry),
    ("slack", messages::slack),
    ("stripe", business::stripe),
    ("zoom", messages::zoom),
];

impl Preset {
    /// The preset of this name. `tenant` is the part of the endpoints that an organisation has for itself, where there is
    /// one: the host of a GitLab, GitHub or Sentry of one's own, the directory of Microsoft, the domain of Salesforce.
    ///
    /// `None` when there is no such preset.
    pub fn of(name: &str, tenant: Option<&str>) -> Option<Result<Self, TenantError>> {
        let (_, make) = TABLE.iter().find(|(row, _)| *row == name)?;
        Some(match tenant {
            Some(tenant) if !is_tenant(tenant) => Err(TenantError),
            tenant => Ok(make(tenant)),
        })
    }

    /// The names of all presets.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, _)| *name)
    }
}

/// Whether `text` can stand in a host name or a path without changing what is around it.
fn is_tenant(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (1..=253).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.contains("..")
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
}

/// Endpoints without issuer and revocation.
fn endpoints(authorization: &str, token: &str) -> Endpoints {
    Endpoints { authorization: authorization.to_owned(), token: token.to_owned(), ..Endpoints::default() }
}

/// Parameters as quirks have them.
fn pairs(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Texts as quirks have them.
fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The account that a document behind the access token names.
fn user_info(url: &str, id: &[&str], name: &[&str]) -> AccountSource {
    AccountSource::UserInfo { url: url.to_owned(), members: AccountMembers::new(id, name) }
}

/// The account that the token response names.
fn in_response(id: &[&str], name: &[&str]) -> AccountSource {
    AccountSource::TokenResponse(AccountMembers::new(id, name))
}

#[cfg(test)]
mod tests;
