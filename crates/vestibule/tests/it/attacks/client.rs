//! A registered client and the requests it makes.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use serde_json::Value;
use url::form_urlencoded;

use super::world::World;

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// A state with what must survive encoding.
pub(crate) const STATE: &str = "st<a>te&x=1 \"'";

/// A client as its registration describes it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) method: String,
    pub(crate) redirect_uri: String,
}

impl Client {
    /// Reads a registration response (RFC 7591 §3.2.1).
    pub(crate) fn of(information: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            id: text(&information["client_id"]).expect("a client has an identifier"),
            secret: text(&information["client_secret"]),
            method: text(&information["token_endpoint_auth_method"]).expect("a client has a method"),
            redirect_uri: text(&information["redirect_uris"][0]).unwrap_or_default(),
        }
    }

    /// The fields together with what the client sends in the body to say who it is.
    pub(crate) fn authenticated<'f>(&'f self, fields: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
        let mut fields = fields.to_vec();
        if self.method != "client_secret_basic" {
            fields.push(("client_id", &self.id));
            fields.extend(self.secret.as_deref().map(|secret| ("client_secret", secret)));
        }
        fields
    }

    /// The `Authorization` header of a client that uses one.
    pub(crate) fn basic(&self) -> Option<HeaderValue> {
        let secret = self.secret.as_deref().filter(|_| self.method == "client_secret_basic")?;
        Some(basic(&self.id, secret))
    }
}

/// HTTP Basic with these words, as they are.
pub(crate) fn basic(id: &str, secret: &str) -> HeaderValue {
    let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
    text.parse().expect("base64 fits into a header")
}

/// The parameters of an authorization request; valid until they are changed.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest(Vec<(String, String)>);

impl AuthorizationRequest {
    pub(crate) fn of(world: &World, client: &Client) -> Self {
        let resource = world.resource();
        let parameters = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &client.redirect_uri),
            ("scope", "read"),
            ("state", STATE),
            ("resource", &resource),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        Self(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// The same request with this one value of a parameter.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(found, _)| found != name).cloned().collect())
    }

    /// The same request with one more parameter, whether it is there already or not.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    pub(crate) fn target(&self) -> String {
        format!("/authorize?{}", self.encoded())
    }
}
