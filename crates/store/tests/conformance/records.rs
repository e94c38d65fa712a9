//! What was written is read back, whole.

use oauth::{GrantId, JwtId, UserId, jwk::Jwk};
use store::{
    AccessKeyRecord, Batch, ClientOrigin, ClientRecord, CommitError, ConsentRecord, GrantRecord,
    InvitationRecord, RevocationKey, RevocationRecord, SealedValue, SigningKeyRecord, StoreError, UserRecord,
    UserState, access_key, authorization_code, authorization_request, client, consent, demo_item, grant,
    invitation, refresh_token, revocation, sealed, session, setting, signing_key, user,
};

use crate::{
    database::Database,
    world::{
        MINUTE, NOW, a_client, a_code, a_grant, a_refresh_token, a_request, a_session, a_user, an_access_key,
        client_id, digest, grant_id, populate, resource, scope, user_id,
    },
};

pub(crate) fn a_signing_key() -> SigningKeyRecord {
    let public_jwk = Jwk {
        kty: "EC".into(),
        crv: "P-256".into(),
        x: "x".into(),
        y: "y".into(),
        kid: "kid".into(),
        alg: "ES256".into(),
        public_key_use: "sig".into(),
    };
    SigningKeyRecord {
        kid: "kid".into(),
        algorithm: "ES256".into(),
        private_key_sealed: vec![0, 1, 255],
        public_jwk,
        created_at: NOW,
        retired_at: None,
    }
}

pub(crate) async fn users(database: Database) {
    let store = database.store().await;
    assert!(!store.has_operator().await.unwrap());
    let operator = UserRecord {
        id: UserId::from_unverified("user_2"),
        name: "Grace".into(),
        password_hash: None,
        is_operator: true,
        ..a_user()
    };
    store.commit(user::insert(&a_user())).await.unwrap();
    store.commit(user::insert(&operator)).await.unwrap();
    assert_eq!(store.user(&operator.id).await.unwrap().as_ref(), Some(&operator));
    assert_eq!(store.user_by_name("ada").await.unwrap(), Some(a_user()));
    assert_eq!(store.user_by_name("Ada").await.unwrap(), None, "names are compared byte by byte");
    assert_eq!(store.user_by_name("a%").await.unwrap(), None);
    assert!(store.has_operator().await.unwrap());

    let (before, after) = (a_user().roles, vec!["dev".to_owned()]);
    store.commit(user::set_roles(&user_id(), &after, &before)).await.unwrap();
    assert_eq!(store.user(&user_id()).await.unwrap().unwrap().roles, after);
    assert!(store.commit(user::set_roles(&user_id(), &before, &before)).await.is_err(), "changed meanwhile");

    store.commit(user::set_state(&operator.id, UserState::Disabled)).await.unwrap();
    assert!(!store.has_operator().await.unwrap());
    store.commit(user::set_password(&operator.id, "new")).await.unwrap();
    let changed = store.user(&operator.id).await.unwrap().unwrap();
    assert_eq!((changed.password_hash.as_deref(), changed.credentials_generation), (Some("new"), 4));
    assert_eq!(store.users().await.unwrap().len(), 2);
}

pub(crate) async fn invitations(database: Database) {
    let store = database.store().await;
    let mut record = InvitationRecord {
        digest: digest("invitation"),
        user_name: Some("ada".into()),
        makes_operator: true,
        created_at: NOW,
        expires_at: NOW + MINUTE,
        used_at: None,
    };
    store.commit(invitation::insert(&record)).await.unwrap();
    assert_eq!(store.invitation(&record.digest).await.unwrap().as_ref(), Some(&record));
    store.commit(invitation::consume(&record.digest, NOW)).await.unwrap();
    record.used_at = Some(NOW);
    assert_eq!(store.invitation(&record.digest).await.unwrap(), Some(record));
    assert_eq!(store.invitation(&digest("other")).await.unwrap(), None);
}

pub(crate) async fn clients(database: Database) {
    let store = database.store().await;
    let registered = ClientRecord {
        id: oauth::ClientId::from_unverified("operator's"),
        secret_digest: None,
        origin: ClientOrigin::Operator,
        expires_at: None,
        created_at: NOW + MINUTE,
        ..a_client()
    };
    store.commit(client::insert(&a_client())).await.unwrap();
    store.commit(client::insert(&registered)).await.unwrap();
    assert_eq!(store.clients().await.unwrap(), [a_client(), registered.clone()]);
    assert_eq!(store.count_dynamic_clients().await.unwrap(), 1);

    store.commit(client::mark_granted(&client_id())).await.unwrap();
    let granted = store.client(&client_id()).await.unwrap().unwrap();
    assert_eq!(granted, ClientRecord { expires_at: None, ..a_client() });
    store.commit(client::delete(&client_id())).await.unwrap();
    assert_eq!(store.clients().await.unwrap(), [registered]);
}

