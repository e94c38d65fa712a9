//! Credentials are made of what is stored, or of the configuration; and what is said when there is none.

use std::sync::{Arc, atomic::AtomicI64};

use oauth::{Scope, Timestamp};
use secret::{OpenError, Secret};
use store::{Batch, CommitError, HeldCredential, SealedCredential, connection, credential};

use super::{flight::Outcome, forms::forms, step::renew_at};
use crate::{
    connection::{ConnectionId, ReconnectReason},
    credential::Credential,
    error::{CredentialError, VaultError},
    need::{Need, NeedReason},
    owner::Owner,
    provider::{Provider, ProviderKind},
    seal::{self, Place},
    secrets::Secrets,
    vault::Vault,
};

impl Vault {
    /// The credential that the operator has put into the configuration for everybody.
    pub(super) fn of_configuration(
        &self,
        provider: &Provider,
        owner: &Owner,
    ) -> Result<Option<Arc<Credential>>, CredentialError> {
        let (ProviderKind::ApiKey(entry) | ProviderKind::Basic(entry)) = &provider.kind else {
            return Ok(None);
        };
        let Some(secret) = &entry.configured else { return Ok(None) };
        if let Some(cached) = self.0.cache.get(owner, &provider.name) {
            return Ok(Some(cached));
        }
        let credential = Arc::new(Credential {
            connection: ConnectionId::of_configuration(&provider.name),
            owner: owner.clone(),
            provider: provider.name.clone(),
            account: None,
            scope: provider.scope.clone(),
            generation: 0,
            placed: provider.placement.place(secret).map_err(|_| unplaceable())?,
            secrets: forms(&provider.placement, secret),
            expires_at: None,
            renew_at: None,
            read_at: Timestamp::from_milliseconds(i64::MAX / 2),
            used_at: AtomicI64::new(0),
        });
        self.0.cache.put(&credential);
        Ok(Some(credential))
    }

    /// What is stored for an owner; for a credential that the provider gives to this installation, a row to begin with.
    pub(super) async fn held(
        &self,
        owner: &Owner,
        provider: &Provider,
    ) -> Result<Option<HeldCredential>, CredentialError> {
        let store = &self.0.settings.store;
        let (owner, name) = (owner.to_string(), provider.name.as_str());
        let held = store.chosen_credential(&owner, name).await.map_err(VaultError::from)?;
        let kind = match &provider.kind {
            ProviderKind::ClientCredentials(_) => "client_credentials",
            ProviderKind::TokenExchange(_) => "token_exchange",
            _ => return Ok(held),
        };
        if held.is_some() {
            return Ok(held);
        }
        self.begin(&owner, provider, kind).await?;
        Ok(store.chosen_credential(&owner, name).await.map_err(VaultError::from)?)
    }

    /// A connection with nothing in it yet, which is due at once. Another node may be first.
    async fn begin(&self, owner: &str, provider: &Provider, kind: &str) -> Result<(), VaultError> {
        let settings = &self.0.settings;
        let record = store::ConnectionRecord {
            id: ConnectionId::mint(&*settings.random).as_str().to_owned(),
            owner: owner.to_owned(),
            provider: provider.name.to_string(),
            account: String::new(),
            account_name: None,
            kind: kind.to_owned(),
            scope: provider.scope.clone(),
            reconnect_reason: None,
            generation: 1,
            chosen_at: self.now(),
            created_at: self.now(),
            last_used_at: None,
        };
        let place = Place { connection: &record.id, owner, provider: provider.name.as_str(), generation: 1 };
        let nothing = Secrets { credential: Secret::from(""), refresh_token: None, issued_by: None };
        let (data_key_sealed, sealed) = seal::seal(&settings.keyring, &*settings.random, place, &nothing);
        let epoch = Timestamp::from_milliseconds(0);
        let sealed = SealedCredential {
            data_key_sealed,
            sealed,
            obtained_at: epoch,
            expires_at: Some(epoch),
            is_renewable: true,
        };
        let batch =
            Batch::new().then(connection::insert(&record)).then(credential::insert(&record.id, &sealed));
        match settings.store.commit(batch).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Removes a row that cannot be used, where no person is needed to make a new one.
    pub(super) async fn start_again(&self, held: &HeldCredential) -> Result<(), CredentialError> {
        let connection = &held.connection;
        let batch = Batch::new()
            .then(connection::changed(&connection.id))
            .then(connection::delete(&connection.id, &connection.owner));
        match self.0.settings.store.commit(batch).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(VaultError::from(error).into()),
        }
    }

