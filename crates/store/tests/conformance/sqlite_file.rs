//! What only the embedded engine has: a file of its own.

use std::{os::unix::fs::PermissionsExt, path::Path};

use store::{LocationError, StoreError, setting};

use crate::database::{self, Database};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn is_private_to_its_owner() {
    let database = Database::sqlite();
    let store = database.store().await;
    store.commit(setting::insert_if_absent("salt", b"salt")).await.unwrap();
    let file = Path::new(database.url.strip_prefix("sqlite:").unwrap());
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for entry in file.parent().unwrap().read_dir().unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn survives_its_process_without_being_closed() {
    let database = Database::sqlite();
    let first = database.store().await;
    first.commit(setting::insert_if_absent("salt", b"salt")).await.unwrap();
    let second = database.open();
    second.ready().await.unwrap();
    assert!(second.setting("salt").await.unwrap().is_some());
    drop(first);
    second.commit(setting::insert_if_absent("pepper", b"pepper")).await.unwrap();
    assert!(database.open().setting("pepper").await.unwrap().is_some());
}

#[tokio::test]
async fn that_cannot_be_made_is_explained() {
    let directory = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", directory.path().display());
    let error = store::Store::open(store::Location::parse(&url).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Location(LocationError::File { .. })), "{error}");
    assert!(error.to_string().contains("check that its directory exists and is writable"), "{error}");
}

#[tokio::test]
async fn that_is_no_database_is_an_error() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to be read as the header of one".repeat(20))
        .unwrap();
    let location = store::Location::parse(&format!("sqlite:{}", path.display())).unwrap();
    let error = store::Store::open(location).unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
}

/// A writer in another process that holds the file is waited for, and nobody is answered before.
#[tokio::test(flavor = "multi_thread")]
async fn locked_by_another_writer_is_waited_for() {
    let database = Database::sqlite();
    let store = database.store().await;
    let other = rusqlite::Connection::open(database.url.strip_prefix("sqlite:").unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO settings VALUES ('other', x'00')").unwrap();
    let commit = tokio::spawn({
        let store = store.clone();
        async move { store.commit(setting::insert_if_absent("salt", b"salt")).await }
    });
    assert_eq!(store.setting("other").await.unwrap(), None, "reads see the last commit, without waiting");
    assert!(!commit.is_finished());
    other.execute_batch("COMMIT").unwrap();
    commit.await.unwrap().unwrap();
    let reopened = database::open(&database.url);
    assert!(reopened.setting("other").await.unwrap().is_some());
    assert!(reopened.setting("salt").await.unwrap().is_some());
}
