/// The source of randomness, handed in by whoever owns the process.
///
/// An implementation must be a cryptographically secure generator; a test may hand in a counted one.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random bytes. A generator that cannot must end the process: there is no safe
    /// answer without randomness.
    fn fill(&self, bytes: &mut [u8]);
}

/// An array of random bytes.
pub(crate) fn array<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
