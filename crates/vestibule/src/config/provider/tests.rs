//! What a `[[provider]]` may say, and what the vault gets.

use oauth::TokenEndpointAuthMethod;
use outbound::Egress;
use vault::provider::{AccountSource, Placement, ProviderKind, Source};

use crate::config::{Configuration, Flags};

fn load(text: &str) -> anyhow::Result<Configuration> {
    Configuration::of_text(&Flags::default(), None, std::path::Path::new("v.toml"), text)
}

fn given(text: &str) -> vault::Provider {
    let configuration = load(&format!("[[provider]]\nname = \"p\"\n{text}")).unwrap();
    configuration.providers[0].given(Egress::public()).unwrap()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = load(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

const ENDPOINTS: &str = "authorization_endpoint = \"https://p.test/authorize\"\ntoken_endpoint = \"https://p.test/token\"\nclient_id = \"c\"\n";

#[test]
fn a_preset_is_what_it_is_but_for_what_is_said_otherwise() {
    let github =
        given("preset = \"github\"\nclient_id = \"c\"\nclient_secret = \"s3cret\"\nscope = \"repo\"");
    assert_eq!((github.title.as_str(), github.scope.to_string().as_str()), ("GitHub", "repo"));
    assert!(matches!(github.accounts, AccountSource::UserInfo { .. }));
    let server = github.authorization_server().unwrap();
    let Source::Configured(registered) = &server.source else { panic!("{:?}", server.source) };
    assert!(registered.endpoints.token.contains("github.com"));
    assert_eq!(registered.client.client_id, "c");

    let own =
        given("preset = \"github\"\ntitle = \"Forge\"\nclient_id = \"c\"\npkce = false\naccount = \"none\"");
    assert_eq!(own.title, "Forge");
    let server = own.authorization_server().unwrap();
    assert!(!server.quirks.pkce && matches!(own.accounts, AccountSource::None));
    refused("[[provider]]\nname = \"p\"\npreset = \"gitub\"\nclient_id = \"c\"", "is not known");
}

#[test]
fn endpoints_are_written_or_found_at_an_issuer() {
    let written = given(ENDPOINTS);
    let server = written.authorization_server().unwrap();
    let Source::Configured(registered) = &server.source else { panic!("{:?}", server.source) };
    assert_eq!(registered.endpoints.authorization, "https://p.test/authorize");
    assert_eq!(registered.client.token_endpoint_auth_method, TokenEndpointAuthMethod::None);

    let found = given("issuer = \"https://p.test\"\nclient_id = \"c\"\nclient_secret = \"x\"");
    let server = found.authorization_server().unwrap();
    let Source::Issuer { issuer, client } = &server.source else { panic!("{:?}", server.source) };
    assert_eq!(issuer, "https://p.test");
    assert_eq!(client.token_endpoint_auth_method, TokenEndpointAuthMethod::ClientSecretBasic);
    refused("[[provider]]\nname = \"p\"\nclient_id = \"c\"", "has no endpoints");
    refused("[[provider]]\nname = \"p\"\nissuer = \"https://p.test\"", "has no client_id");
}

#[test]
fn other_kinds_and_places() {
    let key = given("kind = \"api_key\"\nheader = \"X-Api-Key\"");
    assert!(matches!(&key.kind, ProviderKind::ApiKey(entry) if entry.configured.is_none()));
    assert!(
        matches!(&key.placement, Placement::Header { name, prefix } if name == "x-api-key" && prefix.is_empty())
    );
    assert!(key.is_connectable());
    let shared = given("kind = \"api_key\"\nsecret = \"k3y\"\nquery = \"key\"");
    assert!(!shared.is_connectable());
    assert_eq!(shared.placement, Placement::Query { name: "key".into() });
    assert_eq!(given("kind = \"basic\"").placement, Placement::Basic);
    let own = given(&format!("kind = \"client_credentials\"\n{ENDPOINTS}client_secret = \"x\""));
    assert!(matches!(own.kind, ProviderKind::ClientCredentials(_)));
    refused(
        "[[provider]]\nname = \"p\"\nkind = \"api_key\"\nquery = \"key\"\nheader = \"x\"",
        "into a header and into the URL",
    );
}

#[test]
fn servers_and_teams_name_what_is_there() {
    let server = |more: &str| {
        format!("[[server]]\nname = \"a\"\nkind = \"remote\"\nurl = \"https://a.test/mcp\"\n{more}\n")
    };
    let provider = format!("[[provider]]\nname = \"p\"\n{ENDPOINTS}");
    let team = "[[team]]\nname = \"t\"\nusers = [\"ada\"]\nmanagers = [\"grace\"]\n";
    assert!(load(&format!("{provider}{team}{}", server("provider = \"p\"\nteam = \"t\""))).is_ok());
    assert!(load(&server("provider = \"discover\"")).is_ok());
    refused(&server("provider = \"p\""), "which is not configured");
    refused(
        &format!("{provider}{}", server("provider = \"p\"\nteam = \"t\"")),
        "the team \"t\", which is not configured",
    );
    refused(&server("team = \"t\""), "and has none");
    refused("[[team]]\nname = \"t\"\nusers = [\"ada\"]", "has no managers");
    refused(&format!("{provider}{provider}"), "is there twice");
    refused("[[provider]]\nname = \"discover\"\nkind = \"api_key\"", "cannot be called so");
    refused("[[provider]]\nname = \"mcp-a\"\nkind = \"api_key\"", "cannot be called so");
    let program = "[[server]]\nname = \"a\"\nkind = \"stdio\"\ncommand = [\"x\"]\nprovider = \"p\"\n";
    refused(&format!("{provider}{program}"), "only a remote server or an OpenAPI document");
}

#[test]
fn va_17_no_secret_of_a_provider_is_printed() {
    let text = format!(
        "[[provider]]\nname = \"p\"\n{ENDPOINTS}client_secret = \"canary-1\"\nsecret = \"canary-2\"\n"
    );
    let configuration = load(&text).unwrap();
    let shown =
        format!("{configuration:?} {:?}", configuration.providers[0].given(Egress::public()).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}
