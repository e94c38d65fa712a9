//! Resources that guard themselves, as the authorization server knows them.

use authorization_server::{Resource, ScopeDescription};

use crate::config::resource;

/// All resources: those of the servers here and the `foreign` ones. Without a server here, a request that names no
/// resource means the first foreign one.
pub(super) fn beside(
    mut resources: Vec<Resource>,
    foreign: &[resource::Resource],
) -> anyhow::Result<Vec<Resource>> {
    for resource in foreign {
        let indicator = resource.indicator()?;
        if resources.iter().any(|known| known.indicator == indicator) {
            return Err(resource
                .mistake("is a server of this gateway, which tells its scopes itself")
                .into());
        }
        resources.push(Resource {
            indicator,
            name: resource.name().to_owned(),
            scopes: resource.scopes().keys().map(|token| described(resource, token)).collect(),
            is_default: resources.is_empty(),
            is_alias: false,
        });
    }
    Ok(resources)
}

fn described(resource: &resource::Resource, token: &str) -> ScopeDescription {
    let sentence = resource.scopes().get(token).cloned();
    let sentences = sentence.map(|sentence| ("en".to_owned(), sentence)).into_iter().collect();
    ScopeDescription { token: token.to_owned(), sentences, changes: resource.changes(token) }
}
