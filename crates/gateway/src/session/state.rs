//! `requestState` of the modern era: what the gateway has to know when a client sends its request again with answers
//! (2026-07-28, Multi Round-Trip Requests).
//!
//! The client holds it, so it is sealed (AES-256-GCM) for its principal and its server, says which request it belongs
//! to, and ends: "servers MUST treat it as attacker-controlled input".

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::Timestamp;
use secret::{Digest, Keyring, Location, Random, Secret};
use serde::{Deserialize, Serialize};

use super::Principal;

/// How long a person may take to follow a link.
const LIFETIME: Duration = Duration::from_hours(1);
/// No state of ours is longer, in bytes.
const MAXIMUM_LENGTH: usize = 1024;

/// What a request waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Waits {
    /// The answer to a question; the call that asks is held under this key.
    #[serde(rename = "h")]
    Held(String),
    /// That somebody follows a link; nothing is held.
    #[serde(rename = "l")]
    Link,
}

#[derive(Serialize, Deserialize)]
struct RequestState {
    /// Milliseconds.
    #[serde(rename = "t")]
    issued_at: i64,
    /// The request that it belongs to.
    #[serde(rename = "r")]
    request: String,
    #[serde(rename = "w")]
    waits: Waits,
}

/// Seals and opens the states of one server.
pub(crate) struct RequestStates {
    server: String,
    keyring: Keyring,
}

impl RequestStates {
    /// States of the server called `server`, under a key of 256 bit that all nodes share.
    pub(crate) fn new(server: &str, key: &Secret<[u8; 32]>) -> Self {
        let keyring = Keyring::derived_from(key.expose(), "sealed mcp request states");
        Self { server: server.to_owned(), keyring }
    }

    /// The state of a request that waits.
    pub(crate) fn seal(
        &self,
        waits: Waits,
        request: &Digest,
        principal: Principal<'_>,
        (now, random): (Timestamp, &dyn Random),
    ) -> String {
        let state = RequestState { issued_at: now.milliseconds(), request: text_of(request), waits };
        let clear = serde_json::to_vec(&state).expect("texts and numbers cannot fail to serialise");
        URL_SAFE_NO_PAD.encode(self.keyring.seal(random, self.location(&principal.encoded()), &clear))
    }

    /// What a request waits for; `None` when the state is forged, another principal's, another request's or expired.
    pub(crate) fn open(
        &self,
        unverified_state: &str,
        request: &Digest,
        principal: Principal<'_>,
        now: Timestamp,
    ) -> Option<Waits> {
        let state = Some(unverified_state).filter(|state| state.len() <= MAXIMUM_LENGTH)?;
        let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
        let clear = self.keyring.open(self.location(&principal.encoded()), &sealed).ok()?;
        let state: RequestState = serde_json::from_slice(clear.expose()).ok()?;
        let age = now.since(Timestamp::from_milliseconds(state.issued_at));
        (age < LIFETIME && state.request == text_of(request)).then_some(state.waits)
    }

    fn location<'l>(&'l self, principal: &'l [u8]) -> Location<'l> {
        Location { table: "mcp request state", row: principal, column: &self.server }
    }
}

fn text_of(digest: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Random for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const ALICE: Principal<'static> = Principal { issuer: "https://as", subject: "alice", client_id: "c" };

    #[test]
    fn gw_19_a_state_is_opened_for_its_principal_its_request_and_its_server_alone() {
        let states = |server: &str| RequestStates::new(server, &Secret::new([7; 32]));
        let (this, other) = (Digest::of(b"this"), Digest::of(b"other"));
        let state = states("a").seal(Waits::Held("k".to_owned()), &this, ALICE, (NOW, &Zero));
        assert_eq!(states("a").open(&state, &this, ALICE, NOW), Some(Waits::Held("k".to_owned())));
        for principal in [Principal { subject: "bob", ..ALICE }, Principal { client_id: "d", ..ALICE }] {
            assert_eq!(states("a").open(&state, &this, principal, NOW), None, "{principal:?}");
        }
        assert_eq!(states("a").open(&state, &other, ALICE, NOW), None);
        assert_eq!(states("b").open(&state, &this, ALICE, NOW), None);
        assert_eq!(states("a").open(&state, &this, ALICE, NOW + LIFETIME), None);
        for position in 0..state.len() {
            let mut forged = state.clone().into_bytes();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(states("a").open(&forged, &this, ALICE, NOW), None, "{position}");
        }
        assert_eq!(states("a").open(&"A".repeat(100_000), &this, ALICE, NOW), None);
    }
}
