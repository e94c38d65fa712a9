//! Why a document is refused.

/// Why a document is refused. Texts name what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More bytes than [`crate::Limits::bytes`].
    #[error("the document has {bytes} bytes, {limit} are allowed; cut it down, or raise the limit")]
    TooLarge {
        /// Bytes that were found.
        bytes: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// More of something than its limit, for instance values that YAML aliases expand to.
    #[error("the document has more than {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Neither JSON nor YAML.
    #[error("the document is neither JSON nor YAML: {0}")]
    Syntax(String),
    /// Not a description of the versions 2.0, 3.0, 3.1 or 3.2.
    #[error("the document says {found}; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are understood")]
    Version {
        /// What it says of itself.
        found: String,
    },
    /// A `$ref` that leaves the document (OA-07).
    #[error(
        "{at} refers to `{reference}`, which is outside of the document; bundle the document into one file first"
    )]
    ExternalReference {
        /// Where the reference stands, as a JSON pointer.
        at: String,
        /// What it refers to.
        reference: String,
    },
    /// A part of the document is not of the form that the standard asks for.
    #[error("{at} is not {expected}")]
    Shape {
        /// Where, as a JSON pointer.
        at: String,
        /// What should stand there.
        expected: &'static str,
    },
}
