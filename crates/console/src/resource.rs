//! The HTTP API as a protected resource: its path, its scopes, and what people read when an app asks for them.

use std::collections::BTreeMap;

use authorization_server::{Resource, ScopeDescription};
use oauth::{Issuer, ResourceError, ResourceIndicator, Scope};

/// Where the HTTP API is, below the issuer; with the issuer it is the resource indicator.
pub const API_PATH: &str = "/api/connections";
/// Permits to list connections.
pub const READ: &str = "connections:read";
/// Permits to begin and to end connections.
pub const WRITE: &str = "connections:write";

/// The resource indicator of the HTTP API.
///
/// # Errors
/// [`ResourceError`] when the issuer cannot be the beginning of one.
pub fn indicator(issuer: &Issuer) -> Result<ResourceIndicator, ResourceError> {
    ResourceIndicator::parse(&issuer.url(API_PATH))
}

/// The HTTP API as the authorization server knows it. It is never what a request without `resource` means.
///
/// # Errors
/// [`ResourceError`] when the issuer cannot be the beginning of one.
pub fn resource(issuer: &Issuer) -> Result<Resource, ResourceError> {
    let scopes = vec![
        described(READ, false, ["See which accounts you have connected here", "查看您在此连接了哪些账户"]),
        described(WRITE, true, ["Connect and disconnect accounts for you", "代您连接和断开账户"]),
    ];
    let name = "Connections".to_owned();
    Ok(Resource { indicator: indicator(issuer)?, name, scopes, is_default: false, is_alias: true })
}

/// The scope of basic use, which the metadata of the resource advertises.
pub fn basic_scope() -> Scope {
    scope(READ)
}

pub(crate) fn scope(token: &str) -> Scope {
    Scope::parse(token).unwrap_or_default()
}

fn described(token: &str, changes: bool, [english, chinese]: [&str; 2]) -> ScopeDescription {
    let sentences = [("en", english), ("zh-Hans", chinese)];
    let sentences: BTreeMap<_, _> =
        sentences.into_iter().map(|(tag, sentence)| (tag.to_owned(), sentence.to_owned())).collect();
    ScopeDescription { token: token.to_owned(), sentences, changes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_a_resource_of_its_own_that_nobody_gets_without_asking_for_it() {
        let resource = resource(&Issuer::parse("https://as.test/t1").unwrap()).unwrap();
        assert_eq!(resource.indicator.as_str(), "https://as.test/t1/api/connections");
        assert!(!resource.is_default && resource.is_alias);
        assert_eq!(resource.scope(), Scope::parse("connections:read connections:write").unwrap());
        let writes = resource.scopes.iter().find(|scope| scope.token == WRITE).unwrap();
        assert!(writes.changes && writes.sentences.len() == 2);
        assert_eq!(basic_scope(), Scope::parse(READ).unwrap());
    }
}
