use std::{pin::Pin, time::Duration};

use oauth::Scope;

use crate::{
    owner::Owner,
    provider::{Failure, Provider, Revoked, Tokens},
    secrets::Secrets,
    vault::Vault,
};

/// What a provider will have answered.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What is said to providers about connections that exist.
pub trait Renewing: Send + Sync {
    /// Asks for new tokens, once. Whoever calls this has the credential for itself.
    fn renew<'a>(
        &'a self,
        vault: &'a Vault,
        provider: &'a Provider,
        renewal: Renewal<'a>,
    ) -> Answer<'a, Tokens>;

    /// Asks for an end of what a connection held.
    fn revoke<'a>(
        &'a self,
        vault: &'a Vault,
        provider: &'a Provider,
        secrets: &'a Secrets,
    ) -> Answer<'a, Revoked>;
}

/// One renewal.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    /// For whom.
    pub owner: &'a Owner,
    /// What the connection may do, which is asked for again.
    pub scope: &'a Scope,
    /// What it holds.
    pub secrets: &'a Secrets,
    /// How long the provider may take.
    pub time: Duration,
}
