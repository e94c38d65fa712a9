//! What is logged.

use serde::Deserialize;

/// Logs on stderr.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    /// `log`, `--log`, `VESTIBULE_LOG`: a filter in the syntax of `RUST_LOG`. Default: `info` for this
    /// program, `warn` for its libraries.
    pub(crate) filter: String,
    /// `log_format`. Default `"text"`.
    pub(crate) format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// `"text"`: for people.
    #[default]
    Text,
    /// `"json"`: one object per line.
    Json,
}
