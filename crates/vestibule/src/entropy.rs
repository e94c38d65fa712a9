//! The one place that asks the operating system for randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use secret::Random;

/// The operating system's generator, by way of the crypto provider.
#[derive(Debug)]
pub(crate) struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The generator; it has no state of ours.
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Random for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The provider aborts by itself when the kernel gives nothing; a process without randomness must not
        // go on issuing tokens.
        if self.0.fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fills_are_alike() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemEntropy::new().fill(&mut one);
        SystemEntropy::new().fill(&mut two);
        assert_ne!(one, two);
    }
}
