//! Who counts on a connection to stay as it is, or is changing it.
//!
//! Any number may share it, one alone changes it. Whoever waits to change it stands in line and lets nobody new share it,
//! so that changes come before a queue of uses. Leases end by the database's time unless their holder prolongs them; the
//! fence says which of two holders is the later one.

use std::time::Duration;

use oauth::Timestamp;

use crate::{
    Store,
    error::{CommitError, StoreError},
    row::Row,
    statement::{Batch, Expect, Statement, sql, statement},
    value::values,
};

/// What a lease allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseMode {
    /// To use it together with others.
    Shared,
    /// To change it.
    Exclusive,
}

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLeaseRecord {
    /// Primary key: names the holder.
    pub id: String,
    /// The connection.
    pub connection_id: String,
    /// What it allows.
    pub mode: LeaseMode,
    /// Higher than that of every lease before.
    pub fence: i64,
}

sql! {
    COUNT: "connection_lease.count" =
        "UPDATE connections SET use_fence = use_fence + 1 WHERE id = $1 AND owner = $2 RETURNING use_fence";
    SHARE: "connection_lease.share" =
        "INSERT INTO connection_leases (id, connection_id, mode, fence, ends_at) \
         SELECT $1, c.id, 'shared', c.use_fence, {now} + $2 FROM connections c \
         WHERE c.id = $3 AND NOT EXISTS \
           (SELECT 1 FROM connection_leases l \
            WHERE l.connection_id = c.id AND l.mode <> 'shared' AND l.ends_at > {now})";
    STAND_IN_LINE: "connection_lease.stand_in_line" =
        "INSERT INTO connection_leases (id, connection_id, mode, fence, ends_at) \
         SELECT $1, c.id, 'waiting', c.use_fence, {now} + $2 FROM connections c WHERE c.id = $3";
    TAKE_TURN: "connection_lease.take_turn" =
        "UPDATE connection_leases SET mode = 'exclusive', ends_at = {now} + $1, \
           fence = (SELECT c.use_fence FROM connections c WHERE c.id = connection_leases.connection_id) \
         WHERE id = $2 AND mode = 'waiting' AND ends_at > {now} AND NOT EXISTS \
           (SELECT 1 FROM connection_leases l \
            WHERE l.connection_id = connection_leases.connection_id AND l.id <> connection_leases.id \
              AND l.ends_at > {now} AND (l.mode <> 'waiting' OR l.fence < connection_leases.fence))";
    PROLONG: "connection_lease.prolong" =
        "UPDATE connection_leases SET ends_at = {now} + $1 WHERE id = $2 AND ends_at > {now}";
    HOLD: "connection_lease.hold" =
        "UPDATE connection_leases SET ends_at = ends_at \
         WHERE id = $1 AND mode = 'exclusive' AND fence = $2 AND ends_at > {now}";
    RELEASE: "connection_lease.release" = "DELETE FROM connection_leases WHERE id = $1";
    LAST_END: "connection_lease.last_end" =
        "SELECT COALESCE(MAX(ends_at), 0) - {now} FROM connection_leases WHERE connection_id = $1";
}

/// Part of a batch that may be committed only by the holder of this exclusive lease, while it has not run out.
pub fn hold(lease: &ConnectionLeaseRecord) -> Statement {
    statement!(HOLD [lease.id, lease.fence] expecting Expect::Rows(1))
}

/// Ends a lease, or leaves the line.
pub fn release(id: &str) -> Statement {
    statement!(RELEASE [id] expecting Expect::Any)
}

/// Prolongs a lease or a place in line to `lasts` from now; refused when it has run out.
pub fn prolong(id: &str, lasts: Duration) -> Statement {
    statement!(PROLONG [milliseconds(lasts), id] expecting Expect::Rows(1))
}

impl Store {
    /// A lease to use a connection of `owner` together with others; `None` while somebody changes it or waits to.
    ///
    /// # Errors
    /// `Refused("connection_lease.count")` when there is no such connection.
    pub async fn share_connection(
        &self,
        id: &str,
        (connection_id, owner): (&str, &str),
        lasts: Duration,
    ) -> Result<Option<ConnectionLeaseRecord>, CommitError> {
        let share = statement!(SHARE [id, milliseconds(lasts), connection_id] expecting Expect::Rows(1));
        self.take_lease(id, (connection_id, owner), share, LeaseMode::Shared).await
    }

    /// A place in the line of those who want to change a connection of `owner`, for `lasts`.
    ///
    /// # Errors
    /// `Refused("connection_lease.count")` when there is no such connection.
    pub async fn stand_in_line(
        &self,
        id: &str,
        (connection_id, owner): (&str, &str),
        lasts: Duration,
    ) -> Result<(), CommitError> {
        let stand =
            statement!(STAND_IN_LINE [id, milliseconds(lasts), connection_id] expecting Expect::Rows(1));
        self.commit(Batch::new().then(count(connection_id, owner)).then(stand)).await
    }

    /// The exclusive lease of whoever stands first in line; `None` while somebody is before them or their place is gone.
    ///
    /// # Errors
    /// `Refused("connection_lease.count")` when there is no such connection any more.
    pub async fn take_turn(
        &self,
        id: &str,
        (connection_id, owner): (&str, &str),
        lasts: Duration,
    ) -> Result<Option<ConnectionLeaseRecord>, CommitError> {
        let turn = statement!(TAKE_TURN [milliseconds(lasts), id] expecting Expect::Rows(1));
        self.take_lease(id, (connection_id, owner), turn, LeaseMode::Exclusive).await
    }

    /// Counting first takes the connection's row for the length of the transaction, so that two who want it come one
    /// after the other and the second sees the lease of the first.
    async fn take_lease(
        &self,
        id: &str,
        (connection_id, owner): (&str, &str),
        take: Statement,
        mode: LeaseMode,
    ) -> Result<Option<ConnectionLeaseRecord>, CommitError> {
        let taken = take.sql.name;
        let batch = Batch::new().then(count(connection_id, owner)).then(take);
        let mut outcomes = match self.commit_returning(batch).await {
            Err(CommitError::Refused(statement)) if statement == taken => return Ok(None),
            outcomes => outcomes?,
        };
        let row = outcomes.first_mut().and_then(|outcome| outcome.rows.first_mut());
        let corrupt = StoreError::Corrupt { table: "connections", column: "use_fence" };
        let fence = row.ok_or(corrupt)?.columns_of("connections").next("use_fence")?;
        Ok(Some(ConnectionLeaseRecord { id: id.into(), connection_id: connection_id.into(), mode, fence }))
    }

    /// How long until every lease on a connection has run out, unless somebody prolongs one.
    pub async fn leases_end_in(&self, connection_id: &str) -> Result<Duration, StoreError> {
        let time = |row: &mut Row| row.columns_of("connection_leases").next::<i64>("ends_at");
        let left = self.optional(&LAST_END, values![connection_id], time).await?.unwrap_or(0);
        Ok(Timestamp::from_milliseconds(left).since(Timestamp::from_milliseconds(0)))
    }
}

fn count(connection_id: &str, owner: &str) -> Statement {
    statement!(COUNT [connection_id, owner] expecting Expect::Rows(1))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2).min(i64::MAX / 2)
}
