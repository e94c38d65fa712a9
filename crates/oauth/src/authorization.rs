//! The authorization endpoint's messages (RFC 6749 §4.1.1, §4.1.2; RFC 9207).

use crate::{
    Error, ErrorCode, Issuer, RedirectUri,
    parameters::{Parameters, ParametersError},
};

/// The parameters of an authorization request, as sent: nothing is checked but that each appears once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnverifiedAuthorizationRequest {
    /// `client_id`
    pub client_id: Option<String>,
    /// `redirect_uri`
    pub redirect_uri: Option<String>,
    /// `response_type`
    pub response_type: Option<String>,
    /// `response_mode`
    pub response_mode: Option<String>,
    /// `scope`
    pub scope: Option<String>,
    /// `state`, echoed byte for byte
    pub state: Option<String>,
    /// `resource`, which RFC 8707 lets repeat
    pub resources: Vec<String>,
    /// `code_challenge`
    pub code_challenge: Option<String>,
    /// `code_challenge_method`
    pub code_challenge_method: Option<String>,
    /// `prompt`
    pub prompt: Option<String>,
    /// Whether `request` (RFC 9101) was sent
    pub has_request_object: bool,
    /// Whether `request_uri` (RFC 9101) was sent
    pub has_request_uri: bool,
    /// Whether a parameter other than the two that decide where an error may go appears more than once
    pub has_repetition: bool,
}

impl UnverifiedAuthorizationRequest {
    /// Takes the request out of its parameters.
    ///
    /// # Errors
    /// [`ParametersError::Repeated`] for `client_id` or `redirect_uri`: then nobody knows whom to answer.
    pub fn read(parameters: &Parameters) -> Result<Self, ParametersError> {
        let owned = |name| parameters.all(name).next().map(str::to_owned);
        Ok(Self {
            client_id: parameters.one("client_id")?.map(str::to_owned),
            redirect_uri: parameters.one("redirect_uri")?.map(str::to_owned),
            response_type: owned("response_type"),
            response_mode: owned("response_mode"),
            scope: owned("scope"),
            state: owned("state"),
            resources: parameters.all("resource").map(str::to_owned).collect(),
            code_challenge: owned("code_challenge"),
            code_challenge_method: owned("code_challenge_method"),
            prompt: owned("prompt"),
            has_request_object: owned("request").is_some(),
            has_request_uri: owned("request_uri").is_some(),
            has_repetition: parameters.has_repetition(),
        })
    }
}

/// The URL of a successful authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
pub fn success_url(redirect_uri: &RedirectUri, issuer: &Issuer, state: Option<&str>, code: &str) -> String {
    let mut parameters = vec![("code", code)];
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer.as_str()));
    redirect_uri.with_parameters(&parameters)
}

/// The URL of an error response (RFC 6749 §4.1.2.1, RFC 9207 §2).
pub fn error_url(redirect_uri: &RedirectUri, issuer: &Issuer, state: Option<&str>, error: &Error) -> String {
    let mut parameters =
        vec![("error", ErrorCode::as_str(error.error)), ("error_description", &error.error_description)];
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer.as_str()));
    redirect_uri.with_parameters(&parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn az_15_every_response_carries_the_issuer() {
        let redirect_uri = RedirectUri::parse("https://c.test/cb").unwrap();
        let issuer = Issuer::parse("https://as.test").unwrap();
        assert_eq!(
            success_url(&redirect_uri, &issuer, Some("a&b=c"), "xyz"),
            "https://c.test/cb?code=xyz&state=a%26b%3Dc&iss=https%3A%2F%2Fas.test"
        );
        let error = Error::new(ErrorCode::AccessDenied, "no");
        assert_eq!(
            error_url(&redirect_uri, &issuer, None, &error),
            "https://c.test/cb?error=access_denied&error_description=no&iss=https%3A%2F%2Fas.test"
        );
    }

    #[test]
    fn the_two_parameters_that_decide_the_answer_appear_once() {
        let read =
            |query: &str| UnverifiedAuthorizationRequest::read(&Parameters::parse(query.as_bytes()).unwrap());
        assert!(read("client_id=a&client_id=b").is_err());
        assert!(read("redirect_uri=a&redirect_uri=b").is_err());
        assert!(read("client_id=a&scope=a&scope=b").unwrap().has_repetition);
    }
}
