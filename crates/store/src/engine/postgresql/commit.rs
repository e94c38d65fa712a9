//! One batch, two round trips:
//!
//! 1. `BEGIN`, every statement, and the question for the transaction's id are sent without waiting in
//!    between. The row counts decide.
//! 2. `COMMIT`, or `ROLLBACK` when a statement was refused.
//!
//! When the connection breaks during the second, the server is asked on another connection what became of
//! the transaction id of the first: nothing is guessed, nothing is run twice.
//!
//! A transaction id means something only as long as the server does not crash: an id whose log never
//! reached the disk is given again after the recovery, to a stranger. So the id is remembered together with
//! the server's *incarnation*, a random mark in an unlogged table, which every recovery empties. When the
//! mark is another one the outcome is reported as unknown.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, tokio_postgres};
use futures_util::future::{join_all, join3};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Error, error::SqlState};

use super::{NOW, connect, failure, parameter};
use crate::{
    error::{CommitError, StoreError},
    row::Outcome,
    statement::{Batch, Statement},
};

/// How often a batch is run before its last conflict or broken connection is reported.
const ATTEMPTS: u32 = 6;

/// How long the fate of a transaction is asked for.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// Makes the table of the mark; part of the migrations of this engine.
pub(super) const CREATE_INCARNATION: &str = "CREATE UNLOGGED TABLE IF NOT EXISTS server_incarnation (\
         only_row BIGINT PRIMARY KEY CHECK (only_row = 1), mark TEXT NOT NULL)";

const MARK_INCARNATION: &str = "INSERT INTO server_incarnation (only_row, mark) \
     VALUES (1, CAST(gen_random_uuid() AS TEXT)) ON CONFLICT DO NOTHING";
const TRANSACTION: &str = "SELECT CAST(pg_current_xact_id() AS TEXT), (SELECT mark FROM server_incarnation)";
const TRANSACTION_STATUS: &str = "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8)), \
     (SELECT mark FROM server_incarnation)";

type Committed = Vec<Outcome>;

/// What identifies a transaction on this server.
struct Transaction {
    id: String,
    /// `None` in the first transaction after a recovery.
    incarnation: Option<String>,
}

enum Failure {
    /// Certainly not committed, and worth another attempt.
    Again(StoreError),
    Final(CommitError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error.into())
    }
}

pub(super) async fn commit(pool: &Pool, batch: &Batch) -> Result<Committed, CommitError> {
    let mut attempt = 1;
    loop {
        match attempt_once(pool, batch).await {
            Ok(committed) => return Ok(committed),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Again(error)) if attempt == ATTEMPTS => return Err(error.into()),
            Err(Failure::Again(error)) => {
                tracing::debug!(%error, attempt, "a batch is run again");
                sleep(Duration::from_millis(2 << attempt)).await;
                attempt += 1;
            }
        }
    }
}

async fn attempt_once(pool: &Pool, batch: &Batch) -> Result<Committed, Failure> {
    let client = connect(pool).await?;
    let prepared = prepare(&client, &batch.statements).await?;
    let (outcomes, transaction) = match fly(&client, &batch.statements, &prepared).await {
        Ok(flown) => flown,
        Err(failure) => {
            roll_back(client).await;
            return Err(failure);
        }
    };
    match client.batch_execute("COMMIT").await {
        Ok(()) => {
            if transaction.incarnation.is_none() {
                mark_incarnation(&client).await;
            }
            Ok(outcomes)
        }
        Err(error) if is_conflict(&error) => Err(Failure::Again(failure("COMMIT")(error))),
        Err(error) => {
            tracing::warn!(%error, "the connection broke during COMMIT; asking what became of it");
            drop(Object::take(client));
            settle(pool, &transaction).await.map(|()| outcomes)
        }
    }
}

async fn prepare(
    client: &Object,
    statements: &[Statement],
) -> Result<Vec<tokio_postgres::Statement>, Failure> {
    let mut prepared = Vec::with_capacity(statements.len() + 1);
    for text in statements.iter().map(|statement| statement.sql.with_time(NOW)).chain([TRANSACTION.into()]) {
        prepared.push(client.prepare_cached(&text).await.map_err(|error| again_if_lost("PREPARE", error))?);
    }
    Ok(prepared)
}

