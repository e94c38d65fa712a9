//! Every conditional statement wins once, and is refused by its name from then on.

use oauth::UserId;
use store::{
    CommitError, InvitationRecord, SigningKeyRecord, Statement, Store, UserRecord, UserState, access_key,
    authorization_code, authorization_request, client, demo_item, grant, invitation, refresh_token, session,
    signing_key, user,
};

use crate::{
    database::Database,
    records::a_signing_key,
    world::{
        MINUTE, NOW, a_client, a_code, a_grant, a_refresh_token, a_request, a_session, a_user, an_access_key,
        client_id, digest, grant_id, populate, user_id,
    },
};

async fn wins_once(store: &Store, statement: Statement) {
    store.commit(statement.clone()).await.unwrap();
    refused(store, statement).await;
}

async fn refused(store: &Store, statement: Statement) {
    let name = statement.sql.name;
    assert_eq!(store.commit(statement).await, Err(CommitError::Refused(name)));
}

pub(crate) async fn names_and_ids_are_taken_once(database: Database) {
    let store = database.store().await;
    wins_once(&store, user::insert(&a_user())).await;
    let namesake = UserRecord { id: UserId::from_unverified("user_2"), ..a_user() };
    refused(&store, user::insert(&namesake)).await;
    wins_once(&store, client::insert(&a_client())).await;
    wins_once(&store, session::insert(&a_session())).await;
    wins_once(&store, authorization_request::insert(&a_request())).await;
    wins_once(&store, authorization_code::insert(&a_code())).await;
    wins_once(&store, grant::insert(&a_grant())).await;
    wins_once(&store, refresh_token::insert(&a_refresh_token())).await;
    assert_eq!(store.users().await.unwrap(), [a_user()]);
}

pub(crate) async fn an_invitation_is_used_once(database: Database) {
    let store = database.store().await;
    let invite = |name: &str, makes_operator| InvitationRecord {
        digest: digest(name),
        user_name: (name != "set-up").then(|| name.to_owned()),
        makes_operator,
        created_at: NOW,
        expires_at: NOW + MINUTE,
        used_at: None,
    };
    for invitation in [invite("ada", false), invite("grace", true), invite("set-up", true)] {
        wins_once(&store, invitation::insert(&invitation)).await;
    }
    refused(&store, invitation::consume(&digest("ada"), NOW + MINUTE)).await;
    wins_once(&store, invitation::consume(&digest("ada"), NOW)).await;
    store.commit(invitation::revoke_set_up(NOW)).await.unwrap();
    refused(&store, invitation::consume(&digest("set-up"), NOW)).await;
    wins_once(&store, invitation::consume(&digest("grace"), NOW)).await;
}

pub(crate) async fn a_request_is_decided_once_by_its_browser(database: Database) {
    let store = database.store().await;
    store.commit(authorization_request::insert(&a_request())).await.unwrap();
    let decide = |browser, at| authorization_request::decide(&a_request().digest, &digest(browser), at);
    refused(&store, decide("another browser", NOW)).await;
    refused(&store, decide("browser", NOW + MINUTE)).await;
    wins_once(&store, decide("browser", NOW)).await;
}

pub(crate) async fn a_code_is_redeemed_once(database: Database) {
    let store = database.store().await;
    store.commit(authorization_code::insert(&a_code())).await.unwrap();
    refused(&store, authorization_code::redeem(&a_code().digest, a_code().expires_at)).await;
    wins_once(&store, authorization_code::redeem(&a_code().digest, NOW)).await;

    let burnt = digest("burnt");
    let code = store::AuthorizationCodeRecord { digest: burnt, ..a_code() };
    store.commit(authorization_code::insert(&code)).await.unwrap();
    store.commit(authorization_code::burn(&burnt, NOW)).await.unwrap();
    store.commit(authorization_code::burn(&burnt, NOW + MINUTE)).await.unwrap();
    refused(&store, authorization_code::redeem(&burnt, NOW)).await;
    let redeemed_at = store.authorization_code(&burnt).await.unwrap().unwrap().redeemed_at;
    assert_eq!(redeemed_at, Some(NOW), "the first end stays");
}

pub(crate) async fn a_refresh_token_is_rotated_once(database: Database) {
    let store = database.store().await;
    populate(&store).await;
    let second = store::RefreshTokenRecord { digest: digest("second"), ..a_refresh_token() };
    store.commit(refresh_token::insert(&second)).await.unwrap();
    let rotate = |of: &str, generation| {
        refresh_token::rotate(&digest(of), generation, NOW, &digest("successor"), b"sealed")
    };
    refused(&store, rotate("refresh", 1)).await;
    wins_once(&store, rotate("refresh", 0)).await;
    store.commit(grant::revoke(&grant_id(), "test", NOW)).await.unwrap();
    refused(&store, rotate("second", 0)).await;
}

pub(crate) async fn a_signing_key_is_made_once(database: Database) {
    let store = database.store().await;
    let key = |kid: &str, at| SigningKeyRecord { kid: kid.into(), created_at: at, ..a_signing_key() };
    wins_once(&store, signing_key::insert_first(&key("first", NOW))).await;
    refused(&store, signing_key::insert_first(&key("second", NOW))).await;
    wins_once(&store, signing_key::retire("first", NOW)).await;
    wins_once(&store, signing_key::insert_first(&key("second", NOW + MINUTE))).await;
    let kids: Vec<_> = store.signing_keys().await.unwrap().into_iter().map(|key| key.kid).collect();
    assert_eq!(kids, ["second", "first"]);
}

pub(crate) async fn statements_about_nothing_are_refused(database: Database) {
    let store = database.store().await;
    let nobody = UserId::from_unverified("nobody");
    refused(&store, user::set_password(&nobody, "hash")).await;
    refused(&store, user::set_state(&nobody, UserState::Disabled)).await;
    refused(&store, client::delete(&client_id())).await;
    refused(&store, demo_item::update("nobody", 1, "name", "1", NOW)).await;
    refused(&store, demo_item::delete("nobody", 1)).await;
    store.commit(session::delete(&digest("none"))).await.unwrap();
    store.commit(client::mark_granted(&client_id())).await.unwrap();
    store.commit(grant::revoke(&grant_id(), "test", NOW)).await.unwrap();
}

pub(crate) async fn a_signature_is_used_once(database: Database) {
    let store = database.store().await;
    let use_one = |name: &str, at| access_key::use_signature("VSTK1", &digest(name), NOW + MINUTE, at);
    refused(&store, use_one("before there is a key", NOW)).await;
    store.commit(user::insert(&a_user())).await.unwrap();
    wins_once(&store, access_key::insert(&an_access_key())).await;
    wins_once(&store, use_one("one", NOW)).await;
    wins_once(&store, use_one("another", NOW)).await;
    refused(&store, use_one("of an expired key", NOW + 10 * MINUTE)).await;
    store.commit(user::set_state(&user_id(), UserState::Disabled)).await.unwrap();
    refused(&store, use_one("of a disabled user", NOW)).await;
    store.commit(user::set_state(&user_id(), UserState::Active)).await.unwrap();
    store.commit(access_key::delete("VSTK1")).await.unwrap();
    refused(&store, use_one("of a removed key", NOW)).await;
    refused(&store, access_key::delete("VSTK1")).await;
}
