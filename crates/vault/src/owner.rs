use std::{fmt, str::FromStr};

use oauth::{ClientId, Issuer, UserId};

use crate::provider::ProviderName;

/// Whose a connection is. Its text form is the database's column `owner`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Somebody who logs in here: `user:ID`.
    User(UserId),
    /// Somebody whom another issuer knows: `subject:ISSUER SUBJECT`. An issuer has no space, so the text is unambiguous.
    Subject {
        /// Who knows the person.
        issuer: Issuer,
        /// The `sub` of their tokens.
        subject: String,
    },
    /// A client that acts for nobody: `client:ID`.
    Client(ClientId),
    /// People who share a credential by an explicit grant of the configuration: `team:NAME`.
    Team(TeamName),
    /// Everybody, where the provider gives the credential to this installation itself: `installation:`.
    Installation,
}

/// The text is not an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner is user:ID, subject:ISSUER SUBJECT, client:ID, team:NAME or installation:")]
pub struct OwnerError;

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Subject { issuer, subject } => write!(formatter, "subject:{issuer} {subject}"),
            Self::Client(id) => write!(formatter, "client:{id}"),
            Self::Team(name) => write!(formatter, "team:{name}"),
            Self::Installation => formatter.write_str("installation:"),
        }
    }
}

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let (kind, rest) = text.split_once(':').ok_or(OwnerError)?;
        match kind {
            "installation" if rest.is_empty() => Ok(Self::Installation),
            _ if rest.is_empty() => Err(OwnerError),
            "user" => Ok(Self::User(UserId::from_unverified(rest))),
            "client" => Ok(Self::Client(ClientId::from_unverified(rest))),
            "team" => TeamName::parse(rest).map(Self::Team).ok_or(OwnerError),
            "subject" => {
                let (issuer, subject) = rest.split_once(' ').ok_or(OwnerError)?;
                let issuer = Issuer::of_another(issuer).map_err(|_| OwnerError)?;
                Ok(Self::Subject { issuer, subject: subject.to_owned() })
            }
            _ => Err(OwnerError),
        }
    }
}

/// The name of a team in the configuration: lower-case letters, digits and hyphens, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamName(String);

impl TeamName {
    /// `None` unless it is such a name.
    pub fn parse(text: &str) -> Option<Self> {
        ProviderName::parse(text).map(|_| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TeamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for text in [
            "user:user_1",
            "client:https://app.example/client.json",
            "team:platform",
            "subject:https://idp.example/ a b",
            "installation:",
        ] {
            assert_eq!(text.parse::<Owner>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn no_owner_can_pass_for_one_of_another_kind() {
        for text in
            ["", "user", "user:", "team:A", "subject:https://idp.example", "installation:x", "people:ada"]
        {
            assert_eq!(text.parse::<Owner>(), Err(OwnerError), "{text:?}");
        }
        let sly = Owner::Subject {
            issuer: Issuer::parse("https://idp.example").unwrap(),
            subject: "x user:ada".into(),
        };
        assert_eq!(sly.to_string().parse::<Owner>().unwrap(), sly);
    }
}
