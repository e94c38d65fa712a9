//! Making users and changing their passwords.

use std::{collections::BTreeSet, time::Duration};

use oauth::{Timestamp, UserId};
use secret::{Random, Secret, password};
use store::{Batch, CommitError, Store, StoreError, UserRecord, UserState, grant, revocation, user};

/// A user as an operator or a set-up link makes one.
pub struct NewUser<'a> {
    /// What the user types to sign in.
    pub name: &'a str,
    /// What pages show; the name when empty.
    pub display_name: &'a str,
    /// The password; without one the user cannot sign in yet.
    pub password: Option<&'a Secret<String>>,
    /// Whether the user may administer this server.
    pub is_operator: bool,
    /// What the user is, for the policy.
    pub roles: &'a [String],
}

/// Why a user cannot be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The name has a character or a length that is not allowed.
    #[error("a user name has 1 to 64 characters: letters, digits and . _ @ + -")]
    InvalidName,
    /// A role has a character or a length that is not allowed, or there are too many.
    #[error("a user has at most 32 roles of 1 to 64 characters each: letters, digits and . _ : / -")]
    InvalidRole,
    /// Somebody else has just changed the roles.
    #[error("the roles were changed meanwhile; look again")]
    RolesChanged,
    /// Somebody has this name.
    #[error("there is already a user of this name")]
    NameTaken,
    /// There is no such user.
    #[error("there is no such user any more")]
    Unknown,
    /// The password is too short or longer than can be hashed.
    #[error(
        "a password has at least {} characters and at most {} bytes",
        password::MINIMUM_CHARACTERS,
        password::MAXIMUM_BYTES
    )]
    PasswordLength,
    /// The password is one of those that are tried first.
    #[error("this password is among those that are guessed first; choose another")]
    PasswordTooCommon,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const MAXIMUM_NAME: usize = 64;
/// Every access token carries all of them.
const MAXIMUM_ROLES: usize = 32;

/// The passwords of at least eight characters that lists of leaked ones begin with.
const COMMON_PASSWORDS: [&str; 24] = [
    "password",
    "password1",
    "password123",
    "passw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "qwertyui",
    "qwertyuiop",
    "qwerty123",
    "1q2w3e4r",
    "1qaz2wsx",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "welcome1",
    "letmein1",
    "admin123",
    "changeme",
    "trustno1",
];

/// Makes a user.
///
/// # Errors
/// [`UserError`]; nothing is stored then.
pub async fn create(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    new: NewUser<'_>,
) -> Result<UserRecord, UserError> {
    let hash = new.password.map(|chosen| password::hash(random, chosen));
    let record = record(random, now, &new, hash)?;
    insert(store, Batch::new(), &record).await?;
    Ok(record)
}

/// A new password for a user.
pub struct NewPassword<'a> {
    /// The password.
    pub password: &'a Secret<String>,
    /// How long the guards have to remember the grants that end with the old password: the life of an access token.
    /// `None` lets the grants live, for a password that was never anybody's secret.
    pub ends_grants: Option<Duration>,
}

/// Replaces a user's password and ends, with the same commit, their sessions and what they allowed: whoever
/// changes a password may do so because somebody else knew the old one (TK-17).
///
/// # Errors
/// [`UserError`].
pub async fn set_password(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    user: &UserRecord,
    new: NewPassword<'_>,
) -> Result<(), UserError> {
    let mut batch = Batch::new().then(user::set_password(&user.id, &password::hash(random, new.password)));
    if let Some(access_token_lifetime) = new.ends_grants {
        batch = batch
            .then(revocation::insert_of_user(&user.id, now, now + access_token_lifetime))
            .then(grant::revoke_of_user(&user.id, "password changed", now));
    }
    store.commit(batch).await.map_err(|error| match error {
        CommitError::Refused(_) => UserError::Unknown,
        CommitError::Store(error) => error.into(),
    })
}

