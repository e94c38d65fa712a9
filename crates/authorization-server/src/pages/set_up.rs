//! Set-up by the first operator, and invitations: choose a user name and a password.

use askama::Template;

use super::html;
use super::language::Language;

/// The set-up page. Posts `token`, `username`, `password` and `password_again` to
/// [`SET_UP_PATH`](super::SET_UP_PATH).
pub struct SetUp<'a> {
    /// What the link is for.
    pub occasion: Occasion,
    /// The one-time token of the link, handed back in a hidden field.
    pub token: &'a str,
    /// Who will sign in.
    pub user_name: UserName<'a>,
    /// The least number of characters of a password.
    pub minimum_password_length: u16,
    /// Why the last attempt failed. The passwords are to be typed again.
    pub problem: Option<SetUpProblem>,
}

/// What a set-up link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The very first account, which is an operator's.
    FirstOperator,
    /// An account that an operator made for somebody.
    Invitation,
}

/// Who chooses the user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName<'a> {
    /// The operator has chosen it.
    Fixed(&'a str),
    /// The person chooses; this is what was typed the last time, empty at first.
    Chosen(&'a str),
}

/// Why setting up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUpProblem {
    /// Somebody has this user name.
    UserNameTaken,
    /// The user name has characters or a length that is not allowed.
    UserNameInvalid,
    /// The password is shorter than [`SetUp::minimum_password_length`].
    PasswordTooShort,
    /// The password is among those that are guessed first.
    PasswordTooCommon,
    /// The two passwords differ.
    PasswordsDiffer,
}

impl SetUpProblem {
    fn message(self) -> &'static str {
        match self {
            Self::UserNameTaken => "set-up-user-name-taken",
            Self::UserNameInvalid => "set-up-user-name-invalid",
            Self::PasswordTooShort => "set-up-password-too-short",
            Self::PasswordTooCommon => "set-up-password-too-common",
            Self::PasswordsDiffer => "set-up-passwords-differ",
        }
    }
}

/// Which field a problem belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    UserName,
    Password,
    PasswordAgain,
}

impl SetUp<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&SetUpTemplate { t: language, view: self })
    }

    fn minimum(&self) -> u64 {
        self.minimum_password_length.into()
    }

    /// The key of the message to show at `field`.
    fn problem_at(&self, field: Field) -> Option<&'static str> {
        let problem = self.problem?;
        let place = match problem {
            SetUpProblem::UserNameTaken | SetUpProblem::UserNameInvalid => Field::UserName,
            SetUpProblem::PasswordTooShort | SetUpProblem::PasswordTooCommon => Field::Password,
            SetUpProblem::PasswordsDiffer => Field::PasswordAgain,
        };
        (place == field).then(|| problem.message())
    }
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpTemplate<'a> {
    t: Language,
    view: &'a SetUp<'a>,
}

/// The page after a successful set-up.
pub struct SetUpDone<'a> {
    /// The user name that can sign in now.
    pub user_name: &'a str,
}

impl SetUpDone<'_> {
    /// The page as HTML.
    pub fn render(&self, language: Language) -> String {
        html(&SetUpDoneTemplate { t: language, view: self })
    }
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
struct SetUpDoneTemplate<'a> {
    t: Language,
    view: &'a SetUpDone<'a>,
}
