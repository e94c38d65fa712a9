//! Secrets that the gateway knows, taken out of what servers send: a tool that prints its environment, or an error that
//! quotes the token it was called with, tells them to a model and to whoever reads over its shoulder.
//!
//! What is known: secrets in the configuration of the server, opaque tokens of this installation (by form and checksum),
//! and access tokens of its issuer. A message is looked through as it came, in one pass; only one that may hold something
//! is read string by string, so that no spelling of JSON hides a secret, and what is put in its place leaves the message
//! as valid as it was. A string that holds JSON itself, as the text of a tool does that quotes another's answer, is read
//! once more for each time that it was quoted. A message is whole when it comes here, so that nothing has to be kept from
//! one to the next.
//!
//! This is a net below servers that are careless. One that wants to give a secret away can write it in many ways.

mod reading;
mod tokens;

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use secret::Secret;

use crate::literals;

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";
/// Shorter texts are no secrets, and stand everywhere.
const SHORTEST: usize = 8;
/// How opaque tokens of this installation begin.
const TOKEN: &str = "vst_";
/// How the JSON of a token's header begins.
const JSON_WEB_TOKEN: &str = "eyJ";
/// How often a text is read that holds JSON, in which a string holds JSON, and so on.
const DEEPEST: usize = 3;
/// Spellings of JSON that may hide something.
const ESCAPES: [&str; 2] = ["\\u", "\\/"];

/// Whether a text has spellings of JSON that may hide something.
fn may_hide(text: &str) -> bool {
    ESCAPES.iter().any(|escape| text.contains(escape))
}

/// Whether one of the secrets stands in a message, which is JSON, in whatever spelling.
pub(crate) fn holds_one<'s>(
    message: &str,
    secrets: &(impl Iterator<Item = &'s Secret<String>> + Clone),
) -> bool {
    let is_in = |text: &str| secrets.clone().any(|secret| text.contains(secret.expose().as_str()));
    if is_in(message) {
        return true;
    }
    let is_escaped = |secret: &Secret<String>| inside_json(secret.expose()) != *secret.expose();
    let has_spellings = may_hide(message) || (message.contains('\\') && secrets.clone().any(is_escaped));
    let mut found = false;
    if has_spellings {
        literals::with_strings(message, |text| {
            let readings = std::iter::successors(Some(text.to_owned()), |text| {
                text.contains('\\').then(|| reading::read(text))
            });
            found = found || readings.take(1 + DEEPEST).any(|text| is_in(&text));
            None
        });
    }
    found
}

/// Finds the secrets of one server.
pub(crate) struct Redactor {
    /// In JSON text: the secrets as JSON has them, then [`TOKEN`], [`JSON_WEB_TOKEN`] and [`ESCAPES`].
    encoded: AhoCorasick,
    /// In the text of a string: the secrets, then the first two.
    clear: AhoCorasick,
    /// How many patterns are secrets.
    secrets: usize,
}

/// What a pattern stands for.
enum Pattern {
    Secret,
    Token,
    JsonWebToken,
    Escape,
}

