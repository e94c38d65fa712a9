//! The token endpoint (RFC 6749 §4.1.3, §4.4, §6; RFC 8707 §2.2): one function that sends, one that judges.

use std::time::Duration;

use http::StatusCode;
use oauth::{
    Clock, GrantType, ResourceIndicator, Scope, Timestamp, metadata::AuthorizationServerMetadata,
    token::TokenResponse,
};
use secret::Secret;

use crate::{
    client_authentication::credentials, error::Error, refusal::Refusal, registration::Registration, request,
    token_store::Tokens,
};

/// The longest token that is kept, in bytes: more does not fit into a header everywhere.
const LONGEST: usize = 16 * 1024;

/// What is exchanged for tokens.
pub(crate) enum Grant<'a> {
    /// RFC 6749 §4.1.3 with RFC 7636 §4.5.
    AuthorizationCode { code: &'a Secret<String>, redirect_uri: &'a str, code_verifier: &'a str },
    /// RFC 6749 §6.
    RefreshToken(&'a Secret<String>),
    /// RFC 6749 §4.4.
    ClientCredentials,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The metadata has no token endpoint.
    #[error("{issuer} has no token endpoint")]
    NoEndpoint {
        /// The issuer.
        issuer: String,
    },
    /// The server said no.
    #[error("no token was issued: {0}")]
    Refused(Refusal),
    /// The answer must not be used.
    #[error("the token response cannot be used: {0}")]
    Malformed(&'static str),
    /// RFC 6749 §7.1: a token of an unknown type must not be used.
    #[error("the token type is not Bearer")]
    Type,
    /// More was granted than was asked for.
    #[error("the token has scopes that were not asked for")]
    WiderScope,
}

impl TokenError {
    /// Whether the grant is gone for good, so that only a new login helps (RFC 6749 §5.2).
    pub(crate) fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.error == "invalid_grant")
    }

    /// Whether the server does not know the client any more.
    pub(crate) fn doubts_client(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.doubts_client())
    }
}

/// One token request.
pub(crate) struct TokenRequest<'a> {
    /// The server it goes to.
    pub(crate) metadata: &'a AuthorizationServerMetadata,
    /// Who sends it.
    pub(crate) registration: &'a Registration,
    /// What is exchanged.
    pub(crate) grant: Grant<'a>,
    /// What the token is for; always sent.
    pub(crate) resource: &'a ResourceIndicator,
    /// The scope of the grant, empty when none was asked for.
    pub(crate) scope: &'a Scope,
}

/// Sends a token request.
pub(crate) async fn exchange(
    http: &outbound::Client,
    request: &TokenRequest<'_>,
    clock: &dyn Clock,
) -> Result<Tokens, Error> {
    let TokenRequest { metadata, registration, grant, resource, scope } = request;
    let endpoint = metadata
        .token_endpoint
        .as_deref()
        .ok_or_else(|| TokenError::NoEndpoint { issuer: metadata.issuer.clone() })?;
    let credentials = credentials(registration);
    let scope_text = scope.to_string();
    let mut parameters = grant.parameters();
    parameters.push(("resource", resource.as_str()));
    if matches!(grant, Grant::ClientCredentials) && !scope.is_empty() {
        parameters.push(("scope", &scope_text));
    }
    parameters.extend(&credentials.parameters);
    let sent = request::post_form(endpoint, &parameters, credentials.header.as_ref())?;
    let response = http.send(sent, request::ENDPOINT).await?;
    Ok(judge(response.status(), response.body(), &registration.client_id, scope, clock.now())?)
}

impl Grant<'_> {
    fn parameters(&self) -> Vec<(&str, &str)> {
        match self {
            Self::AuthorizationCode { code, redirect_uri, code_verifier } => vec![
                ("grant_type", GrantType::AuthorizationCode.as_str()),
                ("code", code.expose()),
                ("redirect_uri", redirect_uri),
                ("code_verifier", code_verifier),
            ],
            Self::RefreshToken(token) => {
                vec![("grant_type", GrantType::RefreshToken.as_str()), ("refresh_token", token.expose())]
            }
            Self::ClientCredentials => vec![("grant_type", GrantType::ClientCredentials.as_str())],
        }
    }
}

