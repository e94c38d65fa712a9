//! Refresh (RFC 6749 §6) with rotation (OAuth 2.1 §4.3.1) and one idempotent successor.
//!
//! 1. Presenting the current token of a family rotates it: one conditional update, whose generation decides.
//! 2. Repeating the previous token, by the same client, shortly after, before the successor was used, gives
//!    the *same* successor again: a client that lost an answer loses nothing, and parallel processes agree.
//!    The successor is sealed under a key derived from the presented token, so the database alone cannot
//!    replay it.
//! 3. Any other use of an old token is reuse: the whole family is revoked.

use audit::{Event, Kind, Outcome, Person};
use oauth::{ErrorCode, Scope, ScopeError, Timestamp, parameters::Parameters, token::TokenResponse};
use secret::{Keyring, Location, Token};
use store::{
    Batch, CommitError, GrantRecord, PresentedRefreshToken, RefreshTokenRecord, RevocationKey, UserState,
    refresh_token,
};

use super::{check_resource, missing};
use crate::{
    AuthorizationServer, Lifetimes,
    access_token::{self, Holder},
    answer::EndpointError,
    client_authentication::AuthenticatedClient,
    kinds::RefreshToken,
};

/// What the presented token deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It is the current one: rotate.
    Rotate,
    /// It is the previous one, repeated in time: the same successor again.
    Repeat,
    /// It is an old one: revoke the family.
    Reuse,
    /// It is refused and nothing changes.
    Refuse,
}

/// How often a lost race is decided anew. A rotation can be lost once; the next look sees its outcome.
const ATTEMPTS: usize = 3;

pub(super) async fn refresh(
    server: &AuthorizationServer,
    client: &AuthenticatedClient,
    parameters: &Parameters,
) -> Result<TokenResponse, EndpointError> {
    let text = parameters.one("refresh_token").ok().flatten().ok_or_else(|| missing("refresh_token"))?;
    let token = Token::<RefreshToken>::parse(text).map_err(|_| refused())?;
    let digest = token.digest();
    for _ in 0..ATTEMPTS {
        let Some(presented) = server.store().refresh_token(&digest).await? else { return Err(refused()) };
        match decide(&presented, client, server.now(), &server.settings().lifetimes) {
            Decision::Refuse => return Err(refused()),
            Decision::Reuse => {
                return reused(server, &presented).await;
            }
            Decision::Repeat => {
                let scope = requested_scope(parameters, &presented.grant)?;
                let successor = open_successor(&token, &presented.token).ok_or_else(refused)?;
                return Ok(answer(server, &presented, scope, &successor));
            }
            Decision::Rotate => {
                let scope = requested_scope(parameters, &presented.grant)?;
                let successor = Token::<RefreshToken>::mint(server.random());
                match server.store().commit(rotation(server, &token, &presented, &successor)).await {
                    Ok(()) => return Ok(answer(server, &presented, scope, &successor)),
                    Err(CommitError::Refused(_)) => {}
                    Err(CommitError::Store(error)) => return Err(error.into()),
                }
            }
        }
    }
    Err(refused())
}

/// RFC 9700 §4.14.2: whoever of the two was the thief, neither goes on.
async fn reused(
    server: &AuthorizationServer,
    presented: &PresentedRefreshToken,
) -> Result<TokenResponse, EndpointError> {
    let place = server.place_in_audit_log().await?;
    let grant = &presented.grant;
    server.revoke(RevocationKey::Grant(grant.id.clone()), "refresh token reused").await?;
    let event = Event::new(Kind::RefreshTokenReused, Outcome::Refused)
        .client(&grant.client_id)
        .detail("generation", presented.token.generation)
        .detail("grant", &grant.id)
        .detail("resource", &grant.resource);
    place.record(match &grant.user_id {
        Some(id) => event.person(Person::new(server.issuer(), id.as_str(), presented.user_name.as_deref())),
        None => event,
    });
    Err(refused())
}

