//! Connections are made, changed and ended.

use oauth::{Scope, Timestamp};
use store::{
    Batch, CommitError, ConnectionRecord, SealedCredential, Statement, connection, connection_lease,
    credential, provider_revocation,
};

use crate::{
    connection::{Connection, ConnectionId, ConnectionState, ReconnectReason},
    error::VaultError,
    lease::Lease,
    owner::Owner,
    provider::{Account, ProviderName},
    seal::{self, Place},
    secrets::Secrets,
    vault::Vault,
};

/// What a provider or a person gave for a connection.
#[derive(Debug, Clone)]
pub struct Received {
    /// How it was obtained: `oauth`, `api_key`, `basic`, `client_credentials` or `token_exchange`. Never changes.
    pub kind: &'static str,
    /// What is secret of it.
    pub secrets: Secrets,
    /// Whose account it is, where that could be found out.
    pub account: Option<Account>,
    /// What may be done with it.
    pub scope: Scope,
    /// When it came.
    pub received_at: Timestamp,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
}

/// Where what was received belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// In a connection of its own, which is the one that is used from then on.
    New,
    /// In this one, in place of what it had.
    Replace(ConnectionId),
}

/// What keeps a connection, once it is committed.
#[derive(Debug)]
#[must_use = "nothing is kept until the statements are committed and the vault is told"]
pub struct Kept {
    /// What is to be committed, in one batch with whatever belongs to it.
    pub statements: Vec<Statement>,
    /// The connection as it will be.
    pub connection: Connection,
}

impl Vault {
    /// Makes a connection. Refused when the account is connected already.
    pub async fn create(
        &self,
        owner: &Owner,
        provider: &ProviderName,
        received: Received,
    ) -> Result<Connection, VaultError> {
        let kept = self.keep(owner, provider, received, Keep::New).await?;
        self.commit_kept(kept).await
    }

    /// What has to be committed to keep `received`.
    ///
    /// # Errors
    /// [`VaultError::NoSuchConnection`] and [`VaultError::OtherKind`] when there is nothing to replace.
    pub async fn keep(
        &self,
        owner: &Owner,
        provider: &ProviderName,
        received: Received,
        keep: Keep,
    ) -> Result<Kept, VaultError> {
        let record = match &keep {
            Keep::New => self.new_record(owner, provider, &received),
            Keep::Replace(id) => self.replacing_record(owner, id, &received).await?,
        };
        let sealed = self.seal(&record, &received, keep != Keep::New);
        let statements = match keep {
            Keep::New => vec![connection::insert(&record), credential::insert(&record.id, &sealed)],
            Keep::Replace(_) => {
                vec![
                    connection::replace(&record),
                    credential::replace(&record.id, record.generation, &sealed),
                ]
            }
        };
        let statements = statements.into_iter().chain([connection::changed(&record.id)]).collect();
        Ok(Kept { statements, connection: Connection::read(&record, true)? })
    }

    /// Tells everybody who waits that a connection is kept. To be called after the commit.
    pub fn kept(&self, kept: &Kept) {
        self.forget(&kept.connection.owner.to_string(), kept.connection.provider.as_str());
    }

    /// Gives a connection that is held alone other secrets: an entered key that was changed. Its scope grows and is never
    /// narrowed, its kind stays.
    pub async fn update(&self, lease: &Lease, received: Received) -> Result<Connection, VaultError> {
        let id = ConnectionId::from_unverified(lease.connection_id().as_str());
        let former = self.get(lease.owner(), &id).await?.ok_or(VaultError::NoSuchConnection)?;
        if !former.scope.is_subset_of(&received.scope) {
            return Err(VaultError::NarrowerScope);
        }
        let provider = former.provider;
        let mut kept = self.keep(lease.owner(), &provider, received, Keep::Replace(id)).await?;
        kept.statements.insert(0, connection_lease::hold(lease.record()));
        self.commit_kept(kept).await
    }

    /// Makes a connection the one of its owner at its provider that is used.
    pub async fn choose(&self, owner: &Owner, id: &ConnectionId) -> Result<(), VaultError> {
        let former = self.get(owner, id).await?.ok_or(VaultError::NoSuchConnection)?;
        let text = owner.to_string();
        let choose = connection::choose(id.as_str(), &text, self.now());
        let batch = Batch::new().then(choose).then(connection::changed(id.as_str()));
        self.0.settings.store.commit(batch).await.map_err(refused_as(VaultError::NoSuchConnection))?;
        self.forget(&text, former.provider.as_str());
        Ok(())
    }

    /// Ends a connection: what opens it is destroyed at once, and the provider is told to revoke it as soon as it can be
    /// reached (VA-21).
    pub async fn delete(&self, owner: &Owner, id: &ConnectionId) -> Result<(), VaultError> {
        let held = self.0.settings.store.held_credential(id.as_str()).await?;
        let text = owner.to_string();
        let held = held.filter(|held| held.connection.owner == text).ok_or(VaultError::NoSuchConnection)?;
        let place = self.0.settings.auditor.reserve().await?;
        // What does not open any more cannot be revoked either; that is no reason to keep it.
        let secrets = seal::open(&self.0.settings.keyring, Place::of(&held), &held.credential.sealed).ok();
        let revocation = secrets
            .as_ref()
            .and_then(|secrets| self.revocation(&held.connection.provider, &held.connection.kind, secrets));
        let batch: Batch = revocation
            .as_ref()
            .map(|revocation| provider_revocation::insert(revocation, Self::REVOKED_WITHIN))
            .into_iter()
            .chain([connection::changed(id.as_str()), connection::delete(id.as_str(), &text)])
            .collect();
        self.0.settings.store.commit(batch).await.map_err(refused_as(VaultError::NoSuchConnection))?;
        place.record(Self::ended_event(&held.connection));
        self.forget(&text, &held.connection.provider);
        self.forget_deleted();
        Ok(())
    }

