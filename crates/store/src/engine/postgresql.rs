//! The server engine: a pool of connections, prepared statements, pipelined batches.

mod commit;
mod parameter;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts, tokio_postgres,
};
use tokio_postgres::{Config, GenericClient, NoTls, config::Host, error::SqlState};

use crate::{
    error::{CommitError, StoreError},
    migration,
    observer::Observer,
    row::Outcome,
    statement::{Batch, Sql},
    value::Value,
};

/// Enough to keep a server of some cores busy, and few beside the 100 a PostgreSQL accepts by default.
const CONNECTIONS: usize = 16;

/// How long to wait for a connection, new or from the pool.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long data may stay unacknowledged by the peer before the connection counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// The present time in milliseconds, not that of the transaction's beginning.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Name of the advisory lock that lets one node at a time migrate ("vestibul" in ASCII).
const MIGRATION_LOCK: i64 = 0x7665_7374_6962_756c;

#[derive(Debug)]
pub(crate) struct Postgresql {
    pool: Pool,
    observer: Arc<Observer>,
}

impl Postgresql {
    /// Connects on first use, so that a node can start before its database.
    pub(crate) fn open(mut config: Config, observer: Arc<Observer>) -> Result<Self, StoreError> {
        warn_of_clear_text(&config);
        set_defaults(&mut config);
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeouts = Timeouts { wait: Some(CONNECT_TIMEOUT), create: Some(CONNECT_TIMEOUT), recycle: None };
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager_config))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(timeouts)
            .build()
            .map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
        Ok(Self { pool, observer })
    }

    /// A read changes nothing, so one that met a connection that had just died runs once more.
    pub(crate) async fn query(&self, sql: &'static Sql, parameters: &[Value]) -> Result<Outcome, StoreError> {
        match self.query_once(sql, parameters).await {
            Err(StoreError::Unavailable { .. }) => self.query_once(sql, parameters).await,
            answer => answer,
        }
    }

    async fn query_once(&self, sql: &'static Sql, parameters: &[Value]) -> Result<Outcome, StoreError> {
        let client = connect(&self.pool).await?;
        let failure = failure(sql.name);
        let prepared = client.prepare_cached(&sql.with_time(NOW)).await.map_err(&failure)?;
        parameter::run(&client, &prepared, parameters).await.map_err(&failure)
    }

    /// The task goes on when the caller is dropped: a half-done transaction must not go back to the pool.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>, CommitError> {
        let (pool, observer) = (self.pool.clone(), Arc::clone(&self.observer));
        let committed = async move {
            let began = Instant::now();
            let outcome = commit::commit(&pool, &batch).await;
            observer.tell(1, began, matches!(outcome, Ok(_) | Err(CommitError::Refused(_))));
            outcome
        };
        tokio::spawn(committed).await.unwrap_or_else(|error| {
            Err(StoreError::OutcomeUnknown { reason: format!("the task that commits ended early: {error}") }
                .into())
        })
    }

    /// The lock is held to the end of the transaction: a node that waited finds nothing left to do.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = connect(&self.pool).await?;
        let failure = failure("migration");
        let transaction = client.transaction().await.map_err(&failure)?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(&failure)?;
        transaction.batch_execute(migration::CREATE_TABLE).await.map_err(&failure)?;
        transaction.batch_execute(commit::CREATE_INCARNATION).await.map_err(&failure)?;
        let applied = select_applied(&*transaction).await?;
        for pending in migration::pending(&applied)? {
            transaction.batch_execute(pending.script).await.map_err(&failure)?;
            transaction.execute(migration::INSERT_APPLIED, &[&pending.name]).await.map_err(&failure)?;
        }
        transaction.commit().await.map_err(&failure)
    }

    pub(crate) async fn applied_migrations(&self) -> Result<Vec<String>, StoreError> {
        const EXISTS: &str = "SELECT to_regclass('migrations') IS NOT NULL";
        let client = connect(&self.pool).await?;
        let exists = client.query_one(EXISTS, &[]).await.map_err(failure("migration.exists"))?;
        if exists.get(0) { select_applied(&**client).await } else { Ok(Vec::new()) }
    }

    pub(crate) async fn prepare(&self, sql: &'static Sql) -> Result<(), StoreError> {
        let client = connect(&self.pool).await?;
        client.prepare_cached(&sql.with_time(NOW)).await.map(drop).map_err(failure(sql.name))
    }
}

async fn select_applied(client: &impl GenericClient) -> Result<Vec<String>, StoreError> {
    let rows = client.query(migration::SELECT_APPLIED, &[]).await.map_err(failure("migration.applied"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn connect(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| StoreError::Unavailable {
        reason: match error {
            PoolError::Backend(error) => describe(&error),
            error => error.to_string(),
        },
    })
}

/// What a driver error means for the caller when nothing was committed.
fn failure(statement: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError {
    move |error| match error.code() {
        Some(code) if !is_outage(code) => StoreError::Rejected { statement, reason: describe(&error) },
        _ => StoreError::Unavailable { reason: describe(&error) },
    }
}

/// Classes 53 (insufficient resources), 57 (operator intervention), 58 (system error), 08 (connection)
/// and a server that has become read-only: the statement was not at fault.
fn is_outage(code: &SqlState) -> bool {
    ["08", "53", "57", "58"].contains(&&code.code()[..2]) || *code == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// Message and SQLSTATE. The server's DETAIL is left out: it quotes stored values.
fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(database), _) => format!("{} (SQLSTATE {})", database.message(), database.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// What the URL does not say.
fn set_defaults(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("vestibule");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(LOST_AFTER);
    }
}

fn warn_of_clear_text(config: &Config) {
    let is_remote = config.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => {
            name != "localhost" && !name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => false,
    });
    if is_remote {
        tracing::warn!(
            "the connection to PostgreSQL leaves this host without TLS; use an encrypted tunnel or network"
        );
    }
}
