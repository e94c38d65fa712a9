//! Where customers and payments are.

use std::time::Duration;

use oauth::TokenEndpointAuthMethod::ClientSecretPost;

use super::{Preset, endpoints, in_response, user_info};
use crate::provider::{Endpoints, Quirks};

/// developers.hubspot.com, "OAuth v3". The refresh token does not rotate; scopes are named in `scopes`, as a list.
pub(super) fn hubspot(_: Option<&str>) -> Preset {
    Preset {
        name: "hubspot",
        title: "HubSpot",
        endpoints: endpoints(
            "https://app.hubspot.com/oauth/authorize",
            "https://api.hubapi.com/oauth/v3/token",
        ),
        authentication: ClientSecretPost,
        scope: "oauth",
        quirks: Quirks {
            pkce: false,
            refresh_rotates: false,
            granted_member: "scopes".to_owned(),
            ..Quirks::default()
        },
        accounts: in_response(&["/hub_id"], &[]),
    }
}

/// help.salesforce.com, "OAuth 2.0 Web Server Flow for Web App Integration". The tenant is a My Domain such as
/// `acme.my.salesforce.com`. How long an access token lives is a setting of the organisation and is not told.
pub(super) fn salesforce(tenant: Option<&str>) -> Preset {
    let base = format!("https://{}/services/oauth2", tenant.unwrap_or("login.salesforce.com"));
    Preset {
        name: "salesforce",
        title: "Salesforce",
        endpoints: Endpoints {
            revocation: Some(format!("{base}/revoke")),
            ..endpoints(&format!("{base}/authorize"), &format!("{base}/token"))
        },
        authentication: ClientSecretPost,
        scope: "api openid refresh_token",
        quirks: Quirks {
            refresh_rotates: false,
            default_lifetime: Some(Duration::from_hours(1)),
            ..Quirks::default()
        },
        accounts: user_info(&format!("{base}/userinfo"), &["/sub"], &["/preferred_username", "/email"]),
    }
}

/// docs.stripe.com, "OAuth reference" of Connect. The client's secret is the platform's secret key; access tokens do not
/// end.
pub(super) fn stripe(_: Option<&str>) -> Preset {
    Preset {
        name: "stripe",
        title: "Stripe",
        endpoints: endpoints(
            "https://connect.stripe.com/oauth/authorize",
            "https://connect.stripe.com/oauth/token",
        ),
        authentication: ClientSecretPost,
        scope: "read_write",
        quirks: Quirks { pkce: false, ..Quirks::default() },
        accounts: in_response(&["/stripe_user_id"], &[]),
    }
}