    /// What was sealed does not stay behind in the database's log. Nobody waits for that.
    fn forget_deleted(&self) {
        let store = self.0.settings.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.forget_deleted().await {
                tracing::warn!(%error, "an ended connection is still in the database's log for a time, sealed");
            }
        });
    }

    async fn commit_kept(&self, kept: Kept) -> Result<Connection, VaultError> {
        let place = self.0.settings.auditor.reserve().await?;
        let batch: Batch = kept.statements.iter().cloned().collect();
        self.0.settings.store.commit(batch).await.map_err(|error| match error {
            CommitError::Refused("connection.insert") => VaultError::AlreadyConnected,
            CommitError::Refused("connection_lease.hold") => VaultError::LeaseLost,
            CommitError::Refused(_) => VaultError::Changed,
            CommitError::Store(error) => error.into(),
        })?;
        place.record(kept.connection.made_event());
        self.kept(&kept);
        Ok(kept.connection)
    }

    fn new_record(&self, owner: &Owner, provider: &ProviderName, received: &Received) -> ConnectionRecord {
        let (account, account_name) = account_columns(received.account.as_ref());
        ConnectionRecord {
            id: ConnectionId::mint(&*self.0.settings.random).as_str().to_owned(),
            owner: owner.to_string(),
            provider: provider.to_string(),
            account,
            account_name,
            kind: received.kind.to_owned(),
            scope: received.scope.clone(),
            reconnect_reason: None,
            generation: 1,
            chosen_at: self.now(),
            created_at: self.now(),
            last_used_at: None,
        }
    }

    /// The record with its generation from before: the statement counts it up.
    async fn replacing_record(
        &self,
        owner: &Owner,
        id: &ConnectionId,
        received: &Received,
    ) -> Result<ConnectionRecord, VaultError> {
        let former = self.0.settings.store.connection(id.as_str()).await?;
        let former =
            former.filter(|former| former.owner == owner.to_string()).ok_or(VaultError::NoSuchConnection)?;
        if former.kind != received.kind {
            return Err(VaultError::OtherKind);
        }
        let (account, account_name) = match &received.account {
            None => (former.account.clone(), former.account_name.clone()),
            account => account_columns(account.as_ref()),
        };
        let scope = received.scope.clone();
        Ok(ConnectionRecord { account, account_name, scope, chosen_at: self.now(), ..former })
    }

    fn seal(&self, record: &ConnectionRecord, received: &Received, is_next: bool) -> SealedCredential {
        let place = Place {
            connection: &record.id,
            owner: &record.owner,
            provider: &record.provider,
            generation: record.generation + i64::from(is_next),
        };
        let settings = &self.0.settings;
        let (data_key_sealed, sealed) =
            seal::seal(&settings.keyring, &*settings.random, place, &received.secrets);
        SealedCredential {
            data_key_sealed,
            sealed,
            obtained_at: received.received_at,
            expires_at: received.expires_at,
            is_renewable: received.secrets.refresh_token.is_some()
                || matches!(received.kind, "client_credentials" | "token_exchange"),
        }
    }
}

fn account_columns(account: Option<&Account>) -> (String, Option<String>) {
    account.map_or((String::new(), None), |account| (account.id.clone(), account.name.clone()))
}

/// A refusal as this, a failure of the database as itself.
pub(crate) fn refused_as(refused: VaultError) -> impl FnOnce(CommitError) -> VaultError {
    move |error| match error {
        CommitError::Refused(_) => refused,
        CommitError::Store(error) => error.into(),
    }
}

impl Connection {
    /// What a record says.
    pub(crate) fn read(record: &ConnectionRecord, is_chosen: bool) -> Result<Self, VaultError> {
        let corrupt = |column| store::StoreError::Corrupt { table: "connections", column };
        let reason = record.reconnect_reason.as_deref();
        let reason = reason.map(|text| ReconnectReason::parse(text).unwrap_or(ReconnectReason::Damaged));
        Ok(Self {
            id: ConnectionId::from_unverified(record.id.as_str()),
            owner: record.owner.parse().map_err(|_| corrupt("owner"))?,
            provider: ProviderName::parse(&record.provider).ok_or_else(|| corrupt("provider"))?,
            account: Some(record.account.clone()).filter(|account| !account.is_empty()),
            account_name: record.account_name.clone(),
            scope: record.scope.clone(),
            state: reason.map_or(ConnectionState::Connected, ConnectionState::Reconnect),
            is_chosen,
            created_at: record.created_at,
            last_used_at: record.last_used_at,
        })
    }
}
