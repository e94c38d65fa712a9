//! Step 6: what was received becomes a connection, or a question to the person.

use store::{
    Batch, CommitError, ConnectRequestRecord, ConnectState, ConnectionRecord, Statement, connect_request,
};

use crate::{
    connect::{
        Connected,
        error::{ConnectError, ConnectErrorKind},
        outcome::Outcome,
        pending::Pending,
    },
    connection::ConnectionId,
    error::VaultError,
    keep::{Keep, Received},
    owner::Owner,
    provider::{Account, AccountSource, ProviderKind, ProviderName},
    providers::Known,
    secrets::Secrets,
    vault::Vault,
};

/// What is to be done with an account that was received.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// It is kept, in place of nothing or of what was there of the same account.
    Keep(Keep),
    /// Another account is connected: the person says what becomes of both.
    Ask {
        /// The one that is connected.
        former: Box<ConnectionRecord>,
    },
}

impl Vault {
    /// Finds out whose account was received for the request `id`, and keeps it or asks. May be called again: what was
    /// done already is not done twice.
    pub(super) async fn finish(&self, id: &str) -> Result<Connected, ConnectError> {
        let record = self.settings().store.connect_request(id).await?;
        let record = record.ok_or(ConnectErrorKind::UnknownRequest)?;
        match record.state {
            ConnectState::Received => {}
            _ => return already(&record),
        }
        let mut received = self.pending_of(&record)?;
        received.account = self.account(&record, &received).await;
        let connections = self.connections_at(&record).await?;
        match decide(received.account.as_ref(), &connections) {
            Decision::Keep(keep) => self.keep_pending(&record, received, keep, None).await,
            Decision::Ask { former } => self.ask_person(&record, &received, &former).await,
        }
    }

    /// What is sealed in the row.
    pub(super) fn pending_of(&self, record: &ConnectRequestRecord) -> Result<Pending, ConnectError> {
        let sealed = record.received_sealed.as_deref().unwrap_or_default();
        let received = Pending::open(sealed, &record.id, self.settings());
        received.map_err(|error| ConnectErrorKind::Vault(VaultError::Sealed(error)).of(&record.id))
    }

    /// The connections of the request's owner at its provider, the one that is used first.
    pub(super) async fn connections_at(
        &self,
        record: &ConnectRequestRecord,
    ) -> Result<Vec<ConnectionRecord>, ConnectError> {
        let mut connections = self.settings().store.connections_of(&record.owner).await?;
        connections.retain(|connection| connection.provider == record.provider);
        Ok(connections)
    }

    /// Whose account it is. A provider that does not say it now is not waited for: nobody knows then.
    async fn account(&self, record: &ConnectRequestRecord, received: &Pending) -> Option<Account> {
        if received.account.is_some() {
            return received.account.clone();
        }
        let known = self.known(&ProviderName::parse(&record.provider)?)?;
        let AccountSource::UserInfo { url, members } = &known.provider.accounts else { return None };
        let document = self.user_info(&known, url, received).await;
        if document.is_none() {
            tracing::warn!(provider = %record.provider, "the provider did not say whose account was connected");
        }
        members.read(&document?)
    }

    async fn user_info(&self, known: &Known, url: &str, received: &Pending) -> Option<serde_json::Value> {
        let server = known.provider.authorization_server()?;
        let registered = self.registered(known).await.ok()?;
        let speech = self.speech(known, server, &registered);
        speech.user_info(url, &received.access_token).await.ok()
    }

    /// Makes it a connection, and ends the request, in one batch: the request's state decides who does it. Another
    /// account's tokens that it takes the place of are revoked.
    pub(super) async fn keep_pending(
        &self,
        record: &ConnectRequestRecord,
        pending: Pending,
        keep: Keep,
        revoked: Option<Statement>,
    ) -> Result<Connected, ConnectError> {
        let id = record.id.as_str();
        let failed = |error: VaultError| ConnectErrorKind::Vault(error).of(id);
        let outcome = Outcome {
            account: pending.account.as_ref().map(name_of),
            missing: pending.missing(),
            ..Outcome::default()
        };
        let owner: Owner = record.owner.parse().map_err(|_| ConnectErrorKind::UnknownRequest.of(id))?;
        let known = ProviderName::parse(&record.provider).and_then(|name| self.known(&name));
        let known = known.ok_or_else(|| ConnectErrorKind::UnknownProvider.of(id))?;
        let received = self.to_keep(&known, pending).await;
        let kept = self.keep(&owner, &known.provider.name, received, keep).await.map_err(failed)?;
        let place = self.settings().auditor.reserve().await.map_err(|error| failed(error.into()))?;
        let state = ConnectState::Connected;
        let done = connect_request::complete(id, record.state, state, &outcome.to_text(), self.now());
        let batch: Batch = [done].into_iter().chain(kept.statements.iter().cloned()).chain(revoked).collect();
        match self.settings().store.commit(batch).await {
            Ok(()) => {}
            Err(CommitError::Refused(_)) => {
                let now = self.settings().store.connect_request(id).await?;
                return already(now.as_ref().unwrap_or(record));
            }
            Err(CommitError::Store(error)) => return Err(failed(error.into())),
        }
        place.record(kept.connection.made_event());
        self.kept(&kept);
        Ok(Connected::Done {
            id: id.to_owned(),
            connection: kept.connection.id,
            account: outcome.account,
            missing: outcome.missing,
        })
    }

