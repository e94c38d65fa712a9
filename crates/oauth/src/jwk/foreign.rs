//! The key set of another issuer: whatever keys it has, of which those are taken that can verify a signature here.

use aws_lc_rs::{encoding::AsDer as _, signature::RsaPublicKeyComponents};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::jws::{Algorithm, VerifyingKey};

/// The most keys that are taken from one set; issuers have two or three.
pub const MAXIMUM_KEYS: usize = 64;

/// The document is not a JWK set (RFC 7517 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JWK set")]
pub struct MalformedJwkSet;

#[derive(Deserialize)]
struct UnverifiedSet {
    keys: Vec<Value>,
}

/// A key as it is published. Every member may be missing or strange: then the key is left out.
#[derive(Deserialize)]
struct UnverifiedKey {
    kty: String,
    kid: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    public_key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// A private part: whoever publishes one has no secret any more.
    d: Option<serde::de::IgnoredAny>,
}

/// The keys of a set that verify signatures, each pinned to one algorithm: the one it names, or the one of its kind
/// (`RS256` for RSA). Symmetric, private, encrypting and nameless keys are left out, as RFC 7517 §5 asks for what is
/// not understood.
///
/// # Errors
/// [`MalformedJwkSet`].
pub fn verifying_keys(document: &[u8]) -> Result<Vec<VerifyingKey>, MalformedJwkSet> {
    let set: UnverifiedSet = serde_json::from_slice(document).map_err(|_| MalformedJwkSet)?;
    let keys = set.keys.into_iter().filter_map(|key| verifying_key(&serde_json::from_value(key).ok()?));
    Ok(keys.take(MAXIMUM_KEYS).collect())
}

fn verifying_key(key: &UnverifiedKey) -> Option<VerifyingKey> {
    let verifies = key.public_key_use.as_deref().is_none_or(|found| found == "sig")
        && key.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|found| found == "verify"))
        && key.d.is_none();
    if !verifies {
        return None;
    }
    let algorithm = algorithm(key)?;
    let material = match key.kty.as_str() {
        "EC" => point(key, if algorithm == Algorithm::Es256 { 32 } else { 48 })?,
        "OKP" => bytes(key.x.as_ref()?)?,
        _ => rsa(key)?,
    };
    VerifyingKey::new(&key.kid, algorithm, &material)
}

/// The one algorithm of the key: its kind decides which are possible, and its `alg` says which of them.
fn algorithm(key: &UnverifiedKey) -> Option<Algorithm> {
    use Algorithm::{EdDsa, Es256, Es384, Ps256, Rs256, Rs384, Rs512};
    let possible: &[Algorithm] = match (key.kty.as_str(), key.crv.as_deref()) {
        ("EC", Some("P-256")) => &[Es256],
        ("EC", Some("P-384")) => &[Es384],
        ("OKP", Some("Ed25519")) => &[EdDsa],
        ("RSA", _) => &[Rs256, Rs384, Rs512, Ps256],
        _ => &[],
    };
    match &key.alg {
        None => possible.first().copied(),
        Some(alg) => possible.iter().copied().find(|algorithm| algorithm.as_str() == alg),
    }
}

/// SEC 1 §2.3.3: `04 || x || y`
fn point(key: &UnverifiedKey, coordinate: usize) -> Option<Vec<u8>> {
    let (x, y) = (bytes(key.x.as_ref()?)?, bytes(key.y.as_ref()?)?);
    (x.len() == coordinate && y.len() == coordinate).then(|| [&[4], &*x, &*y].concat())
}

