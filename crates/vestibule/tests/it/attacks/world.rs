//! A running server and what the attacks of this module begin with: clients, codes, tokens.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use http::{Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{
    client::{AuthorizationRequest, Client, VERIFIER},
    database::Database,
    scripted_browser::ScriptedBrowser,
};
use crate::{
    http_client::{self, Answer},
    server::{Server, Settings},
};

/// Every test comes from the same address, a whole module must fit into a minute, and on a busy machine nothing may
/// expire under way.
pub(crate) const UNHURRIED: &str = r#"
[limits]
registrations_per_address = 100000
registrations = 100000
failed_logins = 100000
failed_client_authentications = 100000
authorization_requests_per_address = 100000

[lifetimes]
authorization_code = "10m"
refresh_repeat = "10m"
"#;

/// A redirect URI that needs no interstitial page: whoever listens there is on this computer.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:4321/callback";
/// A redirect URI on the web.
pub(crate) const WEB_CALLBACK: &str = "https://client.example/callback";

/// A running server.
pub(crate) struct World {
    pub(crate) server: Arc<Server>,
}

/// What the token endpoint issued.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl World {
    /// The server that all attacks share which leave nothing behind that another one could meet.
    pub(crate) fn shared() -> Self {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(start(UNHURRIED));
            *shared = Arc::downgrade(&server);
            server
        });
        Self { server }
    }

    /// A server of its own, for attacks that look at everything the database holds.
    pub(crate) fn alone() -> Self {
        Self::configured(UNHURRIED)
    }

    /// A server of its own with this configuration file.
    pub(crate) fn configured(configuration: &str) -> Self {
        Self { server: Arc::new(start(configuration)) }
    }

    pub(crate) fn issuer(&self) -> &str {
        self.server.issuer()
    }

    pub(crate) fn resource(&self) -> String {
        self.server.mcp_url()
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.server.data_directory())
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        self.server.send(request).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(get(target)).await
    }

    /// Posts a form as a program does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(http_client::form(path, fields)).await
    }

    pub(crate) async fn try_to_register(&self, metadata: &Value) -> Answer {
        self.send(http_client::json("/register", metadata)).await
    }

    pub(crate) async fn register(&self, metadata: &Value) -> Client {
        let answer = self.try_to_register(metadata).await;
        assert_eq!(answer.status, 201, "{metadata}: {}", answer.json());
        Client::of(&answer.json())
    }

    /// A client on this computer that has no secret.
    pub(crate) async fn public_client(&self) -> Client {
        self.client_at(CALLBACK, "none").await
    }

    /// A client on this computer that has a secret.
    pub(crate) async fn confidential_client(&self) -> Client {
        self.client_at(CALLBACK, "client_secret_post").await
    }

    /// A client on the web that has no secret.
    pub(crate) async fn web_client(&self) -> Client {
        self.client_at(WEB_CALLBACK, "none").await
    }

    async fn client_at(&self, redirect_uri: &str, method: &str) -> Client {
        self.register(&json!({
            "client_name": "Attacked",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
        }))
        .await
    }

    /// A confidential client of the operator's, as resource servers have one.
    pub(crate) fn add_client(&self, arguments: &[&str]) -> Client {
        let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["client", "add", "By the operator", "--json", "--data-dir"])
            .arg(self.server.data_directory())
            .args(arguments)
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Client::of(&serde_json::from_slice(&output.stdout).expect("the command prints JSON"))
    }

    /// Invites somebody and gives the token of the link; `flags` tell where the database is.
    pub(crate) fn invite(&self, name: &str, flags: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["user", "add", name, "--invite", "--public-url", self.issuer(), "--data-dir"])
            .arg(self.server.data_directory())
            .args(flags)
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("the link is text");
        let (_, link) = said.split_once("?token=").unwrap_or_else(|| panic!("no link in {said}"));
        link.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// A second person.
    pub(crate) fn add_user(&self, name: &str, password: &str) {
        self.tell_password("add", name, password);
    }

    /// The operator changes somebody's password while the server runs.
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        self.tell_password("set-password", name, password);
    }

    fn tell_password(&self, command: &str, name: &str, password: &str) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["user", command, name, "--password-stdin", "--data-dir"])
            .arg(self.server.data_directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut input = child.stdin.take().expect("stdin is piped");
        writeln!(input, "{password}").expect("the password can be told");
        drop(input);
        assert!(child.wait().expect("the command ends").success(), "user {command} {name} fails");
    }

    /// Signs in, allows, and gives the code.
    pub(crate) async fn code(&self, client: &Client, scope: &str) -> String {
        let request = AuthorizationRequest::of(self, client).with("scope", scope);
        ScriptedBrowser::new(self).allow(&request).await
    }

    /// Signs in, allows, redeems.
    pub(crate) async fn tokens(&self, client: &Client) -> Tokens {
        self.tokens_for(client, "read write").await
    }

    pub(crate) async fn tokens_for(&self, client: &Client, scope: &str) -> Tokens {
        let code = self.code(client, scope).await;
        Tokens::of(&self.redeem(client, &code).await)
    }

    pub(crate) async fn redeem(&self, client: &Client, code: &str) -> Answer {
        self.redeem_with(client, &[("code", code), ("code_verifier", VERIFIER)]).await
    }

    pub(crate) async fn redeem_with(&self, client: &Client, fields: &[(&str, &str)]) -> Answer {
        self.token(client, &[&[("grant_type", "authorization_code")], fields].concat()).await
    }

    pub(crate) async fn refresh(&self, client: &Client, token: &str) -> Answer {
        self.refresh_with(client, token, &[]).await
    }

    pub(crate) async fn refresh_with(&self, client: &Client, token: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(client, &[&own[..], fields].concat()).await
    }

    /// Posts to the token endpoint as this client.
    pub(crate) async fn token(&self, client: &Client, fields: &[(&str, &str)]) -> Answer {
        self.as_client("/token", client, fields).await
    }

    /// Posts a form as this client.
    pub(crate) async fn as_client(&self, path: &str, client: &Client, fields: &[(&str, &str)]) -> Answer {
        let mut request = http_client::form(path, &client.authenticated(fields));
        if let Some(basic) = client.basic() {
            request.headers_mut().insert(header::AUTHORIZATION, basic);
        }
        self.send(request).await
    }

    /// Whether the token endpoint's tokens are still good, asked where they are used.
    pub(crate) async fn is_accepted(&self, access_token: &str) -> bool {
        let answer = self.call("/api/user/profile", &format!("Bearer {access_token}")).await;
        assert!([200, 401].contains(&answer.status.as_u16()), "{answer:?}");
        answer.status == 200
    }

    pub(crate) async fn call(&self, path: &str, authorization: &str) -> Answer {
        let mut request = get(path);
        let value = http::HeaderValue::from_str(authorization).expect("the attack fits into a header");
        request.headers_mut().insert(header::AUTHORIZATION, value);
        self.send(request).await
    }
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.json());
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

pub(crate) fn get(target: &str) -> Request<Bytes> {
    Request::get(target).body(Bytes::new()).expect("the target is a valid one")
}

fn start(configuration: &str) -> Server {
    Server::start(&Settings { configuration: Some(configuration.to_owned()), ..Settings::default() })
}
