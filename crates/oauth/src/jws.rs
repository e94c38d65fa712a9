//! JSON Web Signature, compact serialisation, ES256 (RFC 7515 §7.1, RFC 7518 §3.4).
//!
//! The algorithm belongs to the key, never to the message: `alg` in a header is compared, not obeyed. Keys,
//! URLs and certificates in a header are not looked at.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::Secret;
use serde::Deserialize;

use crate::jwk::Jwk;

/// The longest accepted JWS, in bytes.
pub const MAXIMUM_LENGTH: usize = 16 * 1024;

/// A private ES256 key with its public half.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    jwk: Jwk,
}

/// The bytes are not a P-256 private key in PKCS #8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 private key in PKCS #8")]
pub struct MalformedKey;

impl SigningKey {
    /// Makes a new key; returns it with its PKCS #8 form for sealing.
    ///
    /// The library draws the key from the operating system's generator itself and offers no other source.
    pub fn generate() -> (Self, Secret<Vec<u8>>) {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("the operating system's generator works");
        let pkcs8 = Secret::new(document.as_ref().to_vec());
        let key = Self::from_pkcs8(&pkcs8).expect("a key just generated is well-formed");
        (key, pkcs8)
    }

    /// A key read back from storage.
    ///
    /// # Errors
    /// [`MalformedKey`].
    pub fn from_pkcs8(pkcs8: &Secret<Vec<u8>>) -> Result<Self, MalformedKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
            .map_err(|_| MalformedKey)?;
        let jwk = Jwk::from_point(pair.public_key().as_ref()).ok_or(MalformedKey)?;
        Ok(Self { pair, jwk })
    }

    /// The public half.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs `claims` (JSON) as a JWS whose header names `typ` and this key.
    pub fn sign(&self, typ: &str, claims: &[u8]) -> String {
        let header = format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{}"}}"#, self.jwk.kid);
        let mut jws = String::with_capacity((header.len() + claims.len() + 64) * 4 / 3 + 8);
        BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut jws);
        jws.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut jws);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), jws.as_bytes())
            .expect("a P-256 signature of any message exists");
        jws.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut jws);
        jws
    }
}

/// A public key that verifies ES256 signatures.
pub struct VerifyingKey {
    kid: String,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The key of a JWK; `None` when it is no ES256 key or its point is not on the curve.
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, jwk.to_point()?).ok()?;
        Some(Self { kid: jwk.kid.clone(), key })
    }
}

/// Why a JWS is refused. Callers answer all of them alike; the log may tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three base64url parts with a JSON header.
    #[error("not a compact JWS")]
    Malformed,
    /// Another type of JWT than the one expected.
    #[error("another type of token")]
    Type,
    /// `alg` is not the key's algorithm, or the header asks for something critical.
    #[error("another algorithm or an unknown critical header")]
    Algorithm,
    /// No key of this identifier.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature does not verify")]
    Signature,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    typ: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    kid: Option<std::borrow::Cow<'a, str>>,
    crit: Option<serde::de::IgnoredAny>,
    b64: Option<serde::de::IgnoredAny>,
    zip: Option<serde::de::IgnoredAny>,
}

/// Verifies `jws` as a JWT of type `typ` signed by one of `keys`; returns the claims' JSON.
///
/// # Errors
/// [`JwsError`].
pub fn verify(jws: &str, typ: &str, keys: &[VerifyingKey]) -> Result<Vec<u8>, JwsError> {
    if jws.len() > MAXIMUM_LENGTH {
        return Err(JwsError::Malformed);
    }
    let (message, signature) = jws.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(JwsError::Malformed)?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed);
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| JwsError::Malformed)?;
    check_header(&header, typ)?;
    let kid = header.kid.ok_or(JwsError::UnknownKey)?;
    let key = keys.iter().find(|key| key.kid == kid).ok_or(JwsError::UnknownKey)?;
    key.key.verify_sig(message.as_bytes(), &decode(signature)?).map_err(|_| JwsError::Signature)?;
    decode(claims)
}

fn check_header(header: &Header<'_>, typ: &str) -> Result<(), JwsError> {
    if header.alg != "ES256" || header.crit.is_some() || header.b64.is_some() || header.zip.is_some() {
        return Err(JwsError::Algorithm);
    }
    // RFC 9068 §4 and RFC 7515 §4.1.9: the media type may be written with or without "application/".
    let found = header.typ.as_deref().ok_or(JwsError::Type)?;
    let found = found.strip_prefix("application/").unwrap_or(found);
    if found.eq_ignore_ascii_case(typ) { Ok(()) } else { Err(JwsError::Type) }
}
