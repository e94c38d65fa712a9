//! What a server says now, beside what was approved of it. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Definition, Definitions, Thing};

/// One thing that is not as it was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The server is at another place.
    Endpoint {
        /// Where it was.
        approved: String,
        /// Where it is.
        found: String,
    },
    /// It calls itself otherwise.
    Identity {
        /// What it called itself.
        approved: String,
        /// What it calls itself.
        found: String,
    },
    /// Nothing of this name was approved.
    New(Thing, String, Definition),
    /// It was approved and is not there any more.
    Gone(Thing, String),
    /// It says something else.
    Changed(Thing, String, Vec<MemberDifference>),
}

/// One member of a definition that says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDifference {
    /// Where it stands, such as `inputSchema.properties.path`.
    pub member: String,
    /// What was approved; `None` when it is new.
    pub approved: Option<Value>,
    /// What it says; `None` when it is gone.
    pub found: Option<Value>,
}

/// What differs, in one order.
pub fn differences(approved: &Definitions, found: &Definitions) -> Vec<Difference> {
    let mut differences = Vec::new();
    if approved.endpoint != found.endpoint {
        differences.push(Difference::Endpoint {
            approved: approved.endpoint.clone(),
            found: found.endpoint.clone(),
        });
    }
    if let (Some(one), Some(other)) = (&approved.identity, &found.identity)
        && one != other
    {
        differences.push(Difference::Identity { approved: one.clone(), found: other.clone() });
    }
    for (thing, name, definition) in found.iter() {
        match approved.get(thing, name) {
            None => differences.push(Difference::New(thing, name.to_owned(), definition.clone())),
            Some(before) if before.digest() != definition.digest() => {
                let members = members(before.value(), definition.value());
                differences.push(Difference::Changed(thing, name.to_owned(), members));
            }
            Some(_) => {}
        }
    }
    let gone = approved.iter().filter(|(thing, name, _)| found.get(*thing, name).is_none());
    differences.extend(gone.map(|(thing, name, _)| Difference::Gone(thing, name.to_owned())));
    differences
}

fn members(approved: &Value, found: &Value) -> Vec<MemberDifference> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(approved, String::new(), &mut before);
    leaves(found, String::new(), &mut after);
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let differs = names.into_iter().filter(|name| before.get(name) != after.get(name));
    differs
        .map(|member| MemberDifference {
            approved: before.get(&member).map(|value| (*value).clone()),
            found: after.get(&member).map(|value| (*value).clone()),
            member,
        })
        .collect()
}

/// Everything that has no members, by where it stands.
fn leaves<'v>(value: &'v Value, path: String, found: &mut BTreeMap<String, &'v Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                leaves(value, below(name), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, value) in items.iter().enumerate() {
                leaves(value, below(&position.to_string()), found);
            }
        }
        _ => {
            found.insert(path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn up_02_what_has_changed_is_told_by_member() {
        let one = |value: &Value| Definitions {
            endpoint: "e".to_owned(),
            tools: [("t".to_owned(), Definition::of(value))].into(),
            ..Definitions::default()
        };
        let approved =
            one(&json!({ "name": "t", "description": "a", "inputSchema": { "required": ["x"], "p": {} } }));
        let found = one(
            &json!({ "name": "t", "description": "b", "inputSchema": { "required": ["x", "y"] }, "z": 1 }),
        );
        let member = |member: &str, approved: Option<Value>, found: Option<Value>| MemberDifference {
            member: member.to_owned(),
            approved,
            found,
        };
        let members = vec![
            member("description", Some(json!("a")), Some(json!("b"))),
            member("inputSchema.p", Some(json!({})), None),
            member("inputSchema.required.1", None, Some(json!("y"))),
            member("z", None, Some(json!(1))),
        ];
        assert_eq!(
            differences(&approved, &found),
            [Difference::Changed(Thing::Tool, "t".to_owned(), members)]
        );
        assert_eq!(differences(&approved, &approved), []);
        let moved = Definitions { endpoint: "f".to_owned(), ..Definitions::default() };
        assert_eq!(
            differences(&approved, &moved),
            [
                Difference::Endpoint { approved: "e".to_owned(), found: "f".to_owned() },
                Difference::Gone(Thing::Tool, "t".to_owned()),
            ]
        );
    }

    #[test]
    fn instructions_have_no_members() {
        let of = |text: &str| Definitions {
            instructions: Some(Definition::of(&json!(text))),
            ..Definitions::default()
        };
        let members = vec![MemberDifference {
            member: String::new(),
            approved: Some(json!("a")),
            found: Some(json!("b")),
        }];
        let expected = [Difference::Changed(Thing::Instructions, String::new(), members)];
        assert_eq!(differences(&of("a"), &of("b")), expected);
    }
}
