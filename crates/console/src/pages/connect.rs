//! Connect: who asks, which tool waits, what a provider is asked for, that nobody sees it, how to undo it.

use askama::Template;
use authorization_server::pages::{
    CODE_LIMIT, Destination, Language, NAME_LIMIT, SENTENCE_LIMIT, plain_text,
};

use super::{Asker, html, words::Words};

/// The page that asks whether to connect. Posts `e` and `decision` to [`CONNECT_PATH`](super::CONNECT_PATH).
#[derive(Clone, Copy)]
pub struct Connect<'a> {
    /// The connect request.
    pub id: &'a str,
    /// Who asks; `None` when the person began it themselves.
    pub asker: Option<&'a Asker>,
    /// What waits, when an app asks.
    pub waits: Option<Waits<'a>>,
    /// What people call the provider.
    pub provider: &'a str,
    /// Where the person goes on to, or what they enter here.
    pub entry: Entry<'a>,
    /// Why it is asked.
    pub reason: Reason,
    /// What the account was called that was connected before.
    pub former_account: Option<&'a str>,
    /// What the provider is asked for.
    pub scopes: &'a [ScopeLine<'a>],
    /// Who is signed in.
    pub user_name: &'a str,
    /// The transaction with which somebody else signs in and comes back here.
    pub transaction: Option<&'a str>,
    /// What went wrong the last time.
    pub problem: Option<Problem<'a>>,
}

/// What waits for the connection.
#[derive(Debug, Clone, Copy)]
pub struct Waits<'a> {
    /// What people call the server.
    pub server: &'a str,
    /// The tool, where it is known.
    pub tool: Option<&'a str>,
}

/// How the credential comes here.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// From the provider's own pages at this host.
    Elsewhere(Option<&'a str>),
    /// Typed in: a key, which is found or made at this address.
    Key(Option<&'a str>),
    /// Typed in: a user name and a password.
    Password,
}

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no connection yet.
    Never,
    /// There is one, and it no longer works.
    Again,
    /// There is one, and more is needed.
    More,
}

/// One scope that the provider is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ScopeLine<'a> {
    /// The token, in the provider's words.
    pub scope: &'a str,
    /// Whether it was not given before, where others were.
    pub is_new: bool,
}

/// Why the person is asked once more.
#[derive(Debug, Clone, Copy)]
pub enum Problem<'a> {
    /// The provider, or the person there, refused.
    Refused {
        /// The standard's code.
        error: &'a str,
        /// What the provider says.
        description: Option<&'a str>,
    },
    /// It went wrong.
    Failed {
        /// How, in words of ours: nothing of an answer that may be a stranger's is shown (RFC 9207 §2.4).
        told: &'a str,
    },
    /// What was typed cannot be used.
    Secret {
        /// Why, in words of ours.
        told: &'a str,
    },
}

impl Connect<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&ConnectTemplate { t: Words(language), view: self })
    }

    fn host(&self) -> Option<String> {
        match self.entry {
            Entry::Elsewhere(host) => host.map(|host| plain_text(host, CODE_LIMIT)),
            Entry::Key(_) | Entry::Password => None,
        }
    }

    fn user_name(&self) -> String {
        plain_text(self.user_name, NAME_LIMIT)
    }

    /// Whether what was typed is to blame.
    fn is_wrong(&self) -> bool {
        matches!(self.problem, Some(Problem::Secret { .. }))
    }
}

impl ScopeLine<'_> {
    fn scope(&self) -> String {
        plain_text(self.scope, CODE_LIMIT)
    }
}

impl Problem<'_> {
    fn stem(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "problem-refused",
            Self::Failed { .. } => "problem-failed",
            Self::Secret { .. } => "problem-secret",
        }
    }

    /// The title of the problem.
    fn what(&self) -> &'static str {
        self.stem()
    }

    fn meaning(&self) -> String {
        format!("{}-meaning", self.stem())
    }

    /// What is said of it, without markup and invisible characters.
    fn said(&self) -> Option<String> {
        let said = match self {
            Self::Refused { description, .. } => (*description)?,
            Self::Failed { told } | Self::Secret { told } => told,
        };
        Some(plain_text(said, SENTENCE_LIMIT)).filter(|text| !text.is_empty())
    }

    /// The key of the sentence that quotes it.
    fn quoted(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "problem-refused-said",
            _ => "problem-failed-said",
        }
    }

    fn error(&self) -> &str {
        match self {
            Self::Refused { error, .. } => error,
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectTemplate<'a> {
    t: Words,
    view: &'a Connect<'a>,
}
