//! Step 5: the code is redeemed by a task of its own, and what comes back is stored before anything else happens.

use std::{sync::Arc, time::Duration};

use secret::Secret;
use store::{CommitError, ConnectRequestRecord, connect_request};

use crate::{
    connect::{
        Connected,
        error::{ConnectError, ConnectErrorKind},
        flow::Flow,
        pending::Pending,
    },
    provider::{Account, AccountSource, CodeExchange, ExpectedIdToken, ProviderName, Tokens},
    providers::Known,
    vault::Vault,
};

/// How long what was received waits for the person to say what becomes of it.
const WAITING: Duration = Duration::from_hours(24);
/// How often storing it is tried when the database is away, and how long between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

impl Vault {
    /// Redeems the code of the request `id`. The task finishes even if whoever waits here goes away.
    pub(super) async fn exchange(
        &self,
        id: String,
        flow: Flow,
        code: Secret<String>,
    ) -> Result<Connected, ConnectError> {
        let (vault, request) = (self.clone(), id.clone());
        let task = tokio::spawn(async move { vault.redeem_and_finish(&request, &flow, &code).await });
        task.await.unwrap_or_else(|_| Err(ConnectErrorKind::Working.of(&id)))
    }

    async fn redeem_and_finish(
        &self,
        id: &str,
        flow: &Flow,
        code: &Secret<String>,
    ) -> Result<Connected, ConnectError> {
        let received = match self.redeem(flow, code).await {
            Ok(received) => received,
            Err(why) => {
                self.end_try(id, &why).await?;
                return Err(why.of(id));
            }
        };
        self.store_received(id, &received).await?;
        self.finish(id).await
    }

    async fn redeem(&self, flow: &Flow, code: &Secret<String>) -> Result<Pending, ConnectErrorKind> {
        let known = ProviderName::parse(&flow.provider).and_then(|name| self.known(&name));
        let known: Arc<Known> = known.ok_or(ConnectErrorKind::UnknownProvider)?;
        let server = known.provider.authorization_server().ok_or(ConnectErrorKind::NotConnectable)?;
        let registered = self.registered(&known).await?;
        // The code goes nowhere but to where it was meant to go when the browser left.
        let is_as_before = registered.endpoints.token == flow.token_endpoint
            && registered.endpoints.issuer == flow.issuer
            && registered.client.client_id == flow.client_id;
        if !is_as_before {
            return Err(ConnectErrorKind::ProviderChanged);
        }
        let speech = self.speech(&known, server, &registered);
        let exchange = CodeExchange {
            code,
            redirect_uri: &flow.redirect_uri,
            verifier: &flow.verifier,
            scope: &flow.scope,
        };
        let tokens = speech.exchange_code(&exchange).await.map_err(ConnectErrorKind::Exchange)?;
        let account = self.account_of_id_token(&known, flow, &tokens).or_else(|| tokens.account.clone());
        Ok(Pending { account, ..Pending::new(tokens, flow.scope.clone()) })
    }

    fn account_of_id_token(&self, known: &Known, flow: &Flow, tokens: &Tokens) -> Option<Account> {
        let AccountSource::IdToken(members) = &known.provider.accounts else { return None };
        let expected = ExpectedIdToken {
            issuer: flow.issuer.as_deref(),
            client_id: &flow.client_id,
            nonce: &flow.nonce,
        };
        expected.account(tokens.id_token.as_ref()?, members, self.now())
    }

    /// Stores what was received. It exists nowhere else, so a database that is away is waited for.
    pub(super) async fn store_received(&self, id: &str, received: &Pending) -> Result<(), ConnectError> {
        let settings = self.settings();
        let sealed = received.seal(id, settings);
        let mut tries = 0;
        loop {
            let now = self.now();
            match settings.store.commit(connect_request::receive(id, &sealed, now, now + WAITING)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Refused(_)) if tries > 0 && self.is_received(id, &sealed).await => {
                    return Ok(());
                }
                Err(CommitError::Refused(_)) => return Err(ConnectErrorKind::Working.of(id)),
                Err(CommitError::Store(error)) if tries == TRIES => {
                    return Err(ConnectErrorKind::Vault(error.into()).of(id));
                }
                Err(CommitError::Store(_)) => tries += 1,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether an earlier try was committed although its answer was lost.
    async fn is_received(&self, id: &str, sealed: &[u8]) -> bool {
        let record = self.settings().store.connect_request(id).await.ok().flatten();
        let stored = record.and_then(|record: ConnectRequestRecord| record.received_sealed);
        stored.is_some_and(|stored| stored == sealed)
    }
}
