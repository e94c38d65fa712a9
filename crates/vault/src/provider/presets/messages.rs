//! Where people talk.

use oauth::TokenEndpointAuthMethod::ClientSecretBasic;

use super::{Preset, endpoints, in_response, pairs, texts, user_info};
use crate::provider::{Endpoints, Quirks, RevocationRequest};

/// docs.slack.dev, "Installing with OAuth", "oauth.v2.access" and "Using token rotation". The token of the person is asked
/// for by `user_scope` and stands in `authed_user`; errors come with 200 and `ok: false`.
pub(super) fn slack(_: Option<&str>) -> Preset {
    Preset {
        name: "slack",
        title: "Slack",
        endpoints: Endpoints {
            revocation: Some("https://slack.com/api/auth.revoke".to_owned()),
            ..endpoints("https://slack.com/oauth/v2/authorize", "https://slack.com/api/oauth.v2.access")
        },
        authentication: ClientSecretBasic,
        scope: "users:read",
        quirks: Quirks {
            scope_parameter: "user_scope".to_owned(),
            scope_separator: ',',
            granted_by_comma: true,
            pkce: false,
            token_object: Some("/authed_user".to_owned()),
            token_types: texts(&["user", "bot"]),
            grant_gone: texts(&["invalid_refresh_token"]),
            gone_statuses: vec![200],
            revocation: RevocationRequest::Bearer,
            ..Quirks::default()
        },
        accounts: in_response(&["/authed_user/id"], &[]),
    }
}

/// discord.com/developers, "`OAuth2`". Refresh tokens rotate.
pub(super) fn discord(_: Option<&str>) -> Preset {
    Preset {
        name: "discord",
        title: "Discord",
        endpoints: Endpoints {
            revocation: Some("https://discord.com/api/oauth2/token/revoke".to_owned()),
            ..endpoints("https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token")
        },
        authentication: ClientSecretBasic,
        scope: "identify",
        quirks: Quirks {
            pkce: false,
            authorization_parameters: pairs(&[("prompt", "consent")]),
            ..Quirks::default()
        },
        accounts: user_info("https://discord.com/api/users/@me", &["/id"], &["/username"]),
    }
}

/// developers.zoom.us, "Using OAuth 2.0". Scopes belong to the app and need not be asked for; refresh tokens rotate.
pub(super) fn zoom(_: Option<&str>) -> Preset {
    Preset {
        name: "zoom",
        title: "Zoom",
        endpoints: Endpoints {
            revocation: Some("https://zoom.us/oauth/revoke".to_owned()),
            ..endpoints("https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token")
        },
        authentication: ClientSecretBasic,
        scope: "",
        quirks: Quirks::default(),
        accounts: user_info("https://api.zoom.us/v2/users/me", &["/id"], &["/email"]),
    }
}
