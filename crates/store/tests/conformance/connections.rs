//! Connections: what opens them is renewed by one holder at a time, by the database's time.

use std::time::Duration;

use futures_util::future::join_all;
use store::{
    Batch, Claim, CommitError, ConnectionRecord, LeaseMode, ProviderRevocationRecord, SealedCredential,
    Statement, Store, connection, connection_lease, credential, provider_revocation,
};

use crate::{
    database::Database,
    parallel::count_successes,
    world::{MINUTE, NOW, a_connection, a_credential, digest, populate, scope},
};

const OWNER: &str = "user:user_1";
const ID: &str = "connection_1";

fn claim(intent: &secret::Digest) -> Claim<'_> {
    Claim { connection_id: ID, fence: 0, generation: 1, node: "node", lasts: MINUTE, intent, can_wait: false }
}

pub(crate) fn taking(_: usize) -> Batch {
    credential::take(&claim(&digest("refresh token"))).into()
}

async fn refused(store: &Store, statement: Statement) {
    let name = statement.sql.name;
    assert_eq!(store.commit(statement).await, Err(CommitError::Refused(name)));
}

pub(crate) async fn are_read_back(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let held = store.chosen_credential(OWNER, &a_connection().provider).await.unwrap().unwrap();
    assert_eq!((&held.connection, &held.credential.sealed), (&a_connection(), &a_credential()));
    assert_eq!(store.held_credential(ID).await.unwrap().unwrap().credential, held.credential);
    assert_eq!(store.connection(ID).await.unwrap(), Some(a_connection()));

    let other = ConnectionRecord {
        id: "connection_2".into(),
        account: "43".into(),
        account_name: None,
        chosen_at: NOW + MINUTE,
        last_used_at: Some(NOW),
        ..a_connection()
    };
    let unending = SealedCredential { expires_at: None, is_renewable: false, ..a_credential() };
    let batch = Batch::new().then(connection::insert(&other)).then(credential::insert(&other.id, &unending));
    store.commit(batch).await.unwrap();
    assert_eq!(store.connections_of(OWNER).await.unwrap(), [other.clone(), a_connection()]);
    assert_eq!(store.connections_of("user:nobody").await.unwrap(), []);
    assert_eq!(store.connections_after("", 1).await.unwrap(), [a_connection()]);
    assert_eq!(store.connections_after(ID, 9).await.unwrap(), std::slice::from_ref(&other));

    let chosen =
        || async { store.chosen_credential(OWNER, &a_connection().provider).await.unwrap().unwrap() };
    assert_eq!((chosen().await.connection, chosen().await.credential.sealed), (other, unending));
    refused(&store, connection::choose(ID, "user:another", NOW + 2 * MINUTE)).await;
    store.commit(connection::choose(ID, OWNER, NOW + 2 * MINUTE)).await.unwrap();
    assert_eq!(chosen().await.connection.id, ID);
}

pub(crate) async fn of_one_account_are_made_once(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    refused(&store, connection::insert(&ConnectionRecord { id: "connection_2".into(), ..a_connection() }))
        .await;
    let same = ConnectionRecord { scope: scope("admin"), ..a_connection() };
    for stranger in [
        ConnectionRecord { owner: "user:another".into(), ..same.clone() },
        ConnectionRecord { kind: "api_key".into(), ..same.clone() },
        ConnectionRecord { generation: 2, ..same.clone() },
    ] {
        refused(&store, connection::replace(&stranger)).await;
    }
    let fresh = SealedCredential { sealed: vec![9], ..a_credential() };
    let batch = Batch::new().then(connection::replace(&same)).then(credential::replace(ID, 1, &fresh));
    store.commit(batch.clone()).await.unwrap();
    assert_eq!(store.commit(batch).await, Err(CommitError::Refused("connection.replace")));
    let held = store.held_credential(ID).await.unwrap().unwrap();
    assert_eq!(held.connection, ConnectionRecord { generation: 2, ..same });
    assert_eq!((held.credential.generation, held.credential.sealed), (2, fresh));
}

pub(crate) async fn go_with_all_that_opens_them(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    store.share_connection("lease", (ID, OWNER), MINUTE).await.unwrap().unwrap();
    refused(&store, connection::delete(ID, "user:another")).await;
    let before = store.database_time().await.unwrap();
    let delete = Batch::new().then(connection::changed(ID)).then(connection::delete(ID, OWNER));
    store.commit(delete).await.unwrap();
    assert_eq!(store.held_credential(ID).await.unwrap(), None);
    assert_eq!(store.connection(ID).await.unwrap(), None);
    refused(&store, connection_lease::prolong("lease", MINUTE)).await;
    let changes = store.connection_changes_since(before).await.unwrap();
    assert_eq!(changes.len(), 1, "that it is gone is remembered");
    assert_eq!(store.take_credential(&claim(&digest("refresh token"))).await.unwrap(), None);
}

