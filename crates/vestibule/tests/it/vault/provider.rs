//! An OAuth provider in the test's own process, which does what the test tells it: asks nobody, rotates refresh tokens,
//! ends a family whose refresh token comes twice, counts, waits, fails.

mod endpoints;
mod ledger;
mod turn;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{net::TcpListener, task::JoinHandle};

use self::ledger::Ledger;
pub(crate) use self::turn::{Answer, Fault, Gate, Turn, When};
use super::rest_api::{Accepts, RestApi};

pub(crate) const CLIENT_ID: &str = "vestibule-at-hub";
pub(crate) const CLIENT_SECRET: &str = "hubcs_canary_secret_of_our_client_0001";

/// The running provider, with an API that takes its tokens; both end with the value.
pub(crate) struct Provider {
    address: SocketAddr,
    state: Hub,
    pub(crate) api: RestApi,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Hub(Arc<Mutex<Inner>>);

struct Inner {
    ledger: Ledger,
    /// Who sits before the browser at the provider.
    account: String,
    /// How long access tokens are good.
    lifetime: Duration,
    /// Whether a refresh token that comes twice gets the same answer again.
    grace: bool,
    turns: VecDeque<Turn>,
    always: Turn,
    /// Requests with `grant_type=refresh_token`, whatever became of them.
    attempts: usize,
    /// How many of them are under way.
    under_way: usize,
    /// How often there were two of them.
    overlaps: usize,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let inner = Inner {
            ledger: Ledger::default(),
            account: "ada".to_owned(),
            lifetime: Duration::from_hours(1),
            grace: false,
            turns: VecDeque::new(),
            always: Turn::default(),
            attempts: 0,
            under_way: 0,
            overlaps: 0,
        };
        let state = Hub(Arc::new(Mutex::new(inner)));
        let accepting = state.clone();
        let accepts: Accepts =
            Arc::new(move |token| std::future::ready(accepting.lock().ledger.account(&token)).boxed());
        let api = RestApi::start(accepts).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(endpoints::serve(listener, endpoints::router(state.clone())));
        Self { address, state, api, task }
    }

    /// Its own URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whoever comes to its pages is this person.
    pub(crate) fn is_visited_by(&self, account: &str) {
        account.clone_into(&mut self.state.lock().account);
    }

    /// How long the access tokens are good that it issues from now on.
    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.state.lock().lifetime = lifetime;
    }

    /// A refresh token that comes twice gets the same successor again.
    pub(crate) fn repeats_itself(&self) {
        self.state.lock().grace = true;
    }

    /// What it does with the next request to its token endpoint that nothing is planned for yet.
    pub(crate) fn next(&self, turn: Turn) {
        self.state.lock().turns.push_back(turn);
    }

    /// What it does with requests for which nothing else is planned.
    pub(crate) fn always(&self, turn: Turn) {
        self.state.lock().always = turn;
    }

    /// How many refresh tokens were good.
    pub(crate) fn refreshes(&self) -> usize {
        self.state.lock().ledger.refreshes
    }

    /// How many refresh requests came.
    pub(crate) fn attempts(&self) -> usize {
        self.state.lock().attempts
    }

    /// How many refreshes came long before half of the time was over that the last answer had promised.
    pub(crate) fn early(&self) -> usize {
        self.state.lock().ledger.early
    }

    /// How often a refresh request came while another one was under way.
    pub(crate) fn overlaps(&self) -> usize {
        self.state.lock().overlaps
    }

    /// How many refresh tokens came a second time.
    pub(crate) fn reuses(&self) -> usize {
        self.state.lock().ledger.reuses
    }

    /// How many families were ended by a revocation request.
    pub(crate) fn revocations(&self) -> usize {
        self.state.lock().ledger.revocations
    }

    /// From now on no access token is good that was issued before.
    pub(crate) fn expire_access_tokens(&self) {
        self.state.lock().ledger.expire_access_tokens();
    }

    /// The person has withdrawn what they allowed.
    pub(crate) fn withdraw(&self) {
        self.state.lock().ledger.withdraw();
    }

    /// Every code and token there ever was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state.lock().ledger.minted()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no holder of the lock panics")
    }
}
