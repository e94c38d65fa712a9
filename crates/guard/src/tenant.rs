use std::collections::BTreeSet;

use oauth::{ResourceIndicator, access_token::AccessTokenClaims};

/// The account whose resource it is, where one installation has resources of several.
///
/// The token decides which account a request is for; what the URL says has to agree. A holder who is known, but not of
/// this account, is answered with 403: another token for the same holder would change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The beginning of the resources of all accounts; ends with a slash.
    pub all: String,
    /// The beginning of the resources of this one; ends with a slash.
    pub own: String,
    /// Who belongs to the account, by user name.
    pub users: BTreeSet<String>,
    /// Which clients do when they act for nobody, by client identifier.
    pub clients: BTreeSet<String>,
}

impl Tenant {
    /// Whether a token for `audience` is for another account.
    pub(crate) fn is_another_of(&self, audience: &ResourceIndicator) -> bool {
        audience.as_str().starts_with(&self.all) && !audience.as_str().starts_with(&self.own)
    }

    /// Whether the holder of a token belongs to the account.
    pub(crate) fn admits(&self, claims: &AccessTokenClaims) -> bool {
        match &claims.preferred_username {
            Some(user) => self.users.contains(user),
            None => {
                let client = claims.client_id.as_str();
                // The clients of other issuers are called ID@ISSUER.
                let is_itself = client.strip_prefix(&claims.sub).is_some_and(|rest| {
                    rest.is_empty() || rest.strip_prefix('@') == Some(claims.iss.as_str())
                });
                is_itself && self.clients.contains(client)
            }
        }
    }
}
