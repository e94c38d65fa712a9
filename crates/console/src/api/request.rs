//! What a program wants to have connected.

use oauth::{Scope, parameters::Parameters};
use serde::Deserialize;
use vault::{ConnectionId, ProviderName};

use super::answer::ApiError;

/// A provider, and what is needed of it beside what it is always asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) provider: ProviderName,
    pub(super) scope: Scope,
}

/// Whose connections are listed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// The caller's.
    Own,
    /// Everybody's, those that come after this one.
    All { after: Option<ConnectionId> },
}

impl Listing {
    /// Reads nothing, or `owner=all`, or `owner=all&after=ID`.
    pub(super) fn read(query: &str) -> Result<Self, ApiError> {
        let unclear =
            || ApiError::invalid("owner is all, or left out; after is the next of the answer before");
        let query = Parameters::parse(query.as_bytes()).map_err(|_| unclear())?;
        let one = |name| query.one(name).map_err(|_| unclear());
        match (one("owner")?, one("after")?) {
            (None, None) => Ok(Self::Own),
            (Some("all"), after) => Ok(Self::All { after: after.map(ConnectionId::from_unverified) }),
            _ => Err(unclear()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unverified {
    provider: String,
    #[serde(default)]
    scope: String,
}

impl Wanted {
    /// Reads `{"provider": "github", "scope": "repo"}`.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let Unverified { provider, scope } = serde_json::from_slice(body)
            .map_err(|error| ApiError::invalid(format!("send an object with provider and scope: {error}")))?;
        let provider = ProviderName::parse(&provider).ok_or(ApiError::UnknownProvider)?;
        let scope = Scope::parse(&scope)
            .map_err(|_| ApiError::invalid("scope is a list of scope tokens, separated by spaces"))?;
        Ok(Self { provider, scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_ones_own_or_of_all() {
        assert_eq!(Listing::read("").unwrap(), Listing::Own);
        let after = Some(ConnectionId::from_unverified("connection_1"));
        assert_eq!(Listing::read("owner=all").unwrap(), Listing::All { after: None });
        assert_eq!(Listing::read("owner=all&after=connection_1").unwrap(), Listing::All { after });
        for query in ["owner=user%3Ax", "owner=all&owner=all", "after=x", "owner=%ff"] {
            assert!(matches!(Listing::read(query), Err(ApiError::Invalid(_))), "{query}");
        }
    }

    #[test]
    fn a_request_names_a_provider_and_perhaps_scopes_and_nothing_else() {
        let read = |body: &str| Wanted::read(body.as_bytes());
        let wanted = read(r#"{"provider": "github", "scope": "repo read:user"}"#).unwrap();
        assert_eq!(wanted.provider.as_str(), "github");
        assert_eq!(wanted.scope, Scope::parse("repo read:user").unwrap());
        assert_eq!(read(r#"{"provider": "github"}"#).unwrap().scope, Scope::default());
        for (body, is_unknown) in [
            ("", false),
            ("[]", false),
            (r#"{"scope": "x"}"#, false),
            (r#"{"provider": "github", "owner": "user:other"}"#, false),
            (r#"{"provider": "github", "provider": "x"}"#, false),
            (r#"{"provider": "github", "scope": "a\"b"}"#, false),
            (r#"{"provider": "../x"}"#, true),
            (r#"{"provider": ""}"#, true),
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(matches!(error, ApiError::UnknownProvider), is_unknown, "{body}: {error:?}");
        }
    }
}
