use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, ToSql,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};

use super::failure;
use crate::{
    error::{LocationError, StoreError},
    row::{Outcome, Row},
    value::Value,
};

/// How long one process waits for another that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than the program has statements, so that each is compiled once per connection.
const CACHED_STATEMENTS: usize = 256;

/// Pages in the write-ahead log before they are copied into the database: 16 MiB. Random keys touch a page each,
/// so that with `SQLite`'s 1000 every few groups would wait for a copy; many more would make a start after a
/// crash slow, which reads the whole log.
const CHECKPOINT_PAGES: u32 = 4096;

/// The memory of a connection for pages, in KiB as a negative number, which is how `SQLite` tells it from one of pages.
/// Entries of the audit log fill it to the end with pages that nobody reads again, so that `SQLite`'s own 2 MiB are memory
/// for nothing; what is looked up by random keys finds the inner pages of its trees in half of it.
const CACHE: i64 = -1024;

/// Makes the file readable for its owner only, before `SQLite` could make it with the process's umask;
/// the `-wal` and `-shm` files take its mode over.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    let create = || -> io::Result<()> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            private_directory().create(directory)?;
        }
        private_file().open(path).map(drop)
    };
    create().map_err(|error| {
        LocationError::File { path: path.display().to_string(), reason: error.to_string() }.into()
    })
}

fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A connection for the writer. `synchronous=FULL`: an acknowledged commit survives a power cut.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let failure = failure("database.open");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags).map_err(&failure)?;
    enter_wal(&connection).map_err(&failure)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(&failure)?;
    connection.pragma_update(None, "foreign_keys", "ON").map_err(&failure)?;
    // What is deleted is overwritten: a credential's data key must not outlive its row on a free page.
    connection.pragma_update(None, "secure_delete", "ON").map_err(&failure)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(&failure)?;
    Ok(connection)
}

/// A connection that cannot write, whatever it is given.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    // Else SQLite compiles a statement anew for every value that is bound, because another plan might suit that
    // value better; ours are looked up by key, and compiling costs several times what running does.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Entering WAL needs the file for itself, and `SQLite` answers "busy" at once there, without the busy
/// handler; two processes that start together meet exactly here.
fn enter_wal(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// Runs one statement to its end.
pub(super) fn run(connection: &Connection, text: &str, parameters: &[Value]) -> rusqlite::Result<Outcome> {
    let mut statement = connection.prepare_cached(text)?;
    let width = statement.column_count();
    let mut cursor = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        let values = (0..width).map(|column| Ok(owned(row.get_ref(column)?)));
        rows.push(values.collect::<rusqlite::Result<Row>>()?);
    }
    drop(cursor);
    let affected = if width > 0 { rows.len() as u64 } else { connection.changes() };
    Ok(Outcome { affected, rows })
}

/// A floating-point number, which no column holds, and a text that is not UTF-8 become what no column
/// reads: they are reported as corrupt with their place.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(text.to_owned()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::value::ToValue as _;

    #[test]
    fn a_statement_is_compiled_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.sqlite3");
        create_file(&path).unwrap();
        let connection = open_for_writing(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a TEXT, b BIGINT, PRIMARY KEY (a, b))").unwrap();
        let text = "SELECT b FROM t WHERE a = $1 ORDER BY b";
        for a in ["one", "two", "three"] {
            run(&connection, text, &[a.to_value()]).unwrap();
        }
        let statement = connection.prepare_cached(text).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        assert_eq!(statement.get_status(StatementStatus::Run), 3);
    }
}
