//! Authorization code → tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
//!
//! 1. A code is known by its digest. Whatever is wrong with it, the client reads the same `invalid_grant`.
//! 2. A wrong verifier burns the code: whoever tries has at most one attempt.
//! 3. Redemption is one conditional update; of many at once exactly one succeeds.
//! 4. A second redemption by the right client with the right verifier revokes what the first one gave
//!    (RFC 6749 §4.1.2). A stranger's replay is refused and changes nothing, else whoever reads a browser's
//!    history could log people out.

use audit::{Event, Kind, Outcome, Person};
use oauth::{CodeVerifier, ErrorCode, GrantType, Timestamp, parameters::Parameters, token::TokenResponse};
use secret::Token;
use store::{
    AuthorizationCodeRecord, Batch, CommitError, GrantRecord, RefreshTokenRecord, RevocationKey, UserRecord,
    UserState, authorization_code, grant, refresh_token,
};

use super::{check_resource, missing};
use crate::{
    AuthorizationServer, Lifetimes,
    access_token::{self, Holder},
    answer::EndpointError,
    client_authentication::AuthenticatedClient,
    kinds::{AuthorizationCode, RefreshToken},
    metadata::OFFLINE_ACCESS,
};

/// What the presented code deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It becomes tokens.
    Redeem,
    /// It is refused and cannot be tried again.
    Burn,
    /// It was redeemed before: what it gave is revoked.
    Replayed,
    /// It is refused and nothing changes.
    Refuse,
}

pub(super) async fn exchange(
    server: &AuthorizationServer,
    client: &AuthenticatedClient,
    parameters: &Parameters,
) -> Result<TokenResponse, EndpointError> {
    let one = |name| parameters.one(name).ok().flatten();
    let code = one("code").ok_or_else(|| missing("code"))?;
    let verifier = one("code_verifier").ok_or_else(|| missing("code_verifier"))?;
    let code = Token::<AuthorizationCode>::parse(code).map_err(|_| refused())?;
    let digest = code.digest();
    let Some(record) = server.store().authorization_code(&digest).await? else { return Err(refused()) };

    let request =
        Request { client, unverified_verifier: verifier, unverified_redirect_uri: one("redirect_uri") };
    match decide(&record, &request, server.now()) {
        Decision::Redeem => {}
        Decision::Burn => return burn(server, &record).await,
        Decision::Replayed => return replayed(server, &record).await,
        Decision::Refuse => return Err(refused()),
    }
    check_resource(parameters, &record.resource)?;
    let user = server.store().user(&record.user_id).await?.filter(|user| user.state == UserState::Active);
    let Some(user) = user else { return Err(refused()) };
    redeem(server, client, &record, &user).await
}

struct Request<'a> {
    client: &'a AuthenticatedClient,
    unverified_verifier: &'a str,
    unverified_redirect_uri: Option<&'a str>,
}

fn decide(code: &AuthorizationCodeRecord, request: &Request<'_>, now: Timestamp) -> Decision {
    if code.client_id != request.client.record().id {
        return Decision::Refuse;
    }
    let verifier = CodeVerifier::parse(request.unverified_verifier).ok();
    let is_proven = verifier.is_some_and(|verifier| code.code_challenge.is_answered_by(&verifier));
    match (code.redeemed_at, is_proven) {
        (Some(_), true) => return Decision::Replayed,
        (Some(_), false) => return Decision::Refuse,
        (None, false) => return Decision::Burn,
        (None, true) => {}
    }
    let is_same_redirect =
        request.unverified_redirect_uri.is_none_or(|uri| uri == code.redirect_uri.as_str());
    if code.expires_at > now && is_same_redirect { Decision::Redeem } else { Decision::Refuse }
}

