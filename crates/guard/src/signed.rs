//! Requests that are signed with an access key instead of carrying a token: the signature is exchanged for a permit.

use std::sync::Arc;

use oauth::{ClientId, GrantId, JwtId, ResourceIndicator, Scope, UserId, access_token::AccessTokenClaims};
use signature::{SignatureError, VerifiedSignature};

use crate::{Challenge, Guard, Permit};

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
        self.decide(Ok(Arc::new(AccessTokenClaims {
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
        })))
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
