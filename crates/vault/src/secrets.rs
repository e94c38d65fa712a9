use secret::Secret;
use serde::{Deserialize, Serialize};

/// What is kept sealed of a connection.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// What goes into requests: an access token, a key, or `NAME:PASSWORD`. Empty before the first one was obtained.
    pub credential: Secret<String>,
    /// What it is renewed with, where the provider gave such a thing.
    pub refresh_token: Option<Secret<String>>,
    /// The token endpoint that gave the refresh token: it goes nowhere else.
    pub issued_by: Option<String>,
}

/// The sealed form: JSON, whose copies are wiped with the buffer they stand in.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    credential: std::borrow::Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_by: Option<String>,
}

impl Secrets {
    pub(crate) fn to_bytes(&self) -> Secret<Vec<u8>> {
        let written = Written {
            credential: self.credential.expose().into(),
            refresh_token: self.refresh_token.as_ref().map(|token| token.expose().into()),
            issued_by: self.issued_by.clone(),
        };
        // Room for everything at once, so that no smaller buffer is left behind with a part of it.
        let length = self.credential.expose().len()
            + self.refresh_token.as_ref().map_or(0, |token| token.expose().len());
        let mut bytes = Vec::with_capacity(6 * length + 1024);
        serde_json::to_writer(&mut bytes, &written).expect("texts can be written as JSON");
        Secret::new(bytes)
    }

    /// `None` when it is nothing that [`Secrets::to_bytes`] writes.
    pub(crate) fn from_bytes(bytes: &Secret<Vec<u8>>) -> Option<Self> {
        let written: Written<'_> = serde_json::from_slice(bytes.expose()).ok()?;
        Some(Self {
            credential: Secret::new(written.credential.into_owned()),
            refresh_token: written.refresh_token.map(|token| Secret::new(token.into_owned())),
            issued_by: written.issued_by,
        })
    }
}
