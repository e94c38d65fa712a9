//! A connection that the person begins: from the page of their connections, or through a program that may.

use oauth::Scope;
use vault::{ConnectLink, Need, NeedReason, Owner, ProviderName};

use crate::{api::ApiError, settings::Console};

/// The link at which `owner` connects to `provider`, with `scope` beside what it is always asked for.
///
/// # Errors
/// [`ApiError::NobodyConnects`] unless the owner is somebody who signs in here, [`ApiError::UnknownProvider`] when people
/// do not connect to it.
pub(crate) async fn link(
    console: &Console,
    owner: Owner,
    provider: &ProviderName,
    scope: &Scope,
) -> Result<ConnectLink, ApiError> {
    if !matches!(owner, Owner::User(_) | Owner::Team(_)) {
        return Err(ApiError::NobodyConnects);
    }
    let known = console.vault().provider(provider).filter(|provider| provider.is_connectable());
    let known = known.ok_or(ApiError::UnknownProvider)?;
    let scope = known.scope.union(scope);
    let need = Need { owner, provider: provider.clone(), scope, reason: NeedReason::Never };
    Ok(console.vault().ask(&need, None).await?)
}
