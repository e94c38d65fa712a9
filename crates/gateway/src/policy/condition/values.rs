//! Arguments as values of CEL.

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use mcp::json::Object;
use serde_json::Value;
use serde_json::value::RawValue;

use super::check::{Looked, Uses};

/// How many values an expression may look at.
const VALUES: usize = 100_000;
/// The same for one that has a loop, and the bytes of all that it looks at.
const LOOPED_VALUES: usize = 1_000;
const LOOPED_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    #[error("the arguments have more values than a condition may look at")]
    Values,
    #[error("the arguments are larger than a condition with a loop may look at")]
    Bytes,
    #[error("the arguments cannot be read")]
    Unreadable,
}

/// Those arguments that the condition looks at; the others are not even read.
pub(super) fn of_arguments(raw: Option<&RawValue>, uses: &Uses) -> Result<CelMap<'static>, TooMuch> {
    let object = Object::read(raw.map_or("{}", RawValue::get), &[]).map_err(|_| TooMuch::Unreadable)?;
    let is_looked_at = |name: &str| match &uses.arguments {
        Some(Looked::At(names)) => names.iter().any(|looked| looked == name),
        Some(Looked::AtAll) => true,
        None => false,
    };
    let members = || object.iter().filter(|(name, _)| is_looked_at(name));
    let bytes: usize = members().map(|(name, value)| name.len() + value.get().len()).sum();
    if uses.loops && bytes > LOOPED_BYTES {
        return Err(TooMuch::Bytes);
    }
    let mut left = if uses.loops { LOOPED_VALUES } else { VALUES };
    let entry = |(name, value): (&str, &RawValue)| {
        let value = serde_json::from_str(value.get()).map_err(|_| TooMuch::Unreadable)?;
        Ok((CelMapKey::from(name.to_owned()), converted(value, &mut left)?))
    };
    members().map(entry).collect::<Result<std::collections::HashMap<_, _>, _>>().map(CelMap::from)
}

fn converted(value: Value, left: &mut usize) -> Result<Box<dyn Val>, TooMuch> {
    *left = left.checked_sub(1).ok_or(TooMuch::Values)?;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(truth)),
        Value::String(text) => Box::new(CelString::from(text)),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Box::new(CelInt::from(number)),
            (_, Some(number), _) => Box::new(CelUInt::from(number)),
            (_, _, number) => Box::new(CelDouble::from(number.unwrap_or(f64::NAN))),
        },
        Value::Array(values) => {
            let values: Result<Vec<_>, _> = values.into_iter().map(|value| converted(value, left)).collect();
            Box::new(CelList::from(values?))
        }
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| Ok((name.into(), converted(value, left)?)));
            Box::new(CelMap::from(
                members.collect::<Result<std::collections::HashMap<CelMapKey<'_>, _>, _>>()?,
            ))
        }
    })
}
