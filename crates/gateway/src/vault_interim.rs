//! Until the vault has these itself.
use std::sync::Arc;
use std::time::Duration;

use oauth::Scope;
use vault::{
    AskedBy, ConnectLink, Credential, CredentialError, Need, Owner, ProviderName, Vault, VaultError,
};

pub(crate) trait Interim {
    fn credential(
        &self,
        _: &Owner,
        _: &ProviderName,
        _: &Scope,
    ) -> impl Future<Output = Result<Arc<Credential>, CredentialError>> + Send {
        async { Err(CredentialError::UnknownProvider) }
    }
    fn rejected(
        &self,
        _: &Credential,
    ) -> impl Future<Output = Result<Arc<Credential>, CredentialError>> + Send {
        async { Err(CredentialError::UnknownProvider) }
    }
    fn ask(&self, _: &Need, _: &AskedBy) -> impl Future<Output = Result<ConnectLink, VaultError>> + Send {
        async { Err(VaultError::NoSuchConnection) }
    }
    fn wait_connected(
        &self,
        _: &Owner,
        _: &ProviderName,
        _: &Scope,
        _: Duration,
    ) -> impl Future<Output = bool> + Send {
        async { false }
    }
}
impl Interim for Vault {}
