//! People who can log in.

use std::fmt;

use oauth::{Timestamp, UserId};

use crate::{
    Store,
    column::text_columns,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::{FromValue, ToValue, Value, values},
};

/// A row of `users`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Primary key; the `sub` of tokens.
    pub id: UserId,
    /// What the user types to log in; unique, compared byte by byte.
    pub name: String,
    /// What pages show.
    pub display_name: String,
    /// Argon2id in PHC form; `None` until the user chose a password.
    pub password_hash: Option<String>,
    /// Whether the user may administer this server.
    pub is_operator: bool,
    /// Whether the user may log in and their grants may be used.
    pub state: UserState,
    /// Grows with every change of credentials; sessions begun before the change end.
    pub credentials_generation: i64,
    /// When the record was made.
    pub created_at: Timestamp,
    /// What the user is, for the policy; sorted, each once.
    pub roles: Vec<String>,
}

/// Who it is, without the password hash: a hash of what a person chose can be searched for.
impl fmt::Debug for UserRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("is_operator", &self.is_operator)
            .field("state", &self.state)
            .field("credentials_generation", &self.credentials_generation)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// Whether a user may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// May log in.
    Active,
    /// May not log in, and no grant of theirs may be used.
    Disabled,
}

text_columns! {
    UserState:
        |state| match state { Self::Active => "active", Self::Disabled => "disabled" }.to_owned(),
        |text| match text.as_str() {
            "active" => Some(Self::Active),
            "disabled" => Some(Self::Disabled),
            _ => None,
        };
}

sql! {
    INSERT: "user.insert" =
        "INSERT INTO users (id, name, display_name, password_hash, is_operator, state, \
                            credentials_generation, created_at, roles) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT DO NOTHING";
    SET_PASSWORD: "user.set_password" =
        "UPDATE users SET password_hash = $1, credentials_generation = credentials_generation + 1 \
         WHERE id = $2";
    SET_STATE: "user.set_state" = "UPDATE users SET state = $1 WHERE id = $2";
    SET_ROLES: "user.set_roles" = "UPDATE users SET roles = $1 WHERE id = $2 AND roles = $3";
    BY_ID: "user.by_id" =
        "SELECT id, name, display_name, password_hash, is_operator, state, credentials_generation, created_at, \
                roles \
         FROM users WHERE id = $1";
    BY_NAME: "user.by_name" =
        "SELECT id, name, display_name, password_hash, is_operator, state, credentials_generation, created_at, \
                roles \
         FROM users WHERE name = $1";
    ALL: "user.all" =
        "SELECT id, name, display_name, password_hash, is_operator, state, credentials_generation, created_at, \
                roles \
         FROM users ORDER BY name";
    OPERATOR: "user.operator" = "SELECT id FROM users WHERE is_operator = 1 AND state = 'active' LIMIT 1";
}

/// Adds a user; refused when the id or the name is taken.
pub fn insert(user: &UserRecord) -> Statement {
    statement!(INSERT [
        user.id, user.name, user.display_name, user.password_hash, user.is_operator, user.state,
        user.credentials_generation, user.created_at, user.roles,
    ] expecting Expect::Rows(1))
}

/// Replaces the password hash and ends every session; refused when there is no such user.
pub fn set_password(id: &UserId, password_hash: &str) -> Statement {
    statement!(SET_PASSWORD [password_hash, id] expecting Expect::Rows(1))
}

/// Enables or disables; refused when there is no such user.
pub fn set_state(id: &UserId, state: UserState) -> Statement {
    statement!(SET_STATE [state, id] expecting Expect::Rows(1))
}

/// Replaces the roles; refused when they are not `before` any more, or there is no such user.
pub fn set_roles(id: &UserId, roles: &Vec<String>, before: &Vec<String>) -> Statement {
    statement!(SET_ROLES [roles, id, before] expecting Expect::Rows(1))
}

impl Store {
    /// The user with this id.
    pub async fn user(&self, id: &UserId) -> Result<Option<UserRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }

    /// The user who logs in with this name.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        self.optional(&BY_NAME, values![name], from_row).await
    }

    /// All users by name.
    pub async fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        self.all(&ALL, values![], from_row).await
    }

    /// Whether an active user may administer this server.
    pub async fn has_operator(&self) -> Result<bool, StoreError> {
        Ok(!self.query(&OPERATOR, values![]).await?.is_empty())
    }
}

pub(super) fn from_row(row: &mut Row) -> Result<UserRecord, StoreError> {
    let mut columns = row.columns_of("users");
    Ok(UserRecord {
        id: columns.next("id")?,
        name: columns.next("name")?,
        display_name: columns.next("display_name")?,
        password_hash: columns.next("password_hash")?,
        is_operator: columns.next("is_operator")?,
        state: columns.next("state")?,
        credentials_generation: columns.next("credentials_generation")?,
        created_at: columns.next("created_at")?,
        roles: columns.next("roles")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password_hash() {
        let user = UserRecord {
            id: UserId::from_unverified("user_1"),
            name: "ada".into(),
            display_name: "Ada".into(),
            password_hash: Some("canary".into()),
            is_operator: false,
            state: UserState::Active,
            credentials_generation: 0,
            created_at: Timestamp::from_milliseconds(0),
            roles: Vec::new(),
        };
        let shown = format!("{user:?}");
        assert!(shown.contains("ada") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_state_reads_as_it_was_written() {
        for state in [UserState::Active, UserState::Disabled] {
            assert_eq!(UserState::from_value(state.to_value()), Some(state));
        }
        assert_eq!(UserState::from_value(Value::Text("other".into())), None);
    }
}
