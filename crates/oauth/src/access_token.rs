//! Access tokens: JWTs after RFC 9068.

use secret::Secret;
use serde::{Deserialize, Serialize};

use crate::{
    ClientId, GrantId, Issuer, JwtId, ResourceIndicator, Scope, Timestamp,
    jws::{self, JwsError, SigningKey, VerifyingKey},
};

/// `typ` of an access token (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068 §2.2). All are required; a token without one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Who issued it.
    pub iss: Issuer,
    /// The resource owner, or the client itself for `client_credentials`.
    pub sub: String,
    /// The one resource it is for.
    pub aud: ResourceIndicator,
    /// Expiry, seconds since the epoch.
    pub exp: i64,
    /// Issue, seconds since the epoch.
    pub iat: i64,
    /// This token's identifier.
    pub jti: JwtId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// What it may be used for.
    pub scope: Scope,
    /// The grant it comes from; revoking the grant revokes the token. Absent for `client_credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// The resource owner's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// What the resource owner is (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Where the resource owner belongs (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// The signature or its header.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A claim is missing or of the wrong type.
    #[error("a required claim is missing or malformed")]
    Claims,
    /// Another issuer.
    #[error("another issuer")]
    Issuer,
    /// Another resource.
    #[error("issued for another resource")]
    Audience,
    /// Past its expiry.
    #[error("expired")]
    Expired,
    /// Issued later than now.
    #[error("not valid yet")]
    NotYetValid,
}

/// How far two clocks may be apart, in seconds, for a token to be "issued in the future".
const CLOCK_SKEW_SECONDS: i64 = 60;

impl AccessTokenClaims {
    /// Signs the claims.
    pub fn sign(&self, key: &SigningKey) -> Secret<String> {
        let claims = serde_json::to_vec(self).expect("claims are strings and numbers");
        Secret::new(key.sign(TYPE, &claims))
    }

    /// Whether the token is expired at `now`. There is no tolerance: the issuer decides how long it lives.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.exp <= now.seconds()
    }
}

