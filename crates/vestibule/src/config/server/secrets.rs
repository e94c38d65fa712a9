//! What a server must not tell its clients: the secrets that the configuration gives it.

use std::collections::BTreeSet;

use gateway::RemoteServerSettings;
use secret::Secret;

use super::{Reached, Remote, Server};
use crate::cli::exit::Stop;

/// Parts of the names of variables, and of parameters of URLs, that hold secrets.
const SECRET: [&str; 10] =
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "DSN", "COOKIE"];
/// What an answer may be bounded by, in bytes.
const SIZES: std::ops::RangeInclusive<usize> = 65_536..=268_435_456;

impl Server {
    pub(super) fn largest_result(&self) -> Result<usize, Stop> {
        let size = self.largest_result.unwrap_or(RemoteServerSettings::ANSWER_SIZE);
        if SIZES.contains(&size) {
            return Ok(size);
        }
        let what = format!("has a largest_result of {size} bytes");
        Err(self.mistake(&what).hint(format!("choose between {} and {}", SIZES.start(), SIZES.end())))
    }

    /// The names of the variables whose values are secret.
    pub(super) fn secret_variables(&self) -> Result<BTreeSet<String>, Stop> {
        let variables = &self.environment.0;
        let Some(named) = &self.secrets else {
            return Ok(variables.keys().filter(|name| is_secret(name)).cloned().collect());
        };
        match named.iter().find(|name| !variables.contains_key(*name)) {
            None => Ok(named.clone()),
            Some(unknown) => {
                Err(self.mistake(&format!("has the secret {unknown:?}, which its environment does not have")))
            }
        }
    }
}

impl Remote {
    /// What it must not tell.
    pub(crate) fn secrets(&self) -> Vec<Secret<String>> {
        match &self.reached {
            Reached::Process(process) => {
                let named =
                    process.environment.0.iter().filter(|(name, _)| self.secret_variables.contains(*name));
                named.map(|(_, value)| value.clone()).collect()
            }
            Reached::OpenApi(_) => Vec::new(),
            Reached::Http { url, .. } => {
                let parameters =
                    url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
                let secrets = parameters.filter(|(name, _)| is_secret(name)).map(|(_, value)| value);
                let authority = url.authority().map_or("", |authority| authority.as_str());
                let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
                let secrets = secrets.chain(password.map(|(_, password)| password));
                secrets.map(|value| Secret::new(value.to_owned())).collect()
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use crate::config::server::Behind;

    use super::*;

    fn secrets(text: &str) -> Result<Vec<String>, Stop> {
        let server: Server = toml::from_str(&format!("name = \"a\"\n{text}")).unwrap();
        let Behind::Remote(remote) = server.behind()? else { panic!("it is elsewhere") };
        Ok(remote.secrets().iter().map(|secret| secret.expose().clone()).collect())
    }

    #[test]
    fn what_is_secret_is_told_by_its_name_or_by_the_operator() {
        let process = "kind = \"stdio\"\ncommand = [\"x\"]\nenvironment = { GITHUB_TOKEN = \"t0ken\", MODE = \"production\" }\n";
        assert_eq!(secrets(process).unwrap(), ["t0ken"]);
        assert_eq!(secrets(&format!("{process}secrets = [\"MODE\"]")).unwrap(), ["production"]);
        assert!(secrets(&format!("{process}secrets = []")).unwrap().is_empty());
        let told = secrets(&format!("{process}secrets = [\"NODE\"]")).unwrap_err().to_string();
        assert!(told.contains("the secret \"NODE\""), "{told}");
        let url = "kind = \"remote\"\nurl = \"https://ada:pass-word@far.test/mcp?apiKey=k3y&page=1\"";
        assert_eq!(secrets(url).unwrap(), ["k3y", "pass-word"]);
    }

    #[test]
    fn answers_are_bounded() {
        for (size, is_good) in [(1, false), (65_536, true), (1 << 30, false)] {
            let text = format!("kind = \"stdio\"\ncommand = [\"x\"]\nlargest_result = {size}");
            assert_eq!(secrets(&text).is_ok(), is_good, "{size}");
        }
    }
}
