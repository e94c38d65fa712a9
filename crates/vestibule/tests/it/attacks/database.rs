//! What the embedded database holds, seen from outside of the server.

use std::{collections::BTreeMap, path::Path, time::Duration};

use rusqlite::{Connection, types::Value};

/// A second connection to a running server's database.
pub(crate) struct Database(Connection);

/// Every row of every table but those of the audit log, which grows when something is refused; by the table's name.
pub(crate) type Contents = BTreeMap<String, Vec<String>>;

impl Database {
    pub(crate) fn open(data_directory: &Path) -> Self {
        let connection =
            Connection::open(data_directory.join("vestibule.sqlite3")).expect("the database opens");
        connection.busy_timeout(Duration::from_secs(20)).expect("a timeout can be set");
        Self(connection)
    }

    pub(crate) fn contents(&self) -> Contents {
        let tables = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'audit%' ORDER BY name",
        );
        let names = tables.into_iter().map(|row| match row.into_iter().next() {
            Some(Value::Text(name)) => name,
            other => panic!("a table is called {other:?}"),
        });
        names
            .map(|name| {
                let mut rows: Vec<_> = self
                    .rows(&format!("SELECT * FROM {name}"))
                    .iter()
                    .map(|row| format!("{row:?}"))
                    .collect();
                rows.sort_unstable();
                (name, rows)
            })
            .collect()
    }

    /// How many rows a table has for which the condition holds.
    pub(crate) fn count(&self, table: &str, condition: &str) -> i64 {
        match self.rows(&format!("SELECT count(*) FROM {table} WHERE {condition}"))[..] {
            [ref row] if matches!(row[..], [Value::Integer(_)]) => match row[0] {
                Value::Integer(count) => count,
                _ => unreachable!("the guard has looked"),
            },
            ref other => panic!("a count is {other:?}"),
        }
    }

    /// Changes what no endpoint changes yet.
    pub(crate) fn execute(&self, statement: &str) {
        let changed = self.0.execute(statement, []).expect("the statement is right");
        assert!(changed > 0, "{statement} changed nothing");
    }

    fn rows(&self, statement: &str) -> Vec<Vec<Value>> {
        let mut statement = self.0.prepare(statement).expect("the statement is right");
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
            .expect("the database can be read");
        rows.collect::<Result<_, _>>().expect("the rows can be read")
    }
}
