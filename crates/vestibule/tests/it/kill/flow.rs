//! One of the clients: what it does next, and how that is done and logged.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::Notify;

use super::{
    Dice,
    endpoints::{Endpoints, Refusal},
    history::{Family, History, Operation, Outcome},
};

/// A client with its log.
#[derive(Debug)]
pub(super) struct Flow {
    number: u64,
    cookies: String,
    pub(super) dice: Dice,
    pub(super) history: History,
}

/// The server went away before it answered.
#[derive(Debug)]
pub(super) struct Unanswered;

impl Flow {
    /// A client that has done nothing yet; `cookies` are those of a person who is signed in.
    pub(super) fn new(number: u64, cookies: String) -> Self {
        Self { number, cookies, dice: Dice(number), history: History::default() }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Whether the last answer was tokens, which the client may rely on.
    pub(super) fn holds_tokens(&self) -> bool {
        self.history.family.as_ref().is_some_and(|family| !family.tokens.is_empty())
    }

    /// Works until the server goes away; `begun` is told of answers.
    pub(super) async fn work(mut self, address: SocketAddr, begun: Arc<Notify>) -> Self {
        if let Some(mut endpoints) = Endpoints::open(address).await {
            loop {
                let operation = self.next();
                if self.perform(operation, &mut endpoints).await.is_err() {
                    break;
                }
                begun.notify_one();
            }
        }
        self
    }

    fn next(&mut self) -> Operation {
        match &self.history.family {
            _ if self.history.clients.is_empty() => Operation::Register,
            None => Operation::Authorize,
            Some(family) if family.tokens.is_empty() => Operation::Redeem,
            Some(_) => match self.dice.roll(16) {
                0 | 1 => Operation::Register,
                2 | 3 => Operation::Revoke,
                _ => Operation::Refresh,
            },
        }
    }

    /// Performs one operation and logs it.
    pub(super) async fn perform(
        &mut self,
        operation: Operation,
        endpoints: &mut Endpoints,
    ) -> Result<(), Unanswered> {
        self.history.invoke(operation.clone());
        let answer = match operation {
            Operation::Register => endpoints.register().await.map(|done| outcome(done, Outcome::Registered)),
            Operation::Authorize => {
                let client = self.history.clients.last().expect("a client is registered");
                let code = endpoints.authorize(client, &self.cookies).await;
                code.map(|done| outcome(done, Outcome::Code))
            }
            _ => in_family(operation, self.family(), endpoints).await,
        };
        self.history.complete(answer.ok_or(Unanswered)?);
        Ok(())
    }

    fn family(&self) -> &Family {
        self.history.family.as_ref().expect("the operation belongs to a family")
    }
}

async fn in_family(operation: Operation, family: &Family, endpoints: &mut Endpoints) -> Option<Outcome> {
    let Family { client, code, tokens } = family;
    let token = |age: usize| tokens[tokens.len() - 1 - age].refresh.as_str();
    let tokens = match operation {
        Operation::Revoke => {
            return Some(outcome(endpoints.revoke(client, token(0)).await?, |()| Outcome::Revoked));
        }
        Operation::Refresh => endpoints.refresh(client, token(0)).await?,
        Operation::Repeat => endpoints.refresh(client, token(1)).await?,
        Operation::Reuse if tokens.len() > 2 => endpoints.refresh(client, token(2)).await?,
        _ => endpoints.redeem(client, code).await?,
    };
    Some(outcome(tokens, Outcome::Tokens))
}

fn outcome<T>(done: Result<T, Refusal>, success: impl Fn(T) -> Outcome) -> Outcome {
    done.map_or_else(Outcome::Refused, success)
}
