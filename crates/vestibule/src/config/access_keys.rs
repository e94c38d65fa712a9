//! Requests that are signed with an access key.

use serde::Deserialize;

/// `[access_keys]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccessKeys {
    /// `enabled`: whether signed requests are accepted (AWS Signature Version 4). Default `true`; nobody can sign
    /// anything before there is a key.
    pub(crate) enabled: bool,
    /// `region`: for which region requests have to be signed. Default `"us-east-1"`.
    pub(crate) region: String,
    /// `service`: for which service requests have to be signed. Default `"vestibule"`.
    pub(crate) service: String,
}

impl Default for AccessKeys {
    fn default() -> Self {
        Self { enabled: true, region: "us-east-1".to_owned(), service: "vestibule".to_owned() }
    }
}
