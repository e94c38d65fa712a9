use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use audit::{Checkpoint, Overloaded, Person, Place, SignedCheckpoint};
use moka::sync::Cache;
use oauth::{ClientId, Issuer, Timestamp, jwk::JwkSet};
use secret::{Digest, Keyring, Random};
use store::{
    ClientRecord, CommitError, RevocationKey, RevocationRecord, Store, StoreError, UserRecord, grant,
    revocation,
};

use crate::{
    Limits, Resource, Settings,
    attempts::Attempts,
    password_pool::PasswordPool,
    signing_keys::{self, SigningKeys},
    waiting_page,
};

/// The authorization server: its settings, its store and its keys. Cheap to clone.
#[derive(Clone)]
pub struct AuthorizationServer(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// What [`Settings::resources`] said at the start, or [`AuthorizationServer::reload`] since.
    resources: ArcSwap<Vec<Resource>>,
    store: Store,
    keys: SigningKeys,
    passwords: PasswordPool,
    attempts: AttemptCounters,
    /// Seals pages that wait for a sign-in.
    pages_ring: Keyring,
    clients: Cache<ClientId, Arc<ClientRecord>>,
}

/// How long a client's record may be used without asking the database again. Whatever ends a client is known on
/// every node within this time, as a revocation is.
const CLIENT_FRESHNESS: Duration = Duration::from_secs(1);
const MAXIMUM_REMEMBERED_CLIENTS: u64 = 10_000;

/// Counters of what strangers try; see [`crate::Limits`].
pub(crate) struct AttemptCounters {
    pub(crate) registrations_per_address: Attempts,
    pub(crate) registrations: Attempts,
    pub(crate) failed_logins: Attempts,
    pub(crate) failed_client_authentications: Attempts,
    pub(crate) authorization_requests_per_address: Attempts,
}

/// Why the authorization server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing key could not be stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The signing key in the database does not open.
    #[error(
        "the signing key {kid} in the database cannot be opened: {reason}; start with the keyring this database was made with"
    )]
    SigningKey {
        /// Which key.
        kid: String,
        /// What the keyring said.
        reason: String,
    },
}

impl AuthorizationServer {
    /// Opens the server on a migrated store: loads its signing keys, or makes the first one.
    ///
    /// # Errors
    /// [`StartError`] when the store fails or its keys were sealed with another keyring.
    pub async fn open(mut settings: Settings, store: Store, keyring: &Keyring) -> Result<Self, StartError> {
        let now = settings.clock.now();
        let keys = signing_keys::load_or_create(&store, keyring, &*settings.random, now).await?;
        let limits = &settings.limits;
        let attempts = AttemptCounters {
            registrations_per_address: Attempts::new(limits.registrations_per_address),
            registrations: Attempts::new(limits.registrations),
            failed_logins: Attempts::new(limits.failed_logins),
            failed_client_authentications: Attempts::new(limits.failed_client_authentications),
            authorization_requests_per_address: Attempts::new(limits.authorization_requests_per_address),
        };
        let passwords = PasswordPool::default();
        let clients =
            Cache::builder().max_capacity(MAXIMUM_REMEMBERED_CLIENTS).time_to_live(CLIENT_FRESHNESS).build();
        let resources = ArcSwap::from_pointee(std::mem::take(&mut settings.resources));
        let pages_ring = waiting_page::ring(keyring);
        Ok(Self(Arc::new(Inner {
            settings,
            resources,
            store,
            keys,
            passwords,
            attempts,
            pages_ring,
            clients,
        })))
    }

    /// Takes over other resources and limits while the server runs. Whoever is being answered is answered by those
    /// that were there when they asked; what has been counted stays counted.
    pub fn reload(&self, resources: Vec<Resource>, limits: &Limits) {
        self.0.resources.store(Arc::new(resources));
        let attempts = self.attempts();
        attempts.registrations_per_address.allow(limits.registrations_per_address);
        attempts.registrations.allow(limits.registrations);
        attempts.failed_logins.allow(limits.failed_logins);
        attempts.failed_client_authentications.allow(limits.failed_client_authentications);
        attempts.authorization_requests_per_address.allow(limits.authorization_requests_per_address);
    }

    /// The public keys that verify this server's access tokens.
    pub fn jwk_set(&self) -> JwkSet {
        self.0.keys.jwk_set()
    }

    /// Signs how far the audit log of this node is, with the key that signs access tokens.
    pub fn sign_checkpoint(&self, checkpoint: &Checkpoint) -> SignedCheckpoint {
        checkpoint.sign(self.0.keys.current())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The issuer identifier, with which every URL begins.
    pub fn issuer(&self) -> &Issuer {
        &self.0.settings.issuer
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.settings.random
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn keys(&self) -> &SigningKeys {
        &self.0.keys
    }

    pub(crate) fn passwords(&self) -> &PasswordPool {
        &self.0.passwords
    }

    pub(crate) fn attempts(&self) -> &AttemptCounters {
        &self.0.attempts
    }

    pub(crate) fn pages_ring(&self) -> &Keyring {
        &self.0.pages_ring
    }

    /// The client of this identifier, as it was at most a second ago.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<Arc<ClientRecord>>, StoreError> {
        if let Some(known) = self.0.clients.get(id) {
            return Ok(Some(known));
        }
        let Some(record) = self.store().client(id).await? else { return Ok(None) };
        let record = Arc::new(record);
        self.0.clients.insert(id.clone(), Arc::clone(&record));
        Ok(Some(record))
    }

    /// The resources that tokens can be issued for, as they are now.
    pub(crate) fn resources(&self) -> Arc<Vec<Resource>> {
        self.0.resources.load_full()
    }

    /// Room in the audit log for what is about to be done.
    pub(crate) async fn place_in_audit_log(&self) -> Result<Place, Overloaded> {
        self.0.settings.auditor.reserve().await
    }

    /// A user as the audit log names them.
    pub(crate) fn person(&self, user: &UserRecord) -> Person {
        Person::new(self.issuer(), user.id.as_str(), Some(&user.name))
    }

    /// Ends a grant or a token for good and tells this node's guards.
    pub(crate) async fn revoke(&self, key: RevocationKey, reason: &'static str) -> Result<(), StoreError> {
        let now = self.now();
        let record = RevocationRecord {
            key,
            revoked_at: now,
            expires_at: now + self.settings().lifetimes.access_token,
        };
        let mut statements = vec![revocation::insert(&record)];
        if let RevocationKey::Grant(id) = &record.key {
            statements.insert(0, grant::revoke(id, reason, now));
        }
        match self.store().commit(statements.into_iter().collect::<store::Batch>()).await {
            Ok(()) | Err(CommitError::Refused(_)) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
        tracing::info!(key = ?record.key, reason, "revoked");
        (self.settings().on_revocation)(&record);
        Ok(())
    }

    /// A short id for an incident, shown to the person and written to the log.
    pub(crate) fn incident_id(&self) -> String {
        let mut bytes = [0; 6];
        self.random().fill(&mut bytes);
        Digest::of(&bytes).to_base64url()[..8].to_owned()
    }
}
