use std::time::Duration;

use store::{
    AccessKeyRecord, AuthorizationCodeRecord, AuthorizationRequestRecord, Batch, ClientOrigin, ClientRecord,
    GrantRecord, InvitationRecord, RefreshTokenRecord, RevocationKey, RevocationRecord, SessionRecord, Store,
    access_key, authorization_code, authorization_request, client, grant, invitation, refresh_token,
    revocation, session, setting, signing_key, user,
};

use crate::{
    database::Database,
    records::a_signing_key,
    world::{
        MINUTE, NOW, a_client, a_code, a_grant, a_refresh_token, a_request, a_session, a_user, an_access_key,
        digest,
    },
};

const DAY: Duration = Duration::from_hours(24);
const RECORDS_THAT_EXPIRE: u64 = 8;

/// One of everything that expires, at `expires_at`, its keys made from `name`.
fn one_of_everything(name: &str, expires_at: oauth::Timestamp) -> Batch {
    let digest = digest(name);
    let grant_id = oauth::GrantId::from_unverified(name);
    let id = oauth::ClientId::from_unverified(name);
    Batch::new()
        .then(invitation::insert(&InvitationRecord {
            digest,
            user_name: None,
            makes_operator: false,
            created_at: NOW,
            expires_at,
            used_at: None,
        }))
        .then(client::insert(&ClientRecord { id, expires_at: Some(expires_at), ..a_client() }))
        .then(session::insert(&SessionRecord { digest, expires_at, ..a_session() }))
        .then(authorization_request::insert(&AuthorizationRequestRecord {
            digest,
            expires_at,
            ..a_request()
        }))
        .then(authorization_code::insert(&AuthorizationCodeRecord { digest, expires_at, ..a_code() }))
        .then(grant::insert(&GrantRecord { id: grant_id.clone(), expires_at, ..a_grant() }))
        .then(refresh_token::insert(&RefreshTokenRecord {
            digest,
            grant_id: grant_id.clone(),
            expires_at,
            ..a_refresh_token()
        }))
        .then(revocation::insert(&RevocationRecord {
            key: RevocationKey::Grant(grant_id),
            revoked_at: NOW,
            expires_at,
        }))
}

/// How many of `one_of_everything(name, …)` are there.
async fn count(store: &Store, name: &str) -> u64 {
    let digest = digest(name);
    let grant_id = oauth::GrantId::from_unverified(name);
    let revocations = store.revocations_since(NOW, NOW).await.unwrap();
    [
        store.invitation(&digest).await.unwrap().is_some(),
        store.client(&oauth::ClientId::from_unverified(name)).await.unwrap().is_some(),
        store.session(&digest, NOW).await.unwrap().is_some(),
        store.authorization_request(&digest).await.unwrap().is_some(),
        store.authorization_code(&digest).await.unwrap().is_some(),
        store.grant(&grant_id).await.unwrap().is_some(),
        store.refresh_token(&digest).await.unwrap().is_some(),
        revocations.iter().any(|revocation| revocation.key == RevocationKey::Grant(grant_id.clone())),
    ]
    .into_iter()
    .map(u64::from)
    .sum()
}

pub(crate) async fn goes_and_live_rows_stay(database: Database) {
    let store = database.store().await;
    let granted =
        ClientRecord { id: oauth::ClientId::from_unverified("granted"), expires_at: None, ..a_client() };
    let operators = ClientRecord {
        id: oauth::ClientId::from_unverified("operator's"),
        origin: ClientOrigin::Operator,
        ..a_client()
    };
    let eternal = Batch::new()
        .then(user::insert(&a_user()))
        .then(client::insert(&granted))
        .then(client::insert(&operators))
        .then(signing_key::insert_first(&a_signing_key()))
        .then(setting::insert_if_absent("salt", b"salt"));
    store.commit(eternal).await.unwrap();
    store.commit(one_of_everything("short", NOW + MINUTE)).await.unwrap();
    store.commit(one_of_everything("long", NOW + 3 * DAY)).await.unwrap();

    assert_eq!(store.collect_garbage(NOW).await.unwrap(), 0);
    assert_eq!(count(&store, "short").await, RECORDS_THAT_EXPIRE);

    let deleted = store.collect_garbage(NOW + MINUTE).await.unwrap();
    assert_eq!(deleted, RECORDS_THAT_EXPIRE - 1, "the code is kept, to recognise its reuse");
    assert_eq!(count(&store, "short").await, 1);
    assert_eq!(store.collect_garbage(NOW + MINUTE + DAY).await.unwrap(), 1);
    assert_eq!(count(&store, "short").await, 0);

    assert_eq!(count(&store, "long").await, RECORDS_THAT_EXPIRE);
    for client in [granted, operators] {
        assert_eq!(store.client(&client.id).await.unwrap(), Some(client));
    }
    assert_eq!(store.users().await.unwrap().len(), 1);
    assert_eq!(store.signing_keys().await.unwrap().len(), 1);
    assert!(store.setting("salt").await.unwrap().is_some());
}

/// More rows than one statement deletes.
pub(crate) async fn of_any_amount_goes(database: Database) {
    let store = database.store().await;
    let request = |number: u32| {
        let digest = digest(&number.to_string());
        authorization_request::insert(&AuthorizationRequestRecord { digest, ..a_request() })
    };
    store.commit((0..1201).map(request).collect::<Batch>()).await.unwrap();
    assert_eq!(store.collect_garbage(NOW + MINUTE).await.unwrap(), 1201);
}

pub(crate) async fn used_signatures_go_when_their_date_is_refused(database: Database) {
    let store = database.store().await;
    let key = AccessKeyRecord { expires_at: None, ..an_access_key() };
    store.commit(Batch::new().then(user::insert(&a_user())).then(access_key::insert(&key))).await.unwrap();
    let use_it = || access_key::use_signature(&key.id, &digest("signature"), NOW + MINUTE, NOW);
    store.commit(use_it()).await.unwrap();
    assert_eq!(store.collect_garbage(NOW).await.unwrap(), 0);
    assert!(store.commit(use_it()).await.is_err(), "still remembered");
    assert_eq!(store.collect_garbage(NOW + MINUTE).await.unwrap(), 1);
    assert_eq!(store.access_keys().await.unwrap().len(), 1, "the key stays");
}
