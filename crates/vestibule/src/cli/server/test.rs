//! `vestibule server test NAME|URL`: connects as the gateway does, and says step by step what works.

use std::sync::Arc;

use client::printable;
use gateway::probe::{Finding, ProbeError, probe};
use guard::{Guard, Keys, Permit};
use http::{HeaderMap, HeaderValue, Uri, header};
use oauth::{
    ClientId, Clock as _, Issuer, JwtId, ResourceIndicator, Scope, access_token::AccessTokenClaims,
    jwk::JwkSet, jws::SigningKey,
};
use secret::{Random, Secret};

use crate::{
    cli::{exit::Stop, mcp_server::UNTRUSTED},
    clock::SystemClock,
    config::{
        Configuration, Flags,
        server::{Behind, Remote, Server},
    },
    entropy::SystemEntropy,
    wiring,
};

/// `vestibule server test`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The name of a configured server, or a URL.
    #[arg(value_name = "NAME|URL")]
    server: String,
    #[command(flatten)]
    flags: Flags,
}

/// The issuer of the permit below. Nobody else accepts it.
const NOBODY: &str = "http://127.0.0.1:1";

/// Prints what works; ends with 1 when something does not.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (name, remote, issuer) = remote(arguments)?;
    let random: Arc<dyn Random> = Arc::new(SystemEntropy::new());
    let mut session_key = [0; 32];
    random.fill(&mut session_key);
    let connected = wiring::connect(&name, &remote, &issuer, &random, &Secret::new(session_key))?;
    let outcome = probe(&connected.server, operators_permit()?, &mut |finding| tell(&finding)).await;
    if let Some(process) = connected.process {
        process.shut_down().await;
    }
    outcome.map_err(|error| stopped(&error).into())
}

/// The server that is meant, and the issuer under which it is or would be served.
fn remote(arguments: &Arguments) -> anyhow::Result<(String, Remote, Issuer)> {
    if arguments.server.contains("://") {
        let server = Server::at(&arguments.server);
        let Behind::Remote(remote) = server.behind()? else {
            unreachable!("a server with a URL is elsewhere")
        };
        return Ok((server.name, remote, Issuer::parse(NOBODY)?));
    }
    super::file(&arguments.flags)?;
    let configuration = Configuration::load(&arguments.flags, None)?;
    let found = configuration.servers.iter().find(|server| server.name == arguments.server);
    let names =
        || configuration.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ");
    let server = found.ok_or_else(|| {
        Stop::failure(format!("there is no server {:?}", arguments.server))
            .hint(format!("there are: {}; anything else has to be a URL", names()))
    })?;
    let issuer = configuration.network.issuer(configuration.network.listen)?;
    match server.behind()? {
        Behind::Remote(remote) => Ok((server.name.clone(), remote, issuer)),
        Behind::Virtual(joins) => Err(Stop::failure("a virtual server is part of Vestibule")
            .hint(format!("test its members: {}", joins.members.join(", ")))
            .into()),
        Behind::Demo => {
            Err(Stop::failure("the demo server is part of Vestibule: there is nothing to connect to").into())
        }
    }
}

/// An upstream takes a permit, and a permit comes from a guard. The operator's comes from one that guards nothing: its
/// key is made here, used once, and forgotten.
pub(in crate::cli) fn operators_permit() -> anyhow::Result<Permit> {
    let (key, _) = SigningKey::generate();
    let keys = Keys::default();
    keys.replace(&JwkSet { keys: vec![key.jwk().clone()] });
    let (issuer, resource) = (Issuer::parse(NOBODY)?, ResourceIndicator::parse(NOBODY)?);
    let now = SystemClock.now().seconds();
    let claims = AccessTokenClaims {
        iss: issuer.clone(),
        sub: "operator".to_owned(),
        aud: resource.clone(),
        exp: now + 3600,
        iat: now,
        jti: JwtId::from_unverified("server-test"),
        client_id: ClientId::from_unverified("vestibule"),
        scope: Scope::default(),
        grant_id: None,
        preferred_username: None,
        roles: Vec::new(),
        groups: Vec::new(),
    };
    let guard = Guard::new(guard::Settings::new(issuer, resource, keys, Arc::new(SystemClock)));
    let bearer = HeaderValue::from_str(&format!("Bearer {}", claims.sign(&key).expose()))?;
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    guard.check(&headers, &Uri::from_static("/")).map_err(|_| anyhow::anyhow!("the clock is wrong"))
}

fn tell(finding: &Finding) {
    println!("ok  {}", described(finding));
}

fn described(finding: &Finding) -> String {
    match finding {
        Finding::Reached => "an HTTP server answers".to_owned(),
        Finding::Speaks { version, has_handshake: true } => {
            format!("it speaks MCP {}, opened with initialize", printable(version))
        }
        Finding::Speaks { version, has_handshake: false } => {
            format!("it speaks MCP {}, without a handshake", printable(version))
        }
        Finding::Introduced { name, version } => {
            format!("it calls itself {} {}", printable(name), printable(version))
        }
        Finding::NoTools => "it offers no tools".to_owned(),
        Finding::Tools(names) if names.is_empty() => "it has no tools now".to_owned(),
        Finding::Tools(names) => {
            let names: Vec<_> = names.iter().map(|name| printable(name)).collect();
            let (number, noun) = (names.len(), if names.len() == 1 { "tool" } else { "tools" });
            format!("it has {number} {noun}: {}", names.join(", "))
        }
    }
}

/// What a person can do about it.
pub(in crate::cli) fn stopped(error: &ProbeError) -> Stop {
    let stop = Stop::failure(printable(&error.to_string()));
    match error {
        ProbeError::Unreachable(reason) if reason.contains("refused: ") => {
            stop.hint("an address in a private network needs allow_private = true")
        }
        ProbeError::Unreachable(reason) if reason.contains("certificate") => stop.hint(UNTRUSTED),
        ProbeError::Unreachable(_) => stop.hint("check the URL or the command, and whether the server runs"),
        ProbeError::Challenged { resource_metadata: Some(url), .. } => stop.hint(format!(
            "it says at {} how to get one; with provider = \"discover\" everybody connects an account of their own",
            printable(url)
        )),
        ProbeError::Challenged { resource_metadata: None, .. } => {
            stop.hint("write whose credential goes with the calls: provider = \"NAME\", as a [[provider]] calls itself")
        }
        ProbeError::NotMcp(_) => stop.hint("is this the URL of the MCP endpoint, such as https://…/mcp?"),
        ProbeError::Refused { .. } => stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_permit_is_given() {
        assert_eq!(operators_permit().unwrap().subject(), "operator");
    }

    #[test]
    fn what_a_server_says_cannot_drive_the_terminal() {
        let finding = Finding::Tools(vec!["a\u{1b}[2J".to_owned(), "b".to_owned()]);
        assert_eq!(described(&finding), "it has 2 tools: a[2J, b");
    }
}