pub(crate) async fn sessions_live_with_their_user(database: Database) {
    let store = database.store().await;
    store.commit(user::insert(&a_user())).await.unwrap();
    store.commit(session::insert(&a_session())).await.unwrap();
    let read = async |at| store.session(&a_session().digest, at).await.unwrap();
    assert_eq!(read(NOW).await, Some((a_session(), a_user())));
    assert_eq!(read(a_session().expires_at).await, None, "expired");
    store.commit(user::set_state(&user_id(), UserState::Disabled)).await.unwrap();
    assert_eq!(read(NOW).await, None, "disabled");
    store.commit(user::set_state(&user_id(), UserState::Active)).await.unwrap();
    assert!(read(NOW).await.is_some());
    store.commit(user::set_password(&user_id(), "new")).await.unwrap();
    assert_eq!(read(NOW).await, None, "the password was changed");
    store.commit(session::delete(&a_session().digest)).await.unwrap();
    assert_eq!(read(NOW).await, None);
}

pub(crate) async fn authorization_requests(database: Database) {
    let store = database.store().await;
    store.commit(authorization_request::insert(&a_request())).await.unwrap();
    let read = store.authorization_request(&a_request().digest).await.unwrap();
    assert_eq!(read, Some(a_request()));
}

pub(crate) async fn consents(database: Database) {
    let store = database.store().await;
    store.commit(user::insert(&a_user())).await.unwrap();
    let mut record = ConsentRecord {
        user_id: user_id(),
        client_id: client_id(),
        redirect_host: "127.0.0.1".into(),
        resource: resource(),
        scope: scope("read"),
        granted_at: NOW,
    };
    let read = async |host| store.consent(&user_id(), &client_id(), host, &resource()).await.unwrap();
    store.commit(consent::remember(&record)).await.unwrap();
    record.scope = scope("read write");
    record.granted_at = NOW + MINUTE;
    store.commit(consent::remember(&record)).await.unwrap();
    assert_eq!(read("127.0.0.1").await, Some(record));
    assert_eq!(read("evil.example").await, None);
    store.commit(consent::withdraw(&user_id(), &client_id())).await.unwrap();
    assert_eq!(read("127.0.0.1").await, None);
}

pub(crate) async fn authorization_codes(database: Database) {
    let store = database.store().await;
    store.commit(authorization_code::insert(&a_code())).await.unwrap();
    assert_eq!(store.authorization_code(&a_code().digest).await.unwrap(), Some(a_code()));
}

pub(crate) async fn grants(database: Database) {
    let store = database.store().await;
    let newer =
        GrantRecord { id: GrantId::from_unverified("grant_2"), created_at: NOW + MINUTE, ..a_grant() };
    let nobodys = GrantRecord { id: GrantId::from_unverified("grant_3"), user_id: None, ..a_grant() };
    for record in [&a_grant(), &newer, &nobodys] {
        store.commit(grant::insert(record)).await.unwrap();
    }
    assert_eq!(store.grants_of_user(&user_id()).await.unwrap(), [newer, a_grant()]);
    assert_eq!(store.grant(&nobodys.id).await.unwrap(), Some(nobodys));

    store.commit(grant::revoke(&grant_id(), "reuse", NOW)).await.unwrap();
    store.commit(grant::revoke(&grant_id(), "logout", NOW + MINUTE)).await.unwrap();
    let revoked = store.grant(&grant_id()).await.unwrap().unwrap();
    assert_eq!((revoked.revoked_at, revoked.revocation_reason.as_deref()), (Some(NOW), Some("reuse")));
}

pub(crate) async fn grants_of_a_user_end_together(database: Database) {
    let store = database.store().await;
    let [revoked, live, anothers] = ["revoked", "live", "anothers"].map(GrantId::from_unverified);
    let other = Some(UserId::from_unverified("user_2"));
    store.commit(grant::insert(&GrantRecord { id: revoked.clone(), ..a_grant() })).await.unwrap();
    store.commit(grant::insert(&GrantRecord { id: live.clone(), ..a_grant() })).await.unwrap();
    store
        .commit(grant::insert(&GrantRecord { id: anothers.clone(), user_id: other, ..a_grant() }))
        .await
        .unwrap();
    store.commit(grant::revoke(&revoked, "reuse", NOW)).await.unwrap();

    let later = NOW + MINUTE;
    let batch = Batch::new()
        .then(revocation::insert_of_user(&user_id(), later, later + MINUTE))
        .then(grant::revoke_of_user(&user_id(), "password changed", later));
    store.commit(batch).await.unwrap();
    let told = store.revocations_since(NOW, NOW).await.unwrap();
    let keys: Vec<_> = told.into_iter().map(|record| record.key).collect();
    assert_eq!(keys, [RevocationKey::Grant(live.clone())]);
    assert!(store.is_revoked(&RevocationKey::Grant(live.clone())).await.unwrap());
    let revoked_at = async |id| store.grant(id).await.unwrap().unwrap().revoked_at;
    assert_eq!(revoked_at(&revoked).await, Some(NOW));
    assert_eq!(revoked_at(&live).await, Some(later));
    assert_eq!(revoked_at(&anothers).await, None);
}

