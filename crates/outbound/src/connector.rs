//! Steps 2 to 4 of the crate's essay: resolve, judge, connect to the judged address.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::{egress::Egress, error::Error};

/// How long one address may take before the next one of the same host is tried.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Turns a host name into addresses. A trait only so that tests can play a hostile name server.
pub(crate) trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, which is a name or an IP literal without brackets.
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The operating system's resolver.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Opens the TCP connection of a URL, if the egress policy lets it.
#[derive(Clone)]
pub(crate) struct GuardedConnector {
    egress: Arc<Egress>,
    resolver: Arc<dyn Resolve>,
}

impl GuardedConnector {
    pub(crate) fn new(egress: Egress, resolver: Arc<dyn Resolve>) -> Self {
        Self { egress: Arc::new(egress), resolver }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, Error> {
        let encrypted = uri.scheme_str() != Some("http");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let host = bare_host(&uri).to_owned();
        let addresses = self.resolver.resolve(host.clone()).await.unwrap_or_default();
        let allowed = judged(&self.egress, &host, &addresses, encrypted)?;
        let mut reason = String::new();
        for address in allowed {
            match tokio::time::timeout(ATTEMPT, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => {
                    // Answers are small and waited for; a failure here costs milliseconds, not correctness.
                    stream.set_nodelay(true).ok();
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => "the connection timed out".clone_into(&mut reason),
            }
        }
        Err(Error::Connect { host, reason })
    }
}

/// The host without the brackets of an IPv6 literal.
pub(crate) fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The addresses that may be connected to. Only these are used: a name that has one public and one private address
/// is reached at the public one.
fn judged(egress: &Egress, host: &str, addresses: &[IpAddr], encrypted: bool) -> Result<Vec<IpAddr>, Error> {
    let mut allowed = Vec::new();
    let mut refused = None;
    for address in addresses {
        match egress.judge(host, *address, encrypted) {
            Ok(()) => allowed.push(*address),
            Err(refusal) => refused = Some(refusal),
        }
    }
    match refused {
        _ if !allowed.is_empty() => Ok(allowed),
        Some(refusal) => Err(Error::Refused { host: host.to_owned(), refusal }),
        None => Err(Error::Unresolved { host: host.to_owned() }),
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a name server says may mix anything with anything; only what may be reached is tried, in its order.
    #[test]
    fn oa_10_of_several_addresses_only_those_that_may_be_reached_are_tried() {
        let rows: [(&[&str], Option<&[&str]>); 8] = [
            (&["93.184.216.34", "127.0.0.1"], Some(&["93.184.216.34"])),
            (&["127.0.0.1", "93.184.216.34"], Some(&["93.184.216.34"])),
            (&["fd00::1", "93.184.216.34"], Some(&["93.184.216.34"])),
            (
                &["2606:2800:21f::1", "10.0.0.1", "93.184.216.34"],
                Some(&["2606:2800:21f::1", "93.184.216.34"]),
            ),
            (&["0.0.0.0", "::"], None),
            (&["::ffff:127.0.0.1", "::ffff:10.0.0.1"], None),
            (&["169.254.169.254", "fe80::1"], None),
            (&[], None),
        ];
        for (resolved, expected) in rows {
            let parse =
                |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
            let judged = judged(&Egress::public(), "mixed.test", &parse(resolved), true);
            assert_eq!(judged.ok(), expected.map(parse), "{resolved:?}");
        }
    }
}
