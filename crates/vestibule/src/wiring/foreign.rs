//! Resources that guard themselves, as the authorization server knows them.

use std::collections::BTreeMap;

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
            scopes: resource.scopes().iter().map(|(token, sentence)| described(token, sentence)).collect(),
            is_default: resources.is_empty(),
            is_alias: false,
        });
    }
    Ok(resources)
}

/// What a scope permits over there is not known here, so each is taken to change something.
fn described(token: &str, sentence: &str) -> ScopeDescription {
    let sentences = BTreeMap::from([("en".to_owned(), sentence.to_owned())]);
    ScopeDescription { token: token.to_owned(), sentences, changes: true }
}
