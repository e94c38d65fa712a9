//! The authorization servers elsewhere whose tokens are accepted. One that stays as it was keeps its keys.

use std::sync::Arc;

use anyhow::bail;
use guard::{ExternalIssuer, ExternalIssuerSettings, Introspection, TrustedIssuers, Verification};

use super::{Parts, connected::egress};
use crate::config::{
    issuer::{Issuer, TokenType, Trust},
    server::Server,
};

/// The issuers of one configuration.
#[derive(Default)]
pub(super) struct Issuers(Vec<(Issuer, ExternalIssuer)>);

impl Issuers {
    /// Those that are configured; `former` are those there were.
    pub(super) fn of(configured: &[Issuer], former: &Self, parts: &Parts) -> anyhow::Result<Self> {
        let issuer = |configured: &Issuer| {
            if configured.url == parts.issuer.as_str() {
                bail!("the [[issuer]] {:?} is this server itself", configured.url);
            }
            let kept = former.0.iter().find(|(known, _)| known == configured).map(|(_, kept)| kept.clone());
            let issuer = kept.map_or_else(|| external(configured, parts), Ok)?;
            Ok((configured.clone(), issuer))
        };
        configured.iter().map(issuer).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Which of them a server trusts.
    pub(super) fn trust(&self, server: &Server) -> Trust {
        let configured: Vec<_> = self.0.iter().map(|(configured, _)| configured.clone()).collect();
        server.trust(&configured)
    }

    /// Those that are trusted.
    pub(super) fn trusted(&self, trust: &Trust) -> TrustedIssuers {
        let is_trusted = |(configured, _): &&(Issuer, ExternalIssuer)| trust.external.contains(configured);
        let external = self.0.iter().filter(is_trusted).map(|(_, issuer)| issuer.clone()).collect();
        TrustedIssuers { own: trust.own, external }
    }
}

fn external(issuer: &Issuer, parts: &Parts) -> anyhow::Result<ExternalIssuer> {
    let verification = match &issuer.introspection {
        None => Verification::Keys,
        Some(how) => Verification::Introspection(Introspection {
            client_id: how.client_id.clone(),
            client_secret: how.client_secret.clone(),
            endpoint: how.endpoint.clone(),
        }),
    };
    let url = issuer.url.parse()?;
    let egress = egress(&url, &issuer.allow_private, &parts.issuer);
    Ok(ExternalIssuer::new(ExternalIssuerSettings {
        issuer: issuer.identifier()?,
        verification,
        audiences: issuer.audiences.clone(),
        requires_type: issuer.token_type == TokenType::AccessToken,
        claims: issuer.claims(),
        client: outbound::Client::new(egress),
        clock: Arc::clone(&parts.clock),
    }))
}
