use std::sync::Arc;

use arc_swap::ArcSwap;
use oauth::{jwk::JwkSet, jws::VerifyingKey};

/// The issuer's public keys, shared by all guards and replaced as a whole when the issuer rotates them.
#[derive(Clone, Default)]
pub struct Keys(Arc<ArcSwap<Vec<VerifyingKey>>>);

impl Keys {
    /// Takes over a key set. Keys of other algorithms than ours are left out.
    pub fn replace(&self, jwk_set: &JwkSet) {
        self.0.store(Arc::new(jwk_set.keys.iter().filter_map(VerifyingKey::from_jwk).collect()));
    }

    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<Vec<VerifyingKey>>> {
        self.0.load()
    }
}
