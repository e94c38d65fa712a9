//! `vestibule client`: the clients that are registered by hand.

use std::io::{self, Write as _};

use authorization_server::registration::{self, NewClient};
use oauth::{
    Clock as _, GrantType, RedirectUri, ResourceIndicator, Scope, TokenEndpointAuthMethod,
    registration::ClientInformation,
};

use super::exit::Stop;
use crate::{
    clock::SystemClock,
    config::{Configuration, Flags},
    entropy::SystemEntropy,
    storage,
};

/// `vestibule client`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Register a client and print its secret, once; works while the server runs.
    Add(Add),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// What people are shown.
    name: String,
    /// Where authorization responses may go; may be given several times.
    #[arg(long = "redirect-uri", value_name = "URI", value_parser = parse_redirect_uri)]
    redirect_uris: Vec<RedirectUri>,
    /// The client cannot keep a secret (the default with a redirect URI).
    #[arg(long, conflicts_with = "confidential")]
    public: bool,
    /// The client keeps a secret (the default without a redirect URI).
    #[arg(long)]
    confidential: bool,
    /// How a confidential client sends its secret: `client_secret_basic` (in a header) or `client_secret_post` (in
    /// the body) [default: `client_secret_basic`].
    #[arg(long, value_name = "METHOD", conflicts_with = "public", value_parser = parse_method)]
    token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    /// `authorization_code`, `refresh_token` or `client_credentials`; may be given several times [default: the first
    /// two with a redirect URI, the last without].
    #[arg(long = "grant-type", value_name = "TYPE", value_parser = parse_grant_type)]
    grant_types: Vec<GrantType>,
    /// The most it may ask for, space-separated [default: whatever the resource knows].
    #[arg(long, default_value = "", hide_default_value = true, value_parser = parse_scope)]
    scope: Scope,
    /// A resource whose access tokens it may introspect, besides its own tokens; may be given several times
    /// [default: every resource of this server].
    #[arg(long = "introspects", value_name = "URL", conflicts_with = "public", value_parser = parse_resource)]
    introspects: Vec<ResourceIndicator>,
    /// Print the registration as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Runs a `vestibule client` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Add(add) => register(add).await,
    }
}

async fn register(add: Add) -> anyhow::Result<()> {
    let configuration = Configuration::load(&add.flags, None)?;
    let as_json = add.json;
    let new = decide(add)?;
    let store = storage::open(&configuration.storage).await?;
    let information =
        registration::register_by_operator(&store, &SystemEntropy::new(), SystemClock.now(), new).await?;
    print(&information, as_json)?;
    if information.client_secret.is_some() {
        eprintln!("the secret is shown this once: only its digest is stored");
    }
    Ok(())
}

/// Fills in what was left open and refuses what contradicts itself.
fn decide(add: Add) -> Result<NewClient, Stop> {
    let token_endpoint_auth_method = method(&add);
    let is_interactive = !add.redirect_uris.is_empty();
    let grant_types = match (add.grant_types.is_empty(), is_interactive) {
        (false, _) => add.grant_types,
        (true, true) => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        (true, false) => vec![GrantType::ClientCredentials],
    };
    if grant_types.contains(&GrantType::AuthorizationCode) && !is_interactive {
        return Err(
            Stop::usage("authorization_code needs somewhere to send the code").hint("add --redirect-uri URI")
        );
    }
    if grant_types.contains(&GrantType::ClientCredentials) && !token_endpoint_auth_method.is_confidential() {
        return Err(Stop::usage("client_credentials is for clients that keep a secret (OAuth 2.1 §4.2)")
            .hint("add --confidential"));
    }
    Ok(NewClient {
        name: add.name,
        redirect_uris: add.redirect_uris,
        token_endpoint_auth_method,
        grant_types,
        scope: add.scope,
        introspects: add.introspects,
    })
}

/// A client with a redirect URI is taken for an app of people, which cannot keep a secret.
fn method(add: &Add) -> TokenEndpointAuthMethod {
    let is_confidential = add.confidential || (!add.public && add.redirect_uris.is_empty());
    match add.token_endpoint_auth_method {
        Some(method) => method,
        None if is_confidential => TokenEndpointAuthMethod::ClientSecretBasic,
        None => TokenEndpointAuthMethod::None,
    }
}

fn print(information: &ClientInformation, as_json: bool) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    if as_json {
        serde_json::to_writer_pretty(&mut stdout, information)?;
        writeln!(stdout)?;
        return Ok(());
    }
    writeln!(stdout, "client_id      {}", information.client_id)?;
    if let Some(secret) = &information.client_secret {
        writeln!(stdout, "client_secret  {secret}")?;
    }
    Ok(())
}

fn parse_redirect_uri(text: &str) -> Result<RedirectUri, String> {
    RedirectUri::parse(text).map_err(|error| error.to_string())
}

fn parse_grant_type(text: &str) -> Result<GrantType, String> {
    let known = || GrantType::ALL.map(GrantType::as_str).join(", ");
    GrantType::parse(text).ok_or_else(|| format!("known grant types are {}", known()))
}

fn parse_method(text: &str) -> Result<TokenEndpointAuthMethod, String> {
    TokenEndpointAuthMethod::parse(text)
        .filter(|method| method.is_confidential())
        .ok_or_else(|| "known methods are client_secret_basic and client_secret_post".to_owned())
}

fn parse_resource(text: &str) -> Result<ResourceIndicator, String> {
    ResourceIndicator::parse(text).map_err(|error| error.to_string())
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        add: Add,
    }

    fn decided(flags: &[&str]) -> Result<NewClient, Stop> {
        decide(Line::parse_from([&["add", "name"], flags].concat()).add)
    }

    #[test]
    fn a_client_of_people_is_public_and_a_client_of_its_own_is_confidential() {
        let interactive = decided(&["--redirect-uri", "https://c.test/cb"]).unwrap();
        assert_eq!(interactive.token_endpoint_auth_method, TokenEndpointAuthMethod::None);
        assert_eq!(interactive.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        let alone = decided(&[]).unwrap();
        assert_eq!(alone.token_endpoint_auth_method, TokenEndpointAuthMethod::ClientSecretBasic);
        assert_eq!(alone.grant_types, [GrantType::ClientCredentials]);
        let both = decided(&["--redirect-uri", "https://c.test/cb", "--confidential"]).unwrap();
        assert!(both.token_endpoint_auth_method.is_confidential());
        let body = decided(&["--token-endpoint-auth-method", "client_secret_post"]).unwrap();
        assert_eq!(body.token_endpoint_auth_method, TokenEndpointAuthMethod::ClientSecretPost);
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(decided(&["--grant-type", "authorization_code"]).is_err());
        assert!(decided(&["--public"]).is_err());
        let public = ["--redirect-uri", "https://c.test/cb", "--grant-type", "client_credentials"];
        assert!(decided(&public).is_err());
    }
}
