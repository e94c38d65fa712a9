//! What strangers may register.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// `[registration]`
#[derive(Deserialize)]
#[serde(
    remote = "authorization_server::RegistrationPolicy",
    default = "authorization_server::RegistrationPolicy::default",
    deny_unknown_fields
)]
pub(super) struct Registration {
    /// `enabled`: whether there is a registration endpoint. Default `true`.
    enabled: bool,
    /// `client_credentials`: whether a client that registers itself may act without a person. Default `false`;
    /// always on in the demo.
    client_credentials: bool,
    /// `quarantine`: how long a client that nobody has granted anything is kept. Default `"24h"`.
    #[serde(deserialize_with = "duration::deserialize")]
    quarantine: Duration,
    /// `maximum_clients`: how many self-registered clients may exist at once. Default 10000.
    maximum_clients: u64,
}
