//! How connections are treated.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::Deserialize;

use super::duration;

/// `[connections]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Connections {
    /// `threads`: worker threads. Default: one per available core.
    pub(crate) threads: Option<NonZeroUsize>,
    /// `maximum`: open connections; further ones wait to be accepted. Default 4096.
    pub(crate) maximum: NonZeroU32,
    /// `header_timeout`: how long the head of a request may take to arrive. Default `"10s"`.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) header_timeout: Duration,
    /// `drain_timeout`: how long requests may take to finish when the server is asked to end. Default `"30s"`.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) drain_timeout: Duration,
}

const DEFAULT_MAXIMUM: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");

impl Default for Connections {
    fn default() -> Self {
        Self {
            threads: None,
            maximum: DEFAULT_MAXIMUM,
            header_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
        }
    }
}