impl Redactor {
    pub(crate) fn new(secrets: &[Secret<String>]) -> Self {
        let mut clear: Vec<String> = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.expose().len() >= SHORTEST) {
            clear.push(secret.expose().clone());
            // JSON inside of a string of JSON, where it is spelled otherwise.
            let quoted = std::iter::successors(Some(secret.expose().clone()), |inner| {
                Some(inside_json(inner)).filter(|quoted| quoted != inner)
            });
            clear.extend(quoted.skip(1).take(DEEPEST));
        }
        let secrets = clear.len();
        let encoded: Vec<String> = clear.iter().map(|secret| inside_json(secret)).collect();
        let ours = [TOKEN, JSON_WEB_TOKEN].map(str::to_owned);
        let find = |patterns: Vec<String>, kind| {
            let found = AhoCorasick::builder().match_kind(kind).build(patterns);
            found.expect("secrets of a configuration are few enough to be searched for")
        };
        let escapes = ESCAPES.map(str::to_owned);
        Self {
            // Where several begin, a secret is the one to be seen.
            encoded: find([encoded, ours.to_vec(), escapes.to_vec()].concat(), MatchKind::LeftmostFirst),
            clear: find([clear, ours.to_vec()].concat(), MatchKind::LeftmostLongest),
            secrets,
        }
    }

    /// The message without secrets; `None` when it has none. `message` is JSON, `issuer` the one whose tokens are secret.
    pub(crate) fn redacted(&self, message: &str, issuer: &str) -> Option<String> {
        if !self.is_suspect(message, issuer) {
            return None;
        }
        literals::with_strings(message, |text| self.without_secrets(text, issuer))
    }

    /// Whether the JSON text has to be read string by string.
    fn is_suspect(&self, message: &str, issuer: &str) -> bool {
        let mut at = 0;
        while let Some(found) = self.encoded.find(Input::new(message).range(at..)) {
            let rest = &message[found.start()..];
            let is_suspect = match self.pattern(found.pattern().as_usize()) {
                Pattern::Secret | Pattern::Escape => true,
                Pattern::Token => tokens::opaque(rest).is_some(),
                Pattern::JsonWebToken => tokens::json_web_token(rest, issuer).is_some(),
            };
            if is_suspect {
                return true;
            }
            at = found.start() + 1;
        }
        false
    }

    /// The text with [`REDACTED`] in the place of secrets; `None` when there are none.
    fn without_secrets(&self, text: &str, issuer: &str) -> Option<String> {
        let mut found = self.found(text, issuer);
        if may_hide(text) {
            self.find_quoted(text, issuer, &mut found);
        }
        if found.is_empty() {
            return None;
        }
        found.sort_unstable_by_key(|range| range.start);
        let (mut redacted, mut copied) = (String::new(), 0);
        for Range { start, end } in found {
            // What overlaps is one.
            if start >= copied {
                redacted.push_str(&text[copied..start]);
                redacted.push_str(REDACTED);
            }
            copied = copied.max(end);
        }
        Some(redacted + &text[copied..])
    }

    /// Where secrets are for whoever reads the text as JSON, and what they find in it as JSON again.
    fn find_quoted(&self, text: &str, issuer: &str, all: &mut Vec<Range<usize>>) {
        let mut readings = vec![text.to_owned()];
        while let [.., last] = &readings[..]
            && readings.len() <= DEEPEST
            && may_hide(last)
        {
            let read = reading::read(last);
            let found = self.found(&read, issuer).into_iter();
            let mut places: Vec<usize> = found.flat_map(|range| [range.start, range.end]).collect();
            if !places.is_empty() {
                readings.iter().rev().for_each(|text| reading::places(text, &mut places));
            }
            all.extend(places.chunks_exact(2).map(|place| place[0]..place[1]));
            readings.push(read);
        }
    }

    /// Where secrets stand in a text, from its beginning to its end.
    fn found(&self, text: &str, issuer: &str) -> Vec<Range<usize>> {
        let (mut ranges, mut at) = (Vec::new(), 0);
        while let Some(found) = self.clear.find(Input::new(text).range(at..)) {
            let rest = &text[found.start()..];
            let length = match self.pattern(found.pattern().as_usize()) {
                Pattern::Secret => Some(found.len()),
                Pattern::Token => tokens::opaque(rest),
                Pattern::JsonWebToken => tokens::json_web_token(rest, issuer),
                Pattern::Escape => None,
            };
            at = found.start() + length.unwrap_or(1);
            ranges.extend(length.map(|_| found.start()..at));
        }
        ranges
    }

    fn pattern(&self, index: usize) -> Pattern {
        match index.checked_sub(self.secrets) {
            None => Pattern::Secret,
            Some(0) => Pattern::Token,
            Some(1) => Pattern::JsonWebToken,
            Some(_) => Pattern::Escape,
        }
    }
}

