use std::borrow::Cow;

use crate::value::Value;

/// Where the database's time stands in a text.
const NOW: &str = "{now}";

/// One SQL text and the name it is known by in logs, refusals and tests.
///
/// Every text is written once for both engines: `$1, $2 …` in ascending order of first use,
/// and only what PostgreSQL and `SQLite` understand alike. `{now}` stands for the database's own time, in milliseconds
/// since 1970: what several nodes compare must not depend on their clocks.
#[derive(Debug)]
pub struct Sql {
    /// `record.verb`, for example `authorization_code.redeem`.
    pub name: &'static str,
    /// The text. Values never stand in it: they are bound.
    pub text: &'static str,
}

/// How many rows a statement has to touch for its batch to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number, zero included.
    Any,
    /// Exactly this many; otherwise the whole batch is rolled back and refused.
    Rows(u64),
}

impl Sql {
    /// The text for an engine that writes its own time as `now`.
    pub(crate) fn with_time(&self, now: &str) -> Cow<'static, str> {
        if self.text.contains(NOW) { self.text.replace(NOW, now).into() } else { self.text.into() }
    }
}

impl Expect {
    pub(crate) fn is_met_by(self, affected: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Rows(expected) => affected == expected,
        }
    }
}

/// A change that was decided but not made yet: a value, built without a database.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What to run.
    pub sql: &'static Sql,
    /// The bound values, in the order of `$1, $2 …`.
    pub parameters: Vec<Value>,
    /// What makes it a success.
    pub expect: Expect,
}

/// Statements that are committed together or not at all, in this order.
#[derive(Debug, Clone, Default)]
#[must_use = "a batch does nothing until `Store::commit` gets it"]
pub struct Batch {
    pub(crate) statements: Vec<Statement>,
}

impl Batch {
    /// A batch without statements. Committing it as it is succeeds and changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The batch with one more statement at its end.
    pub fn then(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }
}

impl From<Statement> for Batch {
    fn from(statement: Statement) -> Self {
        Self { statements: vec![statement] }
    }
}

impl FromIterator<Statement> for Batch {
    fn from_iter<I: IntoIterator<Item = Statement>>(statements: I) -> Self {
        Self { statements: statements.into_iter().collect() }
    }
}

/// Names the SQL texts of a record, and registers them all by construction, so that a test can
/// PREPARE each one on both engines.
macro_rules! sql {
    ($($constant:ident: $name:literal = $text:expr;)+) => {
        $(static $constant: $crate::statement::Sql = $crate::statement::Sql { name: $name, text: $text };)+
        pub(crate) static REGISTERED: &[&$crate::statement::Sql] = &[$(&$constant),+];
    };
}

/// The statement that runs `$sql` with these values bound to `$1, $2 …`.
macro_rules! statement {
    ($sql:ident [$($value:expr),* $(,)?] expecting $expect:expr) => {
        $crate::statement::Statement {
            sql: &$sql,
            parameters: $crate::value::values![$($value),*],
            expect: $expect,
        }
    };
}

pub(crate) use {sql, statement};
