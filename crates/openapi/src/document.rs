//! A document: parsed within limits, with nothing outside of itself.

use std::collections::BTreeMap;

use serde_json::Value;

pub use error::DocumentError;
pub(crate) use reference::BrokenReference;
pub(crate) use security::requirements;
pub use security::{ApiKeyLocation, Flow, SecurityRequirement, SecurityScheme};
pub(crate) use server::read as read_servers;
pub use server::{Server, Variable};

use crate::limits::MOST_LEVELS;
use crate::{Limits, Operation, Warning, operation};

mod error;
mod reference;
mod security;
mod server;
mod source;
#[cfg(test)]
mod tests;

/// A description of an HTTP API: Swagger 2.0, or `OpenAPI` 3.0, 3.1 or 3.2.
#[derive(Debug, Clone)]
pub struct Document {
    root: Value,
    version: Version,
    limits: Limits,
}

/// The dialects that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Swagger 2.0.
    Two,
    /// `OpenAPI` 3.0, whose schemas are nearly JSON Schema.
    Three,
    /// `OpenAPI` 3.1 and 3.2, whose schemas are JSON Schema 2020-12.
    ThreeOne,
}

impl Document {
    /// Reads JSON or YAML.
    ///
    /// # Errors
    /// [`DocumentError`] when it is neither, is too large, is of another version, or refers to something outside of
    /// itself.
    pub fn parse(unverified_bytes: &[u8], limits: &Limits) -> Result<Self, DocumentError> {
        let limits = Limits { depth: limits.depth.min(MOST_LEVELS), ..*limits };
        let root = source::read(unverified_bytes, &limits)?;
        let version = version(&root)?;
        reference::check(&root, &limits)?;
        if !root.get("paths").is_none_or(Value::is_object) {
            return Err(DocumentError::Shape { at: "/paths".to_owned(), expected: "an object" });
        }
        Ok(Self { root, version, limits })
    }

    /// What the document calls itself.
    pub fn title(&self) -> Option<&str> {
        self.root.pointer("/info/title")?.as_str()
    }

    /// Everything that can be called, in the order of paths and methods, and what cannot be read.
    ///
    /// # Errors
    /// [`DocumentError::TooMany`] operations.
    pub fn operations(&self) -> Result<(Vec<Operation>, Vec<Warning>), DocumentError> {
        operation::read_all(self)
    }

    /// The servers that the document proposes (OA-06). Nothing is sent to them unless an operator says so.
    pub fn servers(&self) -> Vec<Server> {
        match self.version {
            Version::Two => server::of_swagger(&self.root),
            Version::Three | Version::ThreeOne => server::read(self.root.get("servers")),
        }
    }

    /// The security schemes, by the names that security requirements use.
    pub fn security_schemes(&self) -> BTreeMap<String, SecurityScheme> {
        let schemes = match self.version {
            Version::Two => self.root.get("securityDefinitions"),
            Version::Three | Version::ThreeOne => self.root.pointer("/components/securitySchemes"),
        };
        let schemes = schemes.and_then(Value::as_object).into_iter().flatten();
        schemes
            .filter_map(|(name, scheme)| Some((name.clone(), security::scheme(self.resolve(scheme).ok()?))))
            .collect()
    }

    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Follows `$ref`s until there is something else.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value, BrokenReference> {
        reference::resolve(&self.root, value)
    }

    /// What a `$ref` points to.
    pub(crate) fn at(&self, reference: &str) -> Option<&Value> {
        reference::at(&self.root, reference)
    }
}

fn version(root: &Value) -> Result<Version, DocumentError> {
    let said = ["openapi", "swagger"].iter().find_map(|member| root.get(member));
    // Unquoted in YAML, `2.0` and `3.1` are numbers.
    let found = match said {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "nothing of its version".to_owned(),
    };
    match found.get(..3) {
        Some("2.0") => Ok(Version::Two),
        Some("3.0") => Ok(Version::Three),
        Some("3.1" | "3.2") => Ok(Version::ThreeOne),
        _ => Err(DocumentError::Version { found }),
    }
}