/// Judges a token response (RFC 6749 §5.1).
pub(crate) fn judge(
    status: StatusCode,
    body: &[u8],
    client_id: &str,
    requested: &Scope,
    now: Timestamp,
) -> Result<Tokens, TokenError> {
    if status != StatusCode::OK {
        return Err(TokenError::Refused(Refusal::read(status, body)));
    }
    let response: TokenResponse = serde_json::from_slice(body)
        .map_err(|_| TokenError::Malformed("it is not a JSON object with access_token and token_type"))?;
    let (access_token, refresh_token) =
        (Secret::new(response.access_token), response.refresh_token.map(Secret::new));
    if !response.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(TokenError::Type);
    }
    if !is_bearer(access_token.expose()) {
        return Err(TokenError::Malformed("the access token does not fit into a header"));
    }
    if refresh_token.as_ref().is_some_and(|token| !is_printable(token.expose())) {
        return Err(TokenError::Malformed("the refresh token has other characters than printable ASCII"));
    }
    if let Some(granted) = &response.scope
        && !requested.is_empty()
        && !granted.is_subset_of(requested)
    {
        return Err(TokenError::WiderScope);
    }
    Ok(Tokens {
        client_id: client_id.to_owned(),
        access_token,
        refresh_token,
        expires_at: response.expires_in.map(|seconds| now + Duration::from_secs(seconds)),
        scope: response.scope.unwrap_or_else(|| requested.clone()),
    })
}

/// Visible ASCII without spaces: neither a header nor its scheme can be broken out of.
fn is_bearer(token: &str) -> bool {
    (1..=LONGEST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 6749 Appendix A.17: `1*VSCHAR`.
fn is_printable(token: &str) -> bool {
    (1..=LONGEST).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn judged(body: &str) -> Result<Tokens, TokenError> {
        judge(StatusCode::OK, body.as_bytes(), "c", &Scope::parse("read write").unwrap(), NOW)
    }

    #[test]
    fn cl_15_token_responses_are_judged() {
        let long = "x".repeat(LONGEST + 1);
        let rows = [
            (r#"{"access_token":"a","token_type":"MAC"}"#.to_owned(), TokenError::Type),
            (r#"{"access_token":"a","token_type":"N_A"}"#.to_owned(), TokenError::Type),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"read admin"}"#.to_owned(),
                TokenError::WiderScope,
            ),
        ];
        for (body, expected) in rows {
            assert_eq!(judged(&body).unwrap_err(), expected, "{body}");
        }
        let malformed = [
            "<html></html>".to_owned(),
            "{}".to_owned(),
            r#"{"access_token":"a"}"#.to_owned(),
            r#"{"access_token":"","token_type":"Bearer"}"#.to_owned(),
            r#"{"access_token":"a\r\nX-Evil: 1","token_type":"Bearer"}"#.to_owned(),
            r#"{"access_token":"a b","token_type":"Bearer"}"#.to_owned(),
            r#"{"access_token":"ä","token_type":"Bearer"}"#.to_owned(),
            format!(r#"{{"access_token":"{long}","token_type":"Bearer"}}"#),
            r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r\n"}"#.to_owned(),
            r#"{"access_token":"a","token_type":"Bearer","expires_in":-1}"#.to_owned(),
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#.to_owned(),
        ];
        for body in malformed {
            assert!(matches!(judged(&body), Err(TokenError::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn what_is_left_unsaid_is_what_was_asked_for() {
        let tokens = judged(r#"{"access_token":"a","token_type":"bearer"}"#).unwrap();
        assert_eq!((tokens.scope.to_string().as_str(), tokens.expires_at), ("read write", None));
        let body = r#"{"access_token":"a","token_type":"Bearer","scope":"read","expires_in":60}"#;
        let tokens = judged(body).unwrap();
        assert_eq!(tokens.scope.to_string(), "read");
        assert_eq!(tokens.expires_at, Some(Timestamp::from_seconds(1060)));
        let any = judge(StatusCode::OK, body.as_bytes(), "c", &Scope::default(), NOW).unwrap();
        assert_eq!(any.scope.to_string(), "read");
    }

    #[test]
    fn a_refusal_is_told_apart_by_its_code() {
        let judged =
            |body: &str| judge(StatusCode::BAD_REQUEST, body.as_bytes(), "c", &Scope::default(), NOW);
        assert!(judged(r#"{"error":"invalid_grant"}"#).unwrap_err().is_invalid_grant());
        assert!(!judged(r#"{"error":"invalid_client"}"#).unwrap_err().is_invalid_grant());
        assert!(!judged("<html>").unwrap_err().is_invalid_grant());
    }
}
