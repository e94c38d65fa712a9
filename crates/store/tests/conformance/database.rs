use std::sync::Arc;

use store::{Location, Store};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::postgresql::Server;

/// An empty database of either kind, gone when this is dropped.
pub(crate) struct Database {
    pub(crate) url: String,
    _keeps: Keeps,
}

#[expect(dead_code, reason = "held so that the database lives")]
enum Keeps {
    Directory(TempDir),
    Server(Arc<Server>),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let url = format!("sqlite:{}", directory.path().join("data/vestibule.db").display());
        Self { url, _keeps: Keeps::Directory(directory) }
    }

    pub(crate) fn postgresql(server: &Arc<Server>) -> Self {
        Self { url: server.create_database(), _keeps: Keeps::Server(Arc::clone(server)) }
    }

    /// One more node on this database.
    pub(crate) fn open(&self) -> Store {
        open(&self.url)
    }

    /// A node on the migrated database.
    pub(crate) async fn store(&self) -> Store {
        let store = self.open();
        store.migrate().await.unwrap();
        store
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
        } else {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        }
    }
}

pub(crate) fn open(url: &str) -> Store {
    Store::open(Location::parse(url).unwrap()).unwrap()
}
