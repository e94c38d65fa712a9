//! What an operator approves becomes what was approved. Pure.

use super::{Definition, Definitions, Thing};

/// What is approved of a server from now on: everything that was found at it, or, with `only`, of what was found the tool
/// or prompt of this name alone, beside what was approved before.
pub fn approve(approved: Option<&Definitions>, found: &Definitions, only: Option<&str>) -> Definitions {
    let Some(name) = only else { return found.clone() };
    let mut alone = alone(found, name);
    // What was approved of another server is not approved of this one.
    let is_same = |approved: &&Definitions| {
        approved.endpoint == found.endpoint
            && (approved.identity == found.identity || approved.identity.is_none())
    };
    let Some(mut approved) = approved.filter(is_same).cloned() else { return alone };
    approved.identity = alone.identity;
    replace(&mut approved.tools, name, &mut alone.tools);
    replace(&mut approved.prompts, name, &mut alone.prompts);
    approved
}

fn alone(found: &Definitions, name: &str) -> Definitions {
    let named = |thing: Thing| {
        found.get(thing, name).map(|definition| (name.to_owned(), definition.clone())).into_iter().collect()
    };
    Definitions {
        endpoint: found.endpoint.clone(),
        identity: found.identity.clone(),
        instructions: None,
        prompts: named(Thing::Prompt),
        tools: named(Thing::Tool),
    }
}

/// What is gone at the server is not approved any more.
fn replace(
    approved: &mut std::collections::BTreeMap<String, Definition>,
    name: &str,
    found: &mut std::collections::BTreeMap<String, Definition>,
) {
    approved.remove(name);
    approved.append(found);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definitions(tools: &[(&str, i64)]) -> Definitions {
        let tool =
            |(name, version): &(&str, i64)| ((*name).to_owned(), Definition::of(&json!({ "v": version })));
        Definitions {
            endpoint: "e".to_owned(),
            instructions: Some(Definition::of(&json!("i"))),
            tools: tools.iter().map(tool).collect(),
            ..Definitions::default()
        }
    }

    #[test]
    fn one_tool_is_approved_alone() {
        let approved = definitions(&[("a", 1), ("b", 1), ("gone", 1)]);
        let found = definitions(&[("a", 2), ("b", 2), ("c", 2)]);
        let elsewhere = Definitions { endpoint: "f".to_owned(), ..approved.clone() };
        for (before, only, expected) in [
            (None, None, definitions(&[("a", 2), ("b", 2), ("c", 2)])),
            (Some(&approved), None, definitions(&[("a", 2), ("b", 2), ("c", 2)])),
            (Some(&approved), Some("a"), definitions(&[("a", 2), ("b", 1), ("gone", 1)])),
            (Some(&approved), Some("c"), definitions(&[("a", 1), ("b", 1), ("c", 2), ("gone", 1)])),
            (Some(&approved), Some("gone"), definitions(&[("a", 1), ("b", 1)])),
            (None, Some("a"), Definitions { instructions: None, ..definitions(&[("a", 2)]) }),
            (Some(&elsewhere), Some("a"), Definitions { instructions: None, ..definitions(&[("a", 2)]) }),
        ] {
            assert_eq!(approve(before, &found, only), expected, "{only:?}");
        }
    }
}
