//! Where software is made: hosts of repositories, trackers, error reports.

use oauth::TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost};

use super::{Preset, endpoints, in_response, pairs, texts, user_info};
use crate::provider::{AccountSource, Endpoints, Quirks, RevocationRequest};

/// docs.github.com, "Authorizing OAuth apps" and "Refreshing user access tokens". A token of an OAuth app does not end;
/// one of a GitHub App does, and rotates. Errors come with 200; without `Accept` the answer is a form.
pub(super) fn github(tenant: Option<&str>) -> Preset {
    let host = tenant.unwrap_or("github.com");
    let api =
        tenant.map_or_else(|| "https://api.github.com".to_owned(), |host| format!("https://{host}/api/v3"));
    let scopes =
        [("user", "read:user"), ("user", "user:email"), ("user", "user:follow"), ("repo", "public_repo")];
    Preset {
        name: "github",
        title: "GitHub",
        endpoints: Endpoints {
            revocation: Some(format!("{api}/applications/{{client_id}}/token")),
            ..endpoints(
                &format!("https://{host}/login/oauth/authorize"),
                &format!("https://{host}/login/oauth/access_token"),
            )
        },
        authentication: ClientSecretPost,
        scope: "read:user",
        quirks: Quirks {
            granted_by_comma: true,
            form_answer: true,
            grant_gone: texts(&["bad_refresh_token"]),
            gone_statuses: vec![200],
            implied_scopes: pairs(&scopes),
            revocation: RevocationRequest::Delete,
            ..Quirks::default()
        },
        accounts: user_info(&format!("{api}/user"), &["/id"], &["/login"]),
    }
}

/// docs.gitlab.com, "OAuth 2.0 identity provider API" and "GitLab as an OpenID Connect identity provider".
pub(super) fn gitlab(tenant: Option<&str>) -> Preset {
    let origin = format!("https://{}", tenant.unwrap_or("gitlab.com"));
    Preset {
        name: "gitlab",
        title: "GitLab",
        endpoints: Endpoints {
            issuer: Some(origin.clone()),
            revocation: Some(format!("{origin}/oauth/revoke")),
            ..endpoints(&format!("{origin}/oauth/authorize"), &format!("{origin}/oauth/token"))
        },
        authentication: ClientSecretPost,
        scope: "read_user",
        quirks: Quirks::default(),
        accounts: user_info(&format!("{origin}/api/v4/user"), &["/id"], &["/username"]),
    }
}

/// support.atlassian.com, "Use OAuth on Bitbucket Cloud". Scopes belong to the consumer and cannot be asked for; they are
/// named in `scopes`.
pub(super) fn bitbucket(_: Option<&str>) -> Preset {
    Preset {
        name: "bitbucket",
        title: "Bitbucket",
        endpoints: endpoints(
            "https://bitbucket.org/site/oauth2/authorize",
            "https://bitbucket.org/site/oauth2/access_token",
        ),
        authentication: ClientSecretBasic,
        scope: "",
        quirks: Quirks {
            pkce: false,
            refresh_rotates: false,
            granted_member: "scopes".to_owned(),
            grant_gone: texts(&[
                "unauthorized_client: refresh_token is invalid",
                "invalid_request: Invalid refresh_token",
            ]),
            gone_statuses: vec![403],
            ..Quirks::default()
        },
        accounts: user_info(
            "https://api.bitbucket.org/2.0/user",
            &["/uuid"],
            &["/username", "/display_name"],
        ),
    }
}

/// developer.atlassian.com, "OAuth 2.0 (3LO) apps". Refresh tokens rotate; a dead one is answered with 403.
pub(super) fn atlassian(_: Option<&str>) -> Preset {
    Preset {
        name: "atlassian",
        title: "Atlassian",
        endpoints: endpoints(
            "https://auth.atlassian.com/authorize",
            "https://auth.atlassian.com/oauth/token",
        ),
        authentication: ClientSecretPost,
        scope: "offline_access read:me",
        quirks: Quirks {
            pkce: false,
            json_request: true,
            authorization_parameters: pairs(&[("audience", "api.atlassian.com"), ("prompt", "consent")]),
            gone_statuses: vec![403],
            grant_gone: texts(&["unauthorized_client: refresh_token is invalid"]),
            ..Quirks::default()
        },
        accounts: user_info("https://api.atlassian.com/me", &["/account_id"], &["/email", "/name"]),
    }
}

/// linear.app/developers, "OAuth 2.0 authentication". Whose account it is, only GraphQL tells.
pub(super) fn linear(_: Option<&str>) -> Preset {
    Preset {
        name: "linear",
        title: "Linear",
        endpoints: Endpoints {
            revocation: Some("https://api.linear.app/oauth/revoke".to_owned()),
            ..endpoints("https://linear.app/oauth/authorize", "https://api.linear.app/oauth/token")
        },
        authentication: ClientSecretPost,
        scope: "read",
        quirks: Quirks { scope_separator: ',', granted_by_comma: true, ..Quirks::default() },
        accounts: AccountSource::None,
    }
}

/// docs.sentry.io, "OAuth". The account stands in the token response.
pub(super) fn sentry(tenant: Option<&str>) -> Preset {
    let origin = format!("https://{}", tenant.unwrap_or("sentry.io"));
    Preset {
        name: "sentry",
        title: "Sentry",
        endpoints: endpoints(&format!("{origin}/oauth/authorize/"), &format!("{origin}/oauth/token/")),
        authentication: ClientSecretPost,
        scope: "org:read",
        quirks: Quirks::default(),
        accounts: in_response(&["/user/id"], &["/user/email", "/user/name"]),
    }
}