/// The first round trip. `join3` and `join_all` poll in the order written, and a future of the driver sends
/// when it is polled first: that is what puts the messages on the wire in this order.
async fn fly(
    client: &Object,
    statements: &[Statement],
    prepared: &[tokio_postgres::Statement],
) -> Result<(Committed, Transaction), Failure> {
    let (last, own) = prepared.split_last().expect("prepare() adds the question for the transaction");
    let opening = client.batch_execute("BEGIN");
    let runs = statements.iter().zip(own).map(|(statement, prepared)| async move {
        parameter::run(client, prepared, &statement.parameters).await
    });
    let (opened, outcomes, transaction) = join3(opening, join_all(runs), client.query_one(last, &[])).await;
    opened.map_err(|error| again_if_lost("BEGIN", error))?;
    let outcomes = statements
        .iter()
        .zip(outcomes)
        .map(|(statement, outcome)| judge(statement, outcome))
        .collect::<Result<_, _>>()?;
    let row = transaction.map_err(|error| again_if_lost("transaction id", error))?;
    Ok((outcomes, Transaction { id: row.get(0), incarnation: row.get(1) }))
}

fn judge(statement: &Statement, outcome: Result<Outcome, Error>) -> Result<Outcome, Failure> {
    let refused = || Failure::Final(CommitError::Refused(statement.sql.name));
    match outcome {
        Ok(outcome) if statement.expect.is_met_by(outcome.affected) => Ok(outcome),
        Ok(_) => Err(refused()),
        // The row is there already: the same answer as ON CONFLICT DO NOTHING with a row count gives.
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Err(refused()),
        Err(error) => Err(again_if_lost(statement.sql.name, error)),
    }
}

/// Before COMMIT was sent nothing can be committed: conflicts and broken connections may be tried again.
fn again_if_lost(statement: &'static str, error: Error) -> Failure {
    let again = is_conflict(&error);
    match failure(statement)(error) {
        error @ StoreError::Unavailable { .. } => Failure::Again(error),
        error if again => Failure::Again(error),
        error => error.into(),
    }
}

fn is_conflict(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}

/// A connection that cannot even roll back must not go back to the pool.
async fn roll_back(client: Object) {
    if let Err(error) = client.batch_execute("ROLLBACK").await {
        tracing::debug!(%error, "a connection was given up");
        drop(Object::take(client));
    }
}

/// The batch is committed already; without the mark only a later broken connection stays unresolved.
async fn mark_incarnation(client: &Object) {
    if let Err(error) = client.batch_execute(MARK_INCARNATION).await {
        tracing::warn!(%error, "the server's incarnation could not be marked; the next commit tries again");
    }
}

/// What became of a transaction whose COMMIT got no answer. The server may still be at work on it.
async fn settle(pool: &Pool, transaction: &Transaction) -> Result<(), Failure> {
    let deadline = Instant::now() + SETTLE_WITHIN;
    loop {
        let reason = match ask(pool, transaction).await {
            Ok(Fate::Committed) => return Ok(()),
            Ok(Fate::Aborted) => {
                let reason = "the connection broke before the transaction was committed".into();
                return Err(Failure::Again(StoreError::Unavailable { reason }));
            }
            Ok(Fate::Forgotten) => {
                let reason = "the server recovered from a crash meanwhile".into();
                return Err(StoreError::OutcomeUnknown { reason }.into());
            }
            Ok(Fate::InProgress) => "the transaction is still in progress".into(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Err(StoreError::OutcomeUnknown { reason }.into());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

enum Fate {
    Committed,
    Aborted,
    InProgress,
    /// The server cannot know: its transaction ids are not those of then.
    Forgotten,
}

async fn ask(pool: &Pool, transaction: &Transaction) -> Result<Fate, StoreError> {
    let client = connect(pool).await?;
    let failure = failure("transaction status");
    let row = client.query_one(TRANSACTION_STATUS, &[&transaction.id]).await.map_err(failure)?;
    let (status, incarnation): (Option<&str>, Option<String>) = (row.get(0), row.get(1));
    if transaction.incarnation.is_none() || transaction.incarnation != incarnation {
        return Ok(Fate::Forgotten);
    }
    Ok(match status {
        Some("committed") => Fate::Committed,
        Some("aborted") => Fate::Aborted,
        Some(_) => Fate::InProgress,
        None => Fate::Forgotten,
    })
}
