//! Carries revocations from the database to the guards of this node: the ones made here at once, those of other nodes
//! with the next question.

use std::{sync::Arc, time::Duration};

use guard::RevokedTokens;
use oauth::{Clock, Timestamp};
use store::{RevocationKey, RevocationRecord, Store, StoreError};

/// How far each question reaches back before the last one: more than the clocks of the nodes differ and a commit
/// takes. What was seen before changes nothing.
const OVERLAP: Duration = Duration::from_secs(30);

/// What this node knows of revocations, and how far.
pub(crate) struct Revocations {
    store: Store,
    revoked: RevokedTokens,
    clock: Arc<dyn Clock>,
    known_until: Timestamp,
}

impl Revocations {
    /// Knows nothing yet: the first question asks for everything that is still in force.
    pub(crate) fn new(store: Store, revoked: RevokedTokens, clock: Arc<dyn Clock>) -> Self {
        Self { store, revoked, clock, known_until: Timestamp::from_milliseconds(0) }
    }

    /// Learns what happened since the last time.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let records = self.store.revocations_since(self.known_until - OVERLAP, now).await?;
        for record in &records {
            apply(&self.revoked, record);
        }
        self.known_until = now;
        Ok(())
    }

    /// Forgets what no unexpired token can need.
    pub(crate) fn forget_expired(&self) {
        self.revoked.forget_expired(self.clock.now());
    }
}

/// Tells the guards of one revocation.
pub(crate) fn apply(revoked: &RevokedTokens, record: &RevocationRecord) {
    match &record.key {
        RevocationKey::Grant(grant) => revoked.revoke_grant(grant.clone(), record.expires_at),
        RevocationKey::AccessToken(token) => revoked.revoke_token(token.clone(), record.expires_at),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use guard::{Guard, Keys};
    use http::{HeaderMap, Uri, header};
    use oauth::{
        ClientId, GrantId, Issuer, JwtId, ResourceIndicator, Scope, access_token::AccessTokenClaims,
        jwk::JwkSet, jws::SigningKey,
    };
    use store::{Location, revocation};

    use super::*;

    struct Settable(AtomicI64);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
        }
    }

    struct Node {
        guard: Guard,
        revocations: Revocations,
    }

    impl Node {
        fn accepts(&self, token: &str) -> bool {
            let authorization = (header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
            let headers = HeaderMap::from_iter([authorization]);
            self.guard.check(&headers, &Uri::from_static("/mcp/demo")).is_ok()
        }
    }

    fn node(store: &Store, clock: &Arc<Settable>, key: &SigningKey) -> Node {
        let (keys, revoked) = (Keys::default(), RevokedTokens::default());
        keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
        let issuer = Issuer::parse("https://v.test").unwrap();
        let resource = ResourceIndicator::parse("https://v.test/mcp/demo").unwrap();
        let settings = guard::Settings::new(issuer, resource, keys, clock.clone());
        let guard = Guard::new(guard::Settings { revoked: revoked.clone(), ..settings });
        Node { guard, revocations: Revocations::new(store.clone(), revoked, clock.clone()) }
    }

    fn token(key: &SigningKey, now: Timestamp, id: &str) -> String {
        let claims = AccessTokenClaims {
            iss: Issuer::parse("https://v.test").unwrap(),
            sub: "user_1".into(),
            aud: ResourceIndicator::parse("https://v.test/mcp/demo").unwrap(),
            exp: now.seconds() + 600,
            iat: now.seconds(),
            jti: JwtId::from_unverified(id),
            client_id: ClientId::from_unverified("c1"),
            scope: Scope::default(),
            grant_id: Some(GrantId::from_unverified(format!("grant of {id}"))),
            preferred_username: None,
            roles: Vec::new(),
            groups: Vec::new(),
        };
        claims.sign(key).expose().clone()
    }

    /// The other node's clock is 20 seconds behind, so its revocation looks older than this node's last question.
    #[tokio::test]
    async fn p5_what_another_node_revokes_is_revoked_here() {
        let directory = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", directory.path().join("v.sqlite3").display());
        let store = Store::open(Location::parse(&location).unwrap()).unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(Settable(AtomicI64::new(1_800_000_000_000)));
        let (key, _) = SigningKey::generate();
        let (one, two) = (token(&key, clock.now(), "j1"), token(&key, clock.now(), "j2"));
        let mut here = node(&store, &clock, &key);
        here.revocations.catch_up().await.unwrap();
        assert!(here.accepts(&one) && here.accepts(&two));

        let revoked_at = clock.now() - Duration::from_secs(20);
        let expires_at = clock.now() + Duration::from_mins(10);
        for key in [
            RevocationKey::Grant(GrantId::from_unverified("grant of j1")),
            RevocationKey::AccessToken(JwtId::from_unverified("j2")),
        ] {
            let record = RevocationRecord { key, revoked_at, expires_at };
            store.commit(revocation::insert(&record)).await.unwrap();
        }
        here.revocations.catch_up().await.unwrap();
        assert!(!here.accepts(&one) && !here.accepts(&two));

        clock.0.fetch_add(300_000, Ordering::Relaxed);
        let mut restarted = node(&store, &clock, &key);
        restarted.revocations.catch_up().await.unwrap();
        assert!(!restarted.accepts(&one) && !restarted.accepts(&two), "a restart forgets nothing");
    }
}
