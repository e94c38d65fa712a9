//! Accounts that users have at other systems, without what opens them (see [`credential`](super::credential)).

use oauth::{Scope, Timestamp};

use crate::{
    Store,
    error::StoreError,
    row::{Columns, Row},
    statement::{Expect, Statement, sql, statement},
    value::values,
};

/// A row of `connections`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRecord {
    /// Primary key.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Where the account is.
    pub provider: String,
    /// What the provider calls the account; empty when it did not tell. One connection for each, per owner and provider.
    pub account: String,
    /// What people call the account.
    pub account_name: Option<String>,
    /// How the credential was obtained; never changes.
    pub kind: String,
    /// What the provider allowed.
    pub scope: Scope,
    /// Why it has to be made again; `None` while it works.
    pub reconnect_reason: Option<String>,
    /// The generation of its credential.
    pub generation: i64,
    /// When it was last chosen to be the one that is used.
    pub chosen_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its credential was last given out, exact to a minute.
    pub last_used_at: Option<Timestamp>,
}

/// A change of a connection, as other nodes learn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChangeRecord {
    /// The connection, which may be gone.
    pub connection_id: String,
    /// Whose it is or was.
    pub owner: String,
    /// Where.
    pub provider: String,
    /// When, by the database's time.
    pub changed_at: Timestamp,
}

sql! {
    INSERT: "connection.insert" =
        "INSERT INTO connections (id, owner, provider, account, account_name, kind, scope, reconnect_reason, \
                                  generation, chosen_at, created_at, last_used_at, use_fence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0) \
         ON CONFLICT DO NOTHING";
    REPLACE: "connection.replace" =
        "UPDATE connections SET account = $1, account_name = $2, scope = $3, reconnect_reason = NULL, \
                                generation = generation + 1, chosen_at = $4 \
         WHERE id = $5 AND owner = $6 AND kind = $7 AND generation = $8";
    RENEWED: "connection.renewed" =
        "UPDATE connections SET generation = generation + 1, scope = $1, reconnect_reason = NULL \
         WHERE id = $2 AND generation = $3";
    DISCONNECT: "connection.needs_reconnect" =
        "UPDATE connections SET reconnect_reason = $1 WHERE id = $2 AND generation = $3";
    CHOOSE: "connection.choose" = "UPDATE connections SET chosen_at = $1 WHERE id = $2 AND owner = $3";
    USED: "connection.used" = "UPDATE connections SET last_used_at = $1 WHERE id = $2";
    DELETE: "connection.delete" = "DELETE FROM connections WHERE id = $1 AND owner = $2";
    CHANGED: "connection.changed" =
        "INSERT INTO connection_changes (connection_id, owner, provider, changed_at) \
         SELECT id, owner, provider, {now} FROM connections WHERE id = $1 \
         ON CONFLICT (connection_id) DO UPDATE SET changed_at = {now}";
    CHANGES_SINCE: "connection.changes_since" =
        "SELECT connection_id, owner, provider, changed_at FROM connection_changes WHERE changed_at >= $1 \
         ORDER BY changed_at";
    BY_ID: "connection.by_id" =
        "SELECT id, owner, provider, account, account_name, kind, scope, reconnect_reason, generation, chosen_at, \
                created_at, last_used_at \
         FROM connections WHERE id = $1";
    OF_OWNER: "connection.of_owner" =
        "SELECT id, owner, provider, account, account_name, kind, scope, reconnect_reason, generation, chosen_at, \
                created_at, last_used_at \
         FROM connections WHERE owner = $1 ORDER BY provider, chosen_at DESC, id";
    PAGE: "connection.page" =
        "SELECT id, owner, provider, account, account_name, kind, scope, reconnect_reason, generation, chosen_at, \
                created_at, last_used_at \
         FROM connections WHERE id > $1 ORDER BY id LIMIT $2";
    DATABASE_TIME: "connection.database_time" = "SELECT {now}";
}

/// Adds a connection; refused when its account is connected already. Its credential follows in the same batch.
pub fn insert(connection: &ConnectionRecord) -> Statement {
    statement!(INSERT [
        connection.id, connection.owner, connection.provider, connection.account, connection.account_name,
        connection.kind, connection.scope, connection.reconnect_reason, connection.generation,
        connection.chosen_at, connection.created_at, connection.last_used_at,
    ] expecting Expect::Rows(1))
}

