//! Passwords: hashed with Argon2id, 19 MiB, two passes, one lane (about 20 ms of one core).
//!
//! These functions block; callers run them on a bounded pool.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};

use crate::{Random, Secret, random};

const MEMORY_KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LENGTH: usize = 16;

/// A well-formed hash that belongs to nobody.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The shortest password a person may choose, in characters.
pub const MINIMUM_CHARACTERS: usize = 8;
/// The longest password that is hashed, in bytes; longer input is refused before any work.
pub const MAXIMUM_BYTES: usize = 1024;

/// Hashes a password; the result is a PHC string that carries its own parameters and salt.
pub fn hash(random: &dyn Random, password: &Secret<String>) -> String {
    let salt: [u8; SALT_LENGTH] = random::array(random);
    let hash: PasswordHash = argon2id()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("salt and parameters are within Argon2's limits");
    hash.to_string()
}

/// Whether `password` is the one that was hashed. A hash that cannot be read matches nothing.
pub fn verify(password: &Secret<String>, hash: &str) -> bool {
    password.expose().len() <= MAXIMUM_BYTES
        && argon2id().verify_password(password.expose().as_bytes(), hash).is_ok()
}

/// Does the work of [`verify`] for a user who does not exist, so that the time tells nothing.
pub fn verify_nobody(password: &Secret<String>) {
    verify(password, NOBODY);
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIBIBYTES, PASSES, LANES, None)
        .expect("the parameters are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(3);
        }
    }

    #[test]
    fn only_the_same_password_verifies() {
        let hashed = hash(&Fixed, &Secret::from("correct horse battery"));
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify(&Secret::from("correct horse battery"), &hashed));
        assert!(!verify(&Secret::from("correct horse batterz"), &hashed));
        assert!(!verify(&Secret::from("correct horse battery"), "not a hash"));
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        assert!(
            PasswordHash::new(NOBODY).is_ok(),
            "the stand-in hash is well-formed, so it is really computed"
        );
        assert!(!verify(&Secret::from("anything"), NOBODY));
    }
}
