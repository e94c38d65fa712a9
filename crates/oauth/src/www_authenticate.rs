//! The `WWW-Authenticate` challenge (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1), both directions.

use std::fmt::Write;

use crate::{ErrorCode, Scope};

/// A `Bearer` challenge as a server writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerChallenge<'a> {
    /// Where the resource's metadata is (RFC 9728 §5.1).
    pub resource_metadata: Option<&'a str>,
    /// What went wrong; absent when no token was presented at all (RFC 6750 §3.1).
    pub error: Option<ErrorCode>,
    /// A sentence for the developer, ASCII.
    pub error_description: Option<&'a str>,
    /// All scopes that the request needs.
    pub scope: Option<&'a Scope>,
}

impl BearerChallenge<'_> {
    /// The header's value.
    pub fn to_header(&self) -> String {
        let mut text = String::from("Bearer");
        let mut separator = " ";
        let mut append = |name: &str, value: &dyn std::fmt::Display| {
            let escaped = value.to_string().replace(['"', '\\'], "");
            _ = write!(text, "{separator}{name}=\"{escaped}\"");
            separator = ", ";
        };
        if let Some(error) = &self.error {
            append("error", error);
        }
        if let Some(description) = &self.error_description {
            append("error_description", description);
        }
        if let Some(scope) = self.scope.filter(|scope| !scope.is_empty()) {
            append("scope", scope);
        }
        if let Some(url) = &self.resource_metadata {
            append("resource_metadata", url);
        }
        text
    }
}

/// One challenge as a client reads it: the scheme in lower case and its parameters as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedChallenge {
    /// The scheme in lower case.
    pub scheme: String,
    /// Name (lower case) and value of each parameter, in order.
    pub parameters: Vec<(String, String)>,
}

impl UnverifiedChallenge {
    /// The first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Headers longer than this are not read.
const MAXIMUM_LENGTH: usize = 8192;

/// Reads the challenges of one header value. What cannot be read ends the list: a client then acts as if
/// the server had said no more.
pub fn parse(header: &str) -> Vec<UnverifiedChallenge> {
    let mut challenges: Vec<UnverifiedChallenge> = Vec::new();
    let mut reader = Reader { rest: if header.len() <= MAXIMUM_LENGTH { header } else { "" } };
    loop {
        reader.skip(&[' ', '\t', ',']);
        let Some(name) = reader.token() else { return challenges };
        reader.skip(&[' ', '\t']);
        let is_parameter = reader.rest.starts_with('=') && !reader.rest.starts_with("==");
        match challenges.last_mut() {
            Some(challenge) if is_parameter => {
                reader.rest = &reader.rest[1..];
                reader.skip(&[' ', '\t']);
                let Some(value) = reader.value() else { return challenges };
                challenge.parameters.push((name.to_ascii_lowercase(), value));
            }
            None if is_parameter => return challenges,
            _ => challenges
                .push(UnverifiedChallenge { scheme: name.to_ascii_lowercase(), parameters: Vec::new() }),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, characters: &[char]) {
        self.rest = self.rest.trim_start_matches(characters);
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token =
            |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character);
        let length = self.rest.find(|character| !is_token(character)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else { return self.token().map(str::to_owned) };
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(characters.next()?.1),
                other => value.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let scope = Scope::parse("read write").unwrap();
        let header = BearerChallenge {
            resource_metadata: Some("https://rs.test/.well-known/oauth-protected-resource/mcp"),
            error: Some(ErrorCode::InsufficientScope),
            error_description: Some("needs \"write\""),
            scope: Some(&scope),
        }
        .to_header();
        let [challenge] = &parse(&header)[..] else { panic!("{header}") };
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.parameter("scope"), Some("read write"));
        assert_eq!(challenge.parameter("error"), Some("insufficient_scope"));
        assert_eq!(challenge.parameter("error_description"), Some("needs write"));
        assert!(challenge.parameter("resource_metadata").unwrap().ends_with("/mcp"));
    }

    #[test]
    fn reads_what_others_write() {
        let challenges = parse(
            r#"Basic realm="a, b", BEARER Resource_Metadata="https://x/\"q", scope=read,error=invalid_token"#,
        );
        assert_eq!(challenges.len(), 2);
        assert_eq!(challenges[0].parameter("realm"), Some("a, b"));
        assert_eq!(challenges[1].parameter("resource_metadata"), Some("https://x/\"q"));
        assert_eq!(challenges[1].parameter("error"), Some("invalid_token"));
    }

    #[test]
    fn hostile_headers_end_the_list() {
        assert_eq!(parse("=x"), []);
        assert_eq!(parse("\u{0}"), []);
        assert_eq!(parse(&"a,".repeat(10_000)), []);
        assert_eq!(parse("Bearer a=\"unfinished")[0].parameters, []);
    }
}
