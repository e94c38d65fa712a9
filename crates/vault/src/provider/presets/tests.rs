use client::AuthorizationUrl;
use oauth::Scope;

use super::*;
use crate::provider::{ProviderName, RevocationRequest};

fn preset(name: &str) -> Preset {
    Preset::of(name, None).unwrap().unwrap()
}

#[test]
fn every_row_can_be_used_as_it_is() {
    for name in Preset::names() {
        let preset = preset(name);
        assert_eq!(preset.name, name);
        assert!(ProviderName::parse(name).is_some());
        assert!(Scope::parse(preset.scope).is_ok());
        let endpoints = &preset.endpoints;
        let mut urls = vec![&endpoints.authorization, &endpoints.token];
        urls.extend(&endpoints.refresh);
        if let AccountSource::UserInfo { url, .. } = &preset.accounts {
            urls.push(url);
        }
        for url in urls {
            assert!(AuthorizationUrl::parse(url).is_ok() && url.starts_with("https://"), "{name}: {url}");
        }
        let has_place = endpoints.revocation.as_deref().is_some_and(|url| url.contains("{client_id}"));
        assert_eq!(has_place, preset.quirks.revocation == RevocationRequest::Delete, "{name}");
        for pointer in pointers(&preset.accounts) {
            assert!(pointer.starts_with('/'), "{name}: {pointer}");
        }
    }
    assert!(Preset::names().is_sorted());
    assert!(Preset::of("unknown", None).is_none());
}

fn pointers(accounts: &AccountSource) -> Vec<&String> {
    match accounts {
        AccountSource::IdToken(members)
        | AccountSource::UserInfo { members, .. }
        | AccountSource::TokenResponse(members) => members.id.iter().chain(&members.name).collect(),
        AccountSource::None => Vec::new(),
    }
}

/// What each provider's documentation says, row by row: token endpoint, authentication, PKCE, rotation.
#[test]
fn each_row_says_what_its_documentation_says() {
    use TokenEndpointAuthMethod::{ClientSecretBasic as Basic, ClientSecretPost as Post};
    let rows = [
        ("asana", "https://app.asana.com/-/oauth_token", Post, true, false),
        ("atlassian", "https://auth.atlassian.com/oauth/token", Post, false, true),
        ("bitbucket", "https://bitbucket.org/site/oauth2/access_token", Basic, false, false),
        ("box", "https://api.box.com/oauth2/token", Post, false, true),
        ("discord", "https://discord.com/api/oauth2/token", Basic, false, true),
        ("dropbox", "https://api.dropboxapi.com/oauth2/token", Post, true, false),
        ("figma", "https://api.figma.com/v1/oauth/token", Basic, false, false),
        ("github", "https://github.com/login/oauth/access_token", Post, true, true),
        ("gitlab", "https://gitlab.com/oauth/token", Post, true, true),
        ("google", "https://oauth2.googleapis.com/token", Post, true, false),
        ("hubspot", "https://api.hubapi.com/oauth/v3/token", Post, false, false),
        ("linear", "https://api.linear.app/oauth/token", Post, true, true),
        ("microsoft", "https://login.microsoftonline.com/common/oauth2/v2.0/token", Post, true, true),
        ("notion", "https://api.notion.com/v1/oauth/token", Basic, false, true),
        ("salesforce", "https://login.salesforce.com/services/oauth2/token", Post, true, false),
        ("sentry", "https://sentry.io/oauth/token/", Post, true, true),
        ("slack", "https://slack.com/api/oauth.v2.access", Basic, false, true),
        ("stripe", "https://connect.stripe.com/oauth/token", Post, false, true),
        ("zoom", "https://zoom.us/oauth/token", Basic, true, true),
    ];
    for (name, token, authentication, pkce, rotates) in rows {
        let preset = preset(name);
        assert_eq!(preset.endpoints.token, token);
        assert_eq!(preset.authentication, authentication, "{name}");
        assert_eq!((preset.quirks.pkce, preset.quirks.refresh_rotates), (pkce, rotates), "{name}");
    }
    assert_eq!(rows.len(), TABLE.len(), "a row without a test");
}

#[test]
fn a_tenant_has_endpoints_of_its_own() {
    let token = |name, tenant| Preset::of(name, Some(tenant)).unwrap().map(|preset| preset.endpoints.token);
    assert_eq!(token("gitlab", "git.example.com").unwrap(), "https://git.example.com/oauth/token");
    assert_eq!(
        token("github", "ghe.example.com").unwrap(),
        "https://ghe.example.com/login/oauth/access_token"
    );
    let microsoft = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token";
    assert_eq!(token("microsoft", "contoso.onmicrosoft.com").unwrap(), microsoft);
    assert_eq!(
        token("salesforce", "acme.my.salesforce.com").unwrap(),
        "https://acme.my.salesforce.com/services/oauth2/token"
    );
    for hostile in
        ["", "evil.test/x", "a@evil.test", "evil.test#", "..", "a..b", "-a", "a.", "a b", "ä", "a:1"]
    {
        assert_eq!(token("gitlab", hostile), Err(TenantError), "{hostile:?}");
    }
}

#[test]
fn what_is_peculiar_is_where_it_belongs() {
    let parameters = |name: &str| preset(name).quirks.authorization_parameters;
    assert!(parameters("google").contains(&("access_type".into(), "offline".into())));
    assert!(parameters("google").contains(&("prompt".into(), "consent".into())));
    assert!(parameters("atlassian").contains(&("audience".into(), "api.atlassian.com".into())));
    assert!(parameters("dropbox").contains(&("token_access_type".into(), "offline".into())));
    assert_eq!(preset("linear").quirks.scope_separator, ',');
    assert_eq!(preset("slack").quirks.scope_parameter, "user_scope");
    assert!(preset("notion").quirks.json_request && preset("atlassian").quirks.json_request);
    assert_eq!(preset("figma").endpoints.refresh(), "https://api.figma.com/v1/oauth/refresh");
    assert!(preset("microsoft").quirks.may_repeat_refresh() && !preset("gitlab").quirks.may_repeat_refresh());
    assert!(preset("salesforce").quirks.default_lifetime.is_some());
}