/// Gives a connection what a person connected anew, and its next generation; refused when it is not of this kind or
/// owner, or no longer of the generation that `connection` has. The credential follows in the same batch.
pub fn replace(connection: &ConnectionRecord) -> Statement {
    statement!(REPLACE [
        connection.account, connection.account_name, connection.scope, connection.chosen_at, connection.id,
        connection.owner, connection.kind, connection.generation,
    ] expecting Expect::Rows(1))
}

/// Gives a connection the generation of its renewed credential; refused when it is not of generation `from`.
pub fn renewed(id: &str, from: i64, scope: &Scope) -> Statement {
    statement!(RENEWED [scope, id, from] expecting Expect::Rows(1))
}

/// Says that the connection has to be made again; refused when somebody renewed it since `generation`.
pub fn needs_reconnect(id: &str, generation: i64, reason: &str) -> Statement {
    statement!(DISCONNECT [reason, id, generation] expecting Expect::Rows(1))
}

/// Makes a connection the one that is used; refused when there is none of this owner.
pub fn choose(id: &str, owner: &str, now: Timestamp) -> Statement {
    statement!(CHOOSE [now, id, owner] expecting Expect::Rows(1))
}

/// Remembers that a credential was given out. It touches no row that a renewal writes.
pub fn used(id: &str, at: Timestamp) -> Statement {
    statement!(USED [at, id] expecting Expect::Any)
}

/// Removes a connection and with it all that opens it; refused when there is none of this owner.
pub fn delete(id: &str, owner: &str) -> Statement {
    statement!(DELETE [id, owner] expecting Expect::Rows(1))
}

/// Tells other nodes that the connection is not what it was. In a batch that removes it, this stands first.
pub fn changed(id: &str) -> Statement {
    statement!(CHANGED [id] expecting Expect::Any)
}

impl Store {
    /// A connection.
    pub async fn connection(&self, id: &str) -> Result<Option<ConnectionRecord>, StoreError> {
        self.optional(&BY_ID, values![id], from_row).await
    }

    /// The connections of an owner, those of a provider together, the chosen one first.
    pub async fn connections_of(&self, owner: &str) -> Result<Vec<ConnectionRecord>, StoreError> {
        self.all(&OF_OWNER, values![owner], from_row).await
    }

    /// Up to `limit` connections of everybody, those after the identifier `after`.
    pub async fn connections_after(
        &self,
        after: &str,
        limit: i64,
    ) -> Result<Vec<ConnectionRecord>, StoreError> {
        self.all(&PAGE, values![after, limit], from_row).await
    }

    /// What changed at or after `since`, by the database's time, oldest first.
    ///
    /// A node asks with a `since` that overlaps its last question by more than a commit takes: a row may appear after
    /// a later one was seen.
    pub async fn connection_changes_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<ConnectionChangeRecord>, StoreError> {
        let change = |row: &mut Row| {
            let mut columns = row.columns_of("connection_changes");
            Ok(ConnectionChangeRecord {
                connection_id: columns.next("connection_id")?,
                owner: columns.next("owner")?,
                provider: columns.next("provider")?,
                changed_at: columns.next("changed_at")?,
            })
        };
        self.all(&CHANGES_SINCE, values![since], change).await
    }

    /// The database's time.
    pub async fn database_time(&self) -> Result<Timestamp, StoreError> {
        let time = |row: &mut Row| row.columns_of("the database").next("now");
        let time = self.optional(&DATABASE_TIME, values![], time).await?;
        time.ok_or(StoreError::Corrupt { table: "the database", column: "now" })
    }
}

fn from_row(row: &mut Row) -> Result<ConnectionRecord, StoreError> {
    from_columns(&mut row.columns_of("connections"))
}

/// The twelve columns in the order in which every SELECT here has them.
pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<ConnectionRecord, StoreError> {
    Ok(ConnectionRecord {
        id: columns.next("id")?,
        owner: columns.next("owner")?,
        provider: columns.next("provider")?,
        account: columns.next("account")?,
        account_name: columns.next("account_name")?,
        kind: columns.next("kind")?,
        scope: columns.next("scope")?,
        reconnect_reason: columns.next("reconnect_reason")?,
        generation: columns.next("generation")?,
        chosen_at: columns.next("chosen_at")?,
        created_at: columns.next("created_at")?,
        last_used_at: columns.next("last_used_at")?,
    })
}
