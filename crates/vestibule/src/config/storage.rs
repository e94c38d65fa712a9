//! Where the server keeps what it knows.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use crate::cli::exit::Stop;

/// The data directory and the database.
#[derive(Clone)]
pub(crate) struct Storage {
    /// `data_dir`, `--data-dir`, `VESTIBULE_DATA_DIR`: the directory of the keyring and the embedded database.
    /// Default: `vestibule` in the platform's data directory (`~/.local/share` on Linux).
    pub(crate) data_dir: PathBuf,
    /// `database`, `--database`, `VESTIBULE_DATABASE`: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
    /// Default: `vestibule.sqlite3` in the data directory.
    pub(crate) database: String,
}

impl Storage {
    /// What is configured, with the defaults filled in.
    pub(super) fn new(data_dir: Option<PathBuf>, database: Option<String>) -> Result<Self, Stop> {
        let data_dir = data_dir.map_or_else(default_data_dir, Ok)?;
        let database = database.unwrap_or_else(|| in_directory(&data_dir));
        Ok(Self { data_dir, database })
    }
}

/// Without the user and password that a database URL may hold.
impl std::fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Storage").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// Whether a database URL holds a password.
pub(super) fn has_password(database: &str) -> bool {
    url::Url::parse(database)
        .is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"))
}

fn in_directory(data_dir: &Path) -> String {
    format!("sqlite:{}", data_dir.join("vestibule.sqlite3").display())
}

fn default_data_dir() -> Result<PathBuf, Stop> {
    etcetera::choose_base_strategy().map(|platform| platform.data_dir().join("vestibule")).map_err(|_| {
        Stop::usage("this account has no home directory to keep data in").hint("add --data-dir DIR")
    })
}
