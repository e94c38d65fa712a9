//! Values as parameters write them (`OpenAPI` 3.1 §4.8.12.3): scalars, lists, and members with scalars.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::arguments::{Exact, written};

/// A value of at most one level. What is deeper is written as JSON, because no style says how else.
#[derive(Debug)]
pub(super) enum Shape<'a> {
    Scalar(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
    Members(Vec<(String, Cow<'a, str>)>),
}

impl<'a> Shape<'a> {
    /// `None` for `null`, which no style can write.
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        let is_something = |value: &&RawValue| value.get() != "null";
        Some(match Exact::read(raw) {
            Exact::Null => return None,
            Exact::Scalar(text) => Self::Scalar(text),
            Exact::List(elements) => {
                Self::List(elements.into_iter().filter(is_something).map(written).collect())
            }
            Exact::Members(members) => {
                let members = members.iter().filter(|(_, value)| is_something(value));
                Self::Members(members.map(|(name, value)| (name.to_owned(), written(value))).collect())
            }
        })
    }

    /// Whether none of its parts has a character.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(text) => text.is_empty(),
            Self::List(elements) => elements.iter().all(|element| element.is_empty()),
            Self::Members(members) => members.iter().all(|(name, value)| name.is_empty() && value.is_empty()),
        }
    }

    /// The parts in a row, as every style has them that does not write members apart.
    pub(super) fn parts(&self) -> Vec<&str> {
        match self {
            Self::Scalar(text) => vec![text],
            Self::List(elements) => elements.iter().map(AsRef::as_ref).collect(),
            Self::Members(members) => {
                members.iter().flat_map(|(name, value)| [name.as_str(), value.as_ref()]).collect()
            }
        }
    }
}
