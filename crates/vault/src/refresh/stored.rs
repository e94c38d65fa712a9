//! What a provider gave is stored, whatever happens: the token before may be void.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use audit::{Kind, Outcome};
use store::{
    Batch, CommitError, HeldCredential, SealedCredential, Statement, StoreError, connection, credential,
    provider_revocation,
};
use tokio::time::sleep;

use super::attempt::{Attempt, Took};
use crate::{
    error::{CredentialError, VaultError},
    keep::refused_as,
    provider::{Provider, Tokens},
    seal::{self, Place},
    secrets::Secrets,
    vault::Vault,
};

/// Pauses between attempts to store while the callers wait.
const SOON: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1)];
/// Then the callers are answered, and storing goes on so often for so long.
const LATER: (Duration, u32) = (Duration::from_secs(5), 720);

/// How storing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// It is stored.
    Here,
    /// Somebody else stored another since; theirs stays.
    There,
}

/// What is to be stored.
struct Renewed {
    held: HeldCredential,
    fence: i64,
    is_refused: bool,
    sealed: SealedCredential,
    scope: oauth::Scope,
}

impl Vault {
    /// Stores the tokens and gives the credential out; also when the database cannot take them now.
    pub(super) async fn store_renewed(
        &self,
        provider: &Arc<Provider>,
        took: Took<'_>,
        former: Secrets,
        tokens: Tokens,
    ) -> Result<Attempt, CredentialError> {
        let held = took.held;
        let secrets = Secrets {
            credential: tokens.access_token,
            // RFC 6749 §6: without a new one, the old one stays.
            refresh_token: tokens.refresh_token.or(former.refresh_token),
            issued_by: former.issued_by,
        };
        let generation = held.credential.generation + 1;
        let place = Place { generation, ..Place::of(held) };
        let settings = &self.0.settings;
        let (data_key_sealed, sealed) = seal::seal(&settings.keyring, &*settings.random, place, &secrets);
        let sealed = SealedCredential {
            data_key_sealed,
            sealed,
            obtained_at: tokens.received_at,
            expires_at: tokens.expires_at,
            is_renewable: held.credential.sealed.is_renewable,
        };
        let mut after = held.clone();
        after.connection.generation = generation;
        after.connection.scope = tokens.scope.clone();
        after.credential.generation = generation;
        after.credential.sealed = sealed.clone();
        let (fence, is_refused) = (took.fence, took.is_refused);
        let renewed = Renewed { held: held.clone(), fence, is_refused, sealed, scope: tokens.scope };
        match self.store_soon(&renewed).await {
            Ok(Stored::There) => {
                self.revoke_if_ended(held, &secrets).await?;
                return Ok(Attempt::Again);
            }
            Ok(Stored::Here) => {}
            Err(error) => self.store_later(renewed, &error),
        }
        Ok(Attempt::Renewed(self.make(provider, &after, &secrets)?))
    }

    /// A connection that was ended meanwhile: what the provider has just given is revoked, like what it gave before.
    async fn revoke_if_ended(&self, held: &HeldCredential, secrets: &Secrets) -> Result<(), VaultError> {
        let connection = &held.connection;
        if self.0.settings.store.connection(&connection.id).await?.is_some() {
            return Ok(());
        }
        let Some(revocation) = self.revocation(&connection.provider, &connection.kind, secrets) else {
            return Ok(());
        };
        let insert = provider_revocation::insert(&revocation, Self::REVOKED_WITHIN);
        self.0.settings.store.commit(insert).await.map_err(refused_as(VaultError::Changed))
    }

    async fn store_soon(&self, renewed: &Renewed) -> Result<Stored, StoreError> {
        for pause in SOON {
            match self.store_once(renewed).await {
                Err(error) => tracing::warn!(%error, "a renewed credential is not stored yet"),
                stored => return stored,
            }
            sleep(pause).await;
        }
        self.store_once(renewed).await
    }

    fn store_later(&self, renewed: Renewed, error: &StoreError) {
        let vault = self.clone();
        let unstored = &self.0.unstored;
        unstored.lock().unwrap_or_else(PoisonError::into_inner).insert(renewed.held.connection.id.clone());
        tracing::error!(connection = %renewed.held.connection.id, %error, "a renewed credential is in memory alone");
        tokio::spawn(async move {
            let (pause, times) = LATER;
            for _ in 0..times {
                sleep(pause).await;
                if vault.store_once(&renewed).await.is_ok() {
                    tracing::info!(connection = %renewed.held.connection.id, "a renewed credential is stored at last");
                    break;
                }
            }
            let unstored = &vault.0.unstored;
            unstored.lock().unwrap_or_else(PoisonError::into_inner).remove(&renewed.held.connection.id);
        });
    }

    /// By the fence; and when somebody else has taken the credential since, by the generation.
    async fn store_once(&self, renewed: &Renewed) -> Result<Stored, StoreError> {
        let (id, from) = (&renewed.held.connection.id, renewed.held.credential.generation);
        let in_time = credential::renew(id, from, renewed.fence, &renewed.sealed);
        if self.commit_renewed(renewed, in_time).await? {
            return Ok(Stored::Here);
        }
        let late = credential::renew_late(id, from, &renewed.sealed);
        if self.commit_renewed(renewed, late).await? {
            self.tell_of_lateness(renewed, "stored late").await;
            return Ok(Stored::Here);
        }
        // An attempt whose outcome was not known may have stored it.
        let there = self.0.settings.store.held_credential(id).await?;
        let is_ours = there.is_some_and(|there| there.credential.sealed.sealed == renewed.sealed.sealed);
        if !is_ours {
            self.tell_of_lateness(renewed, "another was stored before").await;
        }
        Ok(if is_ours { Stored::Here } else { Stored::There })
    }

    /// One call to the provider more than there should be: it is counted.
    async fn tell_of_lateness(&self, renewed: &Renewed, what: &str) {
        tracing::warn!(connection = %renewed.held.connection.id, what, "the lease on a credential had run out");
        self.record(&renewed.held, Kind::CredentialRefresh, Outcome::Abandoned, ("lease", what)).await;
    }

    async fn commit_renewed(&self, renewed: &Renewed, statement: Statement) -> Result<bool, StoreError> {
        let (id, from) = (&renewed.held.connection.id, renewed.held.credential.generation);
        let batch = Batch::new()
            .then(statement)
            .then(connection::renewed(id, from, &renewed.scope))
            .then(connection::changed(id));
        let batch = if renewed.is_refused { batch.then(credential::count_refusal(id)) } else { batch };
        match self.0.settings.store.commit(batch).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(_)) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}
