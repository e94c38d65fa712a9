//! Where documents, mail and plans are.

use std::time::Duration;

use oauth::TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost};

use super::{Preset, endpoints, in_response, pairs, user_info};
use crate::provider::{AccountMembers, AccountSource, Endpoints, Quirks, RevocationRequest};

/// developers.google.com, "Using OAuth 2.0 for Web Server Applications". A refresh token comes only with
/// `access_type=offline`, and a second time only with `prompt=consent`; it does not rotate.
pub(super) fn google(_: Option<&str>) -> Preset {
    let implied = [
        ("https://www.googleapis.com/auth/userinfo.email", "email"),
        ("https://www.googleapis.com/auth/userinfo.profile", "profile"),
    ];
    let parameters = [("access_type", "offline"), ("prompt", "consent"), ("include_granted_scopes", "true")];
    Preset {
        name: "google",
        title: "Google",
        endpoints: Endpoints {
            issuer: Some("https://accounts.google.com".to_owned()),
            revocation: Some("https://oauth2.googleapis.com/revoke".to_owned()),
            ..endpoints("https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token")
        },
        authentication: ClientSecretPost,
        scope: "email openid",
        quirks: Quirks {
            authorization_parameters: pairs(&parameters),
            refresh_rotates: false,
            implied_scopes: pairs(&implied),
            ..Quirks::default()
        },
        accounts: AccountSource::IdToken(AccountMembers::of_openid()),
    }
}

/// learn.microsoft.com, "Microsoft identity platform and OAuth 2.0 authorization code flow". The tenant is a directory;
/// without one, everybody's. The issuer has the directory's identifier in it, which is not known before, so it is not
/// compared. A refresh gives a new refresh token and leaves the old one alive.
pub(super) fn microsoft(tenant: Option<&str>) -> Preset {
    let base = format!("https://login.microsoftonline.com/{}/oauth2/v2.0", tenant.unwrap_or("common"));
    let mut quirks = Quirks { consent_for_offline: false, refresh_repeats: true, ..Quirks::default() };
    quirks.silent_scopes.extend(["email".to_owned(), "profile".to_owned()]);
    Preset {
        name: "microsoft",
        title: "Microsoft",
        endpoints: endpoints(&format!("{base}/authorize"), &format!("{base}/token")),
        authentication: ClientSecretPost,
        scope: "email offline_access openid profile",
        quirks,
        accounts: AccountSource::IdToken(AccountMembers::new(&["/sub"], &["/preferred_username", "/email"])),
    }
}

/// developers.notion.com, "Authorization" and "Create a token". Requests are JSON with HTTP Basic; there are no scopes.
pub(super) fn notion(_: Option<&str>) -> Preset {
    Preset {
        name: "notion",
        title: "Notion",
        endpoints: Endpoints {
            revocation: Some("https://api.notion.com/v1/oauth/revoke".to_owned()),
            ..endpoints("https://api.notion.com/v1/oauth/authorize", "https://api.notion.com/v1/oauth/token")
        },
        authentication: ClientSecretBasic,
        scope: "",
        quirks: Quirks {
            pkce: false,
            json_request: true,
            authorization_parameters: pairs(&[("owner", "user")]),
            ..Quirks::default()
        },
        accounts: in_response(
            &["/owner/user/id", "/bot_id"],
            &["/owner/user/person/email", "/owner/user/name", "/workspace_name"],
        ),
    }
}

/// developers.dropbox.com, "OAuth Guide". A refresh token comes only with `token_access_type=offline`, and does not
/// rotate.
pub(super) fn dropbox(_: Option<&str>) -> Preset {
    Preset {
        name: "dropbox",
        title: "Dropbox",
        endpoints: Endpoints {
            revocation: Some("https://api.dropboxapi.com/2/auth/token/revoke".to_owned()),
            ..endpoints("https://www.dropbox.com/oauth2/authorize", "https://api.dropboxapi.com/oauth2/token")
        },
        authentication: ClientSecretPost,
        scope: "account_info.read",
        quirks: Quirks {
            authorization_parameters: pairs(&[("token_access_type", "offline")]),
            refresh_rotates: false,
            revocation: RevocationRequest::Bearer,
            ..Quirks::default()
        },
        accounts: in_response(&["/account_id"], &[]),
    }
}

/// developer.box.com, "OAuth 2.0 authorization". Refresh tokens rotate.
pub(super) fn box_(_: Option<&str>) -> Preset {
    Preset {
        name: "box",
        title: "Box",
        endpoints: Endpoints {
            revocation: Some("https://api.box.com/oauth2/revoke".to_owned()),
            ..endpoints("https://account.box.com/api/oauth2/authorize", "https://api.box.com/oauth2/token")
        },
        authentication: ClientSecretPost,
        scope: "",
        quirks: Quirks { pkce: false, ..Quirks::default() },
        accounts: user_info("https://api.box.com/2.0/users/me", &["/id"], &["/login", "/name"]),
    }
}

/// developers.asana.com, "OAuth". The account stands in `data` of the token response; the refresh token does not rotate.
pub(super) fn asana(_: Option<&str>) -> Preset {
    Preset {
        name: "asana",
        title: "Asana",
        endpoints: Endpoints {
            revocation: Some("https://app.asana.com/-/oauth_revoke".to_owned()),
            ..endpoints("https://app.asana.com/-/oauth_authorize", "https://app.asana.com/-/oauth_token")
        },
        authentication: ClientSecretPost,
        scope: "",
        quirks: Quirks { refresh_rotates: false, ..Quirks::default() },
        accounts: in_response(&["/data/gid", "/data/id"], &["/data/email", "/data/name"]),
    }
}

/// developers.figma.com, "OAuth apps". Refresh tokens have an endpoint of their own and do not rotate; a code has to be
/// redeemed within 30 seconds.
pub(super) fn figma(_: Option<&str>) -> Preset {
    Preset {
        name: "figma",
        title: "Figma",
        endpoints: Endpoints {
            refresh: Some("https://api.figma.com/v1/oauth/refresh".to_owned()),
            ..endpoints("https://www.figma.com/oauth", "https://api.figma.com/v1/oauth/token")
        },
        authentication: ClientSecretBasic,
        scope: "current_user:read",
        quirks: Quirks {
            pkce: false,
            refresh_rotates: false,
            default_lifetime: Some(Duration::from_hours(24 * 90)),
            ..Quirks::default()
        },
        accounts: user_info("https://api.figma.com/v1/me", &["/id"], &["/email", "/handle"]),
    }
}
