use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// The SHA-256 digest of a machine-made secret of at least 128 bit: what is stored in place of the secret.
///
/// A slow hash would add nothing: there is no dictionary of 256-bit random values.
/// Equality takes the same time wherever the digests differ.
#[derive(Clone, Copy, Eq)]
pub struct Digest([u8; Self::LENGTH]);

impl Digest {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut value = [0; Self::LENGTH];
        value.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(value)
    }

    /// A digest read back from storage; `None` unless it has exactly [`Self::LENGTH`] bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The raw bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The digest as unpadded base64url, 43 characters.
    pub fn to_base64url(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({})", self.to_base64url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sha_256() {
        assert_eq!(Digest::of(b"abc").to_base64url(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn reads_back_only_its_own_length() {
        let digest = Digest::of(b"abc");
        assert_eq!(Digest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!(Digest::from_bytes(&digest.as_bytes()[..31]), None);
    }
}
