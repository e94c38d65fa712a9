//! `application/x-www-form-urlencoded`.

use std::collections::BTreeMap;

use super::body::{LARGEST, Member, is_short};
use super::encoding::encoded_name;
use super::query::Query;
use crate::arguments::{Exact, InvalidArguments};
use crate::{Encoding, Style};

/// Writes the members. The elements of a list are pairs of the same name, unless the document says that they are joined;
/// an object is JSON, unless the document says brackets: written apart, its members would take the names of others
/// (OA-02).
pub(super) fn write(
    members: &[Member<'_>],
    encoding: &BTreeMap<String, Encoding>,
    argument: &str,
) -> Result<String, InvalidArguments> {
    let mut form = Query::up_to(LARGEST);
    for (name, value) in members {
        is_short(name, argument)?;
        let encoding = encoding.get(name.as_ref());
        let style = encoding.and_then(|encoding| encoding.style).unwrap_or(Style::Form);
        let is_apart = encoding.and_then(|encoding| encoding.explode).unwrap_or(style == Style::Form);
        match Exact::read(value) {
            Exact::Null => {}
            _ if style == Style::DeepObject => form.put_deep(&encoded_name(name), argument, value)?,
            Exact::List(elements) if is_apart => {
                for element in elements {
                    form.put_text(name, element);
                }
            }
            Exact::List(_) => form.put_list(&encoded_name(name), style, value),
            Exact::Scalar(_) | Exact::Members(_) => form.put_text(name, value),
        }
    }
    Ok(form.into_text())
}