/// The text as it stands between the quotes of a JSON string.
fn inside_json(text: &str) -> String {
    let encoded = literals::encoded(text);
    encoded[1..encoded.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://v.test";

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets: Vec<_> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        Redactor::new(&secrets)
    }

    fn told(redactor: &Redactor, message: &str) -> Option<String> {
        redactor.redacted(message, ISSUER)
    }

    #[test]
    fn gw_29_secrets_are_found_in_every_spelling() {
        let redactor = redactor(&["s3cret/\"x\"", "abcdefgh", "abcdefghij", "short"]);
        for (message, expected) in [
            (r#"{"t":"the s3cret/\"x\"!"}"#, Some(r#"{"t":"the [redacted]!"}"#)),
            (r#"{"t":"the s3cret\/\"x\"!"}"#, Some(r#"{"t":"the [redacted]!"}"#)),
            (r#"{"t":"the \u0073\u0033cret/\u0022x\"!"}"#, Some(r#"{"t":"the [redacted]!"}"#)),
            (r#"{"t":"{\"env\":\"s3cret/\\\"x\\\"\"}"}"#, Some(r#"{"t":"{\"env\":\"[redacted]\"}"}"#)),
            (r#"{"abcdefgh":["abcdefghijk",1.50]}"#, Some(r#"{"[redacted]":["[redacted]k",1.50]}"#)),
            (r#"{"t":"abcdefgabcdefgh"}"#, Some(r#"{"t":"abcdefg[redacted]"}"#)),
            (r#"{"t":"short \u00e9 \/ abcdefg"}"#, None),
            // JSON in a text, in a text of that, and in pieces.
            (r#"{"t":"{\"a\":\"\\u0061bcdefgh\"}"}"#, Some(r#"{"t":"{\"a\":\"[redacted]\"}"}"#)),
            (r#"{"t":"{\"a\":\"s3cret\\/\\\"x\\\"!\"}"}"#, Some(r#"{"t":"{\"a\":\"[redacted]!\"}"}"#)),
            (r#"{"t":"at: \\\\u0061bcdefgh."}"#, Some(r#"{"t":"at: [redacted]."}"#)),
            (
                r#"{"t":"\\u0061bcdefgh \u0061bcdefgh abcdefgh"}"#,
                Some(r#"{"t":"[redacted] [redacted] [redacted]"}"#),
            ),
            (r#"{"t":"C:\\users\\new \\u00e9 \\ud83d \\/ abcdefg"}"#, None),
            (r#"{"t":"nothing"}"#, None),
        ] {
            assert_eq!(told(&redactor, message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn gw_29_a_secret_is_noticed_in_every_spelling() {
        let secrets = ["s3cret/\"x\"", "abcdefgh"].map(|text| Secret::new(text.to_owned()));
        for (message, expected) in [
            (r#"{"t":"abcdefgh"}"#, true),
            (r#"{"t":"s3cret/\"x\""}"#, true),
            (r#"{"t":"{\"t\":\"s3cret/\\\"x\\\"\"}"}"#, true),
            (r#"{"\u0061bcdefgh":"\/"}"#, true),
            (r#"{"t":"{\"t\":\"\\u0061bcdefgh\"}"}"#, true),
            (r#"{"t":"\\\\u0061bcdefgh"}"#, true),
            (r#"{"t":"s3cret/x \"abcdefg\" \u0061\/ \\u0061bcd"}"#, false),
            (r#"{"t":"abcdefg"}"#, false),
        ] {
            assert_eq!(holds_one(message, &secrets.iter()), expected, "{message}");
        }
    }

    #[test]
    fn gw_29_our_tokens_are_found_by_their_form() {
        let nothing = redactor(&[]);
        let (token, access_token) = (tokens::tests::opaque_token(), tokens::tests::access_token(ISSUER));
        let foreign = tokens::tests::access_token("https://other.test");
        let message = json!({ "t": format!("vst_ {token} {access_token}."), "u": foreign }).to_string();
        let expected = json!({ "t": "vst_ [redacted] [redacted].", "u": foreign }).to_string();
        assert_eq!(told(&nothing, &message), Some(expected));
        let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { 'B' } else { 'A' });
        assert_eq!(told(&nothing, &json!({ "t": wrong, "eyJ": "eyJhIjoxfQ.e30." }).to_string()), None);
    }

    #[test]
    fn a_secret_that_begins_like_a_token_is_one() {
        let redactor = redactor(&["eyJmine-all-mine", "vst_other"]);
        let message = r#"{"t":"eyJmine-all-mine vst_other"}"#;
        assert_eq!(told(&redactor, message).as_deref(), Some(r#"{"t":"[redacted] [redacted]"}"#));
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_remains_and_json_stays_json(
            secret in "[ -~é\n]{8,20}", before in ".{0,20}", behind in ".{0,20}", escaped in any::<bool>(),
        ) {
            let redactor = redactor(&[&secret]);
            let mut message = json!({ "a": [format!("{before}{secret}{behind}")] }).to_string();
            if escaped {
                message = literals::with_strings(&message, |_| None).unwrap_or(message).replace('s', "\\u0073");
                prop_assume!(serde_json::from_str::<Value>(&message).is_ok());
            }
            let redacted = told(&redactor, &message).expect("it is found");
            let value: Value = serde_json::from_str(&redacted).expect("it is JSON");
            let text = value["a"][0].as_str().unwrap();
            prop_assert!(text.contains(REDACTED));
            let remains = text.replace(REDACTED, "\0").contains(&secret);
            prop_assert!(!remains);
        }

        #[test]
        fn what_holds_no_secret_is_left_alone(text in ".*") {
            prop_assume!(!text.contains("vst_") && !text.contains("eyJ"));
            prop_assert_eq!(told(&redactor(&[]), &json!([text]).to_string()), None);
        }
    }
}
