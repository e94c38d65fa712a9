//! A secret as the file gives it: itself, or where it is.

use std::{fs, path::PathBuf};

use secret::Secret;
use serde::Deserialize;

use crate::cli::exit::Stop;

/// `"…"`, `{ file = "PATH" }` or `{ env = "NAME" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text, { file = \"PATH\" } or { env = \"NAME\" }")]
pub(crate) enum SecretSource {
    /// The secret itself.
    Itself(Clear),
    /// The first line of a file.
    File {
        /// Where it is.
        file: PathBuf,
    },
    /// A variable of the environment.
    Environment {
        /// What it is called.
        env: String,
    },
}

/// A text that is not printed.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Clear(Secret<String>);

impl From<String> for Clear {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl SecretSource {
    /// The secret. A file is read up to the end of its first line, as other programs leave one there.
    ///
    /// # Errors
    /// Says where the secret is not; never what was read.
    pub(crate) fn read(&self) -> Result<Secret<String>, Stop> {
        let secret = match self {
            Self::Itself(clear) => clear.0.clone(),
            Self::File { file } => {
                let text = fs::read_to_string(file).map(Secret::new).map_err(|error| {
                    Stop::usage(format!("the secret in {} cannot be read: {error}", file.display()))
                })?;
                Secret::new(text.expose().lines().next().unwrap_or_default().to_owned())
            }
            Self::Environment { env } => variable(env)?,
        };
        if secret.expose().is_empty() { Err(self.empty()) } else { Ok(secret) }
    }

    /// Whether the configuration file itself holds the secret.
    pub(crate) fn is_in_the_file(&self) -> bool {
        matches!(self, Self::Itself(_))
    }

    fn empty(&self) -> Stop {
        match self {
            Self::Itself(_) => Stop::usage("a secret is empty"),
            Self::File { file } => Stop::usage(format!("the first line of {} is empty", file.display())),
            Self::Environment { env } => Stop::usage(format!("the variable {env} is empty")),
        }
    }
}

fn variable(name: &str) -> Result<Secret<String>, Stop> {
    #[expect(clippy::disallowed_methods, reason = "the configuration names the variable")]
    let value = std::env::var(name);
    value.map(Secret::new).map_err(|_| {
        Stop::usage(format!("the configuration names the variable {name}, which is not set"))
            .hint(format!("set {name} for the process, or write {{ file = \"PATH\" }}"))
    })
}

/// Two are the same when they say the same; what is read from a file or a variable is read anew with every load.
impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Itself(one), Self::Itself(another)) => one.0.expose() == another.0.expose(),
            (Self::File { file: one }, Self::File { file: another }) => one == another,
            (Self::Environment { env: one }, Self::Environment { env: another }) => one == another,
            _ => false,
        }
    }
}

impl Eq for SecretSource {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Has {
        secret: SecretSource,
    }

    fn read(text: &str) -> Result<Secret<String>, Stop> {
        toml::from_str::<Has>(text).unwrap().secret.read()
    }

    #[test]
    fn a_secret_is_itself_or_where_it_says() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        fs::write(&file, "from a file\nsecond line\n").unwrap();
        assert_eq!(read("secret = \"itself\"").unwrap().expose(), "itself");
        let from_file = format!("secret = {{ file = {:?} }}", file.display().to_string());
        assert_eq!(read(&from_file).unwrap().expose(), "from a file");
        assert!(!read("secret = { env = \"PATH\" }").unwrap().expose().is_empty());
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        let missing = read("secret = { file = \"/nowhere/secret\" }").unwrap_err().to_string();
        assert!(missing.contains("/nowhere/secret"), "{missing}");
        let unset = read("secret = { env = \"VESTIBULE_NO_SUCH_VARIABLE\" }").unwrap_err().to_string();
        assert!(unset.contains("VESTIBULE_NO_SUCH_VARIABLE"), "{unset}");
        assert!(read("secret = \"\"").is_err());
        let shown = format!("{:?}", toml::from_str::<Has>("secret = \"canary\"").unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }
}
