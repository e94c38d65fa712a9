//! The endpoints as a client calls them, over one connection that may break at any moment.
//!
//! Each call gives `None` when the connection broke before the last byte of the answer: whether it had an effect
//! is then unknown.

use std::{net::SocketAddr, time::Duration};

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{net::TcpStream, time::timeout};
use url::form_urlencoded::Serializer;

use super::history::{Client, Tokens};
use crate::http_client::{self, Answer};

/// Longer than any answer takes: a server that lives and does not answer has failed.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
const REDIRECT_URI: &str = "https://client.example/callback";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Why the server did not do what it was asked, as it says.
pub(super) type Refusal = String;

/// A connection to the server that is kept open.
pub(super) struct Endpoints {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Endpoints {
    /// `None` when nobody listens any more.
    pub(super) async fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Self { sender, address })
    }

    /// Registers a confidential client.
    pub(super) async fn register(&mut self) -> Option<Result<Client, Refusal>> {
        let metadata = json!({
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let answer = self.send(http_client::json("/register", &metadata)).await?;
        Some(successful(&answer, StatusCode::CREATED).map(|()| {
            let (id, secret) = (member(&answer, "client_id"), member(&answer, "client_secret"));
            Client { id, secret, has_consent: false }
        }))
    }

    /// Gets a code for a person whose consent is remembered, or else given now.
    pub(super) async fn authorize(
        &mut self,
        client: &Client,
        cookies: &str,
    ) -> Option<Result<String, Refusal>> {
        let request = Request::get(authorization_request(&client.id)).header(header::COOKIE, cookies);
        let mut answer = self.send(request.body(Bytes::new()).expect("the target is valid")).await?;
        let asks = query(answer.header("location").unwrap_or_default(), "transaction");
        if let Some(transaction) = asks {
            if client.has_consent {
                return Some(Err("a consent was forgotten".into()));
            }
            let fields = [("transaction", transaction.as_str()), ("decision", "allow")];
            let mut form = http_client::form("/consent", &fields);
            form.headers_mut().insert(header::COOKIE, cookies.parse().expect("cookies are a header value"));
            answer = self.send(form).await?;
        }
        Some(query(answer.header("location").unwrap_or_default(), "code").ok_or_else(|| described(&answer)))
    }

    /// Exchanges a code for tokens.
    pub(super) async fn redeem(&mut self, client: &Client, code: &str) -> Option<Result<Tokens, Refusal>> {
        self.token(
            client,
            &[("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)],
        )
        .await
    }

    /// Exchanges a refresh token for its successor.
    pub(super) async fn refresh(&mut self, client: &Client, token: &str) -> Option<Result<Tokens, Refusal>> {
        self.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Revokes the grant of a token.
    pub(super) async fn revoke(&mut self, client: &Client, token: &str) -> Option<Result<(), Refusal>> {
        let answer = self.post("/revoke", client, &[("token", token)]).await?;
        Some(successful(&answer, StatusCode::OK))
    }

    /// Whether an access token is active; refused when the client does not exist.
    pub(super) async fn introspect(&mut self, client: &Client, token: &str) -> Option<Result<bool, Refusal>> {
        let answer = self.post("/introspect", client, &[("token", token)]).await?;
        Some(successful(&answer, StatusCode::OK).map(|()| answer.json()["active"] == true))
    }

    async fn token(&mut self, client: &Client, fields: &[(&str, &str)]) -> Option<Result<Tokens, Refusal>> {
        let answer = self.post("/token", client, fields).await?;
        Some(successful(&answer, StatusCode::OK).map(|()| Tokens {
            access: member(&answer, "access_token"),
            refresh: member(&answer, "refresh_token"),
        }))
    }

    async fn post(&mut self, path: &str, client: &Client, fields: &[(&str, &str)]) -> Option<Answer> {
        let credentials = [("client_id", client.id.as_str()), ("client_secret", client.secret.as_str())];
        self.send(http_client::form(path, &[&credentials, fields].concat())).await
    }

    async fn send(&mut self, mut request: Request<Bytes>) -> Option<Answer> {
        let host = self.address.to_string().parse().expect("an address is a header value");
        request.headers_mut().insert(header::HOST, host);
        let answer = timeout(ANSWERS_WITHIN, self.exchange(request.map(Full::new))).await;
        answer.expect("the server answers, or its connections break")
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Option<Answer> {
        self.sender.ready().await.ok()?;
        let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: head.status, headers: head.headers, body })
    }
}

/// The target of an authorization request.
pub(super) fn authorization_request(client_id: &str) -> String {
    let parameters = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/authorize?{}", Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// A parameter in the query of a URL.
pub(super) fn query(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

fn successful(answer: &Answer, status: StatusCode) -> Result<(), Refusal> {
    if answer.status == status { Ok(()) } else { Err(described(answer)) }
}

fn described(answer: &Answer) -> Refusal {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}

fn member(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer:?}")).to_owned()
}
