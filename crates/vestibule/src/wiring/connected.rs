//! How a server elsewhere is reached.

use std::sync::Arc;

use gateway::{RemoteServer, RemoteServerSettings, StdioServer, StdioSettings, Way};
use http::Uri;
use oauth::Issuer;
use outbound::Egress;
use secret::{Random, Secret};

use super::Parts;
use crate::{
    config::{
        network,
        server::{AllowPrivate, Process, Reached, Remote},
    },
    openapi_document,
};

/// A server as the gateway takes it, and its process if it is one.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) server: RemoteServer,
    pub(crate) process: Option<Arc<StdioServer>>,
}

/// A server that nobody has needed yet.
pub(super) fn connected(name: &str, remote: &Remote, parts: &Parts) -> anyhow::Result<Connected> {
    connect(name, remote, &parts.issuer, &parts.random, &parts.session_key())
}

/// A server that nobody has needed yet, for a gateway at `issuer`.
pub(crate) fn connect(
    name: &str,
    remote: &Remote,
    issuer: &Issuer,
    random: &Arc<dyn Random>,
    session_key: &Secret<[u8; 32]>,
) -> anyhow::Result<Connected> {
    let (way, process) = match &remote.reached {
        Reached::Http { url, allow_private, transport } => {
            let egress = egress(url, allow_private, issuer);
            (Way::Http { url: url.clone(), egress, transport: *transport }, None)
        }
        Reached::OpenApi(api) => {
            let egress = egress(&api.base_url, &api.allow_private, issuer);
            (Way::OpenApi(openapi_document::server(name, api, egress)?), None)
        }
        Reached::Process(process) => {
            let settings = process_settings(name, process, remote);
            let process = Arc::new(StdioServer::new(settings, Arc::clone(random)));
            (Way::Process(Arc::clone(&process)), Some(process))
        }
    };
    let settings = RemoteServerSettings {
        name: name.to_owned(),
        way,
        answer_time: remote.answer_time,
        idle_time: RemoteServerSettings::IDLE_TIME,
        allowed: remote.allow.requests(),
        question_time: RemoteServerSettings::QUESTION_TIME,
        answer_size: remote.largest_result,
        secrets: remote.secrets(),
    };
    Ok(Connected { server: RemoteServer::new(&settings, session_key), process })
}

fn process_settings(name: &str, process: &Process, remote: &Remote) -> StdioSettings {
    #[expect(
        clippy::disallowed_methods,
        reason = "programs are looked for where whoever starts us would find them"
    )]
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    StdioSettings {
        name: name.to_owned(),
        command: process.command.clone(),
        environment: Arc::clone(&process.environment.0),
        path,
        directory: process.directory.clone(),
        sharing: process.sharing,
        allowed: remote.allow.requests(),
        start: StdioSettings::START,
        call: remote.answer_time,
        grace: StdioSettings::GRACE,
    }
}

/// Public addresses, the private ones that are allowed, and this computer for servers on it, while we are on it alone.
pub(super) fn egress(url: &Uri, allow_private: &AllowPrivate, issuer: &Issuer) -> Egress {
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let public = Egress::public();
    let own =
        if network::is_on_this_computer(issuer.as_str()) && network::is_on_this_computer(&url.to_string()) {
            public.with_loopback()
        } else {
            public
        };
    match allow_private {
        AllowPrivate::All(false) => own,
        AllowPrivate::All(true) => own.with_host(host),
        AllowPrivate::Hosts(hosts) => hosts.iter().fold(own, |egress, host| egress.with_host(host)),
    }
}
