//! What lies in the database, and what somebody can do who can write there.

use std::{fs, sync::Arc, time::Duration};

use audit::Kind;
use secret::{KeyId, Keyring, Location, OpenError};
use store::sealed;
use tokio::sync::Semaphore;
use vault::{CredentialError, NeedReason, ReconnectReason, Vault, VaultError, provider::Failure};

use crate::{
    provider::{HOUR, Turn},
    world::{World, get, github, key, owner, shown, until},
};

async fn is_damaged(vault: &Vault, user: &str) -> bool {
    match get(vault, user).await {
        Err(CredentialError::Connect(need)) => need.reason == NeedReason::Reconnect(ReconnectReason::Damaged),
        _ => false,
    }
}

/// Credentials of two users are exchanged: neither is used.
#[tokio::test]
async fn va_02_what_was_moved_to_another_row_is_not_used() {
    for columns in [&["sealed"][..], &["data_key_sealed"], &["sealed", "data_key_sealed"]] {
        let world = World::sqlite().await;
        let vault = world.node();
        world.connect(&vault, "ada").await;
        world.connect(&vault, "eve").await;
        world.execute("CREATE TABLE copies AS SELECT * FROM credentials");
        for column in columns {
            world.execute(&format!(
                "UPDATE credentials SET {column} = (SELECT {column} FROM copies o \
                 WHERE o.connection_id <> credentials.connection_id)"
            ));
        }
        assert!(is_damaged(&vault, "ada").await && is_damaged(&vault, "eve").await, "{columns:?}");
        assert_eq!(world.log.kinds()[2..], [Kind::ConnectionBroken; 2]);
        assert_eq!(world.provider.all_calls(), 0);
    }
}

/// A connection's row is given to another owner or provider, with everything that hangs on it.
#[tokio::test]
async fn va_02_what_was_given_to_another_owner_is_not_used() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.execute("UPDATE connections SET owner = 'user:eve'");
    assert!(is_damaged(&vault, "eve").await);

    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.execute("UPDATE connections SET provider = 'own'");
    let own = vault::ProviderName::parse("own").unwrap();
    let answer = vault.credential(&owner("ada"), &own, &oauth::Scope::default()).await;
    assert!(!answer.is_ok_and(|credential| shown(&credential).contains("at-ada")));
}

/// An older row of `credentials` is put back, and then one of `connections` with it.
#[tokio::test]
async fn va_03_an_older_state_that_is_put_back_is_noticed() {
    for tables in [&["credentials"][..], &["credentials", "connections"]] {
        let world = World::sqlite().await;
        let vault = world.node();
        world.connect(&vault, "ada").await;
        for table in tables {
            world.execute(&format!("CREATE TABLE old_{table} AS SELECT * FROM {table}"));
        }
        world.clock.pass(HOUR);
        assert_eq!(get(&vault, "ada").await.unwrap().generation(), 2);
        world.execute("PRAGMA foreign_keys = OFF; DELETE FROM credentials;");
        if tables.len() > 1 {
            world.execute("PRAGMA foreign_keys = OFF; DELETE FROM connections; INSERT INTO connections SELECT * FROM old_connections;");
        }
        world.execute("PRAGMA foreign_keys = OFF; INSERT INTO credentials SELECT * FROM old_credentials;");
        world.clock.pass(HOUR);
        assert!(is_damaged(&vault, "ada").await, "{tables:?}");
        assert_eq!(world.provider.calls("ada"), 1, "the old refresh token is not presented");
    }
}

#[tokio::test]
async fn va_01_va_22_nothing_can_be_read_in_the_files() {
    let world = World::sqlite().await;
    let vault = world.node();
    world.connect(&vault, "ada").await;
    world.clock.pass(HOUR);
    assert!(shown(&get(&vault, "ada").await.unwrap()).contains("canary"));
    let id = vault.connections(&owner("ada")).await.unwrap().remove(0).id;
    vault.delete(&owner("ada"), &id).await.unwrap();
    for file in fs::read_dir(world.directory.as_ref().unwrap()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for canary in [&b"canary"[..], b"rt-ada", b"at-ada", b"Y2FuYXJ5", b"63616e617279"] {
            assert!(
                !bytes.windows(canary.len()).any(|part| part == canary),
                "{}",
                String::from_utf8_lossy(canary)
            );
        }
    }
}

#[tokio::test]
async fn va_06_another_keyring_opens_nothing_and_changes_nothing() {
    let world = World::sqlite().await;
    let id = world.connect(&world.node(), "ada").await.id;
    let before = world.store().held_credential(id.as_str()).await.unwrap().unwrap();
    let stranger = world.node_with(Arc::new(Keyring::new(&[key()]).unwrap()));
    let unknown = || Err(CredentialError::Vault(VaultError::Sealed(OpenError::UnknownKey)));
    assert_eq!(get(&stranger, "ada").await.map(drop), unknown());
    world.clock.pass(HOUR);
    assert_eq!(get(&stranger, "ada").await.map(drop), unknown());
    let after = world.store().held_credential(id.as_str()).await.unwrap().unwrap();
    assert_eq!((after.connection, after.credential), (before.connection, before.credential));
    assert_eq!(world.provider.all_calls(), 0);
    assert_eq!(get(&world.node(), "ada").await.unwrap().generation(), 2, "the right one still opens it");
}

