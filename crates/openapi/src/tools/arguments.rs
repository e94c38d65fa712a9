//! The parameters of an operation as members of one object, and back.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::Chosen;
use super::reserved::Credentials;
use crate::schema::Schemas;
use crate::text::slim;
use crate::{BoundParameter, Location, Operation, Parameter, Slimming, Source, Style, Warning};

/// The member that is the body.
pub(super) const BODY: &str = "body";
/// The longest name of a member; several model providers refuse longer ones.
const LONGEST_MEMBER: usize = 64;

/// The object of all arguments while it is made.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
    /// Names that settings may speak of.
    pub(super) known: HashSet<String>,
}

impl Arguments {
    /// An object with these members, and with no others (OA-05).
    pub(super) fn into_schema(self) -> Value {
        let mut schema =
            json!({ "type": "object", "properties": self.properties, "additionalProperties": false });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }

    /// Puts the parameters in, as far as they are a model's business.
    pub(super) fn bind(
        &mut self,
        chosen: &Chosen<'_>,
        context: &mut Context<'_, '_>,
    ) -> Result<Vec<BoundParameter>, String> {
        let operation = chosen.operation;
        let mut bound = Vec::new();
        let parameters = offered(operation, context);
        for (parameter, member) in parameters.iter().zip(members(&parameters)) {
            self.known.insert(member.clone());
            if let Some(source) = self.source(chosen, parameter, &member, context)? {
                bound.push(BoundParameter { parameter: parameter.clone(), source });
            }
        }
        Ok(bound)
    }

    /// Where the value of the parameter comes from; `None` when it is never sent.
    fn source(
        &mut self,
        chosen: &Chosen<'_>,
        parameter: &Parameter,
        member: &str,
        context: &mut Context<'_, '_>,
    ) -> Result<Option<Source>, String> {
        let tuning = &chosen.tuning;
        if let Some(value) = tuning.fix.get(member) {
            return Ok(Some(Source::Fixed(value.clone())));
        }
        if let Some(value) = only_value(parameter) {
            return Ok(Some(Source::Fixed(value)));
        }
        let default = tuning.default.get(member).cloned();
        if tuning.conceals(member) {
            return match default {
                Some(value) => Ok(Some(Source::Fixed(value))),
                None if parameter.required => Err(format!(
                    "the parameter {member} is hidden and required: give it a value by fix.{member}"
                )),
                None => Ok(None),
            };
        }
        let said = tuning.descriptions.get(member);
        let schema = context.parameter(parameter, said, default.as_ref());
        self.properties.insert(member.to_owned(), schema);
        if parameter.required && default.is_none() {
            self.required.push(member.to_owned());
        }
        Ok(Some(Source::Argument { member: member.to_owned(), default }))
    }
}

/// A required parameter that can have one value alone is no choice.
fn only_value(parameter: &Parameter) -> Option<Value> {
    let values = parameter.schema.get("enum").and_then(Value::as_array).filter(|_| parameter.required)?;
    let [Value::String(_) | Value::Number(_) | Value::Bool(_)] = values.as_slice() else { return None };
    values.first().cloned()
}

/// What is needed to make the arguments of one tool.
pub(super) struct Context<'c, 'd> {
    pub(super) schemas: &'c mut Schemas<'d>,
    pub(super) credentials: &'c Credentials,
    pub(super) slimming: &'c Slimming,
    pub(super) warnings: &'c mut Vec<Warning>,
}

impl Context<'_, '_> {
    fn parameter(&mut self, parameter: &Parameter, said: Option<&String>, default: Option<&Value>) -> Value {
        let mut schema = self.schemas.convert(&parameter.schema);
        if schema == Value::Bool(true) {
            schema = json!({});
        }
        let Some(members) = schema.as_object_mut() else { return schema };
        let written =
            parameter.description.as_ref().map(|text| slim(text, self.slimming.parameter_description));
        if let Some(description) = said.cloned().or(written).filter(|text| !text.is_empty()) {
            members.insert("description".to_owned(), description.into());
        }
        if let Some(default) = default {
            members.insert("default".to_owned(), default.clone());
        }
        schema
    }
}

