//! Sessions with a legacy client in front of a server elsewhere. The id holds what the gateway would otherwise have to
//! store, sealed (AES-256-GCM) for its principal and its server: the upstream's own session id, which no client ever
//! sees, or what a modern upstream must be told of the client with every request.
//!
//! As in [`super`], any node serves any session, and an id is not found with anybody else's token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use mcp::ProtocolVersion;
use oauth::Timestamp;
use secret::{Digest, Keyring, Location, Random, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ENDED_SESSIONS, LIFETIME, Principal};

/// The longest id that is given out or looked at, in bytes: servers refuse heads of 16 KiB and more.
const MAXIMUM_LENGTH: usize = 6 * 1024;

/// What a session id says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedSession {
    /// The revision that `initialize` agreed on, as on the wire.
    #[serde(rename = "v")]
    version: String,
    /// Milliseconds.
    #[serde(rename = "t")]
    issued_at: i64,
    /// What stands behind the session.
    #[serde(rename = "u")]
    pub(crate) upstream: UpstreamSession,
    /// The revision that the server behind speaks, where it is another one.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    upstream_version: Option<String>,
    /// Whether the client can be sent to a URL.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub(crate) follows_links: bool,
    /// The connection to a third party that the server's session was opened with.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a session is to the server behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum UpstreamSession {
    /// A session of its own, if it opened one.
    #[serde(rename = "l")]
    Legacy(Option<String>),
    /// Nothing: it is told who asks with every request.
    #[serde(rename = "m")]
    Modern(ClientDescription),
    /// Nothing yet: the user has to be connected first.
    #[serde(rename = "w")]
    Waiting,
}

/// What a client said of itself at `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientDescription {
    #[serde(rename = "i")]
    pub(crate) info: Option<Value>,
    #[serde(rename = "c")]
    pub(crate) capabilities: Map<String, Value>,
}

/// Whether a client with these capabilities can be sent to a URL.
pub(crate) fn follows_links(capabilities: &Map<String, Value>) -> bool {
    capabilities.get("elicitation").is_some_and(|elicitation| elicitation.get("url").is_some())
}

impl SealedSession {
    pub(crate) fn new(version: ProtocolVersion, upstream: UpstreamSession, now: Timestamp) -> Self {
        Self {
            version: version.to_string(),
            issued_at: now.milliseconds(),
            upstream,
            upstream_version: None,
            follows_links: false,
            connection: None,
        }
    }

    /// The same session of a client that can be sent to a URL, or not.
    pub(crate) fn of_client(self, follows_links: bool) -> Self {
        Self { follows_links, ..self }
    }

    /// The same session, opened with this connection.
    pub(crate) fn opened_with(self, connection: Option<&Digest>) -> Self {
        Self { connection: connection.map(text_of), ..self }
    }

    /// Whether it may go on with this connection: what a server remembers of one account is no other's (UP-14).
    pub(crate) fn goes_on_with(&self, connection: Option<&Digest>) -> bool {
        match &self.upstream {
            UpstreamSession::Legacy(_) => self.connection == connection.map(text_of),
            // A modern server remembers nothing.
            UpstreamSession::Modern(_) => true,
            UpstreamSession::Waiting => false,
        }
    }

    /// The same session, behind which `version` is spoken.
    pub(crate) fn behind_which(self, version: ProtocolVersion) -> Self {
        let upstream_version = (version != self.version()).then(|| version.to_string());
        Self { upstream_version, ..self }
    }

    /// The revision that is spoken with the server.
    pub(crate) fn upstream_version(&self) -> ProtocolVersion {
        let behind = self.upstream_version.as_deref().and_then(ProtocolVersion::parse);
        behind.unwrap_or_else(|| self.version())
    }

    pub(crate) fn version(&self) -> ProtocolVersion {
        ProtocolVersion::parse(&self.version).unwrap_or(ProtocolVersion::LATEST_LEGACY)
    }
}

/// Seals and opens the session ids of one server.
pub(crate) struct SealedSessions {
    server: String,
    keyring: Keyring,
    ended: moka::sync::Cache<Digest, ()>,
}

impl SealedSessions {
    /// Sessions of the server called `server`, under a key of 256 bit that all nodes share.
    pub(crate) fn new(server: &str, key: &Secret<[u8; 32]>) -> Self {
        Self {
            server: server.to_owned(),
            keyring: Keyring::derived_from(key.expose(), "sealed mcp session ids"),
            ended: moka::sync::Cache::builder().max_capacity(ENDED_SESSIONS).time_to_live(LIFETIME).build(),
        }
    }

