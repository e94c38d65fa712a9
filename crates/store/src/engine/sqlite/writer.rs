//! Group commit. Waiting for the disk is nearly all a durable write costs, so one thread takes every
//! batch that waits, runs all in one transaction, commits once, and answers all.

use std::{sync::Arc, thread, time::Instant};

use rusqlite::{Connection, ffi};
use tokio::sync::{mpsc, oneshot};

use super::{NOW, connection, failure};
use crate::{
    error::{CommitError, StoreError},
    observer::Observer,
    row::Outcome,
    statement::{Batch, Statement},
};

/// Batches that may wait; beyond that, callers wait before they hand over.
const QUEUE: usize = 4096;

/// Batches in one transaction at most: bounds how long the first one waits for the last.
const GROUP: usize = 256;

type Answer = Result<Vec<Outcome>, CommitError>;

struct Job {
    batch: Batch,
    answer: oneshot::Sender<Answer>,
}

/// The handle of the writer thread, which ends when the handle is dropped and the queue is empty.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(connection: Connection, observer: Arc<Observer>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || serve(&connection, queue, &observer))
            .map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
        Ok(Self { jobs })
    }

    pub(super) async fn commit(&self, batch: Batch) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { batch, answer }).await.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped().into()))
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable {
        reason: "the thread that writes to SQLite has stopped; restart vestibule".into(),
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Job>, observer: &Observer) {
    while let Some(first) = queue.blocking_recv() {
        // Whoever is about to hand over may do so first: where cores are few, a fast disk would else be given one batch
        // at a time. With nothing else to run this costs nothing.
        thread::yield_now();
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        commit_group(connection, group, observer);
    }
}

/// Answers come only after the commit. When it fails, refusals too were judged by a state that is gone:
/// then every caller gets the error.
fn commit_group(connection: &Connection, group: Vec<Job>, observer: &Observer) {
    let began = Instant::now();
    let outcome = transact(connection, &group);
    observer.tell(group.len(), began, outcome.is_ok());
    match outcome {
        Ok(answers) => {
            for (job, answer) in group.into_iter().zip(answers) {
                // A caller that went away has no use for the answer; its batch stays committed.
                drop(job.answer.send(answer));
            }
        }
        Err(error) => {
            tracing::error!(%error, batches = group.len(), "a group of writes failed as a whole");
            for job in group {
                drop(job.answer.send(Err(error.clone().into())));
            }
        }
    }
}

/// How batches of one transaction are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolation {
    /// Not at all: enough as long as no batch is refused after it changed something.
    Trusting,
    /// By a savepoint around each, which copies every page before it is changed.
    Savepoints,
}

/// Why a group was not committed.
enum Abandoned {
    /// A batch was refused half-way, and nothing keeps it apart from the others.
    HalfDone,
    Failed(StoreError),
}

impl From<StoreError> for Abandoned {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Refusals half-way are rare: then the group is run a second time.
fn transact(connection: &Connection, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
    match attempt(connection, group, Isolation::Trusting) {
        Err(Abandoned::HalfDone) => {}
        Err(Abandoned::Failed(error)) => return Err(error),
        Ok(answers) => return Ok(answers),
    }
    attempt(connection, group, Isolation::Savepoints).map_err(|abandoned| match abandoned {
        Abandoned::Failed(error) => error,
        Abandoned::HalfDone => StoreError::Unavailable { reason: "a savepoint did not hold".into() },
    })
}

fn attempt(connection: &Connection, group: &[Job], isolation: Isolation) -> Result<Vec<Answer>, Abandoned> {
    let outcome = begin_to_commit(connection, group, isolation);
    if outcome.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "rolling back failed; the next group will start with an error");
    }
    outcome
}

fn begin_to_commit(
    connection: &Connection,
    group: &[Job],
    isolation: Isolation,
) -> Result<Vec<Answer>, Abandoned> {
    run_control(connection, "BEGIN IMMEDIATE")?;
    let run = match isolation {
        Isolation::Trusting => run_trusting,
        Isolation::Savepoints => run_in_savepoint,
    };
    let answers = group.iter().map(|job| run(connection, &job.batch)).collect::<Result<Vec<_>, _>>()?;
    run_control(connection, "COMMIT")?;
    Ok(answers)
}

/// The outer error ends the whole group, the inner one only this batch.
fn run_trusting(connection: &Connection, batch: &Batch) -> Result<Answer, Abandoned> {
    let changes = connection.total_changes();
    let answer = run_statements(connection, batch)?;
    if answer.is_err() && connection.total_changes() != changes {
        return Err(Abandoned::HalfDone);
    }
    Ok(answer)
}

/// Like [`run_trusting`], for a batch that may be refused anywhere.
fn run_in_savepoint(connection: &Connection, batch: &Batch) -> Result<Answer, Abandoned> {
    run_control(connection, "SAVEPOINT batch")?;
    let answer = run_statements(connection, batch)?;
    if answer.is_err() {
        run_control(connection, "ROLLBACK TO batch")?;
    }
    run_control(connection, "RELEASE batch")?;
    Ok(answer)
}

fn run_statements(connection: &Connection, batch: &Batch) -> Result<Answer, StoreError> {
    let answer: Answer =
        batch.statements.iter().map(|statement| run_statement(connection, statement)).collect();
    // A full disk or a failed read makes SQLite roll back the whole transaction by itself.
    match answer {
        Err(CommitError::Store(error)) if connection.is_autocommit() => Err(error),
        answer => Ok(answer),
    }
}

fn run_statement(connection: &Connection, statement: &Statement) -> Result<Outcome, CommitError> {
    let Statement { sql, parameters, expect } = statement;
    let outcome = connection::run(connection, &sql.with_time(NOW), parameters).map_err(|error| {
        if is_duplicate(&error) { CommitError::Refused(sql.name) } else { failure(sql.name)(error).into() }
    })?;
    if expect.is_met_by(outcome.affected) { Ok(outcome) } else { Err(CommitError::Refused(sql.name)) }
}

/// The row is there already: the same answer as `ON CONFLICT DO NOTHING` with a row count gives.
fn is_duplicate(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY].contains(&error.extended_code)
    })
}

fn run_control(connection: &Connection, text: &'static str) -> Result<(), StoreError> {
    connection::run(connection, text, &[]).map(drop).map_err(failure(text))
}
