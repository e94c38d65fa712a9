//! How large a document may be.

/// What a document may cost before it is refused (OA-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the document; 32 MiB by default.
    pub bytes: usize,
    /// Levels of arrays and objects; 64 by default, and never more: reading them takes stack.
    pub depth: usize,
    /// Values in the whole document, aliases of YAML written out; 3 million by default.
    pub values: usize,
    /// `$ref`s in the whole document; 300,000 by default.
    pub references: usize,
    /// Operations; 20,000 by default.
    pub operations: usize,
    /// Values in the schemas of one tool; 50,000 by default.
    pub schema_values: usize,
    /// Values in the schemas of all tools; 5 million by default.
    pub compiled_values: usize,
}

/// No document of 2,600 that were looked at has more than 34.
pub(crate) const MOST_LEVELS: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 * 1024 * 1024,
            depth: MOST_LEVELS,
            values: 3_000_000,
            references: 300_000,
            operations: 20_000,
            schema_values: 50_000,
            compiled_values: 5_000_000,
        }
    }
}
