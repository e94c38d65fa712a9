//! Demo mode: a user whom everybody knows, on this computer only, and what to try. It relaxes no validation.

use std::time::Duration;

use anyhow::Context as _;
use authorization_server::user::{self, NewPassword, NewUser};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::{Issuer, Timestamp};
use secret::{Random, Secret, password};
use store::{Store, UserRecord, UserState};

use crate::cli::exit::Stop;

/// The demo user's name.
pub(crate) const USER: &str = "demo";
const PASSWORD_VARIABLE: &str = "VESTIBULE_DEMO_PASSWORD";
const RANDOM_PASSWORD_BYTES: usize = 15;
const PYTHON: &str = include_str!("demo/list_tools.py");

/// The demo user's password, and where it comes from.
pub(crate) enum Password {
    /// Somebody chose it and knows it: it is not repeated.
    Chosen(Secret<String>),
    /// Made for this run, so it has to be told.
    Random(Secret<String>),
}

impl Password {
    /// From `VESTIBULE_DEMO_PASSWORD`, or a random one.
    pub(crate) fn choose(random: &dyn Random) -> Result<Self, Stop> {
        if let Some(chosen) = from_environment()? {
            return Ok(Self::Chosen(chosen));
        }
        let mut bytes = [0; RANDOM_PASSWORD_BYTES];
        random.fill(&mut bytes);
        Ok(Self::Random(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    fn secret(&self) -> &Secret<String> {
        match self {
            Self::Chosen(secret) | Self::Random(secret) => secret,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a password has no flag: the command line is readable for everybody"
)]
fn from_environment() -> Result<Option<Secret<String>>, Stop> {
    let Some(value) = std::env::var_os(PASSWORD_VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.into_string().map_err(|_| Stop::usage(format!("{PASSWORD_VARIABLE} is not UTF-8")))?;
    Ok(Some(Secret::new(text)))
}

/// Makes sure that the demo user exists, is active and has this password.
///
/// The user is no operator: the data directory may later be served to others, without `--demo`.
pub(crate) async fn seed(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    password: &Password,
    access_token_lifetime: Duration,
) -> anyhow::Result<()> {
    let secret = password.secret();
    let ends_grants = match password {
        Password::Chosen(_) => Some(access_token_lifetime),
        Password::Random(_) => None,
    };
    match store.user_by_name(USER).await? {
        Some(user) => renew(store, random, now, &user, NewPassword { password: secret, ends_grants }).await,
        None => create(store, random, now, secret).await,
    }
    .context("the demo user cannot be made")
}

async fn create(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    secret: &Secret<String>,
) -> anyhow::Result<()> {
    let new = NewUser {
        name: USER,
        display_name: "Demo User",
        password: Some(secret),
        is_operator: false,
        roles: &[],
    };
    user::create(store, random, now, new).await?;
    Ok(())
}

/// Setting a password ends the user's sessions, so one that is set already is left alone. A random one is only shown
/// anew: the clients that were allowed something stay connected over a restart.
async fn renew(
    store: &Store,
    random: &dyn Random,
    now: Timestamp,
    user: &UserRecord,
    new: NewPassword<'_>,
) -> anyhow::Result<()> {
    let is_set = user.password_hash.as_deref().is_some_and(|hash| password::verify(new.password, hash));
    if !is_set {
        user::set_password(store, random, now, user, new).await?;
    }
    if user.state != UserState::Active {
        store.commit(store::user::set_state(&user.id, UserState::Active)).await?;
    }
    Ok(())
}

/// What to try, for stderr.
pub(crate) fn guide(issuer: &Issuer, server: &str, password: &Password) -> String {
    let mcp_url = issuer.url(&format!("/mcp/{server}"));
    let password = match password {
        Password::Chosen(_) => format!("the one in {PASSWORD_VARIABLE}"),
        Password::Random(secret) => secret.expose().clone(),
    };
    let python = PYTHON.replace("{mcp_url}", &mcp_url);
    format!(
        r#"
the demo is ready; it answers on this computer only
  user      {USER}
  password  {password}
  MCP URL   {mcp_url}

Cursor (.cursor/mcp.json):
{{ "mcpServers": {{ "vestibule-demo": {{ "url": "{mcp_url}" }} }} }}
VS Code (.vscode/mcp.json):
{{ "servers": {{ "vestibule-demo": {{ "type": "http", "url": "{mcp_url}" }} }} }}

a terminal:
vestibule tools {mcp_url}

Python (pip install "mcp>=2,<3"):
{python}"#
    )
}

#[cfg(test)]
mod tests {
    use store::Location;

    use super::*;
    use crate::entropy::SystemEntropy;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn chosen(text: &str) -> Password {
        Password::Chosen(Secret::from(text))
    }

    async fn seeded(store: &Store, password: &Password) -> UserRecord {
        seed(store, &SystemEntropy::new(), NOW, password, Duration::from_mins(10)).await.unwrap();
        store.user_by_name(USER).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn the_password_is_the_given_one_and_sessions_do_not_end_for_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", directory.path().join("v.sqlite3").display());
        let store = Store::open(Location::parse(&location).unwrap()).unwrap();
        store.migrate().await.unwrap();

        let first = seeded(&store, &chosen("correct horse battery")).await;
        assert!(
            !first.is_operator
                && password::verify(&"correct horse battery".into(), first.password_hash.as_deref().unwrap())
        );
        assert_eq!(seeded(&store, &chosen("correct horse battery")).await, first);

        store.commit(store::user::set_state(&first.id, UserState::Disabled)).await.unwrap();
        let second = seeded(&store, &chosen("another horse battery")).await;
        assert!(password::verify(&"another horse battery".into(), second.password_hash.as_deref().unwrap()));
        assert!(second.credentials_generation > first.credentials_generation);
        assert_eq!((second.id, second.state), (first.id, UserState::Active));
    }

    #[test]
    fn the_guide_tells_a_random_password_only() {
        let issuer = Issuer::parse("http://127.0.0.1:8080").unwrap();
        let silent = guide(&issuer, "demo", &chosen("canary"));
        assert!(!silent.contains("canary"));
        assert!(guide(&issuer, "demo", &Password::Random(Secret::from("canary"))).contains("canary"));
        for snippet in [
            r#""vestibule-demo": { "url": "http://127.0.0.1:8080/mcp/demo" }"#,
            "vestibule tools http://127.0.0.1:8080/mcp/demo\n",
            r#"MCP_URL = "http://127.0.0.1:8080/mcp/demo""#,
        ] {
            assert!(silent.contains(snippet), "{snippet}");
        }
    }
}
