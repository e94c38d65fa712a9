use thiserror::Error;

/// Why the store could not do what it was asked.
///
/// The messages are for the log and the operator: they never hold a stored or bound value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The database cannot be reached or cannot work now. Nothing was written; trying again is safe.
    #[error("the database cannot be used now: {reason}; nothing was written, try again once it is back")]
    Unavailable {
        /// What the driver or the operating system said.
        reason: String,
    },
    /// The connection broke during COMMIT and the database could not be asked since.
    #[error(
        "the connection to the database broke while it was committing, and it could not be asked how that \
         ended ({reason}); the change is either stored whole or not at all: read the record again before \
         deciding"
    )]
    OutcomeUnknown {
        /// Why asking failed.
        reason: String,
    },
    /// A column holds what no version of this program wrote there.
    #[error(
        "column {table}.{column} holds a value that cannot be read; somebody changed the database by hand, or \
         it is damaged: correct that row or restore a backup"
    )]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The schema is newer than this program.
    #[error(
        "the database was migrated by a newer version of vestibule (migration {migration} is not known here); \
         start that version, or restore the backup made before the upgrade"
    )]
    NewerSchema {
        /// The first migration this program does not know.
        migration: String,
    },
    /// The schema is older than this program.
    #[error(
        "the database is not migrated yet (migration {migration} is missing); start `vestibule serve` on it"
    )]
    NotMigrated {
        /// The first migration that is missing.
        migration: &'static str,
    },
    /// The database refused a statement for another reason than its row count.
    #[error(
        "the database refused the statement {statement}: {reason}; nothing was written, please report this"
    )]
    Rejected {
        /// [`crate::Sql::name`] of the statement.
        statement: &'static str,
        /// What the database said, without values.
        reason: String,
    },
    /// A text holds U+0000, which PostgreSQL cannot store; both engines refuse it alike.
    #[error(
        "the statement {statement} was given a text with a NUL character, which cannot be stored; nothing was written"
    )]
    NulCharacter {
        /// [`crate::Sql::name`] of the statement.
        statement: &'static str,
    },
    /// The database is where it may not be used.
    #[error("{0}")]
    Location(#[from] LocationError),
}

/// Why a batch was not committed. In every case but [`StoreError::OutcomeUnknown`] nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// A statement did not touch the number of rows it expects: somebody else was first, or the
    /// condition does not hold. The whole batch was rolled back.
    #[error("{0} did not apply: its condition no longer holds; nothing was written")]
    Refused(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a database URL cannot be used. The messages never repeat the URL: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LocationError {
    /// Neither `sqlite:` nor `postgres://`.
    #[error("the database URL has an unknown scheme; write sqlite:PATH or postgres://USER@HOST/DATABASE")]
    Scheme,
    /// `sqlite:` without a file.
    #[error(
        "the database URL names no file; write sqlite:PATH (an in-memory database is not supported: it would forget every grant)"
    )]
    NoFile,
    /// The PostgreSQL driver does not understand the URL.
    #[error("the PostgreSQL URL is not valid: {reason}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Postgresql {
        /// The driver's words, which name the option and never its value.
        reason: String,
    },
    /// The URL asks for TLS.
    #[error(
        "the PostgreSQL URL asks for TLS (sslmode), which this version does not speak to PostgreSQL; use a \
         database on this host or reach it through an encrypted tunnel, and set sslmode=disable"
    )]
    TlsNotSupported,
    /// The directory or the file of the database cannot be made.
    #[error(
        "the database file {path} cannot be opened: {reason}; check that its directory exists and is writable"
    )]
    File {
        /// The path of the database.
        path: String,
        /// What the operating system said.
        reason: String,
    },
}
