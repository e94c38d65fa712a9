//! Credentials that a person enters on our page: keys, and names with passwords.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use outbound::Limits;
use secret::Secret;
use store::connect_request;

use crate::{
    connect::{
        Connected, EnteredSecret, Person,
        access::Answerable,
        authorize::{STALE, still_open},
        error::{ConnectError, ConnectErrorKind, refused_as},
        pending::Pending,
    },
    provider::{Entry, Placement, ProviderKind},
    providers::Known,
    vault::Vault,
};

/// The longest credential that is taken, in bytes.
const LONGEST: usize = 8 * 1024;

impl Vault {
    /// Takes what the person entered on our page, tries it where the provider has a place for that, and keeps it. Sending
    /// the form is what allows it.
    pub async fn enter_secret(
        &self,
        id: &str,
        person: &Person,
        entered: EnteredSecret,
    ) -> Result<Connected, ConnectError> {
        let Answerable { record, known } = self.answerable(id, person).await?;
        let now = self.now();
        still_open(&record, now).map_err(|why| why.of(id))?;
        let (entry, credential) = credential(&known.provider.kind, &known.provider.placement, &entered)
            .map_err(|why| why.of(id))?;
        self.probe(&known, entry, &credential).await.map_err(|why| why.of(id))?;

        let store = &self.settings().store;
        let allowed = store.commit(connect_request::allow(id, &person.id, now)).await;
        allowed.map_err(|error| refused_as(error, ConnectErrorKind::Completed, id))?;
        let begun = store.commit(connect_request::exchange(id, now, now - STALE)).await;
        begun.map_err(|error| refused_as(error, ConnectErrorKind::Working, id))?;
        let scope = record.scope.union(&known.provider.scope);
        let received = Pending {
            access_token: credential,
            refresh_token: None,
            received_at: now,
            expires_at: None,
            scope: scope.clone(),
            asked: scope,
            account: None,
        };
        self.store_received(id, &received).await?;
        self.finish(id).await
    }

    /// Tries the credential, if there is a place for it. Only a clear 401 refuses it: a page that is away, or that does
    /// not like the request, says nothing about it.
    async fn probe(
        &self,
        known: &Known,
        entry: &Entry,
        credential: &Secret<String>,
    ) -> Result<(), ConnectErrorKind> {
        let placed = known.provider.placement.place(credential);
        let placed = placed.map_err(|_| ConnectErrorKind::Entered(CHARACTERS))?;
        let Some(url) = &entry.probe else { return Ok(()) };
        let request = Request::get(url).header(header::USER_AGENT, "vestibule").body(Bytes::new());
        let Ok(request) = request else { return Ok(()) };
        let (mut parts, body) = request.into_parts();
        placed.apply(&mut parts).map_err(|_| ConnectErrorKind::Entered(CHARACTERS))?;
        match known.http.stream(Request::from_parts(parts, body), Limits::DOCUMENT).await {
            Ok(response) if response.status() == StatusCode::UNAUTHORIZED => Err(ConnectErrorKind::Entered(
                "the provider does not accept this; look at it and enter it again",
            )),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(provider = %known.provider.name, %error, "an entered credential was not tried");
                Ok(())
            }
        }
    }
}

const CHARACTERS: &str = "this has characters that no credential has; look at it and enter it again";

/// The credential in what was entered, pure.
fn credential<'a>(
    kind: &'a ProviderKind,
    placement: &Placement,
    entered: &EnteredSecret,
) -> Result<(&'a Entry, Secret<String>), ConnectErrorKind> {
    let (entry, text) = match kind {
        ProviderKind::ApiKey(entry) => (entry, bare(entered.secret.expose(), placement)),
        ProviderKind::Basic(entry) => {
            let name = entered.name.as_deref().unwrap_or_default().trim();
            if name.is_empty() || name.contains(':') {
                return Err(ConnectErrorKind::Entered("enter a user name, without a colon in it"));
            }
            (entry, Secret::new(format!("{name}:{}", entered.secret.expose())))
        }
        _ => return Err(ConnectErrorKind::NotConnectable),
    };
    let is_empty = entered.secret.expose().trim().is_empty() || text.expose().is_empty();
    if is_empty || text.expose().len() > LONGEST {
        return Err(ConnectErrorKind::Entered("enter the credential; it is at most 8,192 characters long"));
    }
    Ok((entry, text))
}

/// A key without what people copy along with it: spaces around it, and `Authorization:` and the scheme before it.
fn bare(pasted: &str, placement: &Placement) -> Secret<String> {
    let mut text = pasted.trim();
    if let Some(rest) = strip_ignoring_case(text, "authorization:") {
        text = rest.trim_start();
    }
    let scheme = match placement {
        Placement::Bearer => "Bearer ",
        Placement::Basic => "Basic ",
        Placement::Header { prefix, .. } if !prefix.is_empty() => prefix,
        Placement::Header { .. } | Placement::Query { .. } => return Secret::from(text),
    };
    Secret::from(strip_ignoring_case(text, scheme).unwrap_or(text).trim_start())
}

fn strip_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_copy_along_is_left_out() {
        let rows = [
            ("abc", "abc"),
            ("  abc\r\n", "abc"),
            ("Bearer abc", "abc"),
            ("bearer   abc", "abc"),
            ("Authorization: Bearer abc", "abc"),
            ("authorization:bearer abc", "abc"),
            ("Basic abc", "Basic abc"),
            ("Bearerabc", "Bearerabc"),
            ("é", "é"),
        ];
        for (pasted, expected) in rows {
            assert_eq!(bare(pasted, &Placement::Bearer).expose(), expected, "{pasted:?}");
        }
        let query = Placement::Query { name: "key".into() };
        assert_eq!(bare(" Bearer abc", &query).expose(), "Bearer abc");
    }

    #[test]
    fn a_name_and_a_password_are_one_credential() {
        let entered = |name: Option<&str>, secret: &str| EnteredSecret {
            name: name.map(str::to_owned),
            secret: Secret::from(secret),
        };
        let kind = ProviderKind::Basic(Entry::default());
        let made =
            |entered| credential(&kind, &Placement::Basic, &entered).map(|(_, text)| text.expose().clone());
        assert_eq!(made(entered(Some("ada"), " p:w ")).unwrap(), "ada: p:w ");
        for wrong in [entered(None, "p"), entered(Some("a:b"), "p"), entered(Some("ada"), "  ")] {
            assert!(matches!(made(wrong), Err(ConnectErrorKind::Entered(_))));
        }
        let key = ProviderKind::ApiKey(Entry::default());
        assert!(credential(&key, &Placement::Bearer, &entered(None, &"x".repeat(9000))).is_err());
        assert!(matches!(
            credential(&ProviderKind::None, &Placement::Bearer, &entered(None, "x")),
            Err(ConnectErrorKind::NotConnectable)
        ));
    }
}
