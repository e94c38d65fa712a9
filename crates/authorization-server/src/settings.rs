use std::{collections::BTreeMap, sync::Arc, time::Duration};

use audit::Auditor;
use oauth::{Clock, Issuer, ResourceIndicator, Scope};
use secret::Random;
use store::RevocationRecord;

/// What the authorization server needs to know; handed in whole, so that nothing here reads a file, the
/// environment, the time or the operating system's random source.
pub struct Settings {
    /// The issuer identifier; every URL that is emitted begins with it.
    pub issuer: Issuer,
    /// The resources that tokens can be issued for, at the start. A request that names none gets the default one.
    pub resources: Vec<Resource>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// What strangers may register.
    pub registration: RegistrationPolicy,
    /// How often strangers may try.
    pub limits: Limits,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub random: Arc<dyn Random>,
    /// Is told of each revocation right after it is committed, so that this node's guards know before the
    /// answer is sent. Other nodes read it from the database.
    pub on_revocation: Arc<dyn Fn(&RevocationRecord) + Send + Sync>,
    /// Keeps what happened: nothing that is recorded happens without a place in it.
    pub auditor: Arc<dyn Auditor>,
}

/// A protected resource that tokens can be issued for.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its identifier: the audience of its tokens.
    pub indicator: ResourceIndicator,
    /// What a person calls it.
    pub name: String,
    /// The scopes it knows.
    pub scopes: Vec<ScopeDescription>,
    /// Whether a request without `resource` means this one.
    pub is_default: bool,
    /// Whether the front page leaves it out: it is only another name of a resource that is listed too, or nothing that
    /// an app for MCP is pointed to.
    pub is_alias: bool,
}

impl Resource {
    /// All scopes it knows.
    pub fn scope(&self) -> Scope {
        let text = self.scopes.iter().map(|scope| scope.token.as_str()).collect::<Vec<_>>().join(" ");
        Scope::parse(&text).unwrap_or_default()
    }
}

/// One scope in words.
#[derive(Debug, Clone)]
pub struct ScopeDescription {
    /// The scope token.
    pub token: String,
    /// What it permits, as a sentence; by language tag (`en`, `zh-Hans`).
    pub sentences: BTreeMap<String, String>,
    /// Whether it permits to change or delete something.
    pub changes: bool,
}

/// How long things live. All durations are positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetimes {
    /// An authorization request that waits for a person.
    pub authorization_request: Duration,
    /// An authorization code; RFC 6749 §4.1.2 recommends at most ten minutes.
    pub authorization_code: Duration,
    /// An access token.
    pub access_token: Duration,
    /// A refresh token that is not used.
    pub refresh_token_idle: Duration,
    /// A grant, however much it is used.
    pub grant: Duration,
    /// How long after a rotation the same client may repeat the previous refresh token and gets the same
    /// successor again.
    pub refresh_repeat: Duration,
    /// A browser session.
    pub session: Duration,
    /// A set-up or invitation link.
    pub invitation: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            authorization_request: Duration::from_mins(10),
            authorization_code: Duration::from_mins(1),
            access_token: Duration::from_mins(10),
            refresh_token_idle: Duration::from_hours(30 * 24),
            grant: Duration::from_hours(365 * 24),
            refresh_repeat: Duration::from_mins(1),
            session: Duration::from_hours(12),
            invitation: Duration::from_hours(24),
        }
    }
}

/// What dynamic registration (RFC 7591) allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Whether there is a registration endpoint at all.
    pub enabled: bool,
    /// Whether a confidential client that registers itself may use `client_credentials`. Off by default: nobody
    /// has consented to such a client. Demo mode turns it on, on loopback only.
    pub client_credentials: bool,
    /// How long a client that nobody has granted anything is kept.
    pub quarantine: Duration,
    /// How many self-registered clients may exist at once.
    pub maximum_clients: u64,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            client_credentials: false,
            quarantine: Duration::from_hours(24),
            maximum_clients: 10_000,
        }
    }
}

/// How often strangers may try, per minute, before they get 429 with `Retry-After`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Registrations from one address.
    pub registrations_per_address: u32,
    /// Registrations from everywhere.
    pub registrations: u32,
    /// Failed sign-ins for one user name from one address.
    pub failed_logins: u32,
    /// Failed client authentications for one client from one address.
    pub failed_client_authentications: u32,
    /// Authorization requests from one address: each one is a row.
    pub authorization_requests_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            registrations_per_address: 600,
            registrations: 1200,
            failed_logins: 10,
            failed_client_authentications: 20,
            authorization_requests_per_address: 6000,
        }
    }
}
