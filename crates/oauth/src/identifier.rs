use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::Random;
use serde::{Deserialize, Serialize};

/// An identifier of one kind: opaque, never empty, compared byte by byte.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Makes a new identifier of 128 random bits.
            pub fn mint(random: &dyn Random) -> Self {
                let mut bytes = [0; 16];
                random.fill(&mut bytes);
                Self(format!(concat!($prefix, "{}"), BASE64_URL_SAFE_NO_PAD.encode(bytes)))
            }

            /// Takes a presented identifier as it is: whether it names anything, a look-up decides.
            pub fn from_unverified(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A client identifier (RFC 6749 §2.2).
    ClientId, "client_"
}
identifier! {
    /// A resource owner; the `sub` of the tokens issued for them.
    UserId, "user_"
}
identifier! {
    /// One act of authorization: everything issued from it lives and dies with it.
    GrantId, "grant_"
}
identifier! {
    /// The `jti` of one JWT (RFC 7519 §4.1.7).
    JwtId, ""
}