pub(crate) async fn tell_other_nodes_of_changes(database: Database) {
    let (store, other) = (database.store().await, database.open());
    populate(&store).await;
    let began = other.database_time().await.unwrap();
    assert_eq!(other.connection_changes_since(began).await.unwrap(), []);
    store.commit(connection::changed(ID)).await.unwrap();
    let first = other.connection_changes_since(began).await.unwrap().remove(0);
    assert_eq!((first.connection_id.as_str(), first.owner.as_str()), (ID, OWNER));
    store.commit(connection::changed(ID)).await.unwrap();
    let second = other.connection_changes_since(first.changed_at).await.unwrap();
    assert_eq!(second.len(), 1, "one row for each connection");
    assert!(second[0].changed_at >= first.changed_at);

    let tomorrow = second[0].changed_at + Duration::from_hours(24);
    store.collect_garbage(tomorrow - Duration::from_millis(1)).await.unwrap();
    assert_eq!(other.connection_changes_since(began).await.unwrap().len(), 1);
    store.collect_garbage(tomorrow).await.unwrap();
    assert_eq!(other.connection_changes_since(began).await.unwrap(), []);
}

pub(crate) async fn are_taken_once_for_a_renewal(database: Database) {
    let nodes = [database.store().await, database.open()];
    let store = nodes[0].clone();
    populate(&store).await;
    assert_eq!(count_successes(nodes, (0..64).map(taking)).await, 1);
    let held = store.held_credential(ID).await.unwrap().unwrap();
    assert_eq!((held.credential.fence, held.credential.attempts), (1, 1));
    assert_eq!(held.credential.intent, Some(digest("refresh token")));
    assert!(held.credential.leased_until > held.read_at);
    assert_eq!(store.abandoned_renewals("", 9).await.unwrap(), Vec::<String>::new(), "somebody is at it");

    let renewed = SealedCredential { sealed: vec![7], ..a_credential() };
    let batch = Batch::new().then(credential::renew(ID, 1, 1, &renewed)).then(connection::renewed(
        ID,
        1,
        &scope("repo"),
    ));
    store.commit(batch.clone()).await.unwrap();
    assert!(store.commit(batch).await.is_err());
    let held = store.held_credential(ID).await.unwrap().unwrap();
    assert_eq!((held.credential.generation, held.connection.generation), (2, 2));
    assert_eq!((held.credential.intent, held.credential.attempts), (None, 0));
    assert_eq!(held.credential.sealed, renewed);
}

/// The first holder's lease ends; the second takes over; whoever stores first is the one whose tokens stay.
pub(crate) async fn va_15_a_holder_that_slept_is_fenced_out(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let intent = digest("refresh token");
    let brief = Claim { lasts: Duration::ZERO, ..claim(&intent) };
    assert_eq!(store.take_credential(&brief).await.unwrap(), Some(1));
    assert_eq!(store.abandoned_renewals("", 9).await.unwrap(), [ID]);
    assert_eq!(store.take_credential(&brief).await.unwrap(), None, "the fence was counted up");
    assert_eq!(store.take_credential(&Claim { fence: 1, ..claim(&intent) }).await.unwrap(), Some(2));

    let late = SealedCredential { sealed: vec![1], ..a_credential() };
    for statement in [
        credential::renew(ID, 1, 1, &late),
        credential::give_back(ID, 1, MINUTE),
        credential::keep_intent(ID, 1, MINUTE),
        credential::end(ID, 1, 1),
    ] {
        refused(&store, statement).await;
    }
    store.commit(credential::renew_late(ID, 1, &late)).await.unwrap();
    refused(&store, credential::renew(ID, 1, 2, &a_credential())).await;
    refused(&store, credential::renew_late(ID, 1, &a_credential())).await;
    assert_eq!(store.held_credential(ID).await.unwrap().unwrap().credential.sealed, late);
}

pub(crate) async fn are_not_renewed_too_early(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let intent = digest("refresh token");
    store.take_credential(&claim(&intent)).await.unwrap().unwrap();
    store.commit(credential::keep_intent(ID, 1, Duration::ZERO)).await.unwrap();
    let held = store.held_credential(ID).await.unwrap().unwrap().credential;
    assert_eq!((held.failures, held.attempts, held.intent), (1, 1, Some(intent)));
    assert_eq!(store.abandoned_renewals("", 9).await.unwrap(), [ID]);

    let again = |fence| Claim { fence, ..claim(&intent) };
    store.take_credential(&again(1)).await.unwrap().unwrap();
    store.commit(credential::give_back(ID, 2, MINUTE)).await.unwrap();
    let held = store.held_credential(ID).await.unwrap().unwrap();
    assert_eq!((held.credential.failures, held.credential.attempts, held.credential.intent), (2, 0, None));
    assert!(held.credential.not_before > held.read_at);
    assert_eq!(store.take_credential(&again(2)).await.unwrap(), None);
}

