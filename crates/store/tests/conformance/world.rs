//! Records with everything filled in, for the cases to change what they are about.

use std::time::Duration;

use oauth::{
    ApplicationType, ClientId, CodeChallenge, CodeVerifier, GrantId, GrantType, RedirectUri,
    ResourceIndicator, Scope, Timestamp, TokenEndpointAuthMethod, UserId,
};
use secret::Digest;
use serde_json::json;
use store::{
    AccessKeyRecord, AuthorizationCodeRecord, AuthorizationRequestRecord, Batch, ClientOrigin, ClientRecord,
    ConnectionRecord, GrantRecord, RefreshTokenRecord, SealedCredential, SessionRecord, Store, UserRecord,
    UserState, authorization_code, connection, credential, grant, refresh_token, user,
};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) fn resource() -> ResourceIndicator {
    ResourceIndicator::parse("https://mcp.example/mcp").unwrap()
}

fn redirect_uri() -> RedirectUri {
    RedirectUri::parse("http://127.0.0.1:33418/callback").unwrap()
}

fn code_challenge() -> CodeChallenge {
    CodeChallenge::of(&CodeVerifier::parse(&"v".repeat(43)).unwrap())
}

pub(crate) fn user_id() -> UserId {
    UserId::from_unverified("user_1")
}

pub(crate) fn client_id() -> ClientId {
    ClientId::from_unverified("client_1")
}

pub(crate) fn grant_id() -> GrantId {
    GrantId::from_unverified("grant_1")
}

pub(crate) fn a_user() -> UserRecord {
    UserRecord {
        id: user_id(),
        name: "ada".into(),
        display_name: "Ada Lovelace ✓".into(),
        password_hash: Some("$argon2id$…".into()),
        is_operator: false,
        state: UserState::Active,
        credentials_generation: 3,
        created_at: NOW,
        roles: vec!["dev".into(), "ops".into()],
    }
}

pub(crate) fn an_access_key() -> AccessKeyRecord {
    AccessKeyRecord {
        id: "VSTK1".into(),
        user_id: user_id(),
        name: "CI ✓".into(),
        secret_sealed: vec![0, 1, 255],
        scope: scope("read write"),
        resources: vec![resource()],
        created_at: NOW,
        expires_at: Some(NOW + 10 * MINUTE),
    }
}

pub(crate) fn a_client() -> ClientRecord {
    ClientRecord {
        id: client_id(),
        name: "Inspector".into(),
        redirect_uris: vec![redirect_uri(), RedirectUri::parse("cursor://a/callback").unwrap()],
        token_endpoint_auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        chose_auth_method: true,
        secret_digest: Some(digest("secret")),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scope: scope("read write"),
        application_type: ApplicationType::Native,
        origin: ClientOrigin::Dynamic,
        metadata: json!({ "client_uri": "https://inspector.example" }).as_object().unwrap().clone(),
        created_at: NOW,
        expires_at: Some(NOW + MINUTE),
    }
}

pub(crate) fn a_session() -> SessionRecord {
    SessionRecord {
        digest: digest("session"),
        user_id: user_id(),
        credentials_generation: 3,
        created_at: NOW,
        expires_at: NOW + MINUTE,
    }
}

pub(crate) fn a_request() -> AuthorizationRequestRecord {
    AuthorizationRequestRecord {
        digest: digest("request"),
        browser_digest: digest("browser"),
        client_id: client_id(),
        redirect_uri: redirect_uri(),
        state: Some("s'; DROP TABLE users; --".into()),
        scope: scope("read"),
        resource: resource(),
        code_challenge: code_challenge(),
        prompt: None,
        created_at: NOW,
        expires_at: NOW + MINUTE,
        decided_at: None,
    }
}

pub(crate) fn a_code() -> AuthorizationCodeRecord {
    AuthorizationCodeRecord {
        digest: digest("code"),
        grant_id: grant_id(),
        client_id: client_id(),
        user_id: user_id(),
        redirect_uri: redirect_uri(),
        scope: scope("read"),
        resource: resource(),
        code_challenge: code_challenge(),
        authenticated_at: NOW,
        issued_at: NOW,
        expires_at: NOW + MINUTE,
        redeemed_at: None,
    }
}

pub(crate) fn a_grant() -> GrantRecord {
    GrantRecord {
        id: grant_id(),
        user_id: Some(user_id()),
        client_id: client_id(),
        scope: scope("read"),
        resource: resource(),
        created_at: NOW,
        expires_at: NOW + 100 * MINUTE,
        revoked_at: None,
        revocation_reason: None,
    }
}

pub(crate) fn a_refresh_token() -> RefreshTokenRecord {
    RefreshTokenRecord {
        digest: digest("refresh"),
        grant_id: grant_id(),
        generation: 0,
        issued_at: NOW,
        expires_at: NOW + 10 * MINUTE,
        rotated_at: None,
        successor_digest: None,
        successor_sealed: None,
    }
}

pub(crate) fn a_connection() -> ConnectionRecord {
    ConnectionRecord {
        id: "connection_1".into(),
        owner: "user:user_1".into(),
        provider: "x'; DROP TABLE connections; --".into(),
        account: "42".into(),
        account_name: Some("Ada ✓".into()),
        kind: "oauth".into(),
        scope: scope("repo read:user"),
        reconnect_reason: None,
        generation: 1,
        chosen_at: NOW,
        created_at: NOW,
        last_used_at: None,
    }
}

pub(crate) fn a_credential() -> SealedCredential {
    SealedCredential {
        data_key_sealed: vec![0, 1, 255],
        sealed: vec![2, 0, 254],
        obtained_at: NOW,
        expires_at: Some(NOW + MINUTE),
        is_renewable: true,
    }
}

/// The user, their grant, its refresh token, a code that was not redeemed yet, and a connection.
pub(crate) async fn populate(store: &Store) {
    let batch = Batch::new()
        .then(user::insert(&a_user()))
        .then(grant::insert(&a_grant()))
        .then(refresh_token::insert(&a_refresh_token()))
        .then(authorization_code::insert(&a_code()))
        .then(connection::insert(&a_connection()))
        .then(credential::insert(&a_connection().id, &a_credential()));
    store.commit(batch).await.unwrap();
}
