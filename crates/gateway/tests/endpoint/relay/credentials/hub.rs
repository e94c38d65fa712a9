//! A vault with one provider, and a server that takes its tokens and no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use gateway::{ServerCredentials, ToolScopes, Whose};
use oauth::{ClientId, Clock as _, Issuer, Scope, UserId};
use outbound::Egress;
use secret::{Keyring, Secret};
use serde_json::{Value, json};
use store::Batch;
use vault::provider::{
    Account, AccountSource, AuthorizationServer, Failure, Placement, ProviderKind, Quirks, Revoked, Source,
    Tokens,
};
use vault::{
    Answer as Renewed, Keep, Owner, Provider, ProviderName, Received, RefreshSettings, Renewal, Renewing,
    Secrets, Team, Vault, VaultError,
};

use crate::relay::upstream::{Arrived, Upstream, reply, result};
use crate::world::{Answer, Builder, Counted, ORIGIN, Settable, World, modern_body};

/// How long a token of the provider lives.
const LIFETIME: Duration = Duration::from_hours(1);

pub(super) struct Hub {
    pub(super) world: World,
    pub(super) vault: Vault,
    pub(super) renewals: Arc<Renewals>,
}

/// What the provider answers to the next renewals; and how often it was asked.
pub(super) struct Renewals {
    clock: Arc<Settable>,
    next: Mutex<Option<Result<String, Failure>>>,
    count: Mutex<u32>,
}

impl Renewals {
    /// From now on this is the new token, or the failure.
    pub(super) fn answer(&self, outcome: Result<&str, Failure>) {
        *self.next.lock().unwrap() = Some(outcome.map(str::to_owned));
    }

    pub(super) fn count(&self) -> u32 {
        *self.count.lock().unwrap()
    }
}

impl Renewing for Renewals {
    fn renew<'a>(&'a self, _: &'a Vault, _: &'a Provider, renewal: Renewal<'a>) -> Renewed<'a, Tokens> {
        Box::pin(async move {
            *self.count.lock().unwrap() += 1;
            let token = self.next.lock().unwrap().clone().expect("a test says what a renewal gives")?;
            let now = self.clock.now();
            Ok(Tokens {
                access_token: Secret::new(token),
                refresh_token: Some(Secret::new("another refresh token".to_owned())),
                received_at: now,
                expires_at: Some(now + LIFETIME),
                scope: renewal.scope.clone(),
                account: None,
                id_token: None,
            })
        })
    }

    fn revoke<'a>(&'a self, _: &'a Vault, _: &'a Provider, _: &'a Secrets) -> Renewed<'a, Revoked> {
        Box::pin(async { Ok(Revoked::Done) })
    }
}

impl Hub {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let renewals = Arc::new(Renewals {
            clock: world.clock.clone(),
            next: Mutex::default(),
            count: Mutex::default(),
        });
        let settings = vault::Settings {
            store: world.store.clone(),
            keyring: Arc::new(Keyring::derived_from(&[9; 32], "a test")),
            providers: vec![provider()],
            teams: Vec::new(),
            public_url: Issuer::parse(ORIGIN).unwrap(),
            clock: world.clock.clone(),
            random: Arc::new(Counted::default()),
            auditor: world.audit_log.clone(),
            node: None,
            refresh: RefreshSettings::default(),
            assertions: None,
        };
        let vault = Vault::with_renewing(settings, renewals.clone());
        let mut hub = Self { world, vault, renewals };
        hub.takes(|_| ());
        hub
    }

    /// From now on gateways are made with other credentials.
    pub(super) fn takes(&mut self, change: impl FnOnce(&mut ServerCredentials)) {
        let mut credentials = ServerCredentials {
            vault: self.vault.clone(),
            provider: name(),
            whose: Whose::User,
            scope: scope("repo"),
            tools: BTreeMap::from([("delete".to_owned(), scope("admin"))]),
            is_strict: false,
            title: Some("Far away".to_owned()),
        };
        change(&mut credentials);
        self.world.credentials = Some(Arc::new(credentials));
    }

    pub(super) fn behind(&self, upstream: &Upstream) -> Router {
        self.world.gateway_to(&format!("http://{}/mcp", upstream.address), ToolScopes::default())
    }

    /// Connects an account, which the server knows by this token.
    pub(super) async fn connect(&self, owner: Owner, account: &str, token: &str) {
        self.connect_with(owner, account, token, "repo").await;
    }

    pub(super) async fn connect_with(&self, owner: Owner, account: &str, token: &str, granted: &str) {
        let now = self.world.clock.now();
        let received = Received {
            kind: "oauth",
            secrets: Secrets {
                credential: Secret::new(token.to_owned()),
                refresh_token: Some(Secret::new("a refresh token".to_owned())),
                issued_by: None,
            },
            account: Some(Account { id: account.to_owned(), name: Some(account.to_owned()) }),
            scope: scope(granted),
            received_at: now,
            expires_at: Some(now + LIFETIME),
        };
        match self.vault.create(&owner, &name(), received.clone()).await {
            Ok(_) => {}
            Err(VaultError::AlreadyConnected) => self.replace(&owner, received).await,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the connect flow does when the same account is connected again.
    async fn replace(&self, owner: &Owner, received: Received) {
        let former = self.vault.connections(owner).await.unwrap().remove(0);
        let kept = self.vault.keep(owner, &name(), received, Keep::Replace(former.id)).await.unwrap();
        self.world.store.commit(kept.statements.into_iter().collect::<Batch>()).await.unwrap();
        self.vault.reload(&[provider()], &[]);
    }

    /// A token for the server at `/mcp/far`.
    pub(super) fn token(&self, subject: &str) -> String {
        self.world.far_token(subject, "")
    }

    /// A request of a modern client that shows links, or not.
    pub(super) fn modern<'h>(
        &'h self,
        gateway: &'h Router,
        subject: &str,
        shows_links: bool,
        asked: (&str, Value),
    ) -> Builder<'h> {
        self.modern_with(gateway, &self.token(subject), shows_links, asked)
    }

    /// The same with a token of the test's own.
    pub(super) fn modern_with<'h>(
        &'h self,
        gateway: &'h Router,
        token: &str,
        shows_links: bool,
        (method, params): (&str, Value),
    ) -> Builder<'h> {
        let named = params.get("name").or(params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let mut body = modern_body(method, params);
        if shows_links {
            let capabilities = &mut body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
            *capabilities = json!({ "elicitation": { "form": {}, "url": {} } });
        }
        let sent = self.world.far(gateway, token, body);
        let sent = sent.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        match named {
            Some(name) => sent.header("mcp-name", &name),
            None => sent,
        }
    }
}

