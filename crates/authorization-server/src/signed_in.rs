//! Who is signed in, in this browser; for the pages of other crates too.

use audit::Person;
use oauth::{ClientId, UserId};
use secret::Digest;
use store::{SessionRecord, StoreError, UserRecord, UserState};

use crate::{
    AuthorizationServer, browser::FromBrowser, consent::is_verified, page::PageError, pages::Destination,
};

/// The person whose session this browser has.
pub struct SignedIn {
    pub(crate) session: SessionRecord,
    pub(crate) user: UserRecord,
}

impl SignedIn {
    /// The user's identifier: the `sub` of their tokens.
    pub fn user_id(&self) -> &UserId {
        &self.user.id
    }

    /// The name they sign in with.
    pub fn user_name(&self) -> &str {
        &self.user.name
    }

    /// The session, as the database knows it.
    pub fn session(&self) -> &Digest {
        &self.session.digest
    }
}

/// A client as it registered, for a page that names it.
#[derive(Debug, Clone)]
pub struct App {
    /// What it calls itself. Anybody can register any text.
    pub unverified_name: String,
    /// Whether the operator vouches for it.
    pub verified: bool,
    /// Where its first redirect URI leads, if it has one.
    pub destination: Option<Destination>,
}

impl AuthorizationServer {
    /// Who is signed in, in this browser; read from the database each time.
    ///
    /// # Errors
    /// [`PageError`] when the database cannot be read.
    pub async fn signed_in(&self, from: &FromBrowser) -> Result<Option<SignedIn>, PageError> {
        let Some(token) = &from.session else { return Ok(None) };
        let found = self.store().session(&token.digest(), self.now()).await?;
        Ok(found.map(|(session, user)| SignedIn { session, user }))
    }

    /// The client of this identifier, as it was at most a second ago; `None` when there is none (any more).
    ///
    /// # Errors
    /// [`PageError`] when the database cannot be read.
    pub async fn app(&self, id: &ClientId) -> Result<Option<App>, PageError> {
        let client = self.client(id).await?;
        Ok(client.map(|client| App {
            unverified_name: client.name.clone(),
            verified: is_verified(&client),
            destination: client.redirect_uris.first().map(Destination::of),
        }))
    }

    /// Whether this is an active user of this server who operates it; read from the database each time, so that it ends
    /// at once.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn is_operator(&self, id: &UserId) -> Result<bool, StoreError> {
        let user = self.store().user(id).await?;
        Ok(user.is_some_and(|user| user.is_operator && user.state == UserState::Active))
    }

    /// A user of this server as the audit log names them.
    pub fn person_signed_in(&self, who: &SignedIn) -> Person {
        self.person(&who.user)
    }
}
