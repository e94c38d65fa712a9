//! Proof Key for Code Exchange (RFC 7636), S256 only.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::{Digest, Random, Secret};

/// The only `code_challenge_method` there is here: `plain` proves nothing (RFC 9700 §2.1.1).
pub const METHOD: &str = "S256";

/// An S256 code challenge: the SHA-256 digest of the verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(Digest);

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Debug, Clone)]
pub struct CodeVerifier(Secret<String>);

/// The text does not have the form that RFC 7636 §4.1 and §4.2 ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed code challenge or verifier")]
pub struct Malformed;

impl CodeChallenge {
    /// Reads a challenge: 43 characters of unpadded base64url that decode to a SHA-256 digest.
    ///
    /// # Errors
    /// [`Malformed`] for any other text.
    pub fn parse(unverified: &str) -> Result<Self, Malformed> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(unverified).map_err(|_| Malformed)?;
        Digest::from_bytes(&bytes).map(Self).ok_or(Malformed)
    }

    /// The challenge that `verifier` answers.
    pub fn of(verifier: &CodeVerifier) -> Self {
        Self(Digest::of(verifier.0.expose().as_bytes()))
    }

    /// Whether `verifier` answers this challenge; takes the same time wherever they differ.
    pub fn is_answered_by(&self, verifier: &CodeVerifier) -> bool {
        *self == Self::of(verifier)
    }

    /// As it is sent.
    pub fn to_text(&self) -> String {
        self.0.to_base64url()
    }
}

impl CodeVerifier {
    /// Makes a verifier of 256 random bits.
    pub fn mint(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a presented verifier.
    ///
    /// # Errors
    /// [`Malformed`] unless it has 43 to 128 unreserved characters.
    pub fn parse(unverified: &str) -> Result<Self, Malformed> {
        let has_form = (43..=128).contains(&unverified.len())
            && unverified.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        if has_form { Ok(Self(Secret::from(unverified))) } else { Err(Malformed) }
    }

    /// The clear text, for the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_b_of_rfc_7636() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.is_answered_by(&verifier));
        assert_eq!(challenge.to_text(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn az_03_malformed_challenges() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for text in [
            &good[..42],
            &format!("{good}="),
            &good.replace('-', "+"),
            &"a".repeat(129),
            "",
            "ä",
            &good.replace('E', "\0"),
        ] {
            assert!(CodeChallenge::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tk_05_malformed_verifiers() {
        for text in
            ["a".repeat(42), "a".repeat(129), "ä".repeat(43), format!("{}+", "a".repeat(43)), String::new()]
        {
            assert!(CodeVerifier::parse(&text).is_err(), "{text:?}");
        }
        assert!(CodeVerifier::parse(&"a".repeat(43)).is_ok());
        assert!(CodeVerifier::parse(&"~".repeat(128)).is_ok());
    }
}