fn decide(
    presented: &PresentedRefreshToken,
    client: &AuthenticatedClient,
    now: Timestamp,
    lifetimes: &Lifetimes,
) -> Decision {
    let PresentedRefreshToken { token, grant, user_state, successor_used, .. } = presented;
    let is_same_client = grant.client_id == client.record().id;
    let user_may = grant.user_id.is_none() || *user_state == Some(UserState::Active);
    if grant.revoked_at.is_some() || grant.expires_at <= now {
        return Decision::Refuse;
    }
    match token.rotated_at {
        None if is_same_client && user_may && token.expires_at > now => Decision::Rotate,
        None => Decision::Refuse,
        Some(rotated_at) => {
            let is_in_time = now.since(rotated_at) <= lifetimes.refresh_repeat;
            if is_same_client && is_in_time && !successor_used && user_may {
                Decision::Repeat
            } else {
                Decision::Reuse
            }
        }
    }
}

/// RFC 6749 §6: "The requested scope MUST NOT include any scope not originally granted by the resource owner".
/// A narrower scope holds for this access token only.
fn requested_scope(parameters: &Parameters, grant: &GrantRecord) -> Result<Scope, EndpointError> {
    check_resource(parameters, &grant.resource)?;
    let Some(text) = parameters.one("scope").ok().flatten() else { return Ok(grant.scope.clone()) };
    let invalid = |description| EndpointError::new(ErrorCode::InvalidScope, description);
    let scope = Scope::parse(text).map_err(|error: ScopeError| invalid(error.to_string()))?;
    if scope.is_subset_of(&grant.scope) {
        Ok(scope)
    } else {
        Err(invalid("the scope is wider than the grant".into()))
    }
}

fn rotation(
    server: &AuthorizationServer,
    token: &Token<RefreshToken>,
    presented: &PresentedRefreshToken,
    successor: &Token<RefreshToken>,
) -> Batch {
    let now = server.now();
    let idle = server.settings().lifetimes.refresh_token_idle;
    let sealed = successor_ring(token).seal(
        server.random(),
        successor_location(&presented.token),
        successor.expose().as_bytes(),
    );
    let next = RefreshTokenRecord {
        digest: successor.digest(),
        grant_id: presented.grant.id.clone(),
        generation: presented.token.generation + 1,
        issued_at: now,
        expires_at: (now + idle).min(presented.grant.expires_at),
        rotated_at: None,
        successor_digest: None,
        successor_sealed: None,
    };
    let current = &presented.token;
    Batch::new()
        .then(refresh_token::rotate(&current.digest, current.generation, now, &next.digest, &sealed))
        .then(refresh_token::insert(&next))
}

fn open_successor(token: &Token<RefreshToken>, record: &RefreshTokenRecord) -> Option<Token<RefreshToken>> {
    let sealed = record.successor_sealed.as_ref()?;
    let text = successor_ring(token).open(successor_location(record), sealed).ok()?;
    Token::parse(std::str::from_utf8(text.expose()).ok()?).ok()
}

fn successor_ring(token: &Token<RefreshToken>) -> Keyring {
    Keyring::derived_from(token.expose().as_bytes(), "refresh token successor")
}

fn successor_location(record: &RefreshTokenRecord) -> Location<'_> {
    Location { table: "refresh_tokens", row: record.digest.as_bytes(), column: "successor_sealed" }
}

fn answer(
    server: &AuthorizationServer,
    presented: &PresentedRefreshToken,
    scope: Scope,
    successor: &Token<RefreshToken>,
) -> TokenResponse {
    let grant = &presented.grant;
    let holder = Holder {
        subject: grant.user_id.as_ref().map_or(grant.client_id.as_str(), oauth::UserId::as_str),
        user_name: presented.user_name.as_deref(),
        roles: &presented.user_roles,
        client_id: &grant.client_id,
        grant: Some((&grant.id, grant.expires_at)),
        resource: &grant.resource,
        scope,
    };
    access_token::issue(server, holder, Some(successor))
}

