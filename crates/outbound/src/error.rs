//! The one error of outbound requests.

use std::{error, time::Duration};

use crate::egress::Refusal;

/// Why an outbound request has no answer. The text never contains bytes of a response, so it may be shown to
/// whoever named the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL is not one that can be requested.
    #[error("the URL cannot be requested: {0}")]
    InvalidUrl(&'static str),
    /// The egress policy does not let the request out.
    #[error("connecting to {host} is refused: {refusal}")]
    Refused {
        /// The host of the URL.
        host: String,
        /// What the policy said about the host's last address.
        refusal: Refusal,
    },
    /// The host name has no address.
    #[error("{host} has no address")]
    Unresolved {
        /// The host of the URL.
        host: String,
    },
    /// No connection could be made, or TLS could not be agreed upon.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The host of the URL.
        host: String,
        /// What the operating system or TLS said.
        reason: String,
    },
    /// The answer took longer than allowed.
    #[error("no complete answer from {host} within {} seconds", .limit.as_secs_f32())]
    Timeout {
        /// The host of the URL.
        host: String,
        /// The limit that was reached.
        limit: Duration,
    },
    /// The answer is larger than allowed.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host of the URL.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not HTTP, or it broke off.
    #[error("the answer of {host} is not complete HTTP")]
    Broken {
        /// The host of the URL.
        host: String,
    },
}

impl Error {
    /// Our own error inside of what a connector says, or the deepest reason that it gives.
    pub(crate) fn of_connecting(host: &str, error: &(dyn error::Error + 'static)) -> Self {
        let mut reason = error;
        loop {
            if let Some(own) = reason.downcast_ref::<Self>() {
                return own.clone();
            }
            let Some(cause) = reason.source() else { break };
            reason = cause;
        }
        Self::Connect { host: host.to_owned(), reason: reason.to_string() }
    }
}
