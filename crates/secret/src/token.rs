use std::{fmt, marker::PhantomData};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{Digest, Random, Secret, random};

/// What a token is for. Each kind has its own prefix, so that a token of one kind is never taken for
/// another and a leaked one can be recognised.
pub trait TokenKind {
    /// How every token of this kind begins, for example `vst_rt_`.
    const PREFIX: &'static str;
}

/// An opaque token: prefix, 256 random bits, checksum. Stored only as its [`Digest`].
///
/// The checksum tells a typing error or a truncated copy from an unknown token before the database is
/// asked; it is no protection against forgery.
pub struct Token<K> {
    text: Secret<String>,
    kind: PhantomData<fn() -> K>,
}

/// The text is not a token of the expected kind: wrong prefix, length, alphabet or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed token")]
pub struct MalformedToken;

const RANDOM_BYTES: usize = 32;
const RANDOM_CHARACTERS: usize = 43;
const CHECKSUM_CHARACTERS: usize = 6;

impl<K: TokenKind> Token<K> {
    /// Makes a new token.
    pub fn mint(random: &dyn Random) -> Self {
        let bytes: [u8; RANDOM_BYTES] = random::array(random);
        let mut text = String::with_capacity(K::PREFIX.len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS);
        text.push_str(K::PREFIX);
        BASE64_URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text: Secret::new(text), kind: PhantomData }
    }

    /// Reads a presented token.
    ///
    /// # Errors
    /// [`MalformedToken`] when it cannot be one of ours, whatever the reason.
    pub fn parse(unverified: &str) -> Result<Self, MalformedToken> {
        let is_of_kind = unverified.starts_with(K::PREFIX);
        if !is_of_kind || token_length(unverified, K::PREFIX.len()) != Some(unverified.len()) {
            return Err(MalformedToken);
        }
        Ok(Self { text: Secret::from(unverified), kind: PhantomData })
    }

    /// What the database knows of this token.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.expose().as_bytes())
    }

    /// The clear text, for the one answer that hands it to its holder.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }
}

impl<K> Clone for Token<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: TokenKind> fmt::Debug for Token<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}[redacted]", K::PREFIX)
    }
}

/// The length of the token that `text` begins with, in bytes, when its prefix is `prefix` bytes long; of whatever kind it
/// is. `None` when there is none: the checksum decides.
pub fn token_length(text: &str, prefix: usize) -> Option<usize> {
    let length = prefix + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;
    let token = text.get(..length)?;
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !token.bytes().skip(prefix).all(is_character) {
        return None;
    }
    let (content, found) = token.split_at(length - CHECKSUM_CHARACTERS);
    (checksum(content) == found).then_some(length)
}

fn checksum(content: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(crc32fast::hash(content.as_bytes()).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Example;
    impl TokenKind for Example {
        const PREFIX: &'static str = "vst_ex_";
    }
    struct Other;
    impl TokenKind for Other {
        const PREFIX: &'static str = "vst_ot_";
    }
    struct Repeated(u8);
    impl Random for Repeated {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn what_is_minted_parses_and_has_the_same_digest() {
        let token = Token::<Example>::mint(&Repeated(7));
        let parsed = Token::<Example>::parse(token.expose()).unwrap();
        assert_eq!(parsed.digest(), token.digest());
        assert_eq!(token.expose().len(), 7 + 43 + 6);
        assert_eq!(format!("{token:?}"), "vst_ex_[redacted]");
        assert_eq!(token_length(&format!("{}, and more", token.expose()), 7), Some(token.expose().len()));
    }

    #[test]
    fn another_kind_is_refused() {
        let token = Token::<Example>::mint(&Repeated(7));
        assert_eq!(Token::<Other>::parse(token.expose()).unwrap_err(), MalformedToken);
    }

    proptest! {
        #[test]
        fn any_changed_character_is_noticed(position in 7_usize..56, replacement in "[A-Za-z0-9_-]") {
            let token = Token::<Example>::mint(&Repeated(9));
            let mut text = token.expose().to_owned();
            prop_assume!(text[position..=position] != replacement);
            text.replace_range(position..=position, &replacement);
            prop_assert!(Token::<Example>::parse(&text).is_err());
        }

        #[test]
        fn no_input_panics(text in ".{0,80}") {
            prop_assert!(Token::<Example>::parse(&text).is_err());
        }
    }
}
