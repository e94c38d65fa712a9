//! TLS as the outbound client uses it: one crypto provider, the platform's trust anchors, no way to switch
//! verification off.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

/// The configuration for all connections.
///
/// A machine without any trust anchor can still reach loopback servers over plain `http`; its `https` requests fail
/// with an unknown issuer, and the log says why.
pub(crate) fn configuration() -> ClientConfig {
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
