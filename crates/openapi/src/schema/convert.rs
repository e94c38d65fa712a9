//! One schema object as JSON Schema 2020-12.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};

use super::keyword::{Form, form};
use super::nullable::{is_nullable, or_null};
use super::{Direction, Schemas};
use crate::document::Version;
use crate::text::{is_short, slim};

impl Schemas<'_> {
    /// The schema with everything inside of it. References are left as the document has them.
    pub(crate) fn convert(&mut self, schema: &Value) -> Value {
        match schema {
            Value::Bool(_) => schema.clone(),
            Value::Object(members) => self.object(members),
            _ => Value::Bool(true),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>) -> Value {
        let mut converted = Map::new();
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if self.document.at(reference).is_none() {
                self.lose(format!("`{reference}` leads nowhere, so that anything is taken in its place"));
                return Value::Bool(true);
            }
            converted.insert("$ref".to_owned(), reference.into());
        }
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if schema.contains_key(keyword) {
                self.lose(format!("{keyword} is not followed, so that anything is taken in its place"));
            }
        }
        let version = self.document.version();
        for (keyword, value) in schema.iter().filter(|(keyword, _)| says_something(version, schema, keyword))
        {
            if let Some((keyword, value)) = self.keyword(schema, keyword, value) {
                converted.insert(keyword.to_owned(), value);
            }
        }
        tidy(&mut converted);
        if is_nullable(schema) {
            converted = or_null(converted);
        }
        Value::Object(converted)
    }

    fn keyword<'k>(
        &mut self,
        schema: &Map<String, Value>,
        keyword: &'k str,
        value: &Value,
    ) -> Option<(&'k str, Value)> {
        let converted = match (keyword, value) {
            // The booleans of draft 4 say of their neighbour that it is exclusive.
            ("minimum", _) if schema.get("exclusiveMinimum") == Some(&Value::Bool(true)) => {
                return Some(("exclusiveMinimum", value.is_number().then(|| value.clone())?));
            }
            ("maximum", _) if schema.get("exclusiveMaximum") == Some(&Value::Bool(true)) => {
                return Some(("exclusiveMaximum", value.is_number().then(|| value.clone())?));
            }
            // Tuples of draft 4.
            ("items", Value::Array(_)) => return Some(("prefixItems", self.of(Form::Schemas, value)?)),
            ("additionalItems", _) if schema.get("items").is_some_and(Value::is_array) => {
                return Some(("items", self.convert(value)));
            }
            // Alternatives of real documents overlap; a call is not refused because two of them fit.
            ("oneOf", _) if !schema.contains_key("anyOf") => {
                return Some(("anyOf", self.of(Form::AllInPlace, value)?));
            }
            ("additionalProperties" | "unevaluatedProperties" | "unevaluatedItems", Value::Bool(true)) => {
                return None;
            }
            ("title", _) if !self.slimming.titles => return None,
            ("format", Value::String(format)) => return format_of(format),
            ("properties", Value::Object(members)) => self.members(members),
            ("required", _) => self.required(schema, value)?,
            _ => self.of(form(keyword)?, value)?,
        };
        Some((keyword, converted))
    }

    /// `None` when the value is not what the keyword asks for: the keyword is left out then.
    fn of(&mut self, form: Form, value: &Value) -> Option<Value> {
        Some(match form {
            Form::Count => count(value)?,
            Form::Number => value.is_number().then(|| value.clone())?,
            Form::Positive => value.as_f64().filter(|number| *number > 0.0).map(|_| value.clone())?,
            Form::Flag => value.as_bool().filter(|flag| *flag).map(Value::Bool)?,
            Form::Word => value.is_string().then(|| value.clone())?,
            Form::Pattern => self.pattern(value.as_str()?)?.into(),
            Form::Text => self.text(value.as_str()?)?.into(),
            Form::Any => is_short(value).then(|| value.clone())?,
            Form::Values => self.values(value.as_array()?)?,
            Form::Names => names(value)?,
            Form::Schema | Form::InPlace => {
                value.as_object().map(|_| ()).or(value.as_bool().map(|_| ()))?;
                self.convert(value)
            }
            Form::Schemas | Form::AllInPlace => {
                let schemas = value.as_array().filter(|schemas| !schemas.is_empty())?;
                schemas.iter().map(|schema| self.convert(schema)).collect()
            }
            Form::Members | Form::Dependent => {
                let members = value.as_object()?.iter();
                members.map(|(name, schema)| (name.clone(), self.convert(schema))).collect()
            }
            Form::Patterns => {
                let mut kept = Map::new();
                for (pattern, schema) in value.as_object()? {
                    if self.pattern(pattern).is_some() {
                        kept.insert(pattern.clone(), self.convert(schema));
                    }
                }
                Value::Object(kept)
            }
            Form::NamesByName => {
                let lists = value.as_object()?.iter();
                lists.filter_map(|(name, list)| Some((name.clone(), names(list)?))).collect()
            }
            Form::Type => kind(value)?,
        })
    }

    /// Members that do not travel in this direction are left out.
    fn members(&mut self, members: &Map<String, Value>) -> Value {
        let direction = self.direction;
        let members = members.iter().filter(|(_, schema)| !does_not_travel(schema, direction));
        Value::Object(members.map(|(name, schema)| (name.clone(), self.convert(schema))).collect())
    }

    fn required(&self, schema: &Map<String, Value>, value: &Value) -> Option<Value> {
        let Value::Array(mut names) = names(value)? else { return None };
        let member = |name: &Value| schema.get("properties")?.get(name.as_str()?);
        names.retain(|name| !member(name).is_some_and(|schema| does_not_travel(schema, self.direction)));
        (!names.is_empty()).then_some(Value::Array(names))
    }

    fn pattern(&mut self, pattern: &str) -> Option<String> {
        if self.patterns.is_linear(pattern) {
            return Some(pattern.to_owned());
        }
        let shown: String = pattern.chars().take(80).collect();
        self.lose(format!(
            "the pattern `{shown}` is left out: it is no regular expression that is matched in linear time"
        ));
        None
    }

    fn text(&self, text: &str) -> Option<String> {
        let text = slim(text, self.slimming.parameter_description);
        (!text.is_empty()).then_some(text)
    }

    fn values(&mut self, values: &[Value]) -> Option<Value> {
        if values.len() > self.slimming.enum_values {
            self.lose(format!("an enumeration of {} values is left out", values.len()));
            return None;
        }
        let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            if !distinct.contains(value) {
                distinct.push(value.clone());
            }
        }
        (!distinct.is_empty()).then_some(Value::Array(distinct))
    }
}