/// Gives the user these roles instead of those that `user` has. Their next access token carries them.
///
/// # Errors
/// [`UserError`]; [`UserError::RolesChanged`] when they are not what `user` says any more.
pub async fn set_roles(store: &Store, user: &UserRecord, roles: &[String]) -> Result<Vec<String>, UserError> {
    let roles = checked_roles(roles)?;
    let batch = Batch::new().then(user::set_roles(&user.id, &roles, &user.roles));
    store.commit(batch).await.map_err(|error| match error {
        CommitError::Refused(_) => UserError::RolesChanged,
        CommitError::Store(error) => error.into(),
    })?;
    Ok(roles)
}

/// The roles in order, each once.
fn checked_roles(roles: &[String]) -> Result<Vec<String>, UserError> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "._:/-".contains(character);
    let is_role = |role: &String| (1..=MAXIMUM_NAME).contains(&role.len()) && role.chars().all(is_allowed);
    let sorted: BTreeSet<_> = roles.iter().collect();
    if sorted.len() > MAXIMUM_ROLES || !roles.iter().all(is_role) {
        return Err(UserError::InvalidRole);
    }
    Ok(sorted.into_iter().cloned().collect())
}

/// Whether a person may choose this password.
///
/// # Errors
/// [`UserError::PasswordLength`] or [`UserError::PasswordTooCommon`].
pub fn check_password(chosen: &Secret<String>) -> Result<(), UserError> {
    let text = chosen.expose();
    if text.chars().count() < password::MINIMUM_CHARACTERS || text.len() > password::MAXIMUM_BYTES {
        return Err(UserError::PasswordLength);
    }
    if COMMON_PASSWORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return Err(UserError::PasswordTooCommon);
    }
    Ok(())
}

/// The record of a new user, its password already hashed.
pub(crate) fn record(
    random: &dyn Random,
    now: Timestamp,
    new: &NewUser<'_>,
    password_hash: Option<String>,
) -> Result<UserRecord, UserError> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "._@+-".contains(character);
    if new.name.is_empty() || new.name.len() > MAXIMUM_NAME || !new.name.chars().all(is_allowed) {
        return Err(UserError::InvalidName);
    }
    let display_name = if new.display_name.is_empty() { new.name } else { new.display_name };
    Ok(UserRecord {
        id: UserId::mint(random),
        name: new.name.to_owned(),
        display_name: display_name.to_owned(),
        password_hash,
        is_operator: new.is_operator,
        state: UserState::Active,
        credentials_generation: 0,
        created_at: now,
        roles: checked_roles(new.roles)?,
    })
}

/// Adds the record at the end of `batch`.
pub(crate) async fn insert(store: &Store, batch: Batch, record: &UserRecord) -> Result<(), UserError> {
    store.commit(batch.then(user::insert(record))).await.map_err(|error| match error {
        CommitError::Refused("user.insert") => UserError::NameTaken,
        CommitError::Refused(_) => UserError::Unknown,
        CommitError::Store(error) => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_plain_names_each_once() {
        let roles = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(checked_roles(&roles(&["ops", "dev", "ops"])), Ok(roles(&["dev", "ops"])));
        assert_eq!(checked_roles(&roles(&["team:a/b_c.d-1"])), Ok(roles(&["team:a/b_c.d-1"])));
        for wrong in ["", "two words", "rôle", "a,b", &"x".repeat(65)] {
            assert_eq!(checked_roles(&roles(&[wrong])), Err(UserError::InvalidRole), "{wrong:?}");
        }
        let many: Vec<_> = (0..33).map(|n| n.to_string()).collect();
        assert_eq!(checked_roles(&many), Err(UserError::InvalidRole));
    }

    #[test]
    fn passwords_a_person_may_choose() {
        let check = |text: &str| check_password(&Secret::from(text));
        assert_eq!(check("correct horse"), Ok(()));
        assert_eq!(check("schön und gut"), Ok(()));
        assert_eq!(check("short"), Err(UserError::PasswordLength));
        assert_eq!(check(&"x".repeat(1025)), Err(UserError::PasswordLength));
        assert_eq!(check("PassWord123"), Err(UserError::PasswordTooCommon));
    }
}