/// Verifies signature, type, issuer and times; the audience is the caller's, since one issuer serves many
/// resources and introspection asks for any of them.
///
/// # Errors
/// [`AccessTokenError`].
pub fn verify(
    unverified: &str,
    issuer: &Issuer,
    keys: &[VerifyingKey],
    now: Timestamp,
) -> Result<AccessTokenClaims, AccessTokenError> {
    let claims = jws::verify(unverified, TYPE, keys)?;
    let claims: AccessTokenClaims = serde_json::from_slice(&claims).map_err(|_| AccessTokenError::Claims)?;
    if claims.iss != *issuer {
        return Err(AccessTokenError::Issuer);
    }
    if claims.is_expired(now) {
        return Err(AccessTokenError::Expired);
    }
    if claims.iat > now.seconds() + CLOCK_SKEW_SECONDS {
        return Err(AccessTokenError::NotYetValid);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn claims() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: Issuer::parse("https://as.test").unwrap(),
            sub: "user_1".into(),
            aud: ResourceIndicator::parse("https://rs.test/mcp").unwrap(),
            exp: NOW.seconds() + 600,
            iat: NOW.seconds(),
            jti: JwtId::from_unverified("j"),
            client_id: ClientId::from_unverified("c"),
            scope: Scope::parse("read").unwrap(),
            grant_id: None,
            preferred_username: None,
            roles: vec!["dev".into()],
            groups: Vec::new(),
        }
    }

    type Change = fn(&mut AccessTokenClaims);

    struct World {
        key: SigningKey,
        keys: Vec<VerifyingKey>,
    }

    fn world() -> World {
        let (key, _) = SigningKey::generate();
        let keys = vec![VerifyingKey::from_jwk(key.jwk()).unwrap()];
        World { key, keys }
    }

    impl World {
        fn verify(&self, token: &str) -> Result<AccessTokenClaims, AccessTokenError> {
            verify(token, &claims().iss, &self.keys, NOW)
        }

        /// Signs with the right key whatever header is given.
        fn with_header(&self, header: &str) -> String {
            let signed = self.key.sign(TYPE, &serde_json::to_vec(&claims()).unwrap());
            let rest = signed.split_once('.').unwrap().1.to_owned();
            format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header))
        }
    }

    #[test]
    fn what_is_signed_verifies() {
        let world = world();
        assert_eq!(world.verify(claims().sign(&world.key).expose()).unwrap(), claims());
    }

    #[test]
    fn a_key_survives_storage() {
        let (key, pkcs8) = SigningKey::generate();
        let again = SigningKey::from_pkcs8(&pkcs8).unwrap();
        assert_eq!(again.jwk(), key.jwk());
        assert!(SigningKey::from_pkcs8(&Secret::new(b"no key".to_vec())).is_err());
    }

    #[test]
    fn claims_are_required_and_checked() {
        let world = world();
        let rows: [(Change, AccessTokenError); 3] = [
            (|claims| claims.iss = Issuer::parse("https://as.test.evil").unwrap(), AccessTokenError::Issuer),
            (|claims| claims.exp = NOW.seconds(), AccessTokenError::Expired),
            (|claims| claims.iat = NOW.seconds() + 61, AccessTokenError::NotYetValid),
        ];
        for (change, expect) in rows {
            let mut changed = claims();
            change(&mut changed);
            assert_eq!(world.verify(changed.sign(&world.key).expose()).unwrap_err(), expect);
        }
        let all = serde_json::to_value(claims()).unwrap();
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
            let mut without = all.clone();
            without.as_object_mut().unwrap().remove(name);
            let token = world.key.sign(TYPE, without.to_string().as_bytes());
            assert_eq!(world.verify(&token).unwrap_err(), AccessTokenError::Claims, "without {name}");
            let mut wrong = all.clone();
            wrong[name] = serde_json::json!([{ "x": 1 }]);
            let token = world.key.sign(TYPE, wrong.to_string().as_bytes());
            assert_eq!(world.verify(&token).unwrap_err(), AccessTokenError::Claims, "wrong {name}");
        }
    }

    #[test]
    fn tk_29_and_31_hostile_headers() {
        let world = world();
        let kid = world.key.jwk().kid.clone();
        let rows = [
            (format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), JwsError::Algorithm),
            (format!(r#"{{"alg":"nOnE","typ":"at+jwt","kid":"{kid}"}}"#), JwsError::Algorithm),
            (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#), JwsError::Algorithm),
            (format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}","crit":["x"]}}"#), JwsError::Algorithm),
            (format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}","b64":false}}"#), JwsError::Algorithm),
            (format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}","zip":"DEF"}}"#), JwsError::Algorithm),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"../../dev/null"}"#.into(), JwsError::UnknownKey),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"' OR 1=1--"}"#.into(), JwsError::UnknownKey),
            (r#"{"alg":"ES256","typ":"at+jwt"}"#.into(), JwsError::UnknownKey),
            (format!(r#"{{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), JwsError::Malformed),
            (format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{kid}"}}"#), JwsError::Type),
            (format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), JwsError::Type),
            (format!(r#"{{"alg":"ES256","typ":"oauth-id-jag+jwt","kid":"{kid}"}}"#), JwsError::Type),
            // Well-formed, but not what was signed.
            (
                format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}","jku":"https://evil"}}"#),
                JwsError::Signature,
            ),
        ];
        for (header, expect) in rows {
            let error = world.verify(&world.with_header(&header)).unwrap_err();
            assert_eq!(error, AccessTokenError::Jws(expect), "{header}");
        }
    }

    #[test]
    fn tk_29_and_33_hostile_signatures() {
        let world = world();
        let token = claims().sign(&world.key);
        let (message, signature) = token.expose().rsplit_once('.').unwrap();
        let zero = BASE64_URL_SAFE_NO_PAD.encode([0; 64]);
        let der = BASE64_URL_SAFE_NO_PAD.encode([0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01]);
        for forged in [
            format!("{message}."),
            format!("{message}.{zero}"),
            format!("{message}.{der}"),
            message.to_owned(),
            format!("{message}.{signature}."),
            format!("{message}.{signature}.x"),
            format!("{message}.{signature}="),
        ] {
            assert!(world.verify(&forged).is_err(), "{forged}");
        }
        let (other, _) = SigningKey::generate();
        let forged = claims().sign(&other);
        assert_eq!(world.verify(forged.expose()).unwrap_err(), AccessTokenError::Jws(JwsError::UnknownKey));
    }

    #[test]
    fn tk_33_a_point_off_the_curve_is_no_key() {
        let (key, _) = SigningKey::generate();
        let mut jwk = key.jwk().clone();
        jwk.y = jwk.x.clone();
        assert!(VerifyingKey::from_jwk(&jwk).is_none());
    }

    #[test]
    fn md_14_a_public_key_has_no_private_part() {
        let (key, _) = SigningKey::generate();
        let json = serde_json::to_value(key.jwk()).unwrap();
        let mut names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
