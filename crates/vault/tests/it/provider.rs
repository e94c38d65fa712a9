//! A provider that rotates refresh tokens, counts, and does as it is told. It knows a used refresh token again.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use oauth::{Clock, Timestamp};
use secret::Secret;
use tokio::sync::Semaphore;
use vault::{
    Answer, Provider, Renewal, Renewing, Secrets, Vault,
    provider::{Failure, Refusal, Revoked, Tokens},
};

use crate::world::Settable;

/// What the provider does with one request. Without any it answers.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// Answers after a time.
    Slow(Duration),
    /// Answers when the gate opens.
    Gate(Arc<Semaphore>),
    /// Fails, and nothing has happened.
    Fail(Failure),
    /// Rotates, and its answer is lost.
    Lose,
    /// Answers without a refresh token: the old one stays.
    KeepOld,
    /// Answers without saying when the access token ends.
    NoEnd,
}

/// The provider. Each account has a family of tokens.
pub(crate) struct Scripted {
    clock: Arc<Settable>,
    pub(crate) lifetime: Duration,
    /// Whether a used refresh token gives its successor again, or ends the family.
    pub(crate) has_grace: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    turns: VecDeque<Turn>,
    families: HashMap<String, Family>,
    ended: HashSet<String>,
    calls: HashMap<String, u32>,
    in_flight: u32,
    most_in_flight: u32,
    revoked: Vec<String>,
    begun: u32,
}

#[derive(Default)]
struct Family {
    number: u32,
}

impl Scripted {
    pub(crate) fn new(clock: &Arc<Settable>, lifetime: Duration) -> Self {
        Self { clock: Arc::clone(clock), lifetime, has_grace: false, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The first tokens of an account.
    pub(crate) fn first(account: &str) -> Secrets {
        Secrets {
            credential: Secret::new(format!("at-{account}-0-canary")),
            refresh_token: Some(Secret::new(format!("rt-{account}-0"))),
            issued_by: Some("https://idp.example/token".into()),
        }
    }

    pub(crate) fn then(&self, turn: Turn) {
        self.state().turns.push_back(turn);
    }

    /// How often the account's tokens were asked for.
    pub(crate) fn calls(&self, account: &str) -> u32 {
        self.state().calls.get(account).copied().unwrap_or(0)
    }

    pub(crate) fn all_calls(&self) -> u32 {
        self.state().calls.values().sum()
    }

    /// Requests that have come in, answered or not.
    pub(crate) fn begun(&self) -> u32 {
        self.state().begun
    }

    pub(crate) fn most_in_flight(&self) -> u32 {
        self.state().most_in_flight
    }

    pub(crate) fn revoked(&self) -> Vec<String> {
        self.state().revoked.clone()
    }

    /// Somebody withdraws the access.
    pub(crate) fn withdraw(&self, account: &str) {
        self.state().ended.insert(account.into());
    }

    async fn answer(&self, token: String) -> Result<Tokens, Failure> {
        let turn = {
            let mut state = self.state();
            state.begun += 1;
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
            let (account, _) = parse(&token);
            *state.calls.entry(account).or_default() += 1;
            state.turns.pop_front()
        };
        let _leaving = Leaving(self);
        match &turn {
            Some(Turn::Slow(time)) => tokio::time::sleep(*time).await,
            Some(Turn::Fail(failure)) => return Err(failure.clone()),
            None => tokio::task::yield_now().await,
            _ => {}
        }
        let answer = self.rotate(&token, turn.as_ref());
        match turn {
            Some(Turn::Lose) => Err(lost()),
            Some(Turn::Gate(gate)) => {
                gate.acquire().await.unwrap().forget();
                answer
            }
            _ => answer,
        }
    }

    fn rotate(&self, token: &str, turn: Option<&Turn>) -> Result<Tokens, Failure> {
        let (account, number) = parse(token);
        let mut state = self.state();
        if state.ended.contains(&account) {
            return Err(gone());
        }
        let family = state.families.entry(account.clone()).or_default();
        let is_repeated = number + 1 == family.number && self.has_grace;
        if number != family.number && !is_repeated {
            state.ended.insert(account);
            return Err(gone());
        }
        let keeps_old = matches!(turn, Some(Turn::KeepOld));
        if !is_repeated && !keeps_old {
            family.number += 1;
        }
        let number = family.number;
        let now = self.clock.now();
        let calls = state.calls[&account];
        Ok(Tokens {
            access_token: Secret::new(format!("at-{account}-{number}-{calls}-canary")),
            refresh_token: (!keeps_old).then(|| Secret::new(format!("rt-{account}-{number}"))),
            received_at: now,
            expires_at: (!matches!(turn, Some(Turn::NoEnd))).then(|| now + self.lifetime),
            scope: oauth::Scope::parse("read").unwrap(),
            account: None,
            id_token: None,
        })
    }
}

struct Leaving<'a>(&'a Scripted);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

/// `rt-ACCOUNT-NUMBER`; without a refresh token it is the installation's own.
fn parse(token: &str) -> (String, u32) {
    let mut parts = token.splitn(3, '-').skip(1);
    let account = parts.next().unwrap_or("installation").to_owned();
    (account, parts.next().map_or(0, |number| number.parse().unwrap()))
}

pub(crate) fn refusal(error: &str) -> Refusal {
    Refusal { error: error.into(), description: None }
}

pub(crate) fn gone() -> Failure {
    Failure::Gone(refusal("invalid_grant"))
}

pub(crate) fn lost() -> Failure {
    Failure::OutcomeUnknown(outbound::Error::Timeout {
        host: "idp.example".into(),
        limit: Duration::from_secs(1),
    })
}

impl Renewing for Scripted {
    fn renew<'a>(&'a self, _: &'a Vault, _: &'a Provider, renewal: Renewal<'a>) -> Answer<'a, Tokens> {
        let token = renewal.secrets.refresh_token.as_ref();
        let token = token.map(|token| token.expose().clone()).unwrap_or_default();
        Box::pin(async move {
            if token.is_empty() {
                return self.for_installation().await;
            }
            self.answer(token).await
        })
    }

    fn revoke<'a>(&'a self, _: &'a Vault, _: &'a Provider, secrets: &'a Secrets) -> Answer<'a, Revoked> {
        let token = secrets.refresh_token.as_ref().unwrap_or(&secrets.credential).expose().clone();
        let turn = self.state().turns.pop_front();
        Box::pin(async move {
            if let Some(Turn::Fail(failure)) = turn {
                return Err(failure);
            }
            self.state().revoked.push(token);
            Ok(Revoked::Done)
        })
    }
}

impl Scripted {
    async fn for_installation(&self) -> Result<Tokens, Failure> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        let calls = state.calls.entry("installation".into()).or_default();
        *calls += 1;
        let (calls, now) = (*calls, self.clock.now());
        Ok(Tokens {
            access_token: Secret::new(format!("own-{calls}")),
            refresh_token: None,
            received_at: now,
            expires_at: Some(now + self.lifetime),
            scope: oauth::Scope::default(),
            account: None,
            id_token: None,
        })
    }
}

/// Twenty seconds before the end of what lives an hour.
pub(crate) const ALMOST: Duration = Duration::from_secs(3600 - 20);
/// How long tokens live.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}
