//! How secrets are written where they are kept, to the token file or to bytes that are sealed: the one place where they
//! leave [`Secret`].

use secret::Secret;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the clear text.
pub fn serialize<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Reads the clear text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// The same for a secret that may be absent.
pub mod optional {
    use super::{Deserialize, Deserializer, Secret, Serializer};

    /// Writes the clear text, if there is any.
    pub fn serialize<S: Serializer>(
        secret: &Option<Secret<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(secret.expose()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the clear text, if there is any.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret<String>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}
