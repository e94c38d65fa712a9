use oauth::{
    Timestamp,
    jws::{self, JwsError, SigningKey, VerifyingKey},
};
use secret::Digest;
use serde::{Deserialize, Serialize};

use crate::Head;

/// How far a chain was at a time: what a signature makes final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub node: String,
    /// How far it was.
    pub head: Head,
    /// When this was said.
    pub time: Timestamp,
}

/// A checkpoint as it is stored: where it claims to belong, and the signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// [`Checkpoint::node`].
    pub node: String,
    /// The sequence number of its [`Checkpoint::head`].
    pub sequence: i64,
    /// A compact JWS of type [`Checkpoint::TYPE`].
    pub jws: String,
}

/// Why a checkpoint does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The signature.
    #[error(transparent)]
    Signature(#[from] JwsError),
    /// What is signed is no checkpoint.
    #[error("what is signed is not a checkpoint")]
    Claims,
    /// It is one of another chain or of another place in this one.
    #[error("it was signed for another place")]
    Place,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    hash: String,
    node: String,
    sequence: i64,
    time: Timestamp,
}

impl Checkpoint {
    /// The `typ` of the JWS, which keeps it apart from the access tokens that the same key signs.
    pub const TYPE: &str = "vestibule-audit-checkpoint+jwt";

    /// Signs it (ES256).
    pub fn sign(&self, key: &SigningKey) -> SignedCheckpoint {
        let claims = Claims {
            hash: self.head.hash.to_base64url(),
            node: self.node.clone(),
            sequence: self.head.sequence,
            time: self.time,
        };
        let claims =
            serde_json::to_vec(&claims).expect("these types have string keys and cannot fail to serialise");
        SignedCheckpoint {
            node: self.node.clone(),
            sequence: self.head.sequence,
            jws: key.sign(Self::TYPE, &claims),
        }
    }
}

impl SignedCheckpoint {
    /// What it says, if one of `keys` signed it for the place it stands at.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn verify(&self, keys: &[VerifyingKey]) -> Result<VerifiedCheckpoint, CheckpointError> {
        let claims = jws::verify(&self.jws, Checkpoint::TYPE, keys)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| CheckpointError::Claims)?;
        if claims.node != self.node || claims.sequence != self.sequence {
            return Err(CheckpointError::Place);
        }
        Ok(VerifiedCheckpoint { sequence: claims.sequence, hash: claims.hash })
    }
}

/// A checkpoint that somebody trusted signed. Compared by the text of its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    pub(crate) sequence: i64,
    hash: String,
}

impl VerifiedCheckpoint {
    /// Whether it speaks of this hash.
    pub(crate) fn is_of(&self, hash: &Digest) -> bool {
        self.hash == hash.to_base64url()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { node: "n".into(), head: Head::default(), time: Timestamp::from_seconds(1) }
    }

    #[test]
    fn only_a_trusted_key_counts_and_only_at_its_place() {
        let (key, _) = SigningKey::generate();
        let (stranger, _) = SigningKey::generate();
        let keys = [VerifyingKey::from_jwk(key.jwk()).unwrap()];
        let signed = checkpoint().sign(&key);
        assert!(signed.verify(&keys).unwrap().is_of(&Head::default().hash));

        let by_stranger = checkpoint().sign(&stranger);
        assert_eq!(by_stranger.verify(&keys), Err(CheckpointError::Signature(JwsError::UnknownKey)));
        let of_another_node = SignedCheckpoint { node: "m".into(), ..signed.clone() };
        assert_eq!(of_another_node.verify(&keys), Err(CheckpointError::Place));
        let elsewhere = SignedCheckpoint { sequence: 9, ..signed.clone() };
        assert_eq!(elsewhere.verify(&keys), Err(CheckpointError::Place));
    }

    #[test]
    fn an_access_token_is_no_checkpoint() {
        let (key, _) = SigningKey::generate();
        let keys = [VerifyingKey::from_jwk(key.jwk()).unwrap()];
        let jws = key.sign("at+jwt", br#"{"hash":"","node":"n","sequence":0,"time":0}"#);
        let signed = SignedCheckpoint { node: "n".into(), sequence: 0, jws };
        assert_eq!(signed.verify(&keys), Err(CheckpointError::Signature(JwsError::Type)));
        let jws = key.sign(Checkpoint::TYPE, br#"{"sub":"user_1"}"#);
        let signed = SignedCheckpoint { node: "n".into(), sequence: 0, jws };
        assert_eq!(signed.verify(&keys), Err(CheckpointError::Claims));
    }
}
