//! Requests that are signed with an access key instead of carrying a token: the signature is exchanged for a permit.

use std::sync::Arc;

use oauth::{ClientId, GrantId, JwtId, ResourceIndicator, Scope, UserId, access_token::AccessTokenClaims};
use signature::{SignatureError, VerifiedSignature};

use crate::{Challenge, Guard, Permit, verified::Verified};

/// Who acts with an access key, and what it may be used for.
#[derive(Debug, Clone)]
pub struct KeyHolder {
    /// The user, who is one of our own issuer.
    pub user_id: UserId,
    /// Their name.
    pub user_name: String,
    /// What they are.
    pub roles: Vec<String>,
    /// What the key may be used for.
    pub scope: Scope,
    /// Where; empty means at every resource.
    pub resources: Vec<ResourceIndicator>,
}

/// How long a permit holds at most for what still happens under it, on a stream for one: as long as an access token.
const PERMIT_SECONDS: i64 = 600;

impl Guard {
    /// A permit for a request whose signature was verified with the key of this holder, and not used before. It is good
    /// for this resource alone; its client and its grant are called like the key, so that revoking the grant ends it.
    ///
    /// # Errors
    /// 401 where our own issuer is not trusted or the key is for other resources, 403 where the holder does not belong
    /// to the account.
    pub fn exchange(&self, proof: &VerifiedSignature, holder: KeyHolder) -> Result<Permit, Challenge> {
        let KeyHolder { user_id, user_name, roles, scope, resources } = holder;
        let is_for_this = resources.is_empty() || resources.iter().any(|resource| self.is_called(resource));
        let Some(issuer) = self.own_issuer().filter(|_| is_for_this) else {
            return Err(self.refuse_signature("the access key is not for this resource"));
        };
        let now = self.now().seconds();
        let key = proof.access_key_id();
        self.decide(Ok(Arc::new(Verified::from(AccessTokenClaims {
            iss: issuer.clone(),
            sub: user_id.as_str().to_owned(),
            aud: self.resource().clone(),
            exp: now + PERMIT_SECONDS,
            iat: now,
            jti: JwtId::from_unverified(proof.digest().to_base64url()),
            client_id: ClientId::from_unverified(key),
            scope,
            grant_id: Some(GrantId::from_unverified(key)),
            preferred_username: Some(user_name),
            roles,
            groups: Vec::new(),
        }))))
    }

    /// The answer to a signature that is not accepted.
    pub fn refuse_signature(&self, description: &str) -> Challenge {
        self.invalid_signature(description)
    }

    /// The answer to a signed request that is not what it has to be.
    pub fn malformed_signature(&self, error: &SignatureError) -> Challenge {
        match error {
            SignatureError::Several | SignatureError::Malformed => self.invalid_request(&error.to_string()),
            _ => self.refuse_signature(&error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::Request;
    use oauth::{Clock, Issuer, Timestamp};
    use secret::Secret;
    use signature::{CredentialScope, UnverifiedSignature};

    use super::*;
    use crate::{Keys, RevokedTokens, Settings, Tenant, TrustedIssuers};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_203_303);

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            NOW
        }
    }

    /// What `mcp-proxy-for-aws` 1.7.0 sent, with the secret `s`.
    fn proof() -> VerifiedSignature {
        let body = r#"{"method": "tools/call", "params": {"name": "t", "arguments": {}, "_meta": {"AWS_REGION": "us-east-1", "progressToken": 2}}, "jsonrpc": "2.0", "id": 2}"#;
        let (parts, ()) = Request::post("/mcp/demo")
            .header("host", "127.0.0.1:8799")
            .header("accept-encoding", "gzip, deflate")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-session-id", "s1")
            .header("mcp-protocol-version", "2025-11-25")
            .header("content-length", "151")
            .header("x-amz-date", "20261120T193503Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/vestibule/aws4_request, SignedHeaders=accept;accept-encoding;content-length;content-type;host;mcp-protocol-version;mcp-session-id;x-amz-date, Signature=f5f494433ae6581ca68b7fdac826f83ba6f1bdd1fb816cf16d158c0f996dd02d")
            .body(())
            .unwrap()
            .into_parts();
        let scope = CredentialScope { region: "us-east-1".to_owned(), service: "vestibule".to_owned() };
        let unverified = UnverifiedSignature::read(&parts, "/mcp/demo", &scope, NOW).unwrap();
        unverified.verify(body.as_bytes(), &Secret::from("s")).unwrap()
    }

    fn resource(text: &str) -> ResourceIndicator {
        ResourceIndicator::parse(text).unwrap()
    }

    fn settings() -> Settings {
        let issuer = Issuer::parse("https://gw.test").unwrap();
        Settings::new(issuer, resource("https://gw.test/mcp/demo"), Keys::default(), Arc::new(Fixed))
    }

    fn exchange(settings: Settings, resources: &[&str]) -> Result<Permit, u16> {
        let holder = KeyHolder {
            user_id: UserId::from_unverified("user_1"),
            user_name: "ada".to_owned(),
            roles: vec!["dev".to_owned()],
            scope: Scope::parse("read").unwrap(),
            resources: resources.iter().map(|text| resource(text)).collect(),
        };
        Guard::new(settings).exchange(&proof(), holder).map_err(|challenge| challenge.status().as_u16())
    }

    #[test]
    fn a_signature_becomes_a_permit_for_this_resource() {
        let permit = exchange(settings(), &[]).unwrap();
        assert_eq!((permit.subject(), permit.user_name()), ("user_1", Some("ada")));
        assert_eq!(
            (permit.client_id().as_str(), permit.resource().as_str()),
            ("AKIDEXAMPLE", "https://gw.test/mcp/demo")
        );
        assert_eq!((permit.scope().to_string().as_str(), permit.roles()), ("read", &["dev".to_owned()][..]));
        assert!(!permit.is_external());
        assert!(exchange(settings(), &["https://gw.test/mcp/demo"]).is_ok());
        assert_eq!(exchange(settings(), &["https://gw.test/mcp/other"]).unwrap_err(), 401);
    }

    #[test]
    fn a_key_counts_where_our_users_count() {
        let issuers = TrustedIssuers { own: false, external: Vec::new() };
        assert_eq!(exchange(Settings { issuers, ..settings() }, &[]).unwrap_err(), 401);
        let of = |user: &str| Tenant {
            all: "https://gw.test/accounts/".to_owned(),
            own: "https://gw.test/accounts/1/".to_owned(),
            users: [user.to_owned()].into(),
            clients: ["AKIDEXAMPLE".to_owned()].into(),
        };
        assert!(exchange(Settings { tenant: Some(of("ada")), ..settings() }, &[]).is_ok());
        assert_eq!(exchange(Settings { tenant: Some(of("bob")), ..settings() }, &[]).unwrap_err(), 403);
    }

    #[test]
    fn p5_what_a_removed_key_has_open_ends() {
        let revoked = RevokedTokens::default();
        let guard = Guard::new(Settings { revoked: revoked.clone(), ..settings() });
        let holder = KeyHolder {
            user_id: UserId::from_unverified("user_1"),
            user_name: "ada".to_owned(),
            roles: Vec::new(),
            scope: Scope::default(),
            resources: Vec::new(),
        };
        let permit = guard.exchange(&proof(), holder.clone()).unwrap();
        assert!(guard.renew(&permit).is_some());
        revoked.revoke_grant(GrantId::from_unverified("AKIDEXAMPLE"), NOW + Duration::from_mins(15));
        assert!(guard.renew(&permit).is_none());
        assert!(guard.exchange(&proof(), holder).is_err());
    }
}
