//! Tokens of this installation, by their form: how long is the one that a text begins with?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// `vst_` and two letters for the kind, between underscores.
const PREFIX: usize = "vst_rt_".len();
/// Longer tokens are not ours, in bytes.
const LONGEST: usize = 16 * 1024;

/// An opaque token of any kind.
pub(super) fn opaque(text: &str) -> Option<usize> {
    secret::token_length(text, PREFIX)
}

/// An access token that says it is of `issuer`, whatever its signature: one that has expired, or was signed with a key
/// that is gone, is not for a model to read either.
pub(super) fn json_web_token(text: &str, issuer: &str) -> Option<usize> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length = text.as_bytes().iter().take(LONGEST).take_while(|byte| is_of_token(byte)).count();
    let mut parts = text[..length].split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims_json = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let read: Claims = serde_json::from_slice(&claims_json).ok()?;
    (read.iss == issuer).then_some(header.len() + 1 + claims.len() + 1 + signature.len())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    struct Kind;
    impl secret::TokenKind for Kind {
        const PREFIX: &'static str = "vst_rt_";
    }
    struct Sevens;
    impl secret::Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    pub(in super::super) fn opaque_token() -> String {
        secret::Token::<Kind>::mint(&Sevens).expose().to_owned()
    }

    pub(in super::super) fn access_token(issuer: &str) -> String {
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let claims = encoded(&format!("{{\"iss\":\"{issuer}\",\"sub\":\"ada\"}}"));
        format!("{}.{claims}.c2lnbmF0dXJl", encoded("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"))
    }

    #[test]
    fn a_token_ends_where_it_ends() {
        let token = opaque_token();
        assert_eq!(opaque(&format!("{token}, and more")), Some(token.len()));
        assert_eq!(opaque(&token[..token.len() - 1]), None);
        assert_eq!(opaque("vst_é"), None);
        let token = access_token("https://v.test");
        assert_eq!(json_web_token(&format!("{token}\" x"), "https://v.test"), Some(token.len()));
        assert_eq!(json_web_token(&format!("{token}.x"), "https://v.test"), Some(token.len()));
        assert_eq!(json_web_token(&token, "https://w.test"), None);
        assert_eq!(json_web_token("eyJ", "https://v.test"), None);
    }
}
