//! How long things live.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// `[lifetimes]`: durations such as `"10m"`, all positive.
#[derive(Deserialize)]
#[serde(
    remote = "authorization_server::Lifetimes",
    default = "authorization_server::Lifetimes::default",
    deny_unknown_fields
)]
pub(super) struct Lifetimes {
    /// `authorization_request`: one that waits for a person. Default `"10m"`.
    #[serde(deserialize_with = "duration::deserialize")]
    authorization_request: Duration,
    /// `authorization_code`. Default `"1m"`.
    #[serde(deserialize_with = "duration::deserialize")]
    authorization_code: Duration,
    /// `access_token`. Default `"10m"`.
    #[serde(deserialize_with = "duration::deserialize")]
    access_token: Duration,
    /// `refresh_token_idle`: a refresh token that is not used. Default `"720h"`.
    #[serde(deserialize_with = "duration::deserialize")]
    refresh_token_idle: Duration,
    /// `grant`: a grant, however much it is used. Default `"8760h"`.
    #[serde(deserialize_with = "duration::deserialize")]
    grant: Duration,
    /// `refresh_repeat`: how long the same client may repeat a refresh token that was just used. Default `"1m"`.
    #[serde(deserialize_with = "duration::deserialize")]
    refresh_repeat: Duration,
    /// `session`: a browser session. Default `"12h"`.
    #[serde(deserialize_with = "duration::deserialize")]
    session: Duration,
    /// `invitation`: a set-up or invitation link. Default `"24h"`.
    #[serde(deserialize_with = "duration::deserialize")]
    invitation: Duration,
}
