//! JSON Web Keys (RFC 7517), public ones only.

mod foreign;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::Digest;
use serde::{Deserialize, Serialize};

pub use foreign::{MAXIMUM_KEYS, MalformedJwkSet, verifying_keys};

/// A set of public keys (RFC 7517 §5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// A public P-256 key for ES256 signatures. It has no member for a private part, so none can be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `EC`
    pub kty: String,
    /// `P-256`
    pub crv: String,
    /// First coordinate, base64url.
    pub x: String,
    /// Second coordinate, base64url.
    pub y: String,
    /// Key identifier: the key's own thumbprint.
    pub kid: String,
    /// `ES256`
    pub alg: String,
    /// `sig`
    #[serde(rename = "use")]
    pub public_key_use: String,
}

const COORDINATE_LENGTH: usize = 32;
const UNCOMPRESSED: u8 = 4;

impl Jwk {
    /// The key of an uncompressed P-256 point (SEC 1 §2.3.3: `04 || x || y`).
    pub(crate) fn from_point(point: &[u8]) -> Option<Self> {
        let [UNCOMPRESSED, coordinates @ ..] = point else { return None };
        if coordinates.len() != 2 * COORDINATE_LENGTH {
            return None;
        }
        let (x, y) = coordinates.split_at(COORDINATE_LENGTH);
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
        Some(Self {
            kid: thumbprint(&x, &y),
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x,
            y,
            alg: "ES256".to_owned(),
            public_key_use: "sig".to_owned(),
        })
    }

    /// The uncompressed point, if this is an ES256 key. Whether it lies on the curve, the verifier checks.
    pub(crate) fn to_point(&self) -> Option<Vec<u8>> {
        if self.kty != "EC" || self.crv != "P-256" || self.alg != "ES256" {
            return None;
        }
        let mut point = vec![UNCOMPRESSED];
        for coordinate in [&self.x, &self.y] {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(coordinate).ok()?;
            if bytes.len() != COORDINATE_LENGTH {
                return None;
            }
            point.extend_from_slice(&bytes);
        }
        Some(point)
    }
}

/// JWK thumbprint (RFC 7638 §3): the digest of the required members in alphabetical order.
fn thumbprint(x: &str, y: &str) -> String {
    Digest::of(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()).to_base64url()
}
