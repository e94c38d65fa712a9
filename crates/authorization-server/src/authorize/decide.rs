//! Which authorization requests are valid: a pure function of request, client and known resources.

use oauth::{
    CodeChallenge, Error, ErrorCode, ResourceIndicator, Scope, authorization::UnverifiedAuthorizationRequest,
    pkce,
};
use store::{ClientOrigin, ClientRecord};

use crate::{Resource, metadata::OFFLINE_ACCESS};

/// What a valid request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValidRequest {
    pub(super) scope: Scope,
    pub(super) resource: ResourceIndicator,
    pub(super) code_challenge: CodeChallenge,
    pub(super) prompt: Prompt,
}

/// The `prompt` parameter (OpenID Connect Core §3.1.2.1); unknown values mean nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) none: bool,
    pub(super) login: bool,
    pub(super) consent: bool,
}

impl Prompt {
    pub(super) fn parse(text: &str) -> Self {
        let has = |value| text.split(' ').any(|found| found == value);
        Self { none: has("none"), login: has("login") || has("select_account"), consent: has("consent") }
    }
}

/// Judges a request whose client and redirect URI are known to belong together.
pub(super) fn decide(
    request: &UnverifiedAuthorizationRequest,
    client: &ClientRecord,
    resources: &[Resource],
) -> Result<ValidRequest, Error> {
    if request.has_request_object {
        return Err(Error::new(
            ErrorCode::RequestNotSupported,
            "send the parameters themselves, not a request object",
        ));
    }
    if request.has_request_uri {
        return Err(Error::new(
            ErrorCode::RequestUriNotSupported,
            "send the parameters themselves, not request_uri",
        ));
    }
    if request.has_repetition {
        return Err(invalid_request("a parameter is included more than once"));
    }
    if !is_printable(request.state.as_deref()) || !is_printable(request.prompt.as_deref()) {
        return Err(invalid_request("state and prompt must consist of printable ASCII characters"));
    }
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return Err(Error::new(ErrorCode::UnsupportedResponseType, "response_type must be code")),
        None => return Err(invalid_request("the parameter response_type is missing")),
    }
    if request.response_mode.as_deref().is_some_and(|mode| mode != "query") {
        return Err(invalid_request("response_mode must be query"));
    }
    if !client.grant_types.contains(&oauth::GrantType::AuthorizationCode) {
        let description = "this client is not registered for the authorization_code grant";
        return Err(Error::new(ErrorCode::UnauthorizedClient, description));
    }
    let code_challenge = code_challenge(request)?;
    let resource = resource(request, resources)?;
    let scope = scope(request, client, resource)?;
    let prompt = request.prompt.as_deref().map(Prompt::parse).unwrap_or_default();
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(invalid_request("prompt=none excludes every other value"));
    }
    Ok(ValidRequest { scope, resource: resource.indicator.clone(), code_challenge, prompt })
}

