use std::{fmt, path::PathBuf};

use tokio_postgres::config::SslMode;

use crate::error::LocationError;

/// Where the database is: the parsed form of `--database`.
#[derive(Clone)]
pub enum Location {
    /// `sqlite:PATH`: the embedded database in one file.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`: PostgreSQL 13 or newer.
    Postgresql(Box<tokio_postgres::Config>),
}

impl Location {
    /// Reads a database URL. `sqlite:PATH` takes the path as it is (relative to the working directory,
    /// no percent-decoding); `postgres://` URLs are those of libpq.
    pub fn parse(url: &str) -> Result<Self, LocationError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return match path {
                "" | ":memory:" => Err(LocationError::NoFile),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgresql(url);
        }
        Err(LocationError::Scheme)
    }
}

fn postgresql(url: &str) -> Result<Location, LocationError> {
    // The driver knows disable, prefer and require only, and would call the stricter modes of libpq invalid.
    if ["sslmode=verify-ca", "sslmode=verify-full"].iter().any(|mode| url.contains(mode)) {
        return Err(LocationError::TlsNotSupported);
    }
    let config: tokio_postgres::Config =
        url.parse().map_err(|error| LocationError::Postgresql { reason: reason(&error) })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(LocationError::TlsNotSupported);
    }
    Ok(Location::Postgresql(Box::new(config)))
}

fn reason(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Without user and password of a PostgreSQL URL.
impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Postgresql(config) => {
                write!(
                    formatter,
                    "postgres:{:?}/{}",
                    config.get_hosts(),
                    config.get_dbname().unwrap_or_default()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds() {
        let Location::Sqlite(path) = Location::parse("sqlite:data/vestibule.db").unwrap() else { panic!() };
        assert_eq!(path, PathBuf::from("data/vestibule.db"));
        assert!(matches!(Location::parse("postgres://localhost/v"), Ok(Location::Postgresql(_))));
        assert!(matches!(Location::parse("postgresql://localhost/v"), Ok(Location::Postgresql(_))));
    }

    #[test]
    fn refuses_what_would_forget_or_pretend() {
        let refuse = |url: &str| Location::parse(url).unwrap_err();
        assert_eq!(refuse("mysql://localhost/v"), LocationError::Scheme);
        assert_eq!(refuse("sqlite:"), LocationError::NoFile);
        assert_eq!(refuse("sqlite::memory:"), LocationError::NoFile);
        assert_eq!(refuse("postgres://h/v?sslmode=require"), LocationError::TlsNotSupported);
        assert_eq!(refuse("postgres://h/v?sslmode=verify-full"), LocationError::TlsNotSupported);
    }

    #[test]
    fn neither_debug_nor_errors_show_the_password() {
        let location = Location::parse("postgres://user:canary@localhost/vestibule").unwrap();
        assert!(!format!("{location:?}").contains("canary"));
        let error = Location::parse("postgres://user:canary@localhost/v?canary=1").unwrap_err();
        assert!(!error.to_string().contains("user:canary"), "{error}");
    }
}
