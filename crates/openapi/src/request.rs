//! Arguments become a request.
//!
//! Arguments are text that somebody else wrote. What makes a request another one than the document describes is refused,
//! or encoded so that it cannot:
//! 1. `path`: every value is inside of its segment, and no segment is `.`, `..` or empty, however it is encoded (OA-01);
//! 2. `query`: exactly the declared names (OA-02);
//! 3. `header`: visible ASCII, and no name that belongs to HTTP or to credentials (OA-03);
//! 4. `body`: JSON goes as it was checked; forms and multipart are written here;
//! 5. the whole: what a parser of URLs reads is what was written, below the base URL (OA-06).

mod base_url;
mod body;
mod cookie;
mod encoding;
mod form;
mod header;
mod multipart;
mod path;
mod query;
mod style;
mod template;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub(crate) use template::Template;

use crate::{ApiKeyLocation, Document, SecurityScheme};

/// Why a tool cannot be called, whatever its arguments are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncallable {
    /// The path template.
    #[error("its path {0}")]
    Path(&'static str),
    /// A parameter of this name.
    #[error("its parameter {0:?} cannot be sent: {1}")]
    Parameter(String, &'static str),
    /// The input schema.
    #[error("its input schema cannot be used: {0}")]
    Schema(String),
}

/// Where the document expects API keys: places that no argument may fill (OA-13).
#[derive(Debug, Clone, Default)]
pub struct CredentialPlaces(Vec<(ApiKeyLocation, String)>);

impl CredentialPlaces {
    /// Those of a document.
    pub fn of(document: &Document) -> Self {
        let keys = document.security_schemes().into_values().filter_map(|scheme| match scheme {
            SecurityScheme::ApiKey { name, location } => Some((location, name)),
            _ => None,
        });
        Self(keys.collect())
    }

    /// These, and the place that is configured.
    #[must_use]
    pub fn and(mut self, location: ApiKeyLocation, name: impl Into<String>) -> Self {
        self.0.push((location, name.into()));
        self
    }

    pub(crate) fn has(&self, location: ApiKeyLocation, name: &str) -> bool {
        self.0.iter().any(|(there, reserved)| *there == location && reserved.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
pub(crate) mod tests;
