//! The forms in which a credential stands in requests: whoever repeats one of them tells the credential.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secret::Secret;

use crate::provider::Placement;

/// What is not percent-encoded where nothing more is than has to be (RFC 3986 §2.3).
const UNRESERVED_STAYS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form of `credential`, each once: itself, as it is sent, and as others would have sent it, who repeat it in what
/// they answer.
pub(super) fn forms(placement: &Placement, credential: &Secret<String>) -> Vec<Secret<String>> {
    let text = credential.expose();
    let mut forms = vec![credential.clone()];
    match placement {
        Placement::Basic => {
            forms.push(Secret::new(BASE64_STANDARD.encode(text)));
            forms.extend(text.split_once(':').map(|(_, password)| Secret::from(password)));
        }
        Placement::Query { .. } => {
            for encoded in in_query(text) {
                if forms.iter().all(|form| *form.expose() != encoded) {
                    forms.push(Secret::new(encoded));
                }
            }
        }
        Placement::Bearer | Placement::Header { .. } => {}
    }
    forms.retain(|form| !form.expose().is_empty());
    forms
}

/// `text` percent-encoded, with digits of either case (RFC 3986 §2.1), and as forms have spaces.
fn in_query(text: &str) -> impl Iterator<Item = String> {
    [NON_ALPHANUMERIC, UNRESERVED_STAYS].into_iter().flat_map(move |encoded| {
        let upper = utf8_percent_encode(text, encoded).to_string();
        let lower = with_lower_case_digits(&upper);
        let spaced = [&upper, &lower].map(|encoded| encoded.replace("%20", "+"));
        [upper, lower].into_iter().chain(spaced)
    })
}

/// Percent-encoded text with `%2f` in place of `%2F`.
fn with_lower_case_digits(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        format!("{text}%{}{rest}", digits.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(placement: &Placement, credential: &str) -> Vec<String> {
        let forms = forms(placement, &Secret::from(credential));
        forms.iter().map(|form| form.expose().clone()).collect()
    }

    #[test]
    fn oa_13_a_key_in_a_url_is_known_however_it_is_encoded() {
        let query = Placement::Query { name: "key".into() };
        assert_eq!(
            all(&query, "aF -/é"),
            [
                "aF -/é",
                "aF%20%2D%2F%C3%A9",
                "aF%20%2d%2f%c3%a9",
                "aF+%2D%2F%C3%A9",
                "aF+%2d%2f%c3%a9",
                "aF%20-%2F%C3%A9",
                "aF%20-%2f%c3%a9",
                "aF+-%2F%C3%A9",
                "aF+-%2f%c3%a9",
            ]
        );
        assert_eq!(all(&query, "K3y"), ["K3y"], "most keys are the same in every encoding");
        assert_eq!(all(&query, "a%2F"), ["a%2F", "a%252F"], "what is encoded already keeps its letters");
    }

    #[test]
    fn a_password_is_known_alone_and_with_its_name() {
        assert_eq!(all(&Placement::Basic, "ada:pass"), ["ada:pass", "YWRhOnBhc3M=", "pass"]);
        assert_eq!(all(&Placement::Basic, "ada:"), ["ada:", "YWRhOg=="]);
        assert_eq!(all(&Placement::Bearer, "a/b"), ["a/b"]);
    }
}
