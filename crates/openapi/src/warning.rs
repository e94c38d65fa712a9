//! What an operator should know about a document that was read all the same.

/// One thing that is not as the document, or the configuration, would have it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// An operation that cannot become a tool.
    #[error("{operation} is left out: {reason}")]
    LeftOut {
        /// Method and path.
        operation: String,
        /// Why.
        reason: String,
    },
    /// A tool has another name than asked for.
    #[error("{operation} is called {name}, because {reason}")]
    Renamed {
        /// Method and path.
        operation: String,
        /// The name it has.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A parameter that no model may set (OA-03).
    #[error("{operation}: the parameter {parameter} belongs to HTTP or to credentials, and is left out")]
    Reserved {
        /// Method and path.
        operation: String,
        /// The name of the parameter.
        parameter: String,
    },
    /// A part of a schema that is not understood, or not safe, and left out.
    #[error("{operation}: {what}")]
    Schema {
        /// Method and path.
        operation: String,
        /// What was left out, and why.
        what: String,
    },
    /// A path item that is not one.
    #[error("{path}: {reason}")]
    Path {
        /// The path as the document has it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting that has no effect.
    #[error("{what} names nothing in the document")]
    Unused {
        /// The setting.
        what: String,
    },
    /// More tools than models choose well among.
    #[error(
        "{count} tools are more than {advised}: models choose worse among so many, and their definitions cost about \
         {tokens} tokens; select fewer, or set mode = \"search\""
    )]
    ManyTools {
        /// How many there are.
        count: usize,
        /// How many are advised.
        advised: usize,
        /// What they cost.
        tokens: usize,
    },
}
