//! A person at a browser, and the client that acts for them.

use std::time::Duration;

use crate::{
    requests::{self, Fixed},
    server::{PASSWORD, Server, USERNAME},
};

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Over https, so that the consent is remembered.
const REDIRECT_URI: &str = "https://client.example/callback";

const PATIENCE: Duration = Duration::from_mins(1);

/// A confidential client that may do everything.
pub(crate) struct RegisteredClient {
    id: String,
    secret: String,
}

impl RegisteredClient {
    pub(crate) async fn register(server: &Server) -> Self {
        let metadata = format!(
            r#"{{"redirect_uris":["{REDIRECT_URI}"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code","refresh_token","client_credentials"]}}"#
        );
        let request = requests::post("/register", "application/json", "", &metadata);
        let (_, body) = send(server, request, 201).await;
        let member = |name| requests::member(&body, name).to_owned();
        Self { id: member("client_id"), secret: member("client_secret") }
    }

    /// A form with this client's credentials.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let credentials = [("client_id", self.id.as_str()), ("client_secret", self.secret.as_str())];
        requests::form(path, &[&credentials, fields].concat())
    }

    /// The exchange of a code for tokens.
    pub(crate) fn redemption(&self, code: &str) -> Vec<u8> {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        self.form("/token", &fields)
    }
}

/// A signed-in person who has allowed the client everything.
pub(crate) struct Person {
    /// An authorization request of the client by this person's browser, who need not be asked any more.
    pub(crate) authorization: Vec<u8>,
}

impl Person {
    /// Signs in and consents.
    pub(crate) async fn sign_in(server: &Server, client: &RegisteredClient) -> Self {
        let target = format!(
            "/authorize?response_type=code&client_id={}&redirect_uri={REDIRECT_URI}&code_challenge={CHALLENGE}&code_challenge_method=S256",
            client.id
        );
        let (asked, _) = send(server, get(&target, ""), 303).await;
        let browser = cookie(&asked).to_owned();
        let transaction = query(&asked, "transaction");
        let password = PASSWORD.replace(' ', "+");
        let fields = [("transaction", transaction), ("username", USERNAME), ("password", &password)];
        let (signed_in, _) =
            send(server, with_cookies(requests::form("/login", &fields), &browser), 303).await;
        let cookies = format!("{browser}; {}", cookie(&signed_in));
        let fields = [("transaction", transaction), ("decision", "allow")];
        send(server, with_cookies(requests::form("/consent", &fields), &cookies), 303).await;
        Self { authorization: get(&target, &cookies) }
    }
}

/// An access token of a new client that acts for itself, for the resource at `path`.
pub(crate) async fn own_token(server: &Server, path: &str, scope: &str) -> String {
    let client = RegisteredClient::register(server).await;
    let resource = format!("http://{}{path}", server.address());
    let fields = [("grant_type", "client_credentials"), ("scope", scope), ("resource", &*resource)];
    let (_, body) = send(server, client.form("/token", &fields), 200).await;
    requests::member(&body, "access_token").to_owned()
}

/// The code in the answer to an authorization request.
pub(crate) fn code(head: &str) -> &str {
    query(head, "code")
}

/// Sends one request and gives head and body of the answer.
pub(crate) async fn send(server: &Server, request: Vec<u8>, status: u16) -> (String, Vec<u8>) {
    let (clients, _) = server.run(vec![Fixed::new(request, status).times(1)], PATIENCE).await;
    clients.into_iter().flat_map(|client| client.answers).next().expect("it was sent once")
}

fn get(target: &str, cookies: &str) -> Vec<u8> {
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
    if cookies.is_empty() { request } else { with_cookies(request, cookies) }
}

fn with_cookies(request: Vec<u8>, cookies: &str) -> Vec<u8> {
    let text = String::from_utf8(request).expect("requests are text");
    text.replacen("host: localhost\r\n", &format!("host: localhost\r\ncookie: {cookies}\r\n"), 1).into_bytes()
}

fn cookie(head: &str) -> &str {
    let value = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie is set");
    value.split(';').next().unwrap_or_default()
}

/// A parameter of the URL that the answer redirects to.
fn query<'a>(head: &'a str, name: &str) -> &'a str {
    let url = head.lines().find_map(|line| line.strip_prefix("location: ")).expect("it is a redirect");
    let parameters = url.split_once('?').map_or("", |(_, query)| query).split('&');
    let mut values = parameters.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap_or_else(|| panic!("no {name} in {url}"))
}