    /// Gives out what is stored. What does not open is not used: the person has to connect again.
    pub(super) async fn give_out(&self, provider: &Arc<Provider>, held: &HeldCredential) -> Outcome {
        let secrets = match self.open_sealed(held) {
            Ok(secrets) => secrets,
            Err(error @ OpenError::UnknownKey) => return Err(VaultError::Sealed(error).into()),
            Err(_) => {
                tracing::error!(connection = %held.connection.id, "what is stored of a connection does not open");
                self.break_off(held, ReconnectReason::Damaged).await?;
                return Err(has_to_reconnect(held, provider, ReconnectReason::Damaged));
            }
        };
        self.make(provider, held, &secrets)
    }

    /// Opens what is stored. A generation that is older than the one in memory was put back by somebody (VA-03).
    pub(super) fn open_sealed(&self, held: &HeldCredential) -> Result<Secrets, OpenError> {
        let connection = &held.connection;
        if let (Ok(owner), Some(provider)) =
            (connection.owner.parse::<Owner>(), name_of(&connection.provider))
            && let Some(known) = self.0.cache.get(&owner, &provider)
            && known.connection.as_str() == connection.id
            && known.generation > connection.generation
            && !self.is_unstored(&connection.id)
        {
            return Err(OpenError::Refused);
        }
        seal::open(&self.0.settings.keyring, Place::of(held), &held.credential.sealed)
    }

    /// The credential, in memory from now on.
    pub(super) fn make(&self, provider: &Provider, held: &HeldCredential, secrets: &Secrets) -> Outcome {
        let (connection, sealed) = (&held.connection, &held.credential.sealed);
        let owner = connection.owner.parse().map_err(|_| damaged("owner"))?;
        let ahead = self.0.settings.refresh.ahead;
        let renew_at = |end| renew_at(sealed.obtained_at, end, ahead, self.chance());
        let credential = Arc::new(Credential {
            connection: ConnectionId::from_unverified(connection.id.as_str()),
            owner,
            provider: provider.name.clone(),
            account: account_of(connection),
            scope: connection.scope.clone(),
            generation: held.credential.generation,
            placed: provider.placement.place(&secrets.credential).map_err(|_| unplaceable())?,
            secrets: forms(&provider.placement, &secrets.credential),
            expires_at: sealed.expires_at,
            renew_at: sealed.expires_at.filter(|_| sealed.is_renewable).map(renew_at).or(sealed.expires_at),
            read_at: held.read_at,
            used_at: AtomicI64::new(0),
        });
        self.0.cache.put(&credential);
        Ok(credential)
    }

    /// What to say when a credential may not do all that is needed.
    pub(crate) fn lacks_scope(&self, credential: &Credential, needed: &Scope) -> CredentialError {
        let Some(provider) = self.provider(&credential.provider) else {
            return CredentialError::UnknownProvider;
        };
        let missing = needed.difference(&credential.scope);
        need(&credential.owner, &provider, &credential.scope.union(needed), NeedReason::Scope(missing))
    }
}

pub(super) fn never_connected(owner: &Owner, provider: &Provider) -> CredentialError {
    need(owner, provider, &Scope::default(), NeedReason::Never)
}

pub(super) fn has_to_reconnect(
    held: &HeldCredential,
    provider: &Provider,
    reason: ReconnectReason,
) -> CredentialError {
    match held.connection.owner.parse() {
        Ok(owner) => need(&owner, provider, &held.connection.scope, NeedReason::Reconnect(reason)),
        Err(_) => damaged("owner").into(),
    }
}

fn need(owner: &Owner, provider: &Provider, scope: &Scope, reason: NeedReason) -> CredentialError {
    match (provider.is_connectable(), owner) {
        (false, _) => CredentialError::Unavailable {
            retry_after: std::time::Duration::from_mins(5),
            told: "the provider does not allow this installation what is needed; an operator has to look at its settings",
        },
        (true, Owner::Client(_)) => CredentialError::NotForClients,
        (true, _) => CredentialError::Connect(Box::new(Need {
            owner: owner.clone(),
            provider: provider.name.clone(),
            scope: provider.scope.union(scope),
            reason,
        })),
    }
}

/// What people call the account, or else what the provider does.
fn account_of(connection: &store::ConnectionRecord) -> Option<String> {
    let id = Some(&connection.account).filter(|account| !account.is_empty());
    connection.account_name.as_ref().or(id).cloned()
}

fn name_of(provider: &str) -> Option<crate::provider::ProviderName> {
    crate::provider::ProviderName::parse(provider)
}

fn damaged(column: &'static str) -> VaultError {
    store::StoreError::Corrupt { table: "connections", column }.into()
}

fn unplaceable() -> CredentialError {
    tracing::error!("a credential has characters that do not fit into a request");
    CredentialError::Vault(VaultError::Sealed(OpenError::Damaged))
}
