//! How a connect request stands in its row: state, outcome, reason and who asks, as texts.

use oauth::{ClientId, Scope};
use serde::{Deserialize, Serialize};
use store::{ConnectRequestRecord, ConnectState};

use crate::{
    connect::RequestState,
    connection::ReconnectReason,
    need::{AskedBy, NeedReason},
};

/// How it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The account, as people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    /// The account before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) former: Option<String>,
    /// What was asked for and not granted.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub(super) missing: Scope,
    /// The error code of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What the provider or we say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<String>,
}

impl Outcome {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The outcome in a row; one that cannot be read says nothing.
    pub(super) fn of(record: &ConnectRequestRecord) -> Self {
        record.outcome.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// How far a request is, for people.
pub(super) fn state(record: &ConnectRequestRecord) -> RequestState {
    let outcome = Outcome::of(record);
    match record.state {
        ConnectState::Open => RequestState::Open,
        ConnectState::Authorizing => RequestState::Authorizing,
        ConnectState::Exchanging | ConnectState::Received => RequestState::Working,
        ConnectState::Connected => {
            RequestState::Connected { account: outcome.account, missing: outcome.missing }
        }
        ConnectState::AccountChanged => {
            RequestState::AccountChanged { former: outcome.former, received: outcome.account }
        }
        ConnectState::Declined => RequestState::Declined,
        ConnectState::Refused => {
            RequestState::Refused { error: outcome.error.unwrap_or_default(), description: outcome.told }
        }
        ConnectState::Failed => RequestState::Failed { told: outcome.told.unwrap_or_default() },
    }
}

/// Why something has to be connected, as it is stored.
pub(super) fn write_reason(reason: &NeedReason) -> String {
    match reason {
        NeedReason::Never => "never".to_owned(),
        NeedReason::Scope(missing) => format!("scope {missing}"),
        NeedReason::Reconnect(reason) => format!("reconnect {}", reason.as_str()),
    }
}

/// Reads it back; what is not known is "never".
pub(super) fn read_reason(text: &str) -> NeedReason {
    match text.split_once(' ') {
        Some(("scope", scope)) => Scope::parse(scope).map_or(NeedReason::Never, NeedReason::Scope),
        Some(("reconnect", reason)) => {
            ReconnectReason::parse(reason).map_or(NeedReason::Never, NeedReason::Reconnect)
        }
        _ => NeedReason::Never,
    }
}

/// Who asks, as it is stored beside the client and the server.
#[derive(Serialize, Deserialize)]
struct Asker {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    server_title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
}

pub(super) fn write_asker(asked_by: &AskedBy) -> String {
    let AskedBy { client_name, server_title, tool, .. } = asked_by.clone();
    serde_json::to_string(&Asker { client_name, server_title, tool }).unwrap_or_default()
}

pub(super) fn read_asker(record: &ConnectRequestRecord) -> Option<AskedBy> {
    let asker: Asker = serde_json::from_str(record.asked_by.as_deref()?).ok()?;
    Some(AskedBy {
        client_id: ClientId::from_unverified(record.client_id.clone()),
        client_name: asker.client_name,
        server: record.server.clone(),
        server_title: asker.server_title,
        tool: asker.tool,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_back() {
        for reason in [
            NeedReason::Never,
            NeedReason::Scope(Scope::parse("a b").unwrap()),
            NeedReason::Reconnect(ReconnectReason::UnknownOutcome),
        ] {
            assert_eq!(read_reason(&write_reason(&reason)), reason);
        }
        assert_eq!(read_reason("reconnect something"), NeedReason::Never);
    }
}
