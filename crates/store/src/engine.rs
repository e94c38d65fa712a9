//! The one place that knows there are two databases.

mod postgresql;
mod sqlite;

use std::sync::Arc;

use crate::{
    error::{CommitError, StoreError},
    location::Location,
    observer::Observer,
    row::Outcome,
    statement::{Batch, Sql},
    value::Value,
};

/// An open database of either kind.
#[derive(Debug)]
pub(crate) enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgresql(postgresql::Postgresql),
}

impl Engine {
    pub(crate) fn open(location: Location, observer: &Arc<Observer>) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => sqlite::Sqlite::open(path, Arc::clone(observer)).map(Self::Sqlite),
            Location::Postgresql(config) => {
                postgresql::Postgresql::open(*config, Arc::clone(observer)).map(Self::Postgresql)
            }
        }
    }

    /// Runs a reading statement outside of any transaction.
    pub(crate) async fn query(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value>,
    ) -> Result<Outcome, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.query(sql, &parameters),
            Self::Postgresql(engine) => engine.query(sql, &parameters).await,
        }
    }

    /// Commits a batch and gives the outcome of each statement, in order. A batch that was handed over is
    /// finished even when the caller goes away.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>, CommitError> {
        match self {
            Self::Sqlite(engine) => engine.commit(batch).await,
            Self::Postgresql(engine) => engine.commit(batch).await,
        }
    }

    /// Lets nothing of what was deleted lie about in the log of the embedded engine.
    pub(crate) fn empty_log(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(engine) => engine.empty_log(),
            Self::Postgresql(_) => Ok(()),
        }
    }

    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(engine) => engine.migrate(),
            Self::Postgresql(engine) => engine.migrate().await,
        }
    }

    /// Names of the applied migrations; none on an empty database.
    pub(crate) async fn applied_migrations(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.applied_migrations(),
            Self::Postgresql(engine) => engine.applied_migrations().await,
        }
    }

    /// Compiles a statement against the schema without running it.
    pub(crate) async fn prepare(&self, sql: &'static Sql) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(engine) => engine.prepare(sql),
            Self::Postgresql(engine) => engine.prepare(sql).await,
        }
    }
}
