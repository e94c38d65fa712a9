//! What tests of this crate share.

use std::sync::atomic::{AtomicU64, Ordering};

use secret::{Digest, Random};

/// Counted, not random: each fill is another one.
#[derive(Debug)]
pub(crate) struct Counted(AtomicU64);

impl Counted {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let digest = Digest::of(&count.to_be_bytes());
        for (byte, value) in bytes.iter_mut().zip(digest.as_bytes().iter().cycle()) {
            *byte = *value;
        }
    }
}
