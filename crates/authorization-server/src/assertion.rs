//! Assertions about people for other authorization servers, which exchange them for tokens of their own (RFC 8693 §2.1,
//! RFC 7523 §3).

use std::time::Duration;

use oauth::{Issuer, JwtId};
use secret::Secret;
use serde::Serialize;

use crate::AuthorizationServer;

/// How long an assertion is good.
const LIFETIME: Duration = Duration::from_mins(1);

/// RFC 7523 §3: who says it, about whom, to whom, for how long. It has no scope, and its type is not that of an access
/// token, so that nobody takes it for one.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a Issuer,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: JwtId,
}

impl AuthorizationServer {
    /// Says to `audience`, and to nobody else, that whoever brings this acts for `subject`; good for one minute.
    pub fn assertion(&self, subject: &str, audience: &str) -> Secret<String> {
        let now = self.now();
        let claims = Claims {
            iss: self.issuer(),
            sub: subject,
            aud: audience,
            iat: now.seconds(),
            exp: (now + LIFETIME).seconds(),
            jti: JwtId::mint(self.random()),
        };
        let claims = serde_json::to_vec(&claims).expect("texts and numbers are JSON");
        Secret::new(self.keys().current().sign("JWT", &claims))
    }
}
