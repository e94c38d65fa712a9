//! Sessions of the legacy era that nobody has to remember.
//!
//! Up to 2025-11-25 a server may hand out an `Mcp-Session-Id` at `initialize`. Ours *is* the session: protocol version,
//! time of issue and 128 random bits, under an HMAC that also covers the server's name and the principal (issuer,
//! subject, client). So
//! - any node that holds the key accepts it, and a restart ends no session;
//! - an idle session costs no memory, however many there are;
//! - with another principal's token, or at another server, it does not verify, and is "not found" (404) just like one
//!   that was never issued: possession of a session id proves nothing (2025-11-25, Security Best Practices).
//!
//! What it costs: `DELETE` must remember the end of a session until it would have expired. That set is bounded and
//! local to a node; where it forgets, a session lives on that its own principal had ended, which gives nobody anything,
//! since every request is authorized by its token alone. See `docs/decisions/0004-stateless-mcp-sessions.md`.

pub(crate) mod memory;
pub(crate) mod sealed;
pub(crate) mod state;

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use mcp::ProtocolVersion;
use oauth::Timestamp;
use secret::{Digest, Random, Secret};

/// How long a session lives; the client then gets 404 and initializes again, which every client must be able to.
const LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How many ended sessions a node remembers.
const ENDED_SESSIONS: u64 = 65_536;
/// Keeps this HMAC apart from any other use of a key.
const PURPOSE: &[u8] = b"vestibule mcp session 1";

const RANDOM: usize = 16;
/// Version, milliseconds, random bits.
const CLAIMS: usize = 1 + 8 + RANDOM;
const TAG: usize = 32;

/// Who a session belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Principal<'p> {
    /// The issuer of the token; a subject means nothing without it.
    pub(crate) issuer: &'p str,
    /// The resource owner.
    pub(crate) subject: &'p str,
    /// The client that acts.
    pub(crate) client_id: &'p str,
}

impl Principal<'_> {
    /// Every part preceded by its length, so that no two principals are encoded alike.
    fn encoded(&self) -> Vec<u8> {
        let parts = [self.issuer, self.subject, self.client_id];
        parts
            .iter()
            .flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.bytes()))
            .collect()
    }

    /// The principal as a key of a table.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.encoded())
    }
}

/// A session whose id verified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// What `initialize` agreed on.
    pub(crate) version: ProtocolVersion,
    random: [u8; RANDOM],
}

/// Issues and verifies the session ids of one server.
pub(crate) struct Sessions {
    server: String,
    key: hmac::Key,
    ended: moka::sync::Cache<[u8; RANDOM], ()>,
}

impl Sessions {
    /// Sessions of the server called `server`, under a key of 256 bit that all nodes share.
    pub(crate) fn new(server: &str, key: &Secret<[u8; 32]>) -> Self {
        Self {
            server: server.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()),
            ended: moka::sync::Cache::builder().max_capacity(ENDED_SESSIONS).time_to_live(LIFETIME).build(),
        }
    }

    /// A new session id.
    pub(crate) fn open(
        &self,
        version: ProtocolVersion,
        principal: Principal<'_>,
        now: Timestamp,
        random: &dyn Random,
    ) -> HeaderValue {
        let mut id = [0; CLAIMS + TAG];
        id[0] = number(version);
        id[1..9].copy_from_slice(&now.milliseconds().to_be_bytes());
        random.fill(&mut id[9..CLAIMS]);
        let tag = self.tag(&id[..CLAIMS], principal);
        id[CLAIMS..].copy_from_slice(tag.as_ref());
        HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(id)).expect("base64url is a header value")
    }

    /// The session that an id stands for; `None` when it is forged, another principal's, expired or ended.
    pub(crate) fn read(
        &self,
        unverified_id: &[u8],
        principal: Principal<'_>,
        now: Timestamp,
    ) -> Option<Session> {
        let mut id = [0; CLAIMS + TAG];
        let length = URL_SAFE_NO_PAD.decode_slice(unverified_id, &mut id).ok()?;
        let (claims, tag) = id.split_at(CLAIMS);
        let expected = self.tag(claims, principal);
        aws_lc_rs::constant_time::verify_slices_are_equal(
            expected.as_ref(),
            &tag[..length.checked_sub(CLAIMS)?],
        )
        .ok()?;
        let version = version(claims[0])?;
        let (time, random) = claims[1..].split_first_chunk::<8>()?;
        let issued_at = Timestamp::from_milliseconds(i64::from_be_bytes(*time));
        let random = *random.first_chunk::<RANDOM>()?;
        let lives = now.since(issued_at) < LIFETIME && !self.ended.contains_key(&random);
        lives.then_some(Session { version, random })
    }

    /// Ends a session on this node.
    pub(crate) fn end(&self, session: &Session) {
        self.ended.insert(session.random, ());
    }

    /// Every part is preceded by its length, so that no two principals share an input.
    fn tag(&self, claims: &[u8], principal: Principal<'_>) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        let parts = [
            PURPOSE,
            claims,
            self.server.as_bytes(),
            principal.issuer.as_bytes(),
            principal.subject.as_bytes(),
            principal.client_id.as_bytes(),
        ];
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

