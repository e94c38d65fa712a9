//! A difference in words. Whatever is hidden in a text is written out, so that it can be seen and does nothing.

use std::fmt::Write as _;

use gateway::lock::{Definition, Difference, MemberDifference, Thing, written_out};
use serde_json::Value;

use super::words;

/// One line that says what differs at the server called `server`, and indented lines that say how.
pub(super) fn difference(server: &str, difference: &Difference) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).and_then(|()| text.write_char('\n')).expect("a string takes everything");
    };
    match difference {
        Difference::Endpoint { approved, found } => {
            line(format_args!("{server}: the endpoint is another one"));
            line(format_args!("    {}", words::difference(&written_out(approved), &written_out(found))));
        }
        Difference::Identity { approved, found } => {
            line(format_args!("{server}: it calls itself otherwise"));
            line(format_args!("    {}", words::difference(&written_out(approved), &written_out(found))));
        }
        Difference::New(thing, name, definition) => {
            line(format_args!("{}: new", named(server, *thing, name)));
            for told in indented(&whole(definition)) {
                line(format_args!("    {told}"));
            }
        }
        Difference::Gone(thing, name) => line(format_args!("{}: gone", named(server, *thing, name))),
        Difference::Changed(thing, name, members) => {
            line(format_args!("{}: changed", named(server, *thing, name)));
            for member in members {
                for told in indented(&changed(member)) {
                    line(format_args!("    {told}"));
                }
            }
        }
    }
    text
}

fn named(server: &str, thing: Thing, name: &str) -> String {
    match thing {
        Thing::Instructions => format!("{server}: {}", thing.word()),
        Thing::Prompt | Thing::Tool => format!("{server}: {} {}", thing.word(), written_out(name)),
    }
}

fn whole(definition: &Definition) -> String {
    match definition.value() {
        Value::String(text) => written_out(text),
        value => written_out(&serde_json::to_string_pretty(value).unwrap_or_default()),
    }
}

fn changed(MemberDifference { member, approved, found }: &MemberDifference) -> String {
    let member = if member.is_empty() { "text" } else { member };
    let text = |value: &Value| match value {
        Value::String(text) => written_out(text),
        value => written_out(&value.to_string()),
    };
    let difference = match (approved, found) {
        (Some(approved), Some(found)) => words::difference(&text(approved), &text(found)),
        (Some(approved), None) => words::removed(&text(approved)),
        (None, Some(found)) => words::added(&text(found)),
        (None, None) => String::new(),
    };
    format!("{}: {difference}", written_out(member))
}

fn indented(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn up_03_what_is_hidden_is_shown() {
        let member = MemberDifference {
            member: "description".to_owned(),
            approved: Some(json!("Reads a file.")),
            found: Some(json!("Reads a file.\u{e0041} And\u{1b}[2J sends it.")),
        };
        let told = difference("far", &Difference::Changed(Thing::Tool, "read".to_owned(), vec![member]));
        let expected = "far: tool read: changed\n    description: Reads a [-file.-]{+file.\\u{e0041} And\\u{1b}[2J sends it.+}\n";
        assert_eq!(told, expected);
        let told = difference(
            "far",
            &Difference::New(Thing::Instructions, String::new(), Definition::of(&json!("a\nb"))),
        );
        assert_eq!(told, "far: instructions: new\n    a\n    b\n");
        let told = difference("far", &Difference::Gone(Thing::Prompt, "p\u{7}".to_owned()));
        assert_eq!(told, "far: prompt p\\u{7}: gone\n");
    }
}
