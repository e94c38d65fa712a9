//! JSON Web Signature, compact serialisation (RFC 7515 §7.1). Signed with ES256 (RFC 7518 §3.4); verified with
//! whatever [`Algorithm`] the key of another issuer is for.
//!
//! The algorithm belongs to the key, never to the message: `alg` in a header is compared, not obeyed. Keys,
//! URLs and certificates in a header are not looked at.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ED25519,
        EcdsaKeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
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

/// How a key signs (RFC 7518 §3.1, RFC 8037 §3.1). Only asymmetric algorithms have a place here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
    /// RSA with PKCS #1 padding and SHA-256; the key has 2048 to 8192 bits.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSA with PSS padding and SHA-256; the key has 2048 to 8192 bits.
    Ps256,
}

impl Algorithm {
    /// `alg` of a header or a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &ECDSA_P384_SHA384_FIXED,
            Self::EdDsa => &ED25519,
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
        }
    }
}

/// A public key with the one algorithm that it verifies signatures of.
pub struct VerifyingKey {
    kid: String,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The key of a JWK; `None` when it is no ES256 key or its point is not on the curve.
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        Self::new(&jwk.kid, Algorithm::Es256, &jwk.to_point()?)
    }

    /// `key` in the form that the algorithm has: a point, 32 bytes, or DER.
    pub(crate) fn new(kid: &str, algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        let key = ParsedPublicKey::new(algorithm.verification(), key).ok()?;
        Some(Self { kid: kid.to_owned(), algorithm, key })
    }

    /// The identifier that headers name it by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
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
    verify_of_type(jws, keys, |found| found.is_some_and(|found| found.eq_ignore_ascii_case(typ)))
}

/// Verifies `jws` as a JWT signed by one of `keys`, whose `typ`, without "application/", is one that `is_wanted`;
/// returns the claims' JSON.
///
/// # Errors
/// [`JwsError`].
pub fn verify_of_type(
    jws: &str,
    keys: &[VerifyingKey],
    is_wanted: impl FnOnce(Option<&str>) -> bool,
) -> Result<Vec<u8>, JwsError> {
    let Parts { message, header, claims, signature } = Parts::of(jws)?;
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| JwsError::Malformed)?;
    if header.crit.is_some() || header.b64.is_some() || header.zip.is_some() {
        return Err(JwsError::Algorithm);
    }
    // RFC 9068 §4 and RFC 7515 §4.1.9: the media type may be written with or without "application/".
    let typ = header.typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    if !is_wanted(typ) {
        return Err(JwsError::Type);
    }
    let key = find(keys, &header)?;
    key.key.verify_sig(message.as_bytes(), &decode(signature)?).map_err(|_| JwsError::Signature)?;
    decode(claims)
}

/// The header's `kid` before anything is verified: good for looking for a key, and for nothing else.
pub fn unverified_kid(jws: &str) -> Option<String> {
    let header = decode(Parts::of(jws).ok()?.header).ok()?;
    let header: Header<'_> = serde_json::from_slice(&header).ok()?;
    header.kid.map(std::borrow::Cow::into_owned)
}

/// The claims before anything is verified: good for choosing whose keys to verify with, and for nothing else.
pub fn unverified_claims<T: serde::de::DeserializeOwned>(jws: &str) -> Option<T> {
    serde_json::from_slice(&decode(Parts::of(jws).ok()?.claims).ok()?).ok()
}

struct Parts<'a> {
    /// Header and claims, which are signed.
    message: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(jws: &'a str) -> Result<Self, JwsError> {
        if jws.len() > MAXIMUM_LENGTH {
            return Err(JwsError::Malformed);
        }
        let (message, signature) = jws.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(JwsError::Malformed)?;
        Ok(Self { message, header, claims, signature })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed)
}

/// RFC 7517 §4.5: keys of different types may share a `kid`; the algorithm tells them apart.
fn find<'k>(keys: &'k [VerifyingKey], header: &Header<'_>) -> Result<&'k VerifyingKey, JwsError> {
    let kid = header.kid.as_deref().ok_or(JwsError::UnknownKey)?;
    let mut named = keys.iter().filter(|key| key.kid == kid).peekable();
    named.peek().ok_or(JwsError::UnknownKey)?;
    named.find(|key| key.algorithm.as_str() == header.alg).ok_or(JwsError::Algorithm)
}