fn refused() -> EndpointError {
    let description = "the refresh token is unknown, expired, revoked, used, or was issued to another client";
    EndpointError::new(ErrorCode::InvalidGrant, description)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oauth::{ClientId, GrantId, ResourceIndicator, UserId};
    use secret::Digest;

    use super::*;
    use crate::client_authentication::tests::client;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn presented(change: impl FnOnce(&mut PresentedRefreshToken)) -> PresentedRefreshToken {
        let grant_id = GrantId::from_unverified("g");
        let mut presented = PresentedRefreshToken {
            token: RefreshTokenRecord {
                digest: Digest::of(b"t"),
                grant_id: grant_id.clone(),
                generation: 3,
                issued_at: NOW,
                expires_at: NOW + Duration::from_hours(1),
                rotated_at: None,
                successor_digest: None,
                successor_sealed: None,
            },
            grant: GrantRecord {
                id: grant_id,
                user_id: Some(UserId::from_unverified("u")),
                client_id: ClientId::from_unverified("c"),
                scope: Scope::parse("read write").unwrap(),
                resource: ResourceIndicator::parse("https://rs.test/mcp").unwrap(),
                created_at: NOW,
                expires_at: NOW + Duration::from_hours(24),
                revoked_at: None,
                revocation_reason: None,
            },
            user_state: Some(UserState::Active),
            user_name: Some("ada".into()),
            user_roles: Vec::new(),
            successor_used: false,
        };
        change(&mut presented);
        presented
    }

    fn rotated(presented: &mut PresentedRefreshToken) {
        presented.token.rotated_at = Some(NOW - Duration::from_mins(1));
    }

    #[track_caller]
    fn check(expect: Decision, client_id: &str, change: impl FnOnce(&mut PresentedRefreshToken)) {
        assert_eq!(decide(&presented(change), &client(client_id), NOW, &Lifetimes::default()), expect);
    }

    #[test]
    fn the_current_token_rotates() {
        check(Decision::Rotate, "c", |_| {});
        check(Decision::Rotate, "c", |presented| {
            presented.grant.user_id = None;
            presented.user_state = None;
        });
    }

    #[test]
    fn tk_13_the_previous_token_repeats_in_time() {
        check(Decision::Repeat, "c", rotated);
    }

    #[test]
    fn tk_14_any_other_use_of_an_old_token_is_reuse() {
        check(Decision::Reuse, "other", rotated);
        check(Decision::Reuse, "c", |presented| {
            rotated(presented);
            presented.successor_used = true;
        });
        check(Decision::Reuse, "c", |presented| {
            presented.token.rotated_at = Some(NOW - Duration::from_millis(60_001));
        });
    }

    #[test]
    fn tk_17_18_19_refused_without_consequence() {
        check(Decision::Refuse, "other", |_| {});
        check(Decision::Refuse, "c", |presented| presented.user_state = Some(UserState::Disabled));
        check(Decision::Refuse, "c", |presented| presented.user_state = None);
        check(Decision::Refuse, "c", |presented| presented.token.expires_at = NOW);
        check(Decision::Refuse, "c", |presented| presented.grant.expires_at = NOW);
        check(Decision::Refuse, "c", |presented| presented.grant.revoked_at = Some(NOW));
    }

    #[test]
    fn tk_11_scope_only_narrows() {
        let grant = presented(|_| {}).grant;
        let ask = |body: &str| {
            let parameters = Parameters::parse(body.as_bytes()).unwrap();
            requested_scope(&parameters, &grant).map(|scope| scope.to_string()).ok()
        };
        assert_eq!(ask("").as_deref(), Some("read write"));
        assert_eq!(ask("scope=read&resource=https://rs.test/mcp").as_deref(), Some("read"));
        assert_eq!(ask("scope=read+admin"), None);
        assert_eq!(ask("resource=https://rs.test/other"), None);
    }
}
