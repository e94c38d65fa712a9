//! The page for errors that must not, or cannot, be sent to a client.

use askama::Template;

use super::html;
use super::language::Language;
use super::plain_text::{CODE_LIMIT, SENTENCE_LIMIT, plain_text};

/// The error page: what happened, what it means, what to do.
pub struct ErrorPage<'a> {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The HTTP status of the response, shown beside the id.
    pub status: u16,
    /// A short id of this incident that is also in the log.
    pub id: &'a str,
    /// What the developer of the app should know, in the standard's words and in English. May quote the request:
    /// it is shown as inert text. Never anything secret.
    pub detail: Option<&'a str>,
}

/// What went wrong, as far as a person should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No client has this `client_id`.
    UnknownClient,
    /// The redirect URI is not one of the client's, so there is nobody to send the error to.
    UnknownRedirectUri,
    /// The authorization request is malformed in a way that leaves nobody to send the error to.
    InvalidRequest,
    /// The transaction is unknown, too old, already decided, or another session's.
    ExpiredTransaction,
    /// A form arrived that was not sent from our own page.
    ForeignForm,
    /// The set-up or invitation link is unknown, too old, or used.
    InvalidSetUpLink,
    /// A limit is reached.
    TooManyRequests,
    /// There is no such page.
    NotFound,
    /// The database cannot be reached, or the server is overloaded.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::UnknownClient,
        Self::UnknownRedirectUri,
        Self::InvalidRequest,
        Self::ExpiredTransaction,
        Self::ForeignForm,
        Self::InvalidSetUpLink,
        Self::TooManyRequests,
        Self::NotFound,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The stem of the three messages: `-what`, `-meaning` and `-remedy` follow.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::UnknownClient => "error-unknown-client",
            Self::UnknownRedirectUri => "error-unknown-redirect-uri",
            Self::InvalidRequest => "error-invalid-request",
            Self::ExpiredTransaction => "error-expired-transaction",
            Self::ForeignForm => "error-foreign-form",
            Self::InvalidSetUpLink => "error-invalid-set-up-link",
            Self::TooManyRequests => "error-too-many-requests",
            Self::NotFound => "error-not-found",
            Self::Unavailable => "error-unavailable",
            Self::Internal => "error-internal",
        }
    }
}

impl ErrorPage<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&ErrorTemplate { t: language, view: self })
    }

    fn key(&self, part: &str) -> String {
        format!("{}-{part}", self.kind.message())
    }

    fn status(&self) -> u64 {
        self.status.into()
    }

    fn id(&self) -> String {
        plain_text(self.id, CODE_LIMIT)
    }

    fn detail(&self) -> Option<String> {
        self.detail.map(|detail| plain_text(detail, SENTENCE_LIMIT)).filter(|detail| !detail.is_empty())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    t: Language,
    view: &'a ErrorPage<'a>,
}
