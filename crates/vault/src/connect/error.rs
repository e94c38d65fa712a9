//! Why an account was not connected.

use store::{CommitError, StoreError};

use crate::{
    error::VaultError,
    owner::TeamName,
    provider::{Failure, Refusal},
    registration::RegistrationError,
};

/// Why an account was not connected: what happened, what it means, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct ConnectError {
    /// The connect request, where it is known.
    pub id: Option<String>,
    /// Why.
    pub why: ConnectErrorKind,
}

/// Why an account was not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectErrorKind {
    /// There is no such request.
    #[error("this link is not known; go back to the app and try again")]
    UnknownRequest,
    /// It is too late.
    #[error("this link has expired; go back to the app and try again")]
    Expired,
    /// It came to its end, one way or the other.
    #[error("this link was used already; nothing more is needed")]
    Completed,
    /// Somebody else was asked (UP-07).
    #[error("this link was made for another user; nothing was started")]
    OtherUser,
    /// Only managers connect what a team shares.
    #[error("only a manager of the team {0} connects its accounts; ask one of them to open this link")]
    NotAManager(TeamName),
    /// Whose connection it would be, nobody who signs in here is.
    #[error("{0}")]
    NotHere(&'static str),
    /// The configuration does not have the provider any more.
    #[error("this provider is not configured any more; ask whoever runs this installation")]
    UnknownProvider,
    /// It is not connected by a person in this way.
    #[error("accounts of this provider are not connected here; ask whoever runs this installation")]
    NotConnectable,
    /// Nobody has allowed it on our page.
    #[error("this was not allowed on the page before; open the link again")]
    NotAllowed,
    /// Something is on its way already.
    #[error("an answer for this link is being worked on; wait a moment")]
    Working,
    /// The authorization server was not found, or may not be used.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The login page of the provider is no URL to open.
    #[error("the login page of the provider is not opened: {0}")]
    UnsafeUrl(client::UnsafeUrl),
    /// The answer belongs to nothing that was begun here (UP-10).
    #[error("this answer belongs to nothing that was begun here; go back to the app and try again")]
    UnknownState,
    /// Another browser brings the answer (UP-09).
    #[error("this answer belongs to another browser; nothing was connected")]
    OtherBrowser,
    /// Another user brings the answer (UP-09).
    #[error("this answer belongs to another user; nothing was connected")]
    OtherPerson,
    /// An answer was taken before.
    #[error("this answer was used already; nothing was connected a second time")]
    AnswerUsed,
    /// It took longer than ten minutes.
    #[error("this took longer than ten minutes; open the link again")]
    AnswerExpired,
    /// Another provider's callback brings the answer (UP-06).
    #[error("the answer came from another provider than asked: it may be an attack, nothing was sent")]
    OtherProvider,
    /// RFC 9207 §2.4: the answer is not from the server the browser was sent to, or does not say so.
    #[error(
        "the answer does not come from the provider that was asked: it may be an attack, nothing was sent"
    )]
    OtherIssuer,
    /// The answer has neither code nor error, or both, or something twice.
    #[error("the answer of the provider is malformed; open the link again")]
    Malformed,
    /// The provider's endpoints were changed meanwhile.
    #[error("the provider was configured otherwise meanwhile; open the link again")]
    ProviderChanged,
    /// The provider or the person there said no.
    #[error("the provider did not allow it: {0}")]
    Refused(Refusal),
    /// The code was not redeemed.
    #[error("{0}; open the link again")]
    Exchange(Failure),
    /// What was entered cannot be used.
    #[error("{0}")]
    Entered(&'static str),
    /// The vault or the database failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ConnectErrorKind {
    /// Who brought an answer of a provider, where that was somebody else than was asked.
    pub(super) fn brought_by(&self) -> Option<&'static str> {
        match self {
            Self::OtherBrowser => Some("another_browser"),
            Self::OtherPerson => Some("another_person"),
            Self::OtherProvider => Some("another_provider"),
            Self::OtherIssuer => Some("another_issuer"),
            _ => None,
        }
    }

    /// The error of the request `id`.
    pub(super) fn of(self, id: &str) -> ConnectError {
        ConnectError { id: Some(id.to_owned()), why: self }
    }
}

impl ConnectError {
    /// Whether the wrong person or browser is here: nothing of the request may be shown, and the status is 403.
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self.why,
            ConnectErrorKind::OtherUser
                | ConnectErrorKind::NotAManager(_)
                | ConnectErrorKind::NotHere(_)
                | ConnectErrorKind::OtherBrowser
                | ConnectErrorKind::OtherPerson
        )
    }
}

impl From<ConnectErrorKind> for ConnectError {
    fn from(why: ConnectErrorKind) -> Self {
        Self { id: None, why }
    }
}

impl From<StoreError> for ConnectError {
    fn from(error: StoreError) -> Self {
        ConnectErrorKind::Vault(error.into()).into()
    }
}

impl From<VaultError> for ConnectError {
    fn from(error: VaultError) -> Self {
        ConnectErrorKind::Vault(error).into()
    }
}

/// What a commit says: `refused` when its condition did not hold.
pub(super) fn refused_as(error: CommitError, refused: ConnectErrorKind, id: &str) -> ConnectError {
    match error {
        CommitError::Refused(_) => refused.of(id),
        CommitError::Store(error) => ConnectErrorKind::Vault(error.into()).of(id),
    }
}
