//! Bytes to values, JSON or YAML, within limits (OA-07).
//!
//! One visitor reads both, so that both have the same limits: it counts every value that it makes. An alias of YAML counts
//! as what it stands for, so that a small text cannot become a large document.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::DocumentError;
use crate::Limits;

/// Of all values of a document, so many times fewer may come out of aliases.
const REPLAYED: usize = 10;

pub(super) fn read(unverified_bytes: &[u8], limits: &Limits) -> Result<Value, DocumentError> {
    if unverified_bytes.len() > limits.bytes {
        return Err(DocumentError::TooLarge { bytes: unverified_bytes.len(), limit: limits.bytes });
    }
    let text = std::str::from_utf8(unverified_bytes)
        .map_err(|error| DocumentError::Syntax(format!("not UTF-8 after byte {}", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let budget = Budget { left: Cell::new(limits.values), breach: RefCell::default(), limits };
    let seed = Bounded { budget: &budget, depth: 0 };
    let read = if text.trim_start().starts_with('{') { json(text, seed) } else { yaml(text, seed, limits) };
    read.map_err(|error| budget.breach.take().unwrap_or(DocumentError::Syntax(error)))
}

fn json(text: &str, seed: Bounded<'_>) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn yaml(text: &str, seed: Bounded<'_>, limits: &Limits) -> Result<Value, String> {
    let budget = serde_saphyr::budget! {
        max_events: limits.values.saturating_mul(2),
        max_nodes: limits.values,
        max_depth: limits.depth + 1,
        max_total_scalar_bytes: limits.bytes.saturating_mul(2),
        max_recorded_anchor_events: limits.values,
        max_recorded_anchor_bytes: limits.bytes.saturating_mul(2),
        max_documents: 1,
        // Generated documents write one anchor and hundreds of aliases; the number of values is what counts.
        enforce_alias_anchor_ratio: false,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: limits.values / REPLAYED },
        // YAML 1.2, as OpenAPI asks for: `no` is the country.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| seed.deserialize(reader))
        .map_err(|error| error.to_string())
}

/// What is left, and what was the limit that broke.
struct Budget<'l> {
    left: Cell<usize>,
    breach: RefCell<Option<DocumentError>>,
    limits: &'l Limits,
}

impl Budget<'_> {
    fn refuse<E: Error>(&self, what: &'static str, limit: usize) -> E {
        *self.breach.borrow_mut() = Some(DocumentError::TooMany { what, limit });
        E::custom("a limit is exceeded")
    }
}

#[derive(Clone, Copy)]
struct Bounded<'b> {
    budget: &'b Budget<'b>,
    /// Arrays and objects around the value.
    depth: usize,
}

impl Bounded<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > self.budget.limits.depth {
            return Err(self.budget.refuse("levels of arrays and objects", self.budget.limits.depth));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.budget.left.get().checked_sub(1);
        self.budget.left.set(left.ok_or_else(|| self.budget.refuse("values", self.budget.limits.values))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        // As a string: `200:` of YAML is a status, and not a number.
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inside)?;
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` stands twice in one object")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