/// Before 3.1 what stands beside a `$ref` is ignored, but a description harms nobody.
fn says_something(version: Version, schema: &Map<String, Value>, keyword: &str) -> bool {
    version == Version::ThreeOne || !schema.contains_key("$ref") || keyword == "description"
}

fn does_not_travel(schema: &Value, direction: Direction) -> bool {
    let marker = match direction {
        Direction::Request => "readOnly",
        Direction::Response => "writeOnly",
    };
    schema.get(marker) == Some(&Value::Bool(true))
}

fn count(value: &Value) -> Option<Value> {
    if value.is_u64() {
        return Some(value.clone());
    }
    // `1.0` is a count too.
    let number = value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0 && *number < 9e15)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and between 0 and 9e15"
    )]
    Some(Value::Number(Number::from(number as u64)))
}

fn names(value: &Value) -> Option<Value> {
    let mut seen = HashSet::new();
    let names = value.as_array()?.iter().filter(|name| name.as_str().is_some_and(|name| seen.insert(name)));
    Some(names.cloned().collect())
}

/// A type, or a list of types. What is no type of JSON Schema is taken for what its name says, or says nothing.
fn kind(value: &Value) -> Option<Value> {
    let known = |name: &str| {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" | "file" | "date" | "datetime" | "date-time" | "uuid" | "url" | "uri" | "byte" => {
                "string"
            }
            "integer" | "int" | "int32" | "int64" | "long" => "integer",
            "number" | "float" | "double" | "decimal" => "number",
            "boolean" | "bool" => "boolean",
            "array" | "list" => "array",
            "object" => "object",
            "null" => "null",
            _ => return None,
        })
    };
    match value {
        Value::String(name) => known(name).map(Value::from),
        Value::Array(types) => {
            let mut kept: Vec<&str> = Vec::new();
            for kind in types {
                let kind = known(kind.as_str()?)?;
                if !kept.contains(&kind) {
                    kept.push(kind);
                }
            }
            (!kept.is_empty()).then(|| json!(kept))
        }
        _ => None,
    }
}

/// Formats that say how a string is written. Sizes of numbers tell a model nothing.
fn format_of(format: &str) -> Option<(&'static str, Value)> {
    let kept = [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uuid",
    ];
    match format {
        "byte" | "base64" | "binary" => Some(("contentEncoding", "base64".into())),
        _ => kept.contains(&format).then(|| ("format", format.into())),
    }
}

/// What is shorter said otherwise.
fn tidy(schema: &mut Map<String, Value>) {
    for keyword in ["allOf", "anyOf"] {
        unwrap_single(schema, keyword);
    }
    if schema.get("type") == Some(&json!("array")) && !schema.contains_key("items") {
        // Some model providers refuse an array that does not say of what.
        schema.insert("items".to_owned(), json!({}));
    }
    for keyword in ["properties", "required", "patternProperties"] {
        if schema.get(keyword).is_some_and(|value| value == &json!({}) || value == &json!([])) {
            schema.remove(keyword);
        }
    }
}

/// `allOf` of one schema is that schema, where nothing else speaks of the same.
fn unwrap_single(schema: &mut Map<String, Value>, keyword: &str) {
    let Some(Value::Array(schemas)) = schema.get(keyword) else { return };
    let [Value::Object(single)] = schemas.as_slice() else { return };
    let is_text = |name: &String| matches!(name.as_str(), "description" | "title" | "default");
    if single.keys().any(|name| schema.contains_key(name) && !is_text(name)) {
        return;
    }
    // `additionalProperties` looks at its neighbours.
    if schema.keys().any(|name| name.ends_with("Properties"))
        || single.keys().any(|name| name.ends_with("Properties"))
    {
        return;
    }
    let single = single.clone();
    schema.remove(keyword);
    for (name, value) in single {
        schema.entry(name).or_insert(value);
    }
}
