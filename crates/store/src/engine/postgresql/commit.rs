//! One batch, two round trips:
//!
//! 1. `BEGIN`, every statement, and the question for the transaction's id are sent without waiting in
//!    between. The row counts decide.
//! 2. `COMMIT`, or `ROLLBACK` when a statement was refused.
//!
//! When the connection breaks during the second, the server is asked on another connection what became of
//! the transaction id of the first: nothing is guessed, nothing is run twice.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, tokio_postgres};
use futures_util::future::{join_all, join3};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Error, error::SqlState};

use super::{connect, failure, parameter};
use crate::{
    error::{CommitError, StoreError},
    row::Outcome,
    statement::{Batch, Statement},
};

/// How often a batch is run before its last conflict or broken connection is reported.
const ATTEMPTS: u32 = 6;

/// How long the fate of a transaction is asked for.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

const TRANSACTION_ID: &str = "SELECT CAST(pg_current_xact_id() AS TEXT)";
const TRANSACTION_STATUS: &str = "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))";

type Committed = Vec<Outcome>;

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
    let (outcomes, transaction_id) = match fly(&client, &batch.statements, &prepared).await {
        Ok(flown) => flown,
        Err(failure) => {
            roll_back(client).await;
            return Err(failure);
        }
    };
    match client.batch_execute("COMMIT").await {
        Ok(()) => Ok(outcomes),
        Err(error) if is_conflict(&error) => Err(Failure::Again(failure("COMMIT")(error))),
        Err(error) => {
            tracing::warn!(%error, "the connection broke during COMMIT; asking what became of it");
            drop(Object::take(client));
            settle(pool, &transaction_id).await.map(|()| outcomes)
        }
    }
}

async fn prepare(
    client: &Object,
    statements: &[Statement],
) -> Result<Vec<tokio_postgres::Statement>, Failure> {
    let mut prepared = Vec::with_capacity(statements.len() + 1);
    for text in statements.iter().map(|statement| statement.sql.text).chain([TRANSACTION_ID]) {
        prepared.push(client.prepare_cached(text).await.map_err(|error| again_if_lost("PREPARE", error))?);
    }
    Ok(prepared)
}

/// The first round trip. `join3` and `join_all` poll in the order written, and a future of the driver sends
/// when it is polled first: that is what puts the messages on the wire in this order.
async fn fly(
    client: &Object,
    statements: &[Statement],
    prepared: &[tokio_postgres::Statement],
) -> Result<(Committed, String), Failure> {
    let (last, own) = prepared.split_last().expect("prepare() adds the question for the transaction id");
    let opening = client.batch_execute("BEGIN");
    let runs = statements.iter().zip(own).map(|(statement, prepared)| async move {
        parameter::run(client, prepared, &statement.parameters).await
    });
    let (opened, outcomes, id) = join3(opening, join_all(runs), client.query_one(last, &[])).await;
    opened.map_err(|error| again_if_lost("BEGIN", error))?;
    let outcomes = statements
        .iter()
        .zip(outcomes)
        .map(|(statement, outcome)| judge(statement, outcome))
        .collect::<Result<_, _>>()?;
    let id = id.map_err(|error| again_if_lost("transaction id", error))?;
    Ok((outcomes, id.get(0)))
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

/// What became of a transaction whose COMMIT got no answer. The server may still be at work on it.
async fn settle(pool: &Pool, transaction_id: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + SETTLE_WITHIN;
    loop {
        let reason = match transaction_status(pool, transaction_id).await {
            Ok(Some(status)) if status == "committed" => return Ok(()),
            Ok(Some(status)) if status == "aborted" => {
                return Err(Failure::Again(StoreError::Unavailable {
                    reason: "the connection broke before the transaction was committed".into(),
                }));
            }
            Ok(Some(status)) => format!("the transaction is {status}"),
            Ok(None) => "the server no longer knows the transaction".into(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Err(StoreError::OutcomeUnknown { reason }.into());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn transaction_status(pool: &Pool, transaction_id: &str) -> Result<Option<String>, StoreError> {
    let client = connect(pool).await?;
    let failure = failure("transaction status");
    let row = client.query_one(TRANSACTION_STATUS, &[&transaction_id]).await.map_err(failure)?;
    Ok(row.get(0))
}
