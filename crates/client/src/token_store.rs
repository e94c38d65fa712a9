//! Where registrations and tokens are kept between runs: one JSON file of mode 0600 in a directory of mode 0700.
//!
//! - Tokens are keyed by (issuer, resource), so that a token never goes to a resource it was not issued for; client
//!   registrations by issuer, so that no credential is ever shown to another authorization server.
//! - A change is read, applied, written to a new file, flushed and renamed under an exclusive lock: neither a crash
//!   nor a second process loses or tears anything.
//! - The secrets lie in the file in clear text: whoever can read the user's files can use them.

pub mod clear_text;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use oauth::{ResourceIndicator, Scope, Timestamp};
use secret::{Digest, Secret};
use serde::{Deserialize, Serialize};

use crate::registration::Registration;

const FILE: &str = "tokens.json";
const LOCK: &str = "tokens.lock";

/// The tokens of one user on this computer. Cheap to clone; several processes may share one directory.
#[derive(Clone, Debug)]
pub struct TokenStore {
    directory: PathBuf,
}

/// What was issued for one resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tokens {
    /// The client it was issued to.
    pub client_id: String,
    /// Sent with every request to the resource.
    #[serde(with = "clear_text")]
    pub access_token: Secret<String>,
    /// Buys the next access token.
    #[serde(default, with = "clear_text::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret<String>>,
    /// When the access token ends, if the server said so; milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it was asked for or granted for; empty when neither was said.
    #[serde(default)]
    pub scope: Scope,
}

/// Which authorization server and resource stand behind the URL of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The issuer identifier, byte for byte.
    pub issuer: String,
    /// The resource indicator that its tokens are for.
    pub resource: ResourceIndicator,
}

/// Everything in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    servers: BTreeMap<ResourceIndicator, Binding>,
    registrations: BTreeMap<String, Registration>,
    tokens: BTreeMap<String, BTreeMap<ResourceIndicator, Tokens>>,
}

/// The token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refuses.
    #[error("cannot use the token file {}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not one of ours; it is not overwritten.
    #[error("the token file {} is damaged: move it away and log in again", .0.display())]
    Damaged(PathBuf),
    /// Other users of this computer could replace the file.
    #[error("the token directory {} can be written by others: chmod 700 it or choose another", .0.display())]
    Exposed(PathBuf),
}

impl Contents {
    /// What is known about an MCP server, by its canonical URL.
    pub fn binding(&self, server: &ResourceIndicator) -> Option<&Binding> {
        self.servers.get(server)
    }

    /// Remembers what stands behind an MCP server.
    pub fn bind(&mut self, server: ResourceIndicator, binding: Binding) {
        self.servers.insert(server, binding);
    }

    /// The client registration at an issuer.
    pub fn registration(&self, issuer: &str) -> Option<&Registration> {
        self.registrations.get(issuer)
    }

    /// Keeps a client registration for this issuer alone.
    pub fn register(&mut self, issuer: String, registration: Registration) {
        self.registrations.insert(issuer, registration);
    }

    /// The tokens for one resource of one issuer.
    pub fn tokens(&self, binding: &Binding) -> Option<&Tokens> {
        self.tokens.get(&binding.issuer)?.get(&binding.resource)
    }

    /// Keeps tokens; earlier ones of the same issuer and resource are replaced.
    pub fn keep(&mut self, binding: &Binding, tokens: Tokens) {
        self.tokens.entry(binding.issuer.clone()).or_default().insert(binding.resource.clone(), tokens);
    }

    /// Forgets tokens; returns them when there were any.
    pub fn forget(&mut self, binding: &Binding) -> Option<Tokens> {
        let of_issuer = self.tokens.get_mut(&binding.issuer)?;
        let forgotten = of_issuer.remove(&binding.resource);
        if of_issuer.is_empty() {
            self.tokens.remove(&binding.issuer);
        }
        forgotten
    }

    /// Forgets the client registration at an issuer.
    pub fn deregister(&mut self, issuer: &str) {
        self.registrations.remove(issuer);
    }

    /// Whether there are tokens of an issuer for any resource.
    pub fn has_tokens_of(&self, issuer: &str) -> bool {
        self.tokens.contains_key(issuer)
    }

    /// Forgets which authorization server stands behind an MCP server.
    pub fn unbind(&mut self, server: &ResourceIndicator) {
        self.servers.remove(server);
    }
}

impl TokenStore {
    /// The store in `directory`, which is created at the first write.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// What the file holds now; empty when there is none.
    pub fn read(&self) -> Result<Contents, StoreError> {
        let path = self.directory.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Contents::default()),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    /// Changes the file under the lock. Nothing is written when `change` does not return.
    pub async fn update<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Contents) -> T + Send + 'static,
    {
        let lock = self.lock(LOCK.to_owned()).await?;
        let mut contents = self.read()?;
        let result = change(&mut contents);
        self.write(&contents)?;
        drop(lock);
        Ok(result)
    }

    /// Waits for the right to refresh the tokens of `binding`: one holder over all processes (until the file is
    /// dropped).
    pub(crate) async fn refresh_lock(&self, binding: &Binding) -> Result<File, StoreError> {
        let key = format!("{}\n{}", binding.issuer, binding.resource);
        self.lock(format!("refresh-{}.lock", Digest::of(key.as_bytes()).to_base64url())).await
    }

    async fn lock(&self, name: String) -> Result<File, StoreError> {
        let directory = self.directory.clone();
        let path = directory.join(name);
        let failed = path.clone();
        let locked = tokio::task::spawn_blocking(move || {
            prepare(&directory)?;
            let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
                .open(&path)
                .and_then(|lock| lock.lock().map(|()| lock));
            lock.map_err(|source| StoreError::Io { path, source })
        });
        locked.await.map_err(|error| StoreError::Io { path: failed, source: io::Error::other(error) })?
    }

    fn write(&self, contents: &Contents) -> Result<(), StoreError> {
        let (path, new) = (self.directory.join(FILE), self.directory.join("tokens.json.new"));
        let bytes = serde_json::to_vec_pretty(contents)
            .map_err(|error| StoreError::Io { path: path.clone(), source: io::Error::other(error) })?;
        let written = || -> io::Result<()> {
            let mut file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_directory(&self.directory)
        };
        written().map_err(|source| StoreError::Io { path: path.clone(), source })
    }
}

/// Creates the directory for the user alone, and refuses one that others can write to.
fn prepare(directory: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { path: directory.to_owned(), source };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(directory).map_err(failed)?;
        let mode = fs::metadata(directory).map_err(failed)?.permissions().mode();
        if mode & 0o022 != 0 {
            return Err(StoreError::Exposed(directory.to_owned()));
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(directory).map_err(failed)
}

/// Files are created readable and writable by the user alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A rename is durable only once its directory is.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
