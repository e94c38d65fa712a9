//! Headers: one line of visible ASCII (OA-03).

use http::HeaderValue;
use serde_json::value::RawValue;

use super::style::Shape;
use crate::Parameter;
use crate::arguments::{InvalidArguments, compact};

/// The longest value, in bytes.
pub(super) const LONGEST: usize = 8 * 1024;

/// The value of a header parameter; `None` for `null` and for what is empty.
pub(super) fn value(
    parameter: &Parameter,
    name: &str,
    given: &RawValue,
) -> Result<Option<HeaderValue>, InvalidArguments> {
    let text = if parameter.content.is_some() {
        compact(given.get()).into_owned()
    } else {
        match Shape::of(given) {
            None => return Ok(None),
            Some(shape) => simple(parameter, name, &shape)?,
        }
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > LONGEST {
        return Err(InvalidArguments::of(
            name,
            format_args!("it is longer than a header may be, {LONGEST} bytes"),
        ));
    }
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(InvalidArguments::of(
            name,
            "it goes into a header, which has printable ASCII characters only, and one line",
        ));
    }
    let value = HeaderValue::from_str(text.trim());
    value.map(Some).map_err(|_| InvalidArguments::of(name, "it does not fit into a header"))
}

/// `simple` (RFC 6570 §3.2.2), which headers do not encode: an element with a comma would be two.
fn simple(parameter: &Parameter, name: &str, shape: &Shape<'_>) -> Result<String, InvalidArguments> {
    if let Shape::Scalar(text) = shape {
        return Ok(text.to_string());
    }
    if shape.parts().iter().any(|part| part.contains(',')) {
        return Err(InvalidArguments::of(name, "its elements go into one header, and must not have commas"));
    }
    Ok(match shape {
        Shape::Members(members) if parameter.explode => {
            members.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
        }
        shape => shape.parts().join(","),
    })
}
