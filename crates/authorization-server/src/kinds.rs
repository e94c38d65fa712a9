//! The kinds of opaque tokens that this server mints; each has its own prefix.

use secret::TokenKind;

macro_rules! token_kind {
    ($(#[$meta:meta])* $visibility:vis $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug)]
        $visibility struct $name;

        impl TokenKind for $name {
            const PREFIX: &'static str = $prefix;
        }
    };
}

token_kind! {
    /// An authorization code.
    pub(crate) AuthorizationCode, "vst_ac_"
}
token_kind! {
    /// A refresh token.
    pub(crate) RefreshToken, "vst_rt_"
}
token_kind! {
    /// The secret of a confidential client.
    pub(crate) ClientSecret, "vst_cs_"
}
token_kind! {
    /// Names a browser from the authorization request to the decision, so that nobody else can decide.
    pub(crate) Browser, "vst_br_"
}
token_kind! {
    /// A browser in which somebody has signed in.
    pub(crate) Session, "vst_se_"
}
token_kind! {
    /// Names an authorization request that waits for a person.
    pub(crate) Transaction, "vst_ar_"
}
token_kind! {
    /// A set-up or invitation link.
    pub Invitation, "vst_in_"
}
