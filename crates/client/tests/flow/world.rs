//! Everything around the client: its directory, its clock, its browser.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU8, Ordering},
};

use axum::body::Bytes;
use client::{
    AuthorizationUrl, Browser, CannotOpen, Client, Error, Login, Notice, Session, Settings, TokenStore,
};
use oauth::{Clock, ResourceIndicator, Timestamp};
use outbound::{Egress, Limits};
use secret::Random;
use tempfile::TempDir;

use crate::fake::Fake;

/// A computer with a token directory and a clock that is set by hand.
pub(crate) struct World {
    directory: TempDir,
    clock: Arc<HandClock>,
    pub(crate) browser: FakeBrowser,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(HandClock(AtomicI64::new(1_000_000))),
            browser: FakeBrowser::default(),
        }
    }

    /// A new client on this computer, as a new process would make it.
    pub(crate) fn client(&self) -> Client {
        self.client_with(Settings { client_name: "Test".to_owned(), ..Settings::default() })
    }

    pub(crate) fn client_with(&self, settings: Settings) -> Client {
        let http = outbound::Client::new(Egress::public().with_loopback());
        Client::new(
            http,
            self.store(),
            self.clock.clone(),
            Arc::new(CountingRandom(AtomicU8::new(0))),
            settings,
        )
    }

    pub(crate) fn store(&self) -> TokenStore {
        TokenStore::at(self.directory.path().join("tokens"))
    }

    /// Lists the tools, logging in with the fake browser when needed.
    pub(crate) async fn list(&self, fake: &Fake) -> Result<Vec<String>, Error> {
        let client = self.client();
        let mut session = session(&client, fake, Login::Person(&self.browser));
        let tools = session.list_tools().await;
        session.close().await;
        Ok(tools?.into_iter().map(|tool| tool.name).collect())
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// What the token file says, for tests that look for secrets in it.
    pub(crate) fn token_file(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("tokens/tokens.json")).unwrap_or_default()
    }
}

pub(crate) fn server(fake: &Fake) -> ResourceIndicator {
    client::server_url(&format!("{}/mcp", fake.url)).unwrap()
}

pub(crate) fn session<'a>(client: &'a Client, fake: &Fake, login: Login<'a>) -> Session<'a> {
    let implementation =
        mcp::Implementation { name: "test".to_owned(), title: None, version: "1".to_owned() };
    Session::new(client, server(fake), implementation, login)
}

/// Follows the redirect of the authorization endpoint, and keeps what it is told.
#[derive(Default)]
pub(crate) struct FakeBrowser {
    /// Sent to the callback before the real response.
    pub(crate) first: Mutex<Vec<String>>,
    pub(crate) told: Mutex<Vec<String>>,
    pub(crate) opened: Mutex<Vec<String>>,
}

impl Browser for FakeBrowser {
    fn open(&self, url: &AuthorizationUrl) -> Result<(), CannotOpen> {
        self.opened.lock().unwrap().push(url.to_string());
        let (url, first) = (url.to_string(), self.first.lock().unwrap().clone());
        tokio::spawn(async move {
            let http = outbound::Client::new(Egress::public().with_loopback());
            let get = |url: &str| {
                let request = http::Request::get(url).body(Bytes::new()).unwrap();
                http.send(request, Limits::DOCUMENT)
            };
            let answer = get(&url).await.unwrap();
            let location = answer.headers()["location"].to_str().unwrap().to_owned();
            for query in first {
                let callback = location.split_once('?').unwrap().0;
                assert_eq!(get(&format!("{callback}?{query}")).await.unwrap().status(), 400);
            }
            get(&location).await.unwrap();
        });
        Ok(())
    }

    fn tell(&self, notice: &Notice<'_>) {
        self.told.lock().unwrap().push(format!("{notice:?}"));
    }
}

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

struct CountingRandom(AtomicU8);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
