use std::sync::Arc;

use crate::{
    engine::Engine,
    error::{CommitError, StoreError},
    garbage,
    location::Location,
    migration,
    observer::{Commit, Observer},
    record,
    row::{Outcome, Row},
    statement::{Batch, Sql},
    value::Value,
};

/// The open database. Clones share its connections.
///
/// Reads are methods named after their record; changes are [`Statement`](crate::Statement)s that the modules of the records
/// make, committed together as one [`Batch`].
#[derive(Debug, Clone)]
pub struct Store {
    engine: Arc<Engine>,
    observer: Arc<Observer>,
}

impl Store {
    /// Opens the database. A `SQLite` file is created if there is none, readable for its owner only; a
    /// PostgreSQL is connected to when it is first needed. Needs [`Store::migrate`] before use.
    pub fn open(location: Location) -> Result<Self, StoreError> {
        let observer = Arc::<Observer>::default();
        Ok(Self { engine: Arc::new(Engine::open(location, &observer)?), observer })
    }

    /// `observe` is told of every commit from here on; the first observer stays the only one. It runs where commits are
    /// made, and must not block.
    pub fn observe_commits(&self, observe: impl Fn(Commit) + Send + Sync + 'static) {
        self.observer.set(observe);
    }

    /// Brings the schema up to date and compiles every statement against it. Safe to run from several
    /// nodes at once.
    ///
    /// Fails with [`StoreError::NewerSchema`] when a newer version was here before.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.engine.migrate().await?;
        for sql in statements() {
            self.engine.prepare(sql).await?;
        }
        Ok(())
    }

    /// Removes from a `SQLite` file and its log what was deleted before; a PostgreSQL does so in its own time (VACUUM, and
    /// the recycling of its log). Fails when others keep the file busy for seconds; what is left then goes with the next
    /// one, or when the log is written anew.
    pub async fn forget_deleted(&self) -> Result<(), StoreError> {
        let engine = Arc::clone(&self.engine);
        let emptied = tokio::task::spawn_blocking(move || engine.empty_log()).await;
        emptied.unwrap_or_else(|error| Err(StoreError::Unavailable { reason: error.to_string() }))
    }

    /// Whether the database can be reached and has the schema this program needs (`GET /ready`).
    pub async fn ready(&self) -> Result<(), StoreError> {
        migration::check_complete(&self.engine.applied_migrations().await?)
    }

    /// Commits a batch: all of its statements or none. A batch that the engine has taken is finished even if
    /// the caller goes away.
    ///
    /// # Errors
    /// [`CommitError::Refused`] names the first statement whose row count was not the expected one.
    pub async fn commit(&self, batch: impl Into<Batch>) -> Result<(), CommitError> {
        self.commit_returning(batch.into()).await.map(drop)
    }

    /// Like [`Store::commit`], with what each statement gave.
    pub(crate) async fn commit_returning(&self, batch: Batch) -> Result<Vec<Outcome>, CommitError> {
        if let Some(statement) = batch.statements.iter().find(|statement| has_nul(&statement.parameters)) {
            return Err(StoreError::NulCharacter { statement: statement.sql.name }.into());
        }
        if batch.statements.is_empty() {
            return Ok(Vec::new());
        }
        self.engine.commit(batch).await
    }

    /// Runs a reading statement.
    pub(crate) async fn query(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        // PostgreSQL refuses such a text, and no row can hold it: nothing matches, on both engines.
        if has_nul(&parameters) {
            return Ok(Vec::new());
        }
        self.engine.query(sql, parameters).await.map(|outcome| outcome.rows)
    }

    /// The first row, read by `from_row`.
    pub(crate) async fn optional<T>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value>,
        from_row: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.query(sql, parameters).await?.first_mut().map(from_row).transpose()
    }

    /// All rows, read by `from_row`.
    pub(crate) async fn all<T>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value>,
        from_row: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.query(sql, parameters).await?.iter_mut().map(from_row).collect()
    }
}

/// Every SQL text there is.
fn statements() -> impl Iterator<Item = &'static Sql> {
    record::registered().chain(garbage::REGISTERED.iter().copied())
}

fn has_nul(parameters: &[Value]) -> bool {
    parameters.iter().any(|parameter| matches!(parameter, Value::Text(text) if text.contains('\0')))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The numbers `$n` in order of appearance.
    fn parameters(text: &str) -> Vec<usize> {
        let after_dollar = text.split('$').skip(1);
        let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
        after_dollar.map(|rest| digits(rest).parse().unwrap()).collect()
    }

    /// `SQLite` numbers parameters by first appearance, PostgreSQL by their digits: both agree only when the
    /// digits count up.
    #[test]
    fn parameters_are_numbered_in_the_order_of_their_first_use() {
        for sql in statements() {
            let mut highest = 0;
            for number in parameters(sql.text) {
                assert!(number <= highest + 1, "{} uses ${number} too early", sql.name);
                highest = highest.max(number);
            }
        }
    }

    #[test]
    fn every_statement_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for sql in statements() {
            assert!(names.insert(sql.name), "{} is there twice", sql.name);
            assert!(sql.name.contains('.'), "{} is not record.verb", sql.name);
        }
    }

    #[test]
    fn no_statement_compares_by_pattern() {
        assert!(statements().all(|sql| !sql.text.contains(" LIKE ")));
    }
}