async fn redeem(
    server: &AuthorizationServer,
    client: &AuthenticatedClient,
    code: &AuthorizationCodeRecord,
    user: &UserRecord,
) -> Result<TokenResponse, EndpointError> {
    let now = server.now();
    let lifetimes = &server.settings().lifetimes;
    let grant = new_grant(code, now, lifetimes);
    let may_refresh = client.record().grant_types.contains(&GrantType::RefreshToken)
        || grant.scope.contains(OFFLINE_ACCESS);
    let refresh_token = may_refresh.then(|| Token::<RefreshToken>::mint(server.random()));
    let mut batch =
        Batch::new().then(authorization_code::redeem(&code.digest, now)).then(grant::insert(&grant));
    if let Some(token) = &refresh_token {
        batch = batch.then(refresh_token::insert(&first_refresh_token(token, &grant, now, lifetimes)));
    }
    let place = server.place_in_audit_log().await?;
    match server.store().commit(batch).await {
        Ok(()) => {}
        Err(CommitError::Refused(_)) => return replayed(server, code).await,
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    let event = Event::new(Kind::CodeRedeemed, Outcome::Succeeded).person(server.person(user));
    place.record(about(event, code).detail("scope", &grant.scope));
    let holder = Holder {
        subject: user.id.as_str(),
        user_name: Some(&user.name),
        roles: &user.roles,
        client_id: &grant.client_id,
        grant: Some((&grant.id, grant.expires_at)),
        resource: &grant.resource,
        scope: grant.scope.clone(),
    };
    Ok(access_token::issue(server, holder, refresh_token.as_ref()))
}

fn new_grant(code: &AuthorizationCodeRecord, now: Timestamp, lifetimes: &Lifetimes) -> GrantRecord {
    GrantRecord {
        id: code.grant_id.clone(),
        user_id: Some(code.user_id.clone()),
        client_id: code.client_id.clone(),
        scope: code.scope.clone(),
        resource: code.resource.clone(),
        created_at: now,
        expires_at: now + lifetimes.grant,
        revoked_at: None,
        revocation_reason: None,
    }
}

fn first_refresh_token(
    token: &Token<RefreshToken>,
    grant: &GrantRecord,
    now: Timestamp,
    lifetimes: &Lifetimes,
) -> RefreshTokenRecord {
    RefreshTokenRecord {
        digest: token.digest(),
        grant_id: grant.id.clone(),
        generation: 0,
        issued_at: now,
        expires_at: (now + lifetimes.refresh_token_idle).min(grant.expires_at),
        rotated_at: None,
        successor_digest: None,
        successor_sealed: None,
    }
}

async fn burn(
    server: &AuthorizationServer,
    code: &AuthorizationCodeRecord,
) -> Result<TokenResponse, EndpointError> {
    match server.store().commit(authorization_code::burn(&code.digest, server.now())).await {
        Ok(()) | Err(CommitError::Refused(_)) => Err(refused()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

async fn replayed(
    server: &AuthorizationServer,
    code: &AuthorizationCodeRecord,
) -> Result<TokenResponse, EndpointError> {
    let place = server.place_in_audit_log().await?;
    server.revoke(RevocationKey::Grant(code.grant_id.clone()), "authorization code replayed").await?;
    let person = Person::new(server.issuer(), code.user_id.as_str(), None);
    place.record(about(Event::new(Kind::CodeReplayed, Outcome::Refused).person(person), code));
    Err(refused())
}

fn about(event: Event, code: &AuthorizationCodeRecord) -> Event {
    event.client(&code.client_id).detail("grant", &code.grant_id).detail("resource", &code.resource)
}

fn refused() -> EndpointError {
    let description = "the code is unknown, expired, used, or was issued to another client or verifier";
    EndpointError::new(ErrorCode::InvalidGrant, description)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oauth::{ClientId, CodeChallenge, GrantId, RedirectUri, ResourceIndicator, Scope, UserId};
    use secret::Digest;

    use super::*;
    use crate::client_authentication::tests::client;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn code() -> AuthorizationCodeRecord {
        AuthorizationCodeRecord {
            digest: Digest::of(b"code"),
            grant_id: GrantId::from_unverified("g"),
            client_id: ClientId::from_unverified("c"),
            user_id: UserId::from_unverified("u"),
            redirect_uri: RedirectUri::parse("https://c.test/cb").unwrap(),
            scope: Scope::default(),
            resource: ResourceIndicator::parse("https://rs.test/mcp").unwrap(),
            code_challenge: CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap(),
            authenticated_at: NOW,
            issued_at: NOW,
            expires_at: NOW + Duration::from_mins(1),
            redeemed_at: None,
        }
    }

    #[track_caller]
    fn check(
        expect: Decision,
        record: &AuthorizationCodeRecord,
        client_id: &str,
        verifier: &str,
        redirect: Option<&str>,
    ) {
        let client = client(client_id);
        let request =
            Request { client: &client, unverified_verifier: verifier, unverified_redirect_uri: redirect };
        assert_eq!(decide(record, &request, NOW), expect);
    }

    #[test]
    fn the_right_client_with_the_right_verifier_redeems() {
        check(Decision::Redeem, &code(), "c", VERIFIER, None);
        check(Decision::Redeem, &code(), "c", VERIFIER, Some("https://c.test/cb"));
    }

    #[test]
    fn tk_05_a_wrong_verifier_burns_the_code() {
        for verifier in ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "short", "ä"] {
            check(Decision::Burn, &code(), "c", verifier, None);
        }
    }

    #[test]
    fn tk_07_another_redirect_uri_and_expiry_are_refused() {
        check(Decision::Refuse, &code(), "c", VERIFIER, Some("https://c.test/cb/"));
        check(Decision::Refuse, &AuthorizationCodeRecord { expires_at: NOW, ..code() }, "c", VERIFIER, None);
    }

    #[test]
    fn tk_01_and_03_only_the_right_clients_replay_revokes() {
        let redeemed = AuthorizationCodeRecord { redeemed_at: Some(NOW), ..code() };
        check(Decision::Replayed, &redeemed, "c", VERIFIER, None);
        check(Decision::Refuse, &redeemed, "other", VERIFIER, None);
        check(Decision::Refuse, &redeemed, "c", &"a".repeat(43), None);
        check(Decision::Refuse, &code(), "other", VERIFIER, None);
    }
}