    /// The same, as connections are kept.
    async fn to_keep(&self, known: &Known, pending: Pending) -> Received {
        let registered = self.registered(known).await.ok();
        Received {
            kind: kind_of(&known.provider.kind),
            secrets: Secrets {
                credential: pending.access_token,
                refresh_token: pending.refresh_token,
                issued_by: registered.map(|registered| registered.endpoints.token.clone()),
            },
            account: pending.account,
            scope: pending.scope,
            received_at: pending.received_at,
            expires_at: pending.expires_at,
        }
    }

    async fn ask_person(
        &self,
        record: &ConnectRequestRecord,
        received: &Pending,
        former: &ConnectionRecord,
    ) -> Result<Connected, ConnectError> {
        let id = record.id.as_str();
        let outcome = Outcome {
            account: received.account.as_ref().map(name_of),
            former: former_name(former),
            ..Outcome::default()
        };
        let sealed = received.seal(id, self.settings());
        let asked = connect_request::ask(id, &outcome.to_text(), &sealed, self.now());
        match self.settings().store.commit(asked).await {
            Ok(()) | Err(CommitError::Refused(_)) => {}
            Err(CommitError::Store(error)) => return Err(ConnectErrorKind::Vault(error.into()).of(id)),
        }
        let (former, received) = (outcome.former, outcome.account);
        Ok(Connected::AccountChanged { id: id.to_owned(), former, received })
    }
}

/// How the credential of a provider of this kind is obtained, as its connections say it.
pub(super) fn kind_of(kind: &ProviderKind) -> &'static str {
    match kind {
        ProviderKind::AuthorizationCode(_) => "oauth",
        ProviderKind::ClientCredentials(_) => "client_credentials",
        ProviderKind::TokenExchange(_) => "token_exchange",
        ProviderKind::ApiKey(_) => "api_key",
        ProviderKind::Basic(_) => "basic",
        ProviderKind::None => "none",
    }
}

/// Whether an account takes the place of what is there (UP-15), pure. `connections` begins with the one that is used.
fn decide(received: Option<&Account>, connections: &[ConnectionRecord]) -> Decision {
    let Some(used) = connections.first() else { return Decision::Keep(Keep::New) };
    let id = received.map_or("", |account| account.id.as_str());
    let same = connections.iter().find(|connection| connection.account == id);
    // An account that nobody could name before may be any: the one that is named now takes its place.
    let unnamed = connections.iter().find(|connection| connection.account.is_empty() && received.is_some());
    match same.or_else(|| unnamed.filter(|_| connections.len() == 1)) {
        Some(connection) => Decision::Keep(Keep::Replace(ConnectionId::from_unverified(&*connection.id))),
        None => Decision::Ask { former: Box::new(used.clone()) },
    }
}

/// What a request that is no longer waiting says about itself.
fn already(record: &ConnectRequestRecord) -> Result<Connected, ConnectError> {
    let outcome = Outcome::of(record);
    match record.state {
        ConnectState::AccountChanged => Ok(Connected::AccountChanged {
            id: record.id.clone(),
            former: outcome.former,
            received: outcome.account,
        }),
        _ if record.completed_at.is_some() => Err(ConnectErrorKind::Completed.of(&record.id)),
        _ => Err(ConnectErrorKind::Working.of(&record.id)),
    }
}

fn name_of(account: &Account) -> String {
    account.name.clone().unwrap_or_else(|| account.id.clone())
}

fn former_name(former: &ConnectionRecord) -> Option<String> {
    let id = Some(former.account.clone()).filter(|account| !account.is_empty());
    former.account_name.clone().or(id)
}

#[cfg(test)]
mod tests {
    use oauth::{Scope, Timestamp};

    use super::*;

    fn connection(id: &str, account: &str) -> ConnectionRecord {
        ConnectionRecord {
            id: id.into(),
            owner: "user:ada".into(),
            provider: "p".into(),
            account: account.into(),
            account_name: None,
            kind: "oauth".into(),
            scope: Scope::default(),
            reconnect_reason: None,
            generation: 1,
            chosen_at: Timestamp::from_seconds(0),
            created_at: Timestamp::from_seconds(0),
            last_used_at: None,
        }
    }

    #[track_caller]
    fn check(expect: &str, received: Option<&str>, connections: &[(&str, &str)]) {
        let account = received.map(|id| Account { id: id.into(), name: None });
        let connections: Vec<_> = connections.iter().map(|(id, account)| connection(id, account)).collect();
        let found = match decide(account.as_ref(), &connections) {
            Decision::Keep(Keep::New) => "new".to_owned(),
            Decision::Keep(Keep::Replace(id)) => format!("replace {id}"),
            Decision::Ask { former } => format!("ask {}", former.id),
        };
        assert_eq!(found, expect, "{received:?} {connections:?}");
    }

    #[test]
    fn up_15_another_account_is_never_taken_silently() {
        check("new", Some("1"), &[]);
        check("new", None, &[]);
        check("replace a", Some("1"), &[("a", "1")]);
        check("ask a", Some("2"), &[("a", "1")]);
        check("ask a", None, &[("a", "1")]);
        check("replace b", Some("2"), &[("a", "1"), ("b", "2")]);
        check("ask a", Some("3"), &[("a", "1"), ("b", "2")]);
        check("replace a", None, &[("a", "")]);
        check("replace a", Some("1"), &[("a", "")]);
        check("ask a", Some("3"), &[("a", "1"), ("b", "")]);
        check("replace b", None, &[("a", "1"), ("b", "")]);
    }
}