fn rsa(key: &UnverifiedKey) -> Option<Vec<u8>> {
    let components = RsaPublicKeyComponents { n: bytes(key.n.as_ref()?)?, e: bytes(key.e.as_ref()?)? };
    Some(components.as_der().ok()?.as_ref().to_vec())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsDer,
        rand::SystemRandom,
        rsa::{KeySize, PublicEncryptingKey},
        signature::{
            Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
        },
    };
    use serde_json::json;

    use super::*;
    use crate::jws::{self, JwsError, SigningKey};

    fn encoded(bytes: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn keys(keys: &Value) -> Vec<VerifyingKey> {
        verifying_keys(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn rsa_jwk(pair: &RsaKeyPair, alg: Option<&str>) -> Value {
        let public = pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        let n = encoded(n.big_endian_without_leading_zero());
        let e = encoded(e.big_endian_without_leading_zero());
        let mut jwk = json!({ "kty": "RSA", "kid": "r", "use": "sig", "n": n, "e": e });
        if let Some(alg) = alg {
            jwk["alg"] = alg.into();
        }
        jwk
    }

    fn signed(alg: &str, kid: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let header = encoded(json!({ "alg": alg, "typ": "JWT", "kid": kid }).to_string().as_bytes());
        let message = format!("{header}.{}", encoded(b"{}"));
        let signature = encoded(&sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn rsa_signed(pair: &RsaKeyPair, alg: &str, padding: &'static dyn RsaEncoding) -> String {
        signed(alg, "r", |message| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        })
    }

    #[test]
    fn tk_29_a_key_verifies_its_own_algorithm_and_no_other() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let rs256 = rsa_signed(&pair, "RS256", &RSA_PKCS1_SHA256);
        let ps256 = rsa_signed(&pair, "PS256", &RSA_PSS_SHA256);
        let mislabelled = rsa_signed(&pair, "RS256", &RSA_PSS_SHA256);
        for (alg, token, expect) in [
            (None, &rs256, Ok(b"{}".to_vec())),
            (Some("RS256"), &rs256, Ok(b"{}".to_vec())),
            (Some("PS256"), &ps256, Ok(b"{}".to_vec())),
            (None, &ps256, Err(JwsError::Algorithm)),
            (Some("PS256"), &rs256, Err(JwsError::Algorithm)),
            (Some("RS512"), &rs256, Err(JwsError::Algorithm)),
            (None, &mislabelled, Err(JwsError::Signature)),
        ] {
            assert_eq!(jws::verify(token, "JWT", &keys(&json!([rsa_jwk(&pair, alg)]))), expect, "{alg:?}");
        }
    }

    /// The classic confusion: the public key, taken for the secret of an HMAC.
    #[test]
    fn tk_29_a_public_key_is_no_hmac_secret() {
        use aws_lc_rs::hmac;
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let token = signed("HS256", "r", |message| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_ref()), message).as_ref().to_vec()
        });
        let keys = keys(&json!([rsa_jwk(&pair, None), { "kty": "oct", "kid": "r", "k": "AAAA" }]));
        assert_eq!(keys.len(), 1);
        assert_eq!(jws::verify(&token, "JWT", &keys), Err(JwsError::Algorithm));
        assert!(PublicEncryptingKey::from_der(public.as_ref()).is_ok(), "it was the key's own encoding");
    }

    #[test]
    fn keys_of_every_kind_are_read_and_may_share_a_name() {
        let (signing, _) = SigningKey::generate();
        let mut ec = serde_json::to_value(signing.jwk()).unwrap();
        ec["kid"] = "k".into();
        let pair = Ed25519KeyPair::generate().unwrap();
        let ed =
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encoded(pair.public_key().as_ref()) });
        let keys = keys(&json!([ec, ed, { "kty": "EC", "crv": "secp256k1", "kid": "k" }, 7, null]));
        assert_eq!(
            keys.iter().map(VerifyingKey::algorithm).collect::<Vec<_>>(),
            [Algorithm::Es256, Algorithm::EdDsa]
        );
        let token = signed("EdDSA", "k", |message| pair.sign(message).as_ref().to_vec());
        assert_eq!(jws::verify(&token, "JWT", &keys), Ok(b"{}".to_vec()));
    }

    #[test]
    fn what_cannot_verify_is_left_out() {
        let (signing, _) = SigningKey::generate();
        let good = serde_json::to_value(signing.jwk()).unwrap();
        for (member, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("d", json!("AAAA")),
            ("alg", json!("HS256")),
            ("alg", json!("none")),
            ("alg", json!("RS256")),
            ("crv", json!("P-384")),
            ("x", json!("AAAA")),
            ("kid", json!(null)),
            ("kty", json!("oct")),
        ] {
            let mut key = good.clone();
            key[member] = value.clone();
            assert!(keys(&json!([key])).is_empty(), "{member} = {value}");
        }
        assert_eq!(keys(&json!([good])).len(), 1);
        assert_eq!(keys(&Value::Array(vec![good; 100])).len(), MAXIMUM_KEYS);
        for wrong in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(verifying_keys(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
