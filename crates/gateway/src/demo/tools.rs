//! The six tools.

use mcp::Tool;
use oauth::Scope;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::arguments::{Arguments, InvalidArguments, Operation};

/// A tool of the demo server; each stands for one operation of the resource API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemoTool {
    Authenticate,
    Profile,
    List,
    Create,
    Update,
    Delete,
}

impl DemoTool {
    pub(super) const ALL: [Self; 6] =
        [Self::Authenticate, Self::Profile, Self::List, Self::Create, Self::Update, Self::Delete];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "oauth_authenticate",
            Self::Profile => "get_user_profile",
            Self::List => "get_data",
            Self::Create => "create_data",
            Self::Update => "update_data",
            Self::Delete => "delete_data",
        }
    }

    pub(super) fn needed_scope(self) -> Scope {
        let text = match self {
            Self::Authenticate => "",
            Self::Profile | Self::List => "read",
            Self::Create | Self::Update | Self::Delete => "write",
        };
        Scope::parse(text).expect("scope tokens of plain letters")
    }

    /// Reads the arguments of a call.
    pub(super) fn operation(self, arguments: Option<&RawValue>) -> Result<Operation<'_>, InvalidArguments> {
        let arguments = Arguments::read(arguments, self.parameters())?;
        Ok(match self {
            Self::Authenticate => Operation::Authenticate,
            Self::Profile => Operation::Profile,
            Self::List => Operation::List,
            Self::Create => Operation::Create(arguments.new_item()?),
            Self::Update => Operation::Update(arguments.item_id()?, arguments.new_item()?),
            Self::Delete => Operation::Delete(arguments.item_id()?),
        })
    }

    pub(super) fn definition(self) -> Tool {
        Tool {
            name: self.name().to_owned(),
            title: Some(self.title().to_owned()),
            description: Some(self.description().to_owned()),
            input_schema: self.input_schema(),
            other: Map::from_iter([("annotations".to_owned(), self.annotations())]),
        }
    }

    /// The arguments, all of them required.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Authenticate | Self::Profile | Self::List => &[],
            Self::Create => &["name", "value"],
            Self::Update => &["item_id", "name", "value"],
            Self::Delete => &["item_id"],
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Authenticate => "Show my authorization",
            Self::Profile => "Get user profile",
            Self::List => "List items",
            Self::Create => "Create item",
            Self::Update => "Update item",
            Self::Delete => "Delete item",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Authenticate => {
                "Shows on whose behalf this client acts, with which scopes and for how long. Needs no scope."
            }
            Self::Profile => "Gets the profile of the signed-in user. Needs the scope read.",
            Self::List => "Lists the items of the signed-in user. Needs the scope read.",
            Self::Create => "Creates an item. Needs the scope write.",
            Self::Update => "Replaces name and value of an item. Needs the scope write.",
            Self::Delete => "Deletes an item. Needs the scope write.",
        }
    }

    fn input_schema(self) -> Value {
        let properties: Map<String, Value> =
            self.parameters().iter().map(|name| ((*name).to_owned(), property(name))).collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": self.parameters(),
            "additionalProperties": false,
        })
    }

    fn annotations(self) -> Value {
        let is_read_only = matches!(self, Self::Authenticate | Self::Profile | Self::List);
        json!({
            "readOnlyHint": is_read_only,
            "destructiveHint": matches!(self, Self::Update | Self::Delete),
            "idempotentHint": !matches!(self, Self::Create),
            "openWorldHint": false,
        })
    }
}

fn property(name: &str) -> Value {
    match name {
        "item_id" => {
            json!({ "type": ["integer", "string"], "description": "The id of the item, as get_data gives it" })
        }
        "name" => {
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "description": "What the item is called" })
        }
        _ => json!({ "type": "number", "description": "The value of the item" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_clients_know() {
        let names: Vec<_> = DemoTool::ALL.iter().map(|tool| tool.name()).collect();
        assert_eq!(
            names,
            [
                "oauth_authenticate",
                "get_user_profile",
                "get_data",
                "create_data",
                "update_data",
                "delete_data"
            ]
        );
        assert!(DemoTool::ALL.into_iter().all(|tool| DemoTool::named(tool.name()) == Some(tool)));
        assert_eq!(DemoTool::named("Get_Data"), None);
    }

    #[test]
    fn schemas_require_every_parameter_and_nothing_else() {
        let schema = DemoTool::Update.definition().input_schema;
        assert_eq!(schema["required"], json!(["item_id", "name", "value"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"].as_object().map(Map::len), Some(3));
    }
}
