//! Request parameters of the authorization and token endpoints (RFC 6749 §3.1, §3.2).
//!
//! > Parameters sent without a value MUST be treated as if they were omitted from the request. […]
//! > Request and response parameters MUST NOT be included more than once.

use percent_encoding::percent_decode;

/// Decoded parameters of one query or form body. They may be secret, so they cannot be printed.
pub struct Parameters(Vec<(String, String)>);

/// Why a query or body does not give parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Not UTF-8 after percent-decoding.
    #[error("the parameters are not form-encoded UTF-8")]
    Encoding,
    /// More than [`Parameters::MAXIMUM_COUNT`].
    #[error("there are more than 64 parameters")]
    TooMany,
    /// A parameter that may appear once appears again.
    #[error("a parameter is included more than once")]
    Repeated,
}

impl Parameters {
    /// How many parameters one request may carry.
    pub const MAXIMUM_COUNT: usize = 64;

    /// Decodes `application/x-www-form-urlencoded` bytes strictly.
    ///
    /// # Errors
    /// [`ParametersError::Encoding`] or [`ParametersError::TooMany`].
    pub fn parse(unverified: &[u8]) -> Result<Self, ParametersError> {
        let mut entries = Vec::new();
        for pair in unverified.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if entries.len() == Self::MAXIMUM_COUNT {
                return Err(ParametersError::TooMany);
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            entries.push((decode(name)?, decode(value)?));
        }
        Ok(Self(entries))
    }

    /// The value of a parameter that may appear once; empty counts as absent.
    ///
    /// # Errors
    /// [`ParametersError::Repeated`].
    pub fn one(&self, name: &str) -> Result<Option<&str>, ParametersError> {
        let mut values = self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(ParametersError::Repeated),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// Every value of a parameter that may be repeated, such as `resource` (RFC 8707 §2).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, value)| found == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether any parameter other than `resource` appears more than once, known or not.
    pub fn has_repetition(&self) -> bool {
        self.0.iter().enumerate().any(|(position, (name, _))| {
            name != "resource" && self.0[..position].iter().any(|(earlier, _)| earlier == name)
        })
    }
}

fn decode(encoded: &[u8]) -> Result<String, ParametersError> {
    let with_spaces: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&with_spaces)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ParametersError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_strictly() {
        let parameters = Parameters::parse(b"a=1+2%203&b=&resource=x&resource=y&c").unwrap();
        assert_eq!(parameters.one("a"), Ok(Some("1 2 3")));
        assert_eq!(parameters.one("b"), Ok(None));
        assert_eq!(parameters.one("c"), Ok(None));
        assert_eq!(parameters.one("resource"), Err(ParametersError::Repeated));
        assert_eq!(parameters.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert!(!parameters.has_repetition());
        assert!(Parameters::parse(b"x=1&x=1").unwrap().has_repetition());
        assert_eq!(Parameters::parse(b"a=%ff").err(), Some(ParametersError::Encoding));
        assert_eq!(Parameters::parse(&b"a=1&".repeat(65)).err(), Some(ParametersError::TooMany));
    }
}
