//! How a person connects an account at a provider.
//!
//! 1. *ask*: a call needs a credential that is not there; one open request for the same owner, provider, client and server
//!    is made or found, and its link given out. The link opens nothing by itself (`ask.rs`).
//! 2. *answer*: only the very person may ([`Person`] of the session against the owner of the request; managers for a
//!    team), and only after they *allowed* it on our page; [`Allowed`] is the proof (`authorize.rs`).
//! 3. *authorize*: state, verifier, nonce, issuer, token endpoint and redirect URI are recorded, sealed and bound to this
//!    browser and this user, before the URL leaves (`authorize.rs`, `flow.rs`).
//! 4. *callback*: the answer is taken once, by one conditional statement, within ten minutes, from this browser and this
//!    user; then provider, `iss` and everything else in it are judged by a pure function (`callback.rs`).
//! 5. *exchange*: a task of its own redeems the code and stores, sealed, what was received before anything else happens;
//!    a browser that goes away loses nothing (`exchange.rs`).
//! 6. *finish*: whose account it is, is found out. The same as before, or the first: it is a connection now. Another one:
//!    the person says what becomes of it (`finish.rs`).
//!
//! No HTTP of ours is here: the console renders it.

mod access;
mod ask;
mod authorize;
mod callback;
mod entered;
mod error;
mod exchange;
mod finish;
mod flow;
mod outcome;
mod pending;
mod settle;

use client::AuthorizationUrl;
use oauth::{Scope, Timestamp, UserId};
use secret::Secret;

pub use self::{
    authorize::Allowed,
    error::{ConnectError, ConnectErrorKind},
};
use crate::{
    connection::ConnectionId,
    need::{AskedBy, NeedReason},
    owner::Owner,
    provider::ProviderName,
};

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their identifier.
    pub id: UserId,
    /// Their name, by which teams know them.
    pub name: String,
}

/// What a person is asked to connect, for the page that asks them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Its identifier.
    pub id: String,
    /// Whose connection it will be.
    pub owner: Owner,
    /// Where the account is.
    pub provider: ProviderName,
    /// What is asked for.
    pub scope: Scope,
    /// Why.
    pub reason: NeedReason,
    /// Whose call waits; `None` when the person began it.
    pub asked_by: Option<AskedBy>,
    /// The account that is connected already, as people know it.
    pub account_hint: Option<String>,
    /// From here on nobody can begin it.
    pub expires_at: Timestamp,
    /// How far it is.
    pub state: RequestState,
}

/// How far a connect request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has begun.
    Open,
    /// A browser is at the provider.
    Authorizing,
    /// The provider's answer is being worked on; ask again in a moment.
    Working,
    /// Done.
    Connected {
        /// The account, as people know it.
        account: Option<String>,
        /// What was asked for and not granted.
        missing: Scope,
    },
    /// It is another account than before: [`Vault::settle_account`](crate::Vault::settle_account) is needed.
    AccountChanged {
        /// The account before, as people know it.
        former: Option<String>,
        /// The account now; `None` when the provider would not say.
        received: Option<String>,
    },
    /// The person said no here.
    Declined,
    /// The person or the provider said no there; it may be tried again.
    Refused {
        /// The error code of the provider.
        error: String,
        /// What the provider says about it, without control characters and bounded. To be escaped.
        description: Option<String>,
    },
    /// It went wrong; it may be tried again.
    Failed {
        /// What happened and what to do, in words of ours.
        told: String,
    },
}

/// What becomes of the account that was received in place of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChoice {
    /// It takes the place of the one before, which is revoked.
    Replace,
    /// Both stay; the new one is used.
    KeepBoth,
    /// The one before stays; what was received is revoked.
    Cancel,
}

/// Where the person goes on.
#[derive(Debug)]
pub enum AuthorizeStep {
    /// To the provider.
    Redirect(AuthorizationUrl),
    /// To a form of ours, for [`Vault::enter_secret`](crate::Vault::enter_secret).
    EnterSecret {
        /// Whether a user name belongs to it.
        with_name: bool,
        /// Where the person finds or makes the credential.
        made_at: Option<String>,
    },
}

/// What came of an answer of a provider, or of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connected {
    /// The account is connected.
    Done {
        /// The connect request.
        id: String,
        /// The connection.
        connection: ConnectionId,
        /// The account, as people know it.
        account: Option<String>,
        /// What was asked for and not granted.
        missing: Scope,
    },
    /// It is another account than before: [`Vault::settle_account`](crate::Vault::settle_account) is needed.
    AccountChanged {
        /// The connect request.
        id: String,
        /// The account before, as people know it.
        former: Option<String>,
        /// The account now; `None` when the provider would not say.
        received: Option<String>,
    },
    /// Nothing was connected, as the person chose; what was received is revoked.
    Cancelled {
        /// The connect request.
        id: String,
    },
}

impl Connected {
    /// The connect request.
    pub fn id(&self) -> &str {
        match self {
            Self::Done { id, .. } | Self::AccountChanged { id, .. } | Self::Cancelled { id } => id,
        }
    }
}

/// What a person entered on our page.
#[derive(Debug)]
pub struct EnteredSecret {
    /// The user name, where one belongs to it.
    pub name: Option<String>,
    /// The key or the password.
    pub secret: Secret<String>,
}
