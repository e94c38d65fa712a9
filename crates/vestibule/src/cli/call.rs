//! `vestibule call`: calls one tool of an MCP server.

use std::io::stdout;

use clap::Args;
use client::{Session, printable};
use mcp::{CallToolResult, Tool};
use serde_json::{Map, Value};

use super::{
    exit::Stop,
    mcp_server::{Connection, LoginOptions, Server, stopped},
    printing,
    terminal_browser::TerminalBrowser,
};

/// The arguments of `vestibule call`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The name of the tool.
    tool: String,
    /// The tool's arguments: one JSON object, or key=value pairs.
    #[arg(value_name = "JSON|KEY=VALUE")]
    given: Vec<String>,
    /// Print the whole result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: LoginOptions,
}

/// Calls the tool, after a login if one is needed and possible. A tool that reports a failure ends with exit code 1.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { server, tool, given, json, options } = &arguments;
    let given = Given::read(given)?;
    let connection = Connection::open(server, options.settings()?).await?;
    let browser = TerminalBrowser::find(options.no_browser);
    let mut session = Session::new(
        &connection.client,
        connection.server.clone(),
        Connection::implementation(),
        browser.as_ref().map_or(client::Login::Never, |browser| client::Login::Person(browser)),
    );
    let result = call(&mut session, tool, given).await;
    session.close().await;
    let result = result.map_err(|error| stopped(&error, server))?;
    let printed =
        if *json { printing::json(&mut stdout(), &result) } else { printing::result(&mut stdout(), &result) };
    printed?;
    if result.is_error {
        return Err(Stop::failure(format!("the tool {} reports a failure", printable(tool))).into());
    }
    Ok(())
}

/// The tool's definition says of what types its arguments are.
async fn call(session: &mut Session<'_>, name: &str, given: Given) -> Result<CallToolResult, client::Error> {
    let tools = session.list_tools().await?;
    let tool = tools.iter().find(|tool| tool.name == name);
    session.call_tool(name, given.arguments(tool)).await
}

/// Arguments as they stand on the command line.
#[derive(Debug, PartialEq)]
enum Given {
    Object(Map<String, Value>),
    Pairs(Vec<(String, String)>),
}

impl Given {
    fn read(arguments: &[String]) -> Result<Self, Stop> {
        if let [only] = arguments
            && only.trim_start().starts_with('{')
        {
            return serde_json::from_str(only)
                .map(Self::Object)
                .map_err(|error| Stop::usage(format!("the arguments are no JSON object: {error}")));
        }
        let pairs = arguments.iter().map(|argument| {
            let pair = argument.split_once('=').filter(|(key, _)| !key.is_empty());
            pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| {
                Stop::usage(format!("'{}' is neither key=value nor a JSON object", printable(argument)))
                    .hint("write for example name=Box value=7, or '{\"name\": \"Box\", \"value\": 7}'")
            })
        });
        pairs.collect::<Result<_, _>>().map(Self::Pairs)
    }

    fn arguments(self, tool: Option<&Tool>) -> Map<String, Value> {
        match self {
            Self::Object(object) => object,
            Self::Pairs(pairs) => {
                let properties = tool.and_then(|tool| tool.input_schema.get("properties"));
                let typed = |(key, text): (String, String)| {
                    let value = typed(&text, properties.and_then(|properties| properties.get(&key)));
                    (key, value)
                };
                pairs.into_iter().map(typed).collect()
            }
        }
    }
}

/// The value that `text` stands for, given the schema of its parameter: JSON where the schema asks for something else
/// than a string and the text is that, else the text itself.
fn typed(text: &str, schema: Option<&Value>) -> Value {
    let accepted = schema.and_then(|schema| schema.get("type"));
    let accepts = |name: &str| match accepted {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    let fits = |value: &Value| match value {
        Value::Null => accepts("null"),
        Value::Bool(_) => accepts("boolean"),
        Value::Number(number) => accepts("number") || (accepts("integer") && !number.is_f64()),
        Value::Array(_) => accepts("array"),
        Value::Object(_) => accepts("object"),
        Value::String(_) => false,
    };
    serde_json::from_str(text).ok().filter(fits).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_the_schema_says() {
        let rows = [
            ("7", json!({"type": "integer"}), json!(7)),
            ("7.5", json!({"type": "integer"}), json!("7.5")),
            ("7.5", json!({"type": "number"}), json!(7.5)),
            ("7", json!({"type": "string"}), json!("7")),
            ("7", json!({}), json!("7")),
            ("true", json!({"type": "boolean"}), json!(true)),
            ("yes", json!({"type": "boolean"}), json!("yes")),
            ("null", json!({"type": ["string", "null"]}), json!(null)),
            ("null", json!({"type": "string"}), json!("null")),
            ("[1]", json!({"type": "array"}), json!([1])),
            ("{\"a\":1}", json!({"type": "object"}), json!({"a": 1})),
            ("\"quoted\"", json!({"type": "string"}), json!("\"quoted\"")),
            ("", json!({"type": "number"}), json!("")),
        ];
        for (text, schema, expected) in rows {
            assert_eq!(typed(text, Some(&schema)), expected, "{text} {schema}");
        }
        assert_eq!(typed("7", None), json!("7"));
    }

    #[test]
    fn arguments_are_an_object_or_pairs() {
        let read = |arguments: &[&str]| {
            Given::read(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).ok()
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read(&[]), Some(Given::Pairs(Vec::new())));
        assert_eq!(read(&["a=1", "b=x=y"]), Some(Given::Pairs(vec![pair("a", "1"), pair("b", "x=y")])));
        assert!(matches!(read(&[r#" {"a": 1}"#]), Some(Given::Object(_))));
        for refused in [&["a"][..], &["=1"], &["{\"a\": }"], &["a=1", "{}"]] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }
}
