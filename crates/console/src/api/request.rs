//! What a program wants to have connected.

use oauth::Scope;
use serde::Deserialize;
use vault::ProviderName;

use super::answer::ApiError;

/// A provider, and what is needed of it beside what it is always asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) provider: ProviderName,
    pub(super) scope: Scope,
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
