//! Where metadata documents are (RFC 8414 §3.1, RFC 9728 §3.1): the well-known part is inserted between
//! host and path.

use crate::{Issuer, ResourceIndicator};

/// Path of RFC 8414 metadata before the issuer's own path.
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// Path of OpenID Connect Discovery.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// Path of RFC 9728 metadata before the resource's own path.
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The URLs at which a client looks for an issuer's metadata, in the order MCP asks.
pub fn authorization_server_urls(issuer: &Issuer) -> Vec<String> {
    authorization_server_paths(issuer).into_iter().map(|path| format!("{}{path}", issuer.origin())).collect()
}

/// The paths of [`authorization_server_urls`]: where a server serves them.
pub fn authorization_server_paths(issuer: &Issuer) -> Vec<String> {
    // RFC 8414 §3.1: "any terminating "/" MUST be removed before inserting".
    let path = issuer.path().trim_end_matches('/');
    let mut paths = vec![format!("{AUTHORIZATION_SERVER}{path}"), format!("{OPENID_CONFIGURATION}{path}")];
    if !path.is_empty() {
        paths.push(format!("{path}{OPENID_CONFIGURATION}"));
    }
    paths
}

/// The URL of a resource's own metadata.
pub fn protected_resource_url(resource: &ResourceIndicator) -> String {
    format!("{}{PROTECTED_RESOURCE}{}", resource.origin(), resource.path())
}

/// The URLs at which a client looks for a resource's metadata when no challenge names one: the one with the
/// path first, then the root.
pub fn protected_resource_urls(resource: &ResourceIndicator) -> Vec<String> {
    let mut urls = vec![protected_resource_url(resource)];
    if !resource.path().is_empty() {
        urls.push(format!("{}{PROTECTED_RESOURCE}", resource.origin()));
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md_03_the_path_comes_after_the_well_known_part() {
        let issuer = Issuer::parse("https://as.test/t1").unwrap();
        assert_eq!(
            authorization_server_urls(&issuer),
            [
                "https://as.test/.well-known/oauth-authorization-server/t1",
                "https://as.test/.well-known/openid-configuration/t1",
                "https://as.test/t1/.well-known/openid-configuration",
            ]
        );
        for root in ["https://as.test", "https://as.test/"] {
            let issuer = Issuer::of_another(root).unwrap();
            assert_eq!(
                authorization_server_urls(&issuer),
                [
                    "https://as.test/.well-known/oauth-authorization-server",
                    "https://as.test/.well-known/openid-configuration",
                ]
            );
        }
    }

    #[test]
    fn resources() {
        let resource = ResourceIndicator::parse("https://rs.test/mcp/demo").unwrap();
        assert_eq!(
            protected_resource_urls(&resource),
            [
                "https://rs.test/.well-known/oauth-protected-resource/mcp/demo",
                "https://rs.test/.well-known/oauth-protected-resource",
            ]
        );
    }
}
