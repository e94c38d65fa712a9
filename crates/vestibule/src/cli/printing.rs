//! How tools and their results look on a terminal, and as JSON. What servers said loses its control characters.

use std::io::{self, Write};

use client::{printable, printable_lines};
use mcp::{CallToolResult, Content, Tool};
use serde::Serialize;
use serde_json::Value;

/// Writes one JSON document, indented. Characters that could drive a terminal are written as escapes, which is the
/// same JSON.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    for character in serde_json::to_string_pretty(value)?.chars() {
        if character.is_ascii() && character != '\u{7f}' || is_shown(character) {
            write!(out, "{character}")?;
        } else {
            write!(out, "\\u{:04x}", u32::from(character))?;
        }
    }
    writeln!(out)
}

fn is_shown(character: char) -> bool {
    !printable_lines(character.encode_utf8(&mut [0; 4])).is_empty()
}

/// Writes each tool with its parameters, the optional ones in brackets, and its description below.
pub(crate) fn tools(out: &mut dyn Write, tools: &[Tool]) -> io::Result<()> {
    for tool in tools {
        writeln!(out, "{}", printable(&signature(tool)))?;
        let description = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
        for line in printable_lines(description).lines().filter(|line| !line.trim().is_empty()) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

/// `update_data(item_id, name, [value])`
fn signature(tool: &Tool) -> String {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    let parameters: Vec<String> = properties
        .into_iter()
        .flat_map(|properties| properties.keys())
        .map(|name| if is_required(name) { name.clone() } else { format!("[{name}]") })
        .collect();
    format!("{}({})", tool.name, parameters.join(", "))
}

/// Writes what a tool said: texts as they are, anything else as JSON.
pub(crate) fn result(out: &mut dyn Write, result: &CallToolResult) -> io::Result<()> {
    for content in &result.content {
        match content {
            Content::Text { text } => writeln!(out, "{}", printable_lines(text))?,
            Content::Other(other) => json(out, other)?,
        }
    }
    match &result.structured_content {
        Some(structured) if result.content.is_empty() => json(out, structured),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tools_are_listed_with_their_parameters() {
        let listed: Vec<Tool> = serde_json::from_str(
            r#"[{"name":"get_data","inputSchema":{"type":"object"}},
                {"name":"up\u001b[2J","description":"Changes\nan item","inputSchema":
                 {"properties":{"a":{},"b":{}},"required":["a"]}}]"#,
        )
        .unwrap();
        let text = written(|out| tools(out, &listed));
        assert_eq!(text, "get_data()\nup[2J(a, [b])\n    Changes\n    an item\n");
    }

    #[test]
    fn cl_05_a_result_cannot_drive_the_terminal() {
        let said: CallToolResult =
            serde_json::from_str(r#"{"content":[{"type":"text","text":"a\nb\u001b]0;x\u0007"}]}"#).unwrap();
        assert_eq!(written(|out| result(out, &said)), "a\nb]0;x\n");
        assert!(!written(|out| json(out, &said)).contains('\u{1b}'));
        let written = written(|out| json(out, &"ä\u{9b}2J\u{202e}\u{7f}"));
        assert_eq!(written, "\"ä\\u009b2J\\u202e\\u007f\"\n");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), "ä\u{9b}2J\u{202e}\u{7f}");
    }
}