/// RFC 6749 appendix A.5: `VSCHAR = %x20-7E`
fn is_printable(text: Option<&str>) -> bool {
    text.unwrap_or_default().bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// OAuth 2.1 §7.5: PKCE for every client; RFC 7636 §4.3: an absent method means `plain`, which proves nothing.
fn code_challenge(request: &UnverifiedAuthorizationRequest) -> Result<CodeChallenge, Error> {
    let Some(challenge) = request.code_challenge.as_deref() else {
        return Err(invalid_request("the parameter code_challenge is missing: PKCE with S256 is required"));
    };
    if request.code_challenge_method.as_deref() != Some(pkce::METHOD) {
        return Err(invalid_request("code_challenge_method must be S256"));
    }
    CodeChallenge::parse(challenge)
        .map_err(|_| invalid_request("code_challenge must be 43 characters of unpadded base64url"))
}

/// RFC 8707 §2. A token has one audience, so a request names one resource, or none for the default one.
fn resource<'a>(
    request: &UnverifiedAuthorizationRequest,
    known: &'a [Resource],
) -> Result<&'a Resource, Error> {
    let unknown =
        || Error::new(ErrorCode::InvalidTarget, "resource must name one resource that this server knows");
    match request.resources.as_slice() {
        [] => known.iter().find(|resource| resource.is_default).ok_or_else(unknown),
        [text] => {
            let indicator = ResourceIndicator::parse(text).map_err(|_| unknown())?;
            known.iter().find(|resource| resource.indicator == indicator).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

/// A request without scope gets what the client registered, as far as the resource knows it, or all of it. An
/// operator's registration is also a limit; a stranger's is only a wish, and the person decides.
fn scope(
    request: &UnverifiedAuthorizationRequest,
    client: &ClientRecord,
    resource: &Resource,
) -> Result<Scope, Error> {
    let invalid = |description: String| Error::new(ErrorCode::InvalidScope, description);
    let known = resource.scope();
    let Some(text) = request.scope.as_deref() else {
        let registered = client.scope.intersection(&known);
        return Ok(if registered.is_empty() { known } else { registered });
    };
    let requested = Scope::parse(text).map_err(|error| invalid(error.to_string()))?;
    let is_allowed = |token: &str| {
        let is_in_limit =
            client.origin == ClientOrigin::Dynamic || client.scope.is_empty() || client.scope.contains(token);
        token == OFFLINE_ACCESS || (known.contains(token) && is_in_limit)
    };
    if requested.tokens().all(is_allowed) {
        return Ok(requested);
    }
    Err(invalid(format!("the resource knows the scopes: {known}")))
}

fn invalid_request(description: &'static str) -> Error {
    Error::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oauth::{ApplicationType, ClientId, GrantType, RedirectUri, Timestamp, TokenEndpointAuthMethod};

    use super::*;
    use crate::ScopeDescription;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client(origin: ClientOrigin, scope: &str) -> ClientRecord {
        ClientRecord {
            id: ClientId::from_unverified("c"),
            name: "App".into(),
            redirect_uris: vec![RedirectUri::parse("https://c.test/cb").unwrap()],
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            chose_auth_method: true,
            secret_digest: None,
            grant_types: vec![GrantType::AuthorizationCode],
            scope: Scope::parse(scope).unwrap(),
            application_type: ApplicationType::Web,
            origin,
            metadata: serde_json::Map::new(),
            created_at: Timestamp::from_seconds(0),
            expires_at: None,
        }
    }

    fn resource(indicator: &str, is_default: bool) -> Resource {
        let scope = |token: &str| ScopeDescription {
            token: token.into(),
            sentences: BTreeMap::new(),
            changes: false,
        };
        Resource {
            indicator: ResourceIndicator::parse(indicator).unwrap(),
            name: "Demo".into(),
            scopes: vec![scope("read"), scope("write")],
            is_default,
            is_alias: false,
        }
    }

    fn request(change: impl FnOnce(&mut UnverifiedAuthorizationRequest)) -> UnverifiedAuthorizationRequest {
        let mut request = UnverifiedAuthorizationRequest {
            client_id: Some("c".into()),
            response_type: Some("code".into()),
            code_challenge: Some(CHALLENGE.into()),
            code_challenge_method: Some("S256".into()),
            resources: vec!["https://rs.test/mcp".into()],
            scope: Some("read".into()),
            ..Default::default()
        };
        change(&mut request);
        request
    }

    fn judge(change: impl FnOnce(&mut UnverifiedAuthorizationRequest)) -> Result<ValidRequest, ErrorCode> {
        let resources = [resource("https://rs.test/mcp", true), resource("https://rs.test/other", false)];
        decide(&request(change), &client(ClientOrigin::Dynamic, ""), &resources).map_err(|error| error.error)
    }

    #[test]
    fn a_valid_request() {
        let valid = judge(|_| {}).unwrap();
        assert_eq!(
            (valid.scope.to_string().as_str(), valid.resource.as_str()),
            ("read", "https://rs.test/mcp")
        );
        assert_eq!(judge(|request| request.scope = None).unwrap().scope.to_string(), "read write");
        assert_eq!(
            judge(|request| request.scope = Some("read offline_access".into())).unwrap().scope.to_string(),
            "offline_access read"
        );
    }

    type Row = (&'static str, fn(&mut UnverifiedAuthorizationRequest), ErrorCode);

    const ROWS: [Row; 23] = [
        ("AZ-01", |request| request.code_challenge = None, ErrorCode::InvalidRequest),
        (
            "AZ-02 plain",
            |request| request.code_challenge_method = Some("plain".into()),
            ErrorCode::InvalidRequest,
        ),
        ("AZ-02 absent", |request| request.code_challenge_method = None, ErrorCode::InvalidRequest),
        (
            "AZ-02 case",
            |request| request.code_challenge_method = Some("s256".into()),
            ErrorCode::InvalidRequest,
        ),
        (
            "AZ-02 other",
            |request| request.code_challenge_method = Some("S257".into()),
            ErrorCode::InvalidRequest,
        ),
        (
            "AZ-03 short",
            |request| request.code_challenge = Some(CHALLENGE[1..].into()),
            ErrorCode::InvalidRequest,
        ),
        (
            "AZ-03 padded",
            |request| request.code_challenge = Some(format!("{CHALLENGE}=")),
            ErrorCode::InvalidRequest,
        ),
        ("AZ-03 unicode", |request| request.code_challenge = Some("ä".repeat(43)), ErrorCode::InvalidRequest),
        (
            "AZ-13 unknown",
            |request| request.resources = vec!["https://rs.test/x".into()],
            ErrorCode::InvalidTarget,
        ),
        (
            "AZ-13 fragment",
            |request| request.resources = vec!["https://rs.test/mcp#f".into()],
            ErrorCode::InvalidTarget,
        ),
        ("AZ-13 relative", |request| request.resources = vec!["/mcp".into()], ErrorCode::InvalidTarget),
        (
            "AZ-13 fifty",
            |request| request.resources = vec!["https://rs.test/mcp".into(); 50],
            ErrorCode::InvalidTarget,
        ),
        ("AZ-31 request", |request| request.has_request_object = true, ErrorCode::RequestNotSupported),
        ("AZ-31 request_uri", |request| request.has_request_uri = true, ErrorCode::RequestUriNotSupported),
        ("AZ-34 quote", |request| request.scope = Some("a\"b".into()), ErrorCode::InvalidScope),
        ("AZ-34 unknown", |request| request.scope = Some("admin".into()), ErrorCode::InvalidScope),
        ("AZ-34 long", |request| request.scope = Some("a ".repeat(25_000)), ErrorCode::InvalidScope),
        ("repeated", |request| request.has_repetition = true, ErrorCode::InvalidRequest),
        (
            "implicit",
            |request| request.response_type = Some("token".into()),
            ErrorCode::UnsupportedResponseType,
        ),
        ("no type", |request| request.response_type = None, ErrorCode::InvalidRequest),
        ("AZ-33 control", |request| request.state = Some("a\u{0}b".into()), ErrorCode::InvalidRequest),
        ("prompt", |request| request.prompt = Some("none login".into()), ErrorCode::InvalidRequest),
        ("prompt NUL", |request| request.prompt = Some("login\0".into()), ErrorCode::InvalidRequest),
    ];

    #[test]
    fn refused_requests() {
        for (row, change, expect) in ROWS {
            assert_eq!(judge(change), Err(expect), "{row}");
        }
    }

    #[test]
    fn az_14_no_resource_means_the_default_or_nothing() {
        assert_eq!(
            judge(|request| request.resources.clear()).unwrap().resource.as_str(),
            "https://rs.test/mcp"
        );
        let none_is_default = [resource("https://rs.test/mcp", false)];
        let request = request(|request| request.resources.clear());
        let error = decide(&request, &client(ClientOrigin::Dynamic, ""), &none_is_default).unwrap_err();
        assert_eq!(error.error, ErrorCode::InvalidTarget);
    }

    #[test]
    fn an_operators_registration_is_a_limit() {
        let resources = [resource("https://rs.test/mcp", true)];
        let judge = |origin, scope: &str| {
            decide(
                &request(|request| request.scope = Some(scope.into())),
                &client(origin, "read"),
                &resources,
            )
            .is_ok()
        };
        assert!(judge(ClientOrigin::Operator, "read") && !judge(ClientOrigin::Operator, "read write"));
        assert!(judge(ClientOrigin::Dynamic, "read write"));
    }
}
