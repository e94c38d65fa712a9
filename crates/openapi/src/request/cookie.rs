//! Cookies: all in one header, each value encoded.

use serde_json::value::RawValue;

use super::encoding::encoded;
use super::style::Shape;
use crate::Parameter;
use crate::arguments::compact;

/// Appends a cookie; nothing for `null`. Members are never cookies of their own: their names are not declared.
pub(super) fn put(cookies: &mut String, parameter: &Parameter, given: &RawValue) {
    let value = if parameter.content.is_some() {
        encoded(&compact(given.get())).to_string()
    } else {
        let Some(shape) = Shape::of(given) else { return };
        let parts: Vec<_> = shape.parts().into_iter().map(|part| encoded(part).to_string()).collect();
        parts.join(",")
    };
    if !cookies.is_empty() {
        cookies.push_str("; ");
    }
    cookies.push_str(&parameter.name);
    cookies.push('=');
    cookies.push_str(&value);
}

/// Whether a cookie can be called so (RFC 6265 §4.1.1): a token.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