pub(crate) async fn refresh_tokens_with_their_grant(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let read = async |of: &str| store.refresh_token(&digest(of)).await.unwrap().unwrap();
    let presented = read("refresh").await;
    assert_eq!((presented.token, presented.grant), (a_refresh_token(), a_grant()));
    assert_eq!((presented.user_state, presented.successor_used), (Some(UserState::Active), false));
    assert_eq!(presented.user_name.as_deref(), Some("ada"));

    rotate_to(&store, "refresh", 0, "second").await;
    let presented = read("refresh").await;
    assert_eq!(presented.token.rotated_at, Some(NOW));
    assert_eq!(presented.token.successor_digest, Some(digest("second")));
    assert_eq!(presented.token.successor_sealed.as_deref(), Some(&b"sealed"[..]));
    assert!(!presented.successor_used, "the successor was not used yet");

    rotate_to(&store, "second", 1, "third").await;
    assert!(read("refresh").await.successor_used);
    store.commit(user::set_state(&user_id(), UserState::Disabled)).await.unwrap();
    assert_eq!(read("third").await.user_state, Some(UserState::Disabled));
    database.execute("DELETE FROM users").await;
    assert_eq!(read("third").await.user_state, None);
    assert_eq!(store.refresh_token(&digest("unknown")).await.unwrap(), None);
}

async fn rotate_to(store: &store::Store, from: &str, generation: i64, to: &str) {
    let successor =
        store::RefreshTokenRecord { digest: digest(to), generation: generation + 1, ..a_refresh_token() };
    let batch = Batch::new()
        .then(refresh_token::rotate(&digest(from), generation, NOW, &digest(to), b"sealed"))
        .then(refresh_token::insert(&successor));
    store.commit(batch).await.unwrap();
}

pub(crate) async fn revocations(database: Database) {
    let store = database.store().await;
    let record = |key, revoked_at| RevocationRecord { key, revoked_at, expires_at: NOW + 10 * MINUTE };
    let of_grant = record(RevocationKey::Grant(GrantId::from_unverified("same:id")), NOW);
    let of_token = record(RevocationKey::AccessToken(JwtId::from_unverified("same:id")), NOW + MINUTE);
    for revocation in [&of_token, &of_grant] {
        store.commit(revocation::insert(revocation)).await.unwrap();
    }
    let again = RevocationRecord { revoked_at: NOW + 5 * MINUTE, ..of_grant.clone() };
    store.commit(revocation::insert(&again)).await.unwrap();
    let since = async |since, now| store.revocations_since(since, now).await.unwrap();
    assert_eq!(since(NOW, NOW).await, [of_grant, of_token.clone()], "the first revocation stays");
    assert_eq!(since(NOW + MINUTE, NOW).await, [of_token]);
    assert_eq!(since(NOW, NOW + 10 * MINUTE).await, []);
}

pub(crate) async fn signing_keys(database: Database) {
    let store = database.store().await;
    store.commit(signing_key::insert_first(&a_signing_key())).await.unwrap();
    store.commit(signing_key::retire("kid", NOW)).await.unwrap();
    let retired = SigningKeyRecord { retired_at: Some(NOW), ..a_signing_key() };
    assert_eq!(store.signing_keys().await.unwrap(), [retired]);
}

pub(crate) async fn settings(database: Database) {
    let store = database.store().await;
    assert_eq!(store.setting("salt").await.unwrap(), None);
    store.commit(setting::insert_if_absent("salt", b"first\0")).await.unwrap();
    store.commit(setting::insert_if_absent("salt", b"second")).await.unwrap();
    assert_eq!(store.setting("salt").await.unwrap().as_deref(), Some(&b"first\0"[..]));
}