    /// The id of a session; `None` when it would be too long to send back.
    pub(crate) fn seal(
        &self,
        session: &SealedSession,
        principal: Principal<'_>,
        random: &dyn Random,
    ) -> Option<HeaderValue> {
        let clear = serde_json::to_vec(session).ok()?;
        let sealed = self.keyring.seal(random, self.location(&principal.encoded()), &clear);
        let id = URL_SAFE_NO_PAD.encode(sealed);
        (id.len() <= MAXIMUM_LENGTH).then(|| HeaderValue::from_str(&id).ok()).flatten()
    }

    /// The session that an id stands for; `None` when it is forged, another principal's, expired or ended.
    pub(crate) fn open(
        &self,
        unverified_id: &[u8],
        principal: Principal<'_>,
        now: Timestamp,
    ) -> Option<SealedSession> {
        let id = Some(unverified_id).filter(|id| id.len() <= MAXIMUM_LENGTH)?;
        let sealed = URL_SAFE_NO_PAD.decode(id).ok()?;
        let clear = self.keyring.open(self.location(&principal.encoded()), &sealed).ok()?;
        let session: SealedSession = serde_json::from_slice(clear.expose()).ok()?;
        let age = now.since(Timestamp::from_milliseconds(session.issued_at));
        let lives = age < LIFETIME && !self.ended.contains_key(&Digest::of(unverified_id));
        lives.then_some(session)
    }

    /// Ends the session of an id on this node.
    pub(crate) fn end(&self, id: &[u8]) {
        self.ended.insert(Digest::of(id), ());
    }

    fn location<'l>(&'l self, principal: &'l [u8]) -> Location<'l> {
        Location { table: "mcp session", row: principal, column: &self.server }
    }
}

fn text_of(connection: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(connection.as_bytes())
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

    fn sessions(server: &str) -> SealedSessions {
        SealedSessions::new(server, &Secret::new([7; 32]))
    }

    fn session() -> SealedSession {
        let upstream = UpstreamSession::Legacy(Some("upstream-secret".to_owned()));
        SealedSession::new(ProtocolVersion::V2025_06_18, upstream, NOW)
    }

    fn seal(sessions: &SealedSessions) -> HeaderValue {
        sessions.seal(&session(), ALICE, &Counted(9.into())).unwrap()
    }

    #[test]
    fn gw_18_any_node_opens_it_for_its_principal_alone() {
        let id = seal(&sessions("a"));
        assert_eq!(sessions("a").open(id.as_bytes(), ALICE, NOW), Some(session()));
        for principal in [
            Principal { subject: "bob", ..ALICE },
            Principal { issuer: "https://other", ..ALICE },
            Principal { client_id: "d", ..ALICE },
            Principal { subject: "alicec", client_id: "", ..ALICE },
        ] {
            assert_eq!(sessions("a").open(id.as_bytes(), principal, NOW), None, "{principal:?}");
        }
        assert_eq!(sessions("b").open(id.as_bytes(), ALICE, NOW), None);
        assert_eq!(SealedSessions::new("a", &Secret::new([8; 32])).open(id.as_bytes(), ALICE, NOW), None);
    }

    #[test]
    fn up_14_a_session_goes_on_with_the_connection_that_it_was_opened_with() {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let opened = session().opened_with(Some(&one));
        assert!(opened.goes_on_with(Some(&one)) && session().goes_on_with(None));
        assert!(!opened.goes_on_with(Some(&other)) && !opened.goes_on_with(None));
        assert!(!session().goes_on_with(Some(&one)));
        let waiting = SealedSession { upstream: UpstreamSession::Waiting, ..session() };
        assert!(!waiting.goes_on_with(Some(&one)) && !waiting.goes_on_with(None));
    }

    #[test]
    fn forged_ended_and_old_ids_are_not_found() {
        let sessions = sessions("a");
        let id = seal(&sessions);
        for position in 0..id.len() {
            let mut forged = id.as_bytes().to_vec();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(sessions.open(&forged, ALICE, NOW), None, "{position}");
        }
        assert_eq!(sessions.open(id.as_bytes(), ALICE, NOW + LIFETIME), None);
        sessions.end(id.as_bytes());
        assert_eq!(sessions.open(id.as_bytes(), ALICE, NOW), None);
    }

    #[test]
    fn a_client_that_says_too_much_gets_no_id() {
        let info = Some(Value::String("x".repeat(MAXIMUM_LENGTH)));
        let upstream = UpstreamSession::Modern(ClientDescription { info, capabilities: Map::new() });
        let session = SealedSession::new(ProtocolVersion::V2025_06_18, upstream, NOW);
        assert_eq!(sessions("a").seal(&session, ALICE, &Counted(9.into())), None);
    }
}