/// Goes once through every data key that is not under the present master key.
async fn reseal(world: &World) -> u32 {
    let mut resealed = 0;
    let (store, random) = (world.store(), crate::world::random());
    for column in sealed::COLUMNS.iter().filter(|column| column.table == "credentials") {
        for value in store.sealed_values(column, "").await.unwrap() {
            if KeyId::of(&value.sealed) == Some(world.keyring.sealing_key()) {
                continue;
            }
            let location = Location { table: column.table, row: value.row.as_bytes(), column: column.column };
            let clear = world.keyring.open(location, &value.sealed).unwrap();
            let sealed = world.keyring.seal(&*random, location, clear.expose());
            store.commit(column.replace(&value, &sealed)).await.unwrap();
            resealed += 1;
        }
    }
    resealed
}

/// Users go on while the master key is changed; afterwards the old one is not needed any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_05_the_master_key_is_changed_while_serving() {
    let (old, new) = (key(), key());
    let mut world = World::sqlite().await;
    world.keyring = Arc::new(Keyring::new(std::slice::from_ref(&old)).unwrap());
    let vault = world.node();
    let users: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    for user in &users {
        world.connect(&vault, user).await;
    }
    let serving = tokio::spawn({
        let (vault, users, clock) = (vault.clone(), users.clone(), Arc::clone(&world.clock));
        async move {
            for _ in 0..5 {
                clock.pass(HOUR);
                for user in &users {
                    assert!(get(&vault, user).await.is_ok(), "{user} is served");
                }
            }
        }
    });
    world.keyring.replace(&[new.clone(), old.clone()]).unwrap();
    reseal(&world).await;
    serving.await.unwrap();
    // A node that sealed with the old key meanwhile is found by going through once more.
    reseal(&world).await;
    assert_eq!(reseal(&world).await, 0);
    let without_the_old = world.node_with(Arc::new(Keyring::new(std::slice::from_ref(&new)).unwrap()));
    for user in &users {
        assert!(get(&without_the_old, user).await.is_ok(), "{user}");
    }
    let only_the_old = world.node_with(Arc::new(Keyring::new(&[old]).unwrap()));
    assert!(get(&only_the_old, "user0").await.is_err());
}

#[tokio::test]
async fn va_21_what_is_ended_is_destroyed_here_and_revoked_there() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    get(&vault, "ada").await.unwrap();
    vault.delete(&owner("ada"), &id).await.unwrap();
    assert!(get(&vault, "ada").await.is_err(), "at once, before the provider knows");
    assert_eq!(world.store().held_credential(id.as_str()).await.unwrap(), None);
    assert!(vault.delete(&owner("ada"), &id).await.is_err(), "once");

    world.provider.then(Turn::Fail(Failure::Server { status: 503, retry_after: None }));
    assert_eq!(vault.revoke_queued().await.unwrap(), 0, "the provider is away");
    assert_eq!(vault.revoke_queued().await.unwrap(), 0, "and is left alone for a time");
    world.execute("UPDATE provider_revocations SET not_before = 0");
    let nodes = [world.node(), world.node()];
    let done = futures_util::future::join_all(nodes.iter().map(Vault::revoke_queued)).await;
    assert_eq!(done.into_iter().map(Result::unwrap).sum::<u64>(), 1, "by one node");
    assert_eq!(world.provider.revoked(), ["rt-ada-0"]);
    assert_eq!(vault.revoke_queued().await.unwrap(), 0);
    assert_eq!(world.log.kinds(), [Kind::ConnectionMade, Kind::ConnectionEnded]);
    world.clock.pass(Duration::from_secs(1));
    vault.create(&owner("ada"), &github(), world.received("ada")).await.unwrap();
}

/// VA-21: a provider that rotates while its connection is being ended is told of both tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn va_21_what_comes_after_the_end_is_revoked_too() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    world.clock.pass(HOUR);
    let gate = Arc::new(Semaphore::new(0));
    world.provider.then(Turn::Gate(Arc::clone(&gate)));
    let call = tokio::spawn({
        let vault = vault.clone();
        async move { get(&vault, "ada").await }
    });
    until(|| world.provider.begun() == 1).await;
    vault.delete(&owner("ada"), &id).await.unwrap();
    gate.add_permits(1);
    assert!(
        matches!(call.await.unwrap(), Err(CredentialError::Connect(need)) if need.reason == NeedReason::Never)
    );
    assert_eq!(vault.revoke_queued().await.unwrap(), 2);
    let mut revoked = world.provider.revoked();
    revoked.sort();
    assert_eq!(revoked, ["rt-ada-0", "rt-ada-1"]);
}

/// VA-21: the data key does not outlive its row, neither on a free page nor in the log.
#[tokio::test]
async fn va_21_nothing_of_an_ended_connection_stays_in_the_files() {
    let world = World::sqlite().await;
    let vault = world.node();
    let id = world.connect(&vault, "ada").await.id;
    let sealed = world.store().held_credential(id.as_str()).await.unwrap().unwrap().credential.sealed;
    let holds = || {
        let files = fs::read_dir(world.directory.as_ref().unwrap()).unwrap();
        let files: Vec<Vec<u8>> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        let key = &sealed.data_key_sealed;
        files.iter().any(|bytes| bytes.windows(key.len()).any(|part| part == key))
    };
    assert!(holds(), "it is looked for in the right way");
    vault.delete(&owner("ada"), &id).await.unwrap();
    until(|| !holds()).await;
}
