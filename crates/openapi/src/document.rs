//! A document: parsed within limits, of one shape, with nothing outside of itself.

pub use error::DocumentError;
pub use security::{ApiKeyLocation, Flow, SecurityRequirement, SecurityScheme};
pub use server::Server;

mod error;
mod security;
mod server;

use serde_json::Value;

/// An `OpenAPI` document of version 3.
#[derive(Debug, Clone)]
pub struct Document {
    root: Value,
}

impl Document {
    /// The whole document, in the shape of version 3.
    pub fn root(&self) -> &Value {
        &self.root
    }
}
