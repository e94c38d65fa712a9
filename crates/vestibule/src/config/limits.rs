//! How often strangers may try.

use serde::Deserialize;

/// `[limits]`: per minute, before the answer is 429.
#[derive(Deserialize)]
#[serde(
    remote = "authorization_server::Limits",
    default = "authorization_server::Limits::default",
    deny_unknown_fields
)]
pub(super) struct Limits {
    /// `registrations_per_address`. Default 600.
    registrations_per_address: u32,
    /// `registrations`: from everywhere. Default 1200.
    registrations: u32,
    /// `failed_logins`: for one user name from one address. Default 10.
    failed_logins: u32,
    /// `failed_client_authentications`: for one client from one address. Default 20.
    failed_client_authentications: u32,
    /// `authorization_requests_per_address`. Default 6000.
    authorization_requests_per_address: u32,
}
