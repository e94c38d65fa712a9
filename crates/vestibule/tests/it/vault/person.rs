//! Somebody who signs in, connects their account, and lets a client call tools.

use std::collections::BTreeMap;

use http::{Request, header};
use hyper::{body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::installation::Installation;
use crate::{
    attacks::{
        client::AuthorizationRequest,
        expect,
        scripted_browser::{BROWSER_COOKIE, SESSION_COOKIE, ScriptedBrowser, hidden},
        world::{Tokens, World},
    },
    http_client::{self, Answer},
    server::{PASSWORD, USERNAME},
};

/// What the tools of the two servers that a person uses are called.
pub(super) const WHOAMI: (&str, &str) = ("/mcp/hub", "whoami");
pub(super) const GET_USER: (&str, &str) = ("/mcp/rest", "get_user");

/// The demo user with a browser and with an access token for each server.
pub(super) struct Person {
    cookies: [(&'static str, String); 2],
    tokens: BTreeMap<&'static str, String>,
}

/// What a call of a tool came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The API answered; this is what it said.
    Said(String),
    /// The person has to connect their account first, on this page.
    Connect { url: String, told: String },
    /// Not now.
    Failed { status: u16, told: String },
}

impl Person {
    /// The demo user.
    pub(super) async fn at(world: &World) -> Self {
        Self::who(world, USERNAME, PASSWORD).await
    }

    /// Signs in, and allows a client to use both servers.
    pub(super) async fn who(world: &World, name: &str, password: &str) -> Self {
        let client = world.public_client().await;
        let mut browser = ScriptedBrowser::new(world);
        let mut tokens = BTreeMap::new();
        for (path, _) in [WHOAMI, GET_USER] {
            let resource = format!("{}{path}", world.issuer());
            let request =
                AuthorizationRequest::of(world, &client).with("resource", &resource).with("scope", "use");
            let code = allow(&mut browser, world, &request, (name, password)).await;
            tokens.insert(path, Tokens::of(&world.redeem(&client, &code).await).access);
        }
        let cookie =
            |name| (name, browser.cookie(name).expect("a person who is signed in has it").to_owned());
        Self { cookies: [cookie(SESSION_COOKIE), cookie(BROWSER_COOKIE)], tokens }
    }

    pub(super) fn browser<'w>(&self, world: &'w World) -> ScriptedBrowser<'w> {
        let mut browser = ScriptedBrowser::new(world);
        self.cookies.iter().for_each(|(name, value)| browser.set_cookie(name, value));
        browser
    }

    pub(super) fn token(&self, path: &str) -> &str {
        &self.tokens[path]
    }

    /// An access token for another resource of ours.
    pub(super) async fn token_for(&self, world: &World, path: &str, scope: &str) -> String {
        let client = world.public_client().await;
        let resource = format!("{}{path}", world.issuer());
        let request =
            AuthorizationRequest::of(world, &client).with("resource", &resource).with("scope", scope);
        let code = ScriptedBrowser::new(world).allow(&request).await;
        Tokens::of(&world.redeem(&client, &code).await).access
    }

    pub(super) async fn call(&self, world: &World, tool: (&'static str, &str)) -> Outcome {
        Outcome::of(&world.send(self.request(tool)).await)
    }

    /// A call as a client of the stateless revision makes it that can open no page.
    pub(super) fn request(&self, (path, tool): (&'static str, &str)) -> Request<Bytes> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let mut request = http_client::json(path, &body);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, format!("Bearer {}", self.token(path)).parse().unwrap());
        headers.insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
        headers.insert("mcp-protocol-version", "2026-07-28".parse().unwrap());
        headers.insert("mcp-method", "tools/call".parse().unwrap());
        headers.insert("mcp-name", tool.parse().unwrap());
        request
    }

    /// Walks through the pages of a link that a call gave, and gives the last page.
    pub(super) async fn connect(&self, installation: &Installation, world: &World, url: &str) -> Answer {
        let mut browser = self.browser(world);
        let page = browser.get(url).await;
        expect::page(&page, 200);
        let fields = hidden_fields(&page);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let allowed = browser.post("/connect", &[&fields[..], &[("decision", "allow")]].concat()).await;
        let at_provider = expect::see_other(&allowed);
        let target = at_provider.strip_prefix(&installation.provider.url());
        let target = target.unwrap_or_else(|| panic!("{at_provider} is not the provider's"));
        let visit = Request::get(target).body(Bytes::new()).unwrap();
        let visited = http_client::send(installation.provider.address(), visit).await;
        let callback = visited.header("location").unwrap_or_else(|| panic!("{visited:?}"));
        let returned = browser.get(callback).await;
        let page = browser.get(&expect::see_other(&returned)).await;
        let html = String::from_utf8_lossy(&page.body);
        assert!(page.status == 200 && html.contains("is connected"), "{html}");
        page
    }

    /// Calls, connects, and calls again.
    pub(super) async fn connects(&self, installation: &Installation) {
        let world = installation.node();
        let Outcome::Connect { url, .. } = self.call(world, WHOAMI).await else {
            panic!("who has not connected is asked to: {:?}", self.call(world, WHOAMI).await)
        };
        self.connect(installation, world, &url).await;
        assert!(self.call(world, WHOAMI).await.is_said());
    }
}

/// The way of somebody with this name and password from the login page to the code.
async fn allow(
    browser: &mut ScriptedBrowser<'_>,
    world: &World,
    request: &AuthorizationRequest,
    (name, password): (&str, &str),
) -> String {
    let transaction = browser.start(request).await;
    let page = browser.get(&format!("/login?transaction={transaction}")).await;
    let answer = browser.try_password(&hidden(&page, "transaction"), name, password).await;
    expect::see_other(&answer);
    let page = browser.get(&format!("/consent?transaction={transaction}")).await;
    let answer = browser.decide(&hidden(&page, "transaction"), "allow").await;
    expect::code(world, &answer)
}

/// Every hidden field of a page's last form; those before it are for somebody else's sign-in.
fn hidden_fields(page: &Answer) -> Vec<(String, String)> {
    let html = String::from_utf8_lossy(&page.body);
    let form = html.rsplit("<form").next().unwrap_or_default();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1).map(|field| {
        let (name, rest) = field.split_once("\" value=\"").unwrap_or_else(|| panic!("{html}"));
        (name.to_owned(), rest.split('"').next().unwrap_or_default().to_owned())
    });
    fields.collect()
}

impl Outcome {
    #[track_caller]
    pub(super) fn of(answer: &Answer) -> Self {
        let status = answer.status.as_u16();
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        if status != 200 {
            return Self::Failed { status, told };
        }
        let json: Value = answer.json();
        let result = &json["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        match link(&text) {
            Some(url) => Self::Connect { url, told: text },
            None if result["isError"] == true || !json["error"].is_null() => Self::Failed { status, told },
            None => Self::Said(text),
        }
    }

    /// Whether the API has answered.
    pub(super) fn is_said(&self) -> bool {
        matches!(self, Self::Said(_))
    }
}

/// The link to our own page in a text.
fn link(text: &str) -> Option<String> {
    let begin = text.find("http://localhost:9/connect?e=")?;
    let end = |character: char| character.is_whitespace() || matches!(character, '"' | ')' | '>' | '<');
    let link = text[begin..].split(end).next().unwrap_or_default();
    Some(link.trim_end_matches('.').to_owned())
}

/// A client with a connection of its own that stays open.
pub(super) struct Caller {
    sender: SendRequest<http_body_util::Full<Bytes>>,
    host: String,
}

impl Caller {
    pub(super) async fn of(world: &World) -> Self {
        let address = world.server.address();
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: address.to_string() }
    }

    pub(super) async fn send(&mut self, mut request: Request<Bytes>) -> Outcome {
        request.headers_mut().insert(header::HOST, self.host.parse().unwrap());
        self.sender.ready().await.unwrap();
        let answer = self.sender.send_request(request.map(http_body_util::Full::new)).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        Outcome::of(&Answer { status: head.status, headers: head.headers, body })
    }
}
