//! One-time links that let somebody choose a name and a password: for the first operator and for invitations.

use std::time::Duration;

use oauth::{Issuer, Timestamp};
use secret::{Random, Token};
use store::{Batch, CommitError, InvitationRecord, Store, invitation};

use crate::{kinds::Invitation, pages::SET_UP_PATH};

/// Whom an invitation is for.
pub struct NewInvitation<'a> {
    /// The name of the account; `None` lets the person choose, as the first operator does.
    pub user_name: Option<&'a str>,
    /// Whether the account may administer this server.
    pub makes_operator: bool,
    /// How long the link can be used.
    pub lifetime: Duration,
}

/// Makes a link's token. A link for the first operator retires the ones before it.
///
/// # Errors
/// When the store fails.
pub async fn create(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    new: NewInvitation<'_>,
) -> Result<Token<Invitation>, CommitError> {
    let token = Token::<Invitation>::mint(random);
    let record = InvitationRecord {
        digest: token.digest(),
        user_name: new.user_name.map(str::to_owned),
        makes_operator: new.makes_operator,
        created_at: now,
        expires_at: now + new.lifetime,
        used_at: None,
    };
    let mut batch = Batch::new();
    if new.user_name.is_none() {
        batch = batch.then(invitation::revoke_set_up(now));
    }
    store.commit(batch.then(invitation::insert(&record))).await?;
    Ok(token)
}

/// The link.
pub fn url(issuer: &Issuer, token: &Token<Invitation>) -> String {
    format!("{}?token={}", issuer.url(SET_UP_PATH), token.expose())
}
