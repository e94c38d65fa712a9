//! The embedded engine: one file, one writer thread with group commit, readers of their own.

mod connection;
mod readers;
mod writer;

use std::{path::PathBuf, sync::Arc};

use rusqlite::{Connection, TransactionBehavior};

use self::{readers::Readers, writer::Writer};
use crate::{
    error::{CommitError, StoreError},
    migration,
    observer::Observer,
    row::Outcome,
    statement::{Batch, Sql},
    value::Value,
};

/// The present time in milliseconds; it stands still while a statement runs.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS BIGINT)";

#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    pub(crate) fn open(path: PathBuf, observer: Arc<Observer>) -> Result<Self, StoreError> {
        connection::create_file(&path)?;
        let writer = Writer::start(connection::open_for_writing(&path)?, observer)?;
        let readers = Readers::new(path.clone());
        Ok(Self { path, writer, readers })
    }

    // Reads run on the calling thread: a read by primary key takes some microseconds and never waits for
    // the writer (WAL), while handing it to another thread and back costs more than that.
    pub(crate) fn query(&self, sql: &'static Sql, parameters: &[Value]) -> Result<Outcome, StoreError> {
        self.readers
            .with(|reader| connection::run(reader, &sql.with_time(NOW), parameters))
            .map_err(failure(sql.name))
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>, CommitError> {
        self.writer.commit(batch).await
    }

    /// `BEGIN IMMEDIATE` holds off every other process while the pending steps are worked out and applied.
    pub(crate) fn migrate(&self) -> Result<(), StoreError> {
        let mut writer = connection::open_for_writing(&self.path)?;
        let failure = failure("migration");
        let transaction =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failure)?;
        transaction.execute_batch(migration::CREATE_TABLE).map_err(&failure)?;
        let applied = select_applied(&transaction).map_err(&failure)?;
        for pending in migration::pending(&applied)? {
            transaction.execute_batch(pending.script).map_err(&failure)?;
            transaction.execute(migration::INSERT_APPLIED, [pending.name]).map_err(&failure)?;
        }
        transaction.commit().map_err(&failure)
    }

    /// Copies the write-ahead log into the database and empties it: it still has the pages from before a deletion.
    pub(crate) fn empty_log(&self) -> Result<(), StoreError> {
        let writer = connection::open_for_writing(&self.path)?;
        writer
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failure("database.empty_log"))
    }

    pub(crate) fn applied_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.readers
            .with(|reader| {
                if reader.table_exists(None, "migrations")? { select_applied(reader) } else { Ok(Vec::new()) }
            })
            .map_err(failure("migration.applied"))
    }

    pub(crate) fn prepare(&self, sql: &'static Sql) -> Result<(), StoreError> {
        self.readers.with(|reader| reader.prepare(&sql.with_time(NOW)).map(drop)).map_err(failure(sql.name))
    }
}

fn select_applied(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare(migration::SELECT_APPLIED)?.query_map([], |row| row.get(0))?.collect()
}

/// What a driver error means for the caller. `SQLite`'s messages name tables and columns, never values.
fn failure(statement: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        let rejected = |reason| StoreError::Rejected { statement, reason };
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StoreError::Unavailable { reason: "another process keeps the SQLite file locked".into() }
            }
            Some(rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::Unknown) | None => {
                rejected(error.to_string())
            }
            Some(_) => StoreError::Unavailable { reason: error.to_string() },
        }
    }
}
