//! What an ID token says about the account that was connected (OpenID Connect Core §3.1.3.7). Pure.
//!
//! It came straight from the token endpoint over TLS, so that its signature may be left alone (§3.1.3.7, 6); whom it is
//! about, for whom and from whom it is are looked at all the same. It opens nothing here: it only names the account.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::Timestamp;
use secret::{Digest, Secret};
use serde_json::Value;

use crate::provider::account::{Account, AccountMembers};

/// How far two clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(2);

/// What an ID token has to say.
pub(crate) struct ExpectedIdToken<'a> {
    /// The issuer, where it is known.
    pub(crate) issuer: Option<&'a str>,
    /// Our identifier there.
    pub(crate) client_id: &'a str,
    /// What was sent along with the authorization request.
    pub(crate) nonce: &'a Secret<String>,
}

impl ExpectedIdToken<'_> {
    /// The account that `id_token` names; `None` when it is not one for us.
    pub(crate) fn account(
        &self,
        id_token: &Secret<String>,
        members: &AccountMembers,
        now: Timestamp,
    ) -> Option<Account> {
        let claims = claims(id_token.expose())?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_from_issuer = self.issuer.is_none_or(|issuer| text("iss") == Some(issuer));
        let is_for_us = match claims.get("aud")? {
            Value::String(audience) => audience == self.client_id,
            Value::Array(audiences) => {
                audiences.iter().any(|audience| audience.as_str() == Some(self.client_id))
                    && text("azp").is_none_or(|party| party == self.client_id)
            }
            _ => false,
        };
        let expiry = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds)?;
        let digest = |text: &str| Digest::of(text.as_bytes());
        let is_of_this_flow = text("nonce").map(digest) == Some(digest(self.nonce.expose()));
        let is_good = is_from_issuer && is_for_us && is_of_this_flow && expiry + CLOCK_SKEW > now;
        members.read(&claims).filter(|_| is_good)
    }
}

/// The payload of a JWS in compact serialisation.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn account(changed: &[(&str, Value)]) -> Option<String> {
        let mut claims = json!({
            "iss": "https://p.test", "aud": "us", "exp": 1060, "nonce": "n", "sub": "7", "email": "ada@p.test",
        });
        for (name, value) in changed {
            claims[*name] = value.clone();
        }
        let token = format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let expected =
            ExpectedIdToken { issuer: Some("https://p.test"), client_id: "us", nonce: &Secret::from("n") };
        let members = AccountMembers::of_openid();
        expected.account(&Secret::new(token), &members, NOW).map(|account| account.id)
    }

    #[test]
    fn up_15_an_id_token_names_the_account_only_when_it_is_ours() {
        assert_eq!(account(&[]).as_deref(), Some("7"));
        assert_eq!(account(&[("aud", json!(["us", "them"]))]).as_deref(), Some("7"));
        assert_eq!(account(&[("exp", json!(900))]).as_deref(), Some("7"), "within the skew");
        for changed in [
            ("iss", json!("https://evil.test")),
            ("aud", json!("them")),
            ("aud", json!(["them"])),
            ("exp", json!(800)),
            ("exp", json!("1060")),
            ("nonce", json!("another")),
            ("nonce", Value::Null),
            ("sub", Value::Null),
        ] {
            assert_eq!(account(std::slice::from_ref(&changed)), None, "{changed:?}");
        }
        assert_eq!(account(&[("aud", json!(["us", "them"])), ("azp", json!("them"))]), None);
    }

    #[test]
    fn what_is_no_token_names_nobody() {
        for token in ["", "a.b", "a.b.c.d", "e30.!.sig", "e30.bm8.sig"] {
            assert_eq!(claims(token), None, "{token}");
        }
    }
}
