//! TLS as the outbound client uses it: one crypto provider, the platform's trust anchors, no way to switch
//! verification off.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use crate::connector::GuardedConnector;

/// Connects in the clear or with TLS, as the URL's scheme says.
///
/// The trust anchors are read with the first `https` request: they are many, and a server that only talks to its own
/// machine needs none.
#[derive(Clone)]
pub(crate) struct TlsConnector {
    tcp: GuardedConnector,
    tls: Arc<OnceLock<HttpsConnector<GuardedConnector>>>,
}

impl TlsConnector {
    pub(crate) fn new(tcp: GuardedConnector) -> Self {
        Self { tcp, tls: Arc::default() }
    }

    fn tls(&self) -> HttpsConnector<GuardedConnector> {
        let build = || {
            HttpsConnectorBuilder::new()
                .with_tls_config(configuration())
                .https_only()
                .enable_all_versions()
                .wrap_connector(self.tcp.clone())
        };
        self.tls.get_or_init(build).clone()
    }
}

impl Service<Uri> for TlsConnector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if uri.scheme_str() == Some("http") {
            let connecting = self.tcp.call(uri);
            return Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        }
        self.tls().call(uri)
    }
}

/// The configuration for all connections.
///
/// A machine without any trust anchor can still reach loopback servers over plain `http`; its `https` requests fail
/// with an unknown issuer, and the log says why.
fn configuration() -> ClientConfig {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("aws-lc-rs supports TLS 1.2 and 1.3")
    };
    match builder().with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "no trust anchors found: https requests will fail (install ca-certificates)");
            builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    }
}