/// Whoever seals anew goes through pages, and leaves alone what was changed meanwhile.
pub(crate) async fn sealed_values(database: Database) {
    let store = database.store().await;
    store.commit(user::insert(&a_user())).await.unwrap();
    for number in 0..=sealed::PAGE {
        let key = AccessKeyRecord { id: format!("VSTK{number:04}"), ..an_access_key() };
        store.commit(access_key::insert(&key)).await.unwrap();
    }
    store.commit(setting::insert_if_absent("salt", b"not sealed")).await.unwrap();
    store.commit(setting::insert_if_absent("keyring_root", b"sealed")).await.unwrap();
    let column = |table| sealed::COLUMNS.iter().find(|column| column.table == table).unwrap();
    let settings = store.sealed_values(column("settings"), "").await.unwrap();
    assert_eq!(settings, [SealedValue { row: "keyring_root".into(), sealed: b"sealed".to_vec() }]);

    let keys = column("access_keys");
    let first = store.sealed_values(keys, "").await.unwrap();
    assert_eq!(first.len(), sealed::PAGE as usize);
    let last = &first.last().unwrap().row;
    assert_eq!(store.sealed_values(keys, last).await.unwrap().len(), 1, "the second page");
    store.commit(keys.replace(&first[0], b"anew")).await.unwrap();
    store.commit(keys.replace(&first[0], b"too late")).await.unwrap();
    assert_eq!(store.sealed_values(keys, "").await.unwrap()[0].sealed, b"anew");
}

pub(crate) async fn demo_items(database: Database) {
    let store = database.store().await;
    let unseeded = store.insert_demo_item("ada", "first", "1", NOW).await;
    assert_eq!(unseeded, Err(CommitError::Refused("demo_item.next_id")));
    store.seed_demo_items("ada", NOW).await.unwrap();
    store.seed_demo_items("grace", NOW).await.unwrap();
    store.commit(demo_item::delete("ada", 3)).await.unwrap();
    store.seed_demo_items("ada", NOW).await.unwrap();

    let added = store.insert_demo_item("ada", "pi", "3.14159265358979323846", NOW).await.unwrap();
    assert_eq!((added.id, added.value.as_str()), (4, "3.14159265358979323846"));
    store.commit(demo_item::delete("ada", 4)).await.unwrap();
    assert_eq!(store.insert_demo_item("ada", "e", "2.7", NOW).await.unwrap().id, 5, "no id comes back");
    store.commit(demo_item::update("ada", 5, "euler", "1e400", NOW + MINUTE)).await.unwrap();

    let items = store.demo_items("ada").await.unwrap();
    let shown: Vec<_> = items.iter().map(|item| (item.id, &*item.name, &*item.value)).collect();
    assert_eq!(shown, [(1, "Item 1", "100"), (2, "Item 2", "200"), (5, "euler", "1e400")]);
    assert_eq!((items[0].updated_at, items[2].updated_at), (None, Some(NOW + MINUTE)));
    assert_eq!(store.demo_items("grace").await.unwrap().len(), 3);
}

pub(crate) async fn a_damaged_row_is_named_without_its_value(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    database.execute("UPDATE grants SET scope = 'caf\u{e9}'").await;
    let error = store.grant(&grant_id()).await.unwrap_err();
    assert_eq!(error, StoreError::Corrupt { table: "grants", column: "scope" });
    database.execute("UPDATE users SET state = 'canary'").await;
    let error = store.user(&user_id()).await.unwrap_err();
    assert_eq!(error, StoreError::Corrupt { table: "users", column: "state" });
    assert!(!error.to_string().contains("canary"));
}

pub(crate) async fn access_keys(database: Database) {
    let store = database.store().await;
    store.commit(user::insert(&a_user())).await.unwrap();
    let everywhere = AccessKeyRecord {
        id: "VSTK2".into(),
        resources: Vec::new(),
        expires_at: None,
        created_at: NOW + MINUTE,
        ..an_access_key()
    };
    store.commit(access_key::insert(&an_access_key())).await.unwrap();
    store.commit(access_key::insert(&everywhere)).await.unwrap();
    let both = [(an_access_key(), a_user()), (everywhere.clone(), a_user())];
    assert_eq!(store.access_keys().await.unwrap(), both);
    let live = async |id: &str, at| store.access_key(id, at).await.unwrap().map(|(key, _)| key);
    assert_eq!(live("VSTK1", NOW).await, Some(an_access_key()));
    assert_eq!(live("vstk1", NOW).await, None, "ids are compared byte by byte");
    assert_eq!(live("VSTK1", NOW + 10 * MINUTE).await, None, "expired");
    assert_eq!(live("VSTK2", NOW + 1000 * MINUTE).await, Some(everywhere));
    store.commit(user::set_state(&user_id(), UserState::Disabled)).await.unwrap();
    assert_eq!(live("VSTK2", NOW).await, None, "of a disabled user");
    assert_eq!(store.access_keys().await.unwrap().len(), 2, "and the operator still sees it");
    store.commit(access_key::delete("VSTK1")).await.unwrap();
    assert_eq!(store.access_keys().await.unwrap().len(), 1);
}