/// The user whose tokens have this subject.
pub(super) fn user(subject: &str) -> Owner {
    Owner::User(UserId::from_unverified(subject))
}

pub(super) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(super) fn name() -> ProviderName {
    ProviderName::parse("hub").unwrap()
}

pub(super) fn provider() -> Provider {
    let client = json!({ "client_id": "us", "token_endpoint_auth_method": "none" });
    let client = serde_json::from_value(client).unwrap();
    let server = AuthorizationServer {
        source: Source::Issuer { issuer: "https://hub.example".to_owned(), client },
        quirks: Quirks::default(),
    };
    Provider {
        name: name(),
        title: "Hub".to_owned(),
        kind: ProviderKind::AuthorizationCode(Box::new(server)),
        placement: Placement::Bearer,
        scope: Scope::default(),
        egress: Egress::public(),
        accounts: AccountSource::None,
    }
}

/// A modern server that says who calls, if it knows the token.
pub(super) async fn modern_server() -> Upstream {
    Upstream::modern_for(known, answer).await
}

/// A legacy one.
pub(super) async fn legacy_server() -> Upstream {
    Upstream::legacy_for(known, answer).await
}

/// Tokens are `token of NAME`, and those that end otherwise are not known.
pub(super) fn known(request: &Arrived) -> Option<Response> {
    let token = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
    (!token.starts_with("token-of-")).then(|| refused(401, "Bearer error=\"invalid_token\""))
}

pub(super) fn refused(status: u16, challenge: &str) -> Response {
    let mut response = reply(status, "{}");
    response.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
    response
}

fn answer(request: &Arrived) -> Response {
    let who = request.header("authorization").replace("Bearer token-of-", "");
    match &*request.rpc() {
        "tools/list" => result(
            request,
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"whoami","inputSchema":{"type":"object"}}]}"#,
        ),
        _ => result(
            request,
            &json!({ "resultType": "complete", "content": [{ "type": "text", "text": who }] }).to_string(),
        ),
    }
}

/// The text that a tool answered, and whether it failed.
pub(super) fn text(answer: &Answer) -> (String, bool) {
    let result = &answer.json()["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    (text.to_owned(), result["isError"] == true)
}

/// The link that a text has.
pub(super) fn link_in(text: &str) -> String {
    let begin = text.find(&format!("{ORIGIN}/connect?e=")).unwrap_or_else(|| panic!("no link in {text}"));
    text[begin..].split_whitespace().next().unwrap().to_owned()
}

pub(super) fn team(users: &[&str], clients: &[&str]) -> Team {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Team {
        name: vault::TeamName::parse("platform").unwrap(),
        users: texts(users),
        clients: clients.iter().map(|client| ClientId::from_unverified(*client)).collect(),
        managers: texts(&[]),
        roles: texts(&["ops"]),
    }
}