pub(crate) async fn va_11_use_does_not_disturb_a_renewal(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    store.take_credential(&claim(&digest("refresh token"))).await.unwrap().unwrap();
    store.commit(connection::used(ID, NOW + MINUTE)).await.unwrap();
    store.share_connection("lease", (ID, OWNER), MINUTE).await.unwrap().unwrap();
    store.commit(credential::renew(ID, 1, 1, &a_credential())).await.unwrap();
    let held = store.held_credential(ID).await.unwrap().unwrap();
    assert_eq!((held.connection.last_used_at, held.credential.generation), (Some(NOW + MINUTE), 2));

    let intent = digest("the next");
    let wait = Claim { fence: 1, generation: 2, can_wait: true, ..claim(&intent) };
    assert_eq!(store.take_credential(&wait).await.unwrap(), None, "somebody uses it");
    assert_eq!(store.take_credential(&Claim { can_wait: false, ..wait }).await.unwrap(), Some(2));
}

pub(crate) async fn are_shared_or_changed(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let of = (ID, OWNER);
    let one = store.share_connection("one", of, MINUTE).await.unwrap().unwrap();
    let two = store.share_connection("two", of, MINUTE).await.unwrap().unwrap();
    assert!(two.fence > one.fence);
    assert_eq!(store.take_turn("three", of, MINUTE).await.unwrap(), None, "it does not stand in line");
    store.stand_in_line("three", of, MINUTE).await.unwrap();
    store.stand_in_line("four", of, MINUTE).await.unwrap();
    assert_eq!(store.share_connection("late", of, MINUTE).await.unwrap(), None, "changes come before uses");
    assert_eq!(store.take_turn("three", of, MINUTE).await.unwrap(), None);
    store.commit(connection_lease::release("one")).await.unwrap();
    store.commit(connection_lease::prolong("two", Duration::ZERO)).await.unwrap();
    refused(&store, connection_lease::prolong("two", MINUTE)).await;
    assert_eq!(store.take_turn("four", of, MINUTE).await.unwrap(), None, "it is not its turn");
    let three = store.take_turn("three", of, MINUTE).await.unwrap().unwrap();
    assert!(three.fence > two.fence && three.mode == LeaseMode::Exclusive);
    assert_eq!(store.take_turn("four", of, MINUTE).await.unwrap(), None);
    assert!(store.leases_end_in(ID).await.unwrap() > MINUTE / 2);

    store.commit(connection_lease::hold(&three)).await.unwrap();
    refused(&store, connection_lease::hold(&one)).await;
    store.commit(connection_lease::release("three")).await.unwrap();
    refused(&store, connection_lease::hold(&three)).await;
    assert!(store.take_turn("four", of, Duration::ZERO).await.unwrap().is_some());
    assert!(store.share_connection("late", of, MINUTE).await.unwrap().is_some(), "it ran out");

    let strangers = store.share_connection("five", (ID, "user:another"), MINUTE).await;
    assert_eq!(strangers, Err(CommitError::Refused("connection_lease.count")));
}

/// Each counts in turn: nobody reads what another is about to write.
pub(crate) async fn one_of_many_changes_a_connection(database: Database) {
    let nodes = [database.store().await, database.open()];
    populate(&nodes[0]).await;
    let tries = (0..32).map(|number| {
        let (store, id) = (nodes[number % 2].clone(), format!("lease {number}"));
        tokio::spawn(async move {
            if number % 4 == 0 {
                return store.share_connection(&id, (ID, OWNER), MINUTE).await.unwrap();
            }
            store.stand_in_line(&id, (ID, OWNER), MINUTE).await.unwrap();
            store.take_turn(&id, (ID, OWNER), MINUTE).await.unwrap()
        })
    });
    let held: Vec<_> = join_all(tries.collect::<Vec<_>>()).await;
    let held: Vec<_> = held.into_iter().filter_map(Result::unwrap).collect();
    let exclusive = held.iter().filter(|lease| lease.mode == LeaseMode::Exclusive).count();
    assert!(exclusive == 0 || (exclusive, held.len()) == (1, 1), "{held:?}");
}

pub(crate) async fn revocations_are_tried_by_one_node(database: Database) {
    let nodes = [database.store().await, database.open()];
    let record = ProviderRevocationRecord {
        id: "revocation_1".into(),
        provider: "github".into(),
        sealed: vec![0, 255],
        attempts: 0,
    };
    nodes[0].commit(provider_revocation::insert(&record, MINUTE)).await.unwrap();
    assert_eq!(nodes[1].due_provider_revocations(9).await.unwrap(), std::slice::from_ref(&record));
    let claims = (0..16).map(|number| nodes[number % 2].claim_provider_revocation(&record, MINUTE));
    let won: Vec<bool> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(nodes[1].due_provider_revocations(9).await.unwrap(), [], "not before the pause is over");
    nodes[0].commit(provider_revocation::done("revocation_1")).await.unwrap();

    let given_up = ProviderRevocationRecord { id: "revocation_2".into(), ..record };
    nodes[0].commit(provider_revocation::insert(&given_up, Duration::ZERO)).await.unwrap();
    assert_eq!(nodes[0].due_provider_revocations(9).await.unwrap(), []);
    let later = nodes[0].database_time().await.unwrap() + MINUTE;
    assert_eq!(nodes[0].collect_garbage(later).await.unwrap(), 1);
}
