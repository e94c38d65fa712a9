//! Access tokens as nobody should be able to make them: signed with the server's own key, which the test reads
//! from its data directory.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth::jws::SigningKey;
use secret::{Keyring, Location, MasterKey};
use serde_json::Value;
use store::Store;

use super::world::World;

/// The server's signing key.
pub(crate) struct Forger {
    key: SigningKey,
}

impl Forger {
    pub(crate) async fn of(world: &World) -> Self {
        let directory = world.server.data_directory();
        let file = std::fs::read_to_string(directory.join("keyring")).expect("there is a keyring");
        let key = BASE64_URL_SAFE_NO_PAD.decode(file.trim()).expect("a key is base64url");
        let master = MasterKey::from_bytes(&key).expect("a key has the right length");
        let keyring = Keyring::new(&[master]).expect("one key is enough");
        let location = format!("sqlite:{}", directory.join("vestibule.sqlite3").display());
        let store = Store::open(store::Location::parse(&location).expect("the path is a location"));
        let keys = store.expect("the database opens").signing_keys().await.expect("the keys can be read");
        let row =
            Location { table: "signing_keys", row: keys[0].kid.as_bytes(), column: "private_key_sealed" };
        let pkcs8 = keyring.open(row, &keys[0].private_key_sealed).expect("the keyring fits");
        Self { key: SigningKey::from_pkcs8(&pkcs8).expect("the key is well-formed") }
    }

    /// Signs claims under this `typ`. A quotation mark in it ends the value: it may bring more members.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        self.sign_text(typ, &claims.to_string())
    }

    /// Signs what may be no claims at all.
    pub(crate) fn sign_text(&self, typ: &str, text: &str) -> String {
        self.key.sign(typ, text.as_bytes())
    }

    pub(crate) fn kid(&self) -> &str {
        &self.key.jwk().kid
    }

    pub(crate) fn jwk(&self) -> Value {
        serde_json::to_value(self.key.jwk()).expect("a key is JSON")
    }
}

/// The claims of a token, believed.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("the claims are base64url");
    serde_json::from_slice(&payload).expect("the claims are JSON")
}

/// Header and claims with whatever signature.
pub(crate) fn assemble(header: &str, claims: &Value, signature: &[u8]) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()), encode(signature))
}

/// Signed with HMAC-SHA-256 under a secret that everybody knows.
pub(crate) fn with_hmac(header: &str, claims: &Value, secret: &[u8]) -> String {
    let message = assemble(header, claims, b"");
    let message = message.trim_end_matches('.');
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()))
}
