//! Node's `oidc-provider` as a process of the test.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::clients;

pub(super) const CLIENT_ID: &str = "vestibule";
pub(super) const CLIENT_SECRET: &str = "a secret of a test, and not a short one";

/// Short, so that a story is long enough for several.
const ACCESS_TOKEN_SECONDS: u64 = 6;
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// The running provider; it ends with the value.
pub(super) struct NodeProvider {
    issuer: String,
    told: Arc<Mutex<Vec<Told>>>,
    _process: Child,
}

/// What it tells of a token request.
#[derive(Debug, Deserialize)]
struct Told {
    grant: Option<String>,
    account: Option<String>,
    error: Option<String>,
    tokens: Vec<String>,
}

impl NodeProvider {
    pub(super) async fn start(redirect_uri: &str) -> Self {
        let options = json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": redirect_uri,
            "access_token_seconds": ACCESS_TOKEN_SECONDS,
        });
        let mut process = Command::new(clients::node())
            .arg(clients::script("node/oidc-provider.mjs"))
            .arg(options.to_string())
            .env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the provider starts");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let issuer = tokio::time::timeout(STARTS_WITHIN, lines.next_line()).await;
        let issuer = issuer.expect("the provider says where it is").unwrap().expect("it runs");
        let told = Arc::<Mutex<Vec<Told>>>::default();
        tokio::spawn(listen(lines, Arc::clone(&told)));
        Self { issuer, told, _process: process }
    }

    /// Its URL, without a slash at the end.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.issuer.trim_start_matches("http://").parse().expect("it is at an address")
    }

    /// Whose grants of this type it has answered with tokens.
    pub(super) fn grants(&self, grant_type: &str) -> Vec<String> {
        let told = self.told.lock().expect("no holder of the lock panics");
        let granted = told.iter().filter(|told| told.error.is_none());
        let of_type = granted.filter(|told| told.grant.as_deref() == Some(grant_type));
        of_type.map(|told| told.account.clone().unwrap_or_default()).collect()
    }

    /// The errors of its token endpoint.
    pub(super) fn errors(&self) -> Vec<String> {
        let told = self.told.lock().expect("no holder of the lock panics");
        told.iter().filter_map(|told| told.error.clone()).collect()
    }

    /// Every token that it has issued.
    pub(super) fn tokens(&self) -> Vec<String> {
        let told = self.told.lock().expect("no holder of the lock panics");
        told.iter().flat_map(|told| told.tokens.clone()).collect()
    }
}

async fn listen(mut lines: Lines<BufReader<ChildStdout>>, told: Arc<Mutex<Vec<Told>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        told.lock().expect("no holder of the lock panics").push(line);
    }
}
