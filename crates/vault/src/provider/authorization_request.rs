//! The authorization request to a provider as the URL that the browser is sent to (RFC 6749 §4.1.1). Pure.

use client::{AuthorizationUrl, UnsafeUrl};
use oauth::{CodeChallenge, CodeVerifier, Scope, pkce};
use secret::Secret;
use url::Url;

use crate::provider::{Quirks, Registered};

/// The scope that asks for a refresh token (OpenID Connect Core §11).
const OFFLINE_ACCESS: &str = "offline_access";

/// What goes into an authorization request.
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) registered: &'a Registered,
    pub(crate) quirks: &'a Quirks,
    pub(crate) redirect_uri: &'a str,
    pub(crate) state: &'a Secret<String>,
    pub(crate) verifier: &'a CodeVerifier,
    /// Sent when an ID token is asked for (OpenID Connect Core §3.1.2.1).
    pub(crate) nonce: &'a Secret<String>,
    pub(crate) scope: &'a Scope,
}

impl AuthorizationRequest<'_> {
    /// The URL, vetted: `https`, or `http` on this computer.
    pub(crate) fn url(&self) -> Result<AuthorizationUrl, UnsafeUrl> {
        let endpoint = AuthorizationUrl::parse(&self.registered.endpoints.authorization)?;
        let mut url = Url::parse(endpoint.as_str()).map_err(|_| UnsafeUrl::NotAUrl)?;
        url.set_fragment(None);
        let challenge = CodeChallenge::of(self.verifier).to_text();
        let scope = self.quirks.scope_text(self.scope);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", self.registered.client.client_id.as_str()),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state.expose()),
        ];
        if self.quirks.pkce {
            parameters
                .extend([("code_challenge", challenge.as_str()), ("code_challenge_method", pkce::METHOD)]);
        }
        if !scope.is_empty() {
            parameters.push((&self.quirks.scope_parameter, &scope));
        }
        parameters.extend(self.registered.resource.as_ref().map(|resource| ("resource", resource.as_str())));
        if self.scope.contains("openid") {
            parameters.push(("nonce", self.nonce.expose()));
        }
        if self.scope.contains(OFFLINE_ACCESS) && self.quirks.consent_for_offline {
            parameters.push(("prompt", "consent"));
        }
        let more = self.quirks.authorization_parameters.iter();
        let more = more.map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in more {
            parameters.retain(|(present, _)| *present != name || !may_be_replaced(name));
            if !parameters.iter().any(|(present, _)| *present == name) {
                parameters.push((name, value));
            }
        }
        url.query_pairs_mut().extend_pairs(parameters);
        AuthorizationUrl::parse(url.as_str())
    }
}

/// Whether the configuration may say another value for a parameter: none that the answer is checked by.
fn may_be_replaced(name: &str) -> bool {
    name == "prompt"
}

#[cfg(test)]
mod tests {
    use client::Registration;
    use oauth::TokenEndpointAuthMethod;
    use secret::Random;

    use super::*;
    use crate::provider::Endpoints;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn url(endpoint: &str, quirks: &Quirks, scope: &str) -> Result<AuthorizationUrl, UnsafeUrl> {
        let client = Registration {
            client_id: "our id&x".into(),
            client_secret: None,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            expires_at: None,
        };
        let endpoints = Endpoints { authorization: endpoint.into(), ..Endpoints::default() };
        AuthorizationRequest {
            registered: &Registered { endpoints, client, resource: None },
            quirks,
            redirect_uri: "https://v.test/connect/callback/p",
            state: &Secret::from("the-state"),
            verifier: &CodeVerifier::mint(&Fixed),
            nonce: &Secret::from("the-nonce"),
            scope: &Scope::parse(scope).unwrap(),
        }
        .url()
    }

    #[test]
    fn the_request_is_that_of_the_standard() {
        let url = url("https://p.test/authorize", &Quirks::default(), "a b").unwrap();
        let challenge = CodeChallenge::of(&CodeVerifier::mint(&Fixed)).to_text();
        let expected = format!(
            "https://p.test/authorize?response_type=code&client_id=our+id%26x\
             &redirect_uri=https%3A%2F%2Fv.test%2Fconnect%2Fcallback%2Fp&state=the-state\
             &code_challenge={challenge}&code_challenge_method=S256&scope=a+b"
        );
        assert_eq!(url.as_str(), expected);
    }

    #[test]
    fn quirks_change_it_but_not_what_the_answer_is_checked_by() {
        let parameters = [("access_type", "offline"), ("prompt", "select_account"), ("state", "fixed")];
        let quirks = Quirks {
            pkce: false,
            scope_parameter: "user_scope".into(),
            scope_separator: ',',
            authorization_parameters: parameters.map(|(name, value)| (name.into(), value.into())).to_vec(),
            ..Quirks::default()
        };
        let url = url("https://p.test/authorize?owner=user#x", &quirks, "a offline_access openid").unwrap();
        let url = Url::parse(url.as_str()).unwrap();
        let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let values = |name: &str| {
            let found = all.iter().filter(|(found, _)| found == name);
            found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(values("prompt"), ["select_account"]);
        assert_eq!(values("state"), ["the-state"]);
        assert_eq!(values("user_scope"), ["a,offline_access,openid"]);
        assert_eq!(values("nonce"), ["the-nonce"]);
        assert_eq!((values("owner"), values("access_type")), (vec!["user"], vec!["offline"]));
        assert!(values("code_challenge").is_empty() && values("scope").is_empty());
        assert_eq!(url.fragment(), None);
    }

    #[test]
    fn cl_01_a_browser_is_sent_only_to_safe_urls() {
        let rows = [
            ("http://p.test/authorize", UnsafeUrl::NotSecure),
            ("javascript:alert(1)", UnsafeUrl::NotSecure),
            ("https://us@p.test/", UnsafeUrl::UserInformation),
            ("", UnsafeUrl::NotAUrl),
        ];
        for (endpoint, expected) in rows {
            assert_eq!(url(endpoint, &Quirks::default(), "").unwrap_err(), expected, "{endpoint}");
        }
    }
}
