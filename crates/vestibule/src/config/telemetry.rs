//! What is logged and measured.

use std::net::SocketAddr;

use http::Uri;
use serde::Deserialize;

use super::network;
use crate::cli::exit::Stop;

/// Logs on stderr, and metrics.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    /// `log`, `--log`, `VESTIBULE_LOG`: a filter in the syntax of `RUST_LOG`. Default: `info` for this
    /// program, `warn` for its libraries.
    pub(crate) filter: String,
    /// `log_format`. Default `"text"`.
    pub(crate) format: LogFormat,
    /// `[telemetry] metrics`, checked.
    pub(crate) metrics: Option<SocketAddr>,
    /// `[telemetry] traces`, checked.
    pub(crate) traces: Option<Uri>,
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

/// `[telemetry]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Measured {
    /// `metrics`: where `GET /metrics` is answered, such as `"127.0.0.1:9464"`. Default: nowhere, and nothing is
    /// measured.
    metrics: Option<SocketAddr>,
    /// `metrics_without_authentication`: whether that may be an address that other computers reach. Whoever reaches it
    /// reads them. Default `false`.
    metrics_without_authentication: bool,
    /// `traces`: where an OpenTelemetry collector takes traces as protobuf over HTTP, such as
    /// `"http://127.0.0.1:4318/v1/traces"`; `https://…` on other computers. Default: nowhere.
    traces: Option<String>,
}

impl Measured {
    /// Where metrics are told, if that is safe or wanted.
    pub(super) fn metrics(&self) -> Result<Option<SocketAddr>, Stop> {
        let Some(address) = self.metrics else { return Ok(None) };
        if address.ip().is_loopback() || self.metrics_without_authentication {
            return Ok(Some(address));
        }
        let message = format!("other computers can reach {address}, and metrics are told to whoever asks");
        Err(Stop::usage(message).hint(
            "listen on 127.0.0.1, or set metrics_without_authentication = true where only your own systems get to",
        ))
    }
}

impl Measured {
    /// Where traces are sent.
    pub(super) fn traces(&self) -> Result<Option<Uri>, Stop> {
        let Some(text) = &self.traces else { return Ok(None) };
        let is_allowed =
            text.starts_with("https://") || text.starts_with("http://") && network::is_on_this_computer(text);
        match text.parse::<Uri>() {
            Ok(url) if is_allowed && url.host().is_some_and(|host| !host.is_empty()) => Ok(Some(url)),
            _ => Err(Stop::usage(format!("traces cannot be sent to {text:?}"))
                .hint("write https://…/v1/traces, or http://… for a collector on this computer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_leave_this_computer_encrypted() {
        let check = |url: &str| {
            let measured: Measured = toml::from_str(&format!("traces = \"{url}\"")).unwrap();
            measured.traces().is_ok_and(|url| url.is_some())
        };
        assert!(check("http://127.0.0.1:4318/v1/traces") && check("https://collector.example/v1/traces"));
        assert!(
            !check("http://collector.example/v1/traces") && !check("collector:4318") && !check("https://")
        );
    }

    #[test]
    fn gw_05_metrics_stay_here_unless_somebody_says_so() {
        let check = |text: &str| {
            let measured: Measured = toml::from_str(text).unwrap();
            measured.metrics().map(|address| address.is_some()).map_err(|stop| stop.to_string())
        };
        assert_eq!(check(""), Ok(false));
        assert_eq!(check("metrics = \"127.0.0.1:9464\""), Ok(true));
        assert_eq!(check("metrics = \"[::1]:9464\""), Ok(true));
        for address in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "[::ffff:127.0.0.1]:9464"] {
            let text = format!("metrics = \"{address}\"");
            assert!(check(&text).unwrap_err().contains("told to whoever asks"), "{address}");
            assert_eq!(check(&format!("{text}\nmetrics_without_authentication = true")), Ok(true));
        }
    }
}
