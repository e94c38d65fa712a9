use std::fmt;

use oauth::{Scope, Timestamp};
use secret::Random;

use crate::{owner::Owner, provider::ProviderName};

/// No identifier that is minted begins like this.
const OF_CONFIGURATION: &str = "configuration:";

/// One account of one owner at one provider, without anything that is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// Whose it is.
    pub owner: Owner,
    /// Where the account is.
    pub provider: ProviderName,
    /// What the provider calls the account, where that could be found out.
    pub account: Option<String>,
    /// What people call the account.
    pub account_name: Option<String>,
    /// What the provider allowed.
    pub scope: Scope,
    /// Whether its credential can be used.
    pub state: ConnectionState,
    /// Whether it is the one of its owner at this provider that is used.
    pub is_chosen: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its credential was last given out, exact to a minute.
    pub last_used_at: Option<Timestamp>,
}

/// The identifier of a connection: 128 random bits, no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// Makes a new one.
    pub fn mint(random: &dyn Random) -> Self {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(format!("connection_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Of what the operator has put into the configuration. It stands in no database, and nobody ends it.
    pub(crate) fn of_configuration(provider: &ProviderName) -> Self {
        Self(format!("{OF_CONFIGURATION}{provider}"))
    }

    /// Whether it is [`ConnectionId::of_configuration`].
    pub(crate) fn is_of_configuration(&self) -> bool {
        self.0.starts_with(OF_CONFIGURATION)
    }

    /// Takes a presented identifier as it is: whether it names anything, a look-up decides.
    pub fn from_unverified(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a connection's credential can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// It can, and is refreshed when it has to be.
    Connected,
    /// The person has to connect again.
    Reconnect(ReconnectReason),
}

/// Why a person has to connect again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReconnectReason {
    /// The provider no longer accepts the refresh token (`invalid_grant`, RFC 6749 §5.2): access was withdrawn there, or
    /// it was not used for too long.
    Withdrawn,
    /// The credential has expired, and there is no refresh token to get another one with.
    Expired,
    /// The provider may have given a new refresh token that never arrived, and does not accept the old one twice.
    UnknownOutcome,
    /// The API refused a credential that is not expired and cannot be refreshed.
    Rejected,
    /// What is stored does not open: it was changed, or an older state of it was put back.
    Damaged,
}

impl ReconnectReason {
    /// Every reason there is.
    pub const ALL: [Self; 5] =
        [Self::Withdrawn, Self::Expired, Self::UnknownOutcome, Self::Rejected, Self::Damaged];

    /// The word for programs and for the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Rejected => "rejected",
            Self::Damaged => "damaged",
        }
    }

    /// Reads the word; `None` when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The reason in a sentence for people, which begins after "The connection has to be made again:".
    pub fn told(self) -> &'static str {
        match self {
            Self::Withdrawn => {
                "the provider no longer accepts what it gave us; access was withdrawn there, or unused for too long"
            }
            Self::Expired => "it has expired, and the provider gave us nothing to renew it with",
            Self::UnknownOutcome => {
                "the provider's answer to a renewal was lost, so that what we hold may be void"
            }
            Self::Rejected => "the provider refused it although it had not expired",
            Self::Damaged => "what was stored of it cannot be read, or is older than it should be",
        }
    }
}

impl fmt::Display for ReconnectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.told())
    }
}