/// The parameters without those that nobody but the gateway sets, and with those that only the path names.
fn offered(operation: &Operation, context: &mut Context<'_, '_>) -> Vec<Parameter> {
    let in_path = path_names(&operation.path);
    let mut offered = Vec::new();
    for parameter in &operation.parameters {
        if parameter.location == Location::Path && !in_path.contains(&parameter.name.as_str()) {
            continue;
        }
        if context.credentials.reserve(parameter) {
            let parameter = parameter.name.escape_debug().to_string();
            context.warnings.push(Warning::Reserved { operation: operation.place(), parameter });
        } else {
            offered.push(parameter.clone());
        }
    }
    for name in in_path {
        let is_there = |parameter: &Parameter| parameter.location == Location::Path && parameter.name == name;
        if !offered.iter().any(is_there) {
            offered.push(undeclared(name));
        }
    }
    offered
}

/// The names in a path template.
fn path_names(path: &str) -> Vec<&str> {
    let mut names: Vec<_> =
        path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// A parameter that the path has and the document forgot.
fn undeclared(name: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        location: Location::Path,
        description: None,
        required: true,
        style: Style::Simple,
        explode: false,
        allow_reserved: false,
        content: None,
        schema: json!({ "type": "string" }),
    }
}

/// The names of members: those of the parameters where they are plain and there is no other of that name, else with the
/// location in front, else with a number.
fn members(parameters: &[Parameter]) -> Vec<String> {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for parameter in parameters {
        *named.entry(plain(&parameter.name)).or_default() += 1;
    }
    let mut taken = HashSet::from([BODY.to_owned()]);
    let mut member = |parameter: &Parameter| {
        let name = plain(&parameter.name);
        let placed = plain(&format!("{}_{name}", location_name(parameter.location)));
        let first = if named[&name] > 1 { placed.clone() } else { name };
        let numbered = (2..).map(|number| {
            let suffix = format!("_{number}");
            format!("{}{suffix}", &placed[..placed.len().min(LONGEST_MEMBER - suffix.len())])
        });
        let free =
            [first, placed.clone()].into_iter().chain(numbered).find(|name| taken.insert(name.clone()));
        free.expect("numbers do not end")
    };
    parameters.iter().map(&mut member).collect()
}

fn location_name(location: Location) -> &'static str {
    match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    }
}

/// `filter_name` of `filter[name]`: letters, digits, `_`, `.` and `-`.
fn plain(name: &str) -> String {
    let kept = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let parts: Vec<_> = name.split(|character| !kept(character)).filter(|part| !part.is_empty()).collect();
    let mut plain = parts.join("_");
    plain.truncate(LONGEST_MEMBER);
    if plain.is_empty() { "parameter".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_collide_are_told_apart() {
        let parameter = |location, name: &str| Parameter { location, ..undeclared(name) };
        let parameters = [
            parameter(Location::Path, "id"),
            parameter(Location::Query, "id"),
            parameter(Location::Query, "filter[name]"),
            parameter(Location::Query, "$top"),
            parameter(Location::Query, "body"),
            parameter(Location::Query, "name"),
            parameter(Location::Header, "query_name"),
            parameter(Location::Query, "名"),
            parameter(Location::Query, "前"),
            parameter(Location::Cookie, &"x".repeat(100)),
        ];
        let members = members(&parameters);
        assert_eq!(
            members[..9],
            [
                "path_id",
                "query_id",
                "filter_name",
                "top",
                "query_body",
                "name",
                "query_name",
                "query_parameter",
                "query_parameter_2",
            ]
        );
        assert_eq!(members[9].len(), LONGEST_MEMBER);
    }

    #[test]
    fn a_path_names_its_parameters() {
        assert_eq!(path_names("/a/{b}/c-{d}.{e}/{b}"), ["b", "d", "e"]);
        assert!(path_names("/a/b").is_empty());
        assert!(path_names("/a/{b").is_empty());
    }
}