/// The numbers stand in ids that outlive a release: they are never given to another version.
fn number(version: ProtocolVersion) -> u8 {
    match version {
        ProtocolVersion::V2024_11_05 => 1,
        ProtocolVersion::V2025_03_26 => 2,
        ProtocolVersion::V2025_06_18 => 3,
        ProtocolVersion::V2025_11_25 => 4,
        ProtocolVersion::V2026_07_28 => 5,
    }
}

fn version(unverified_number: u8) -> Option<ProtocolVersion> {
    ProtocolVersion::ALL.into_iter().find(|version| number(*version) == unverified_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(std::sync::atomic::AtomicU8);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const ALICE: Principal<'static> = Principal { issuer: "https://as", subject: "alice", client_id: "c" };

    fn sessions(server: &str) -> Sessions {
        Sessions::new(server, &Secret::new([7; 32]))
    }

    fn open(sessions: &Sessions) -> HeaderValue {
        sessions.open(ProtocolVersion::V2025_06_18, ALICE, NOW, &Counted(9.into()))
    }

    #[test]
    fn a_session_is_read_on_any_node_that_has_the_key() {
        let id = open(&sessions("demo"));
        let session = sessions("demo").read(id.as_bytes(), ALICE, NOW + Duration::from_mins(1)).unwrap();
        assert_eq!(session.version, ProtocolVersion::V2025_06_18);
        assert!(id.as_bytes().iter().all(u8::is_ascii_graphic));
    }

    #[test]
    fn gw_18_a_session_is_not_found_by_anybody_else() {
        let sessions = sessions("demo");
        let id = open(&sessions);
        for principal in [
            Principal { subject: "bob", ..ALICE },
            Principal { issuer: "https://other", ..ALICE },
            Principal { client_id: "d", ..ALICE },
            Principal { subject: "alicec", client_id: "", ..ALICE },
        ] {
            assert_eq!(sessions.read(id.as_bytes(), principal, NOW), None, "{principal:?}");
        }
        let other = Sessions::new("other", &Secret::new([7; 32]));
        assert_eq!(other.read(id.as_bytes(), ALICE, NOW), None);
        assert_eq!(Sessions::new("demo", &Secret::new([8; 32])).read(id.as_bytes(), ALICE, NOW), None);
    }

    #[test]
    fn forged_ids_are_not_found() {
        let sessions = sessions("demo");
        let id = open(&sessions).to_str().unwrap().to_owned();
        for position in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(sessions.read(&forged, ALICE, NOW), None, "{position}");
        }
        for forged in [&id[..id.len() - 1], &id[..40], "", "=", &format!("{id}AAAA")] {
            assert_eq!(sessions.read(forged.as_bytes(), ALICE, NOW), None, "{forged}");
        }
    }

    #[test]
    fn sessions_end_by_delete_and_by_age() {
        let sessions = sessions("demo");
        let id = open(&sessions);
        assert_eq!(sessions.read(id.as_bytes(), ALICE, NOW + LIFETIME), None);
        let session = sessions.read(id.as_bytes(), ALICE, NOW).unwrap();
        sessions.end(&session);
        assert_eq!(sessions.read(id.as_bytes(), ALICE, NOW), None);
    }
}
