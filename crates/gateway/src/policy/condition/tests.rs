use std::borrow::Cow;
use std::time::Instant;

use oauth::{Scope, Timestamp};
use serde_json::value::RawValue;

use super::*;
use crate::policy::{Annotations, Memberships, Requester};

fn requester() -> Requester<'static> {
    Requester {
        issuer: "https://v.test".into(),
        subject: "user_1".into(),
        user_name: Some("ada".into()),
        client_id: Some("client_1".into()),
        scope: Some(Cow::Owned(Scope::default())),
        memberships: Some(Memberships {
            roles: vec!["dev".to_owned(), "ops".to_owned()].into(),
            groups: vec!["berlin".to_owned()].into(),
        }),
    }
}

/// Evaluates for a call of `delete` with these arguments; without any they are not known.
fn evaluate(source: &str, arguments: Option<&str>) -> Evaluation {
    let condition = Condition::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let raw = arguments.map(|text| serde_json::from_str::<&RawValue>(text).unwrap());
    let question = Question {
        requester: &requester(),
        target: Target::Tool { name: "delete", annotations: Some(Annotations::default()) },
        arguments: raw.map_or(Arguments::Unknown, |raw| Arguments::Known(Some(raw))),
        // A Monday, 12:13:20 UTC.
        now: Timestamp::from_seconds(1_700_482_400),
    };
    condition.evaluate(&question, "files")
}

#[test]
fn conditions_see_user_client_tool_arguments_and_time() {
    let arguments = r#"{"path":"/pub/a","n":42,"big":18446744073709551615,"f":1.5,"on":true,"none":null,
        "tags":["x","y"],"deep":{"a":{"b":[1]}},"odd-name":"z"}"#;
    for source in [
        "user.name == 'ada' && user.subject == 'user_1' && user.issuer.startsWith('https://')",
        "'ops' in user.roles && !('admin' in user.roles) && user.groups == ['berlin']",
        "client.id == 'client_1' && server == 'files'",
        "tool.name == 'delete' && tool['name'].size() == 6",
        "tool.annotations.destructiveHint && !tool.annotations.readOnlyHint",
        "arguments.path.startsWith('/pub/') && !arguments.path.contains('..')",
        "arguments.n == 42 && arguments.n < 42.5 && arguments.n + 1 == 43 && arguments.f == 1.5",
        "arguments.big > 1u && arguments.on && arguments.none == null",
        "arguments['odd-name'] == 'z' && has(arguments.n) && !has(arguments.m) && 'n' in arguments",
        "arguments.tags.all(tag, tag in ['x', 'y']) && arguments.tags.exists(tag, tag == 'y')",
        "arguments.tags.filter(tag, tag != 'x').size() == 1 && arguments.deep.a.b[0] == 1",
        "arguments.path.matches('^/pub/[a-z]+$') && !matches(arguments.path, 'etc')",
        "arguments.tags.all(tag, user.roles.all(role, role != tag))",
        "now > timestamp('2023-11-20T00:00:00Z') && now.getHours() == 12 && now.getDayOfWeek() == 1",
        "now.getHours('Europe/Berlin') == 13",
        "size(arguments) == 9",
    ] {
        assert_eq!(evaluate(source, Some(arguments)), Evaluation::True, "{source}");
    }
}

#[test]
fn gw_11_members_are_not_taken_for_others_with_dots_in_their_names() {
    let arguments = r#"{"a":{"b":"inner"},"a.b":"outer","a.b;":"outer","c":1}"#;
    for source in [
        "arguments.a.b == 'inner'",
        "arguments.a.b == 'inner' && arguments.size() == 4",
        "arguments['a.b'] == 'outer' && arguments.a['b'] == 'inner'",
        "has(arguments.a.b) && !has(arguments.a.c)",
    ] {
        assert_eq!(evaluate(source, Some(arguments)), Evaluation::True, "{source}");
    }
}

#[test]
fn what_is_not_known_leaves_open_what_depends_on_it() {
    let open = Evaluation::Open("the arguments");
    for (source, expect) in [
        ("arguments.n == 1", open.clone()),
        ("user.name == 'ada' && arguments.n == 1", open.clone()),
        ("arguments.n == 1 && user.name == 'bob'", Evaluation::False),
        ("arguments.n == 1 || user.name == 'ada'", Evaluation::True),
        ("arguments.tags.all(tag, tag == 'x')", open.clone()),
        ("has(arguments.n)", open),
    ] {
        assert_eq!(evaluate(source, None), expect, "{source}");
    }
}

#[test]
fn what_fails_says_why_and_never_with_what() {
    let secret = r#"{"token":"s3cr3t","list":["s3cr3t"],"n":0}"#;
    for source in [
        "arguments.missing == 1",
        "arguments.token + 1 == 2",
        "arguments.token < 3",
        "arguments.list[3] == 'x'",
        "arguments.list[arguments.token] == 'x'",
        "1 / arguments.n == 1",
        "int(arguments.token) == 1",
        "timestamp(arguments.token) < now",
        "arguments.token",
        "arguments.token ? true : false",
        "user.roles[7] == 'x'",
    ] {
        let Evaluation::Failed(reason) = evaluate(source, Some(secret)) else { panic!("{source} went well") };
        assert!(!reason.contains("s3cr3t") && !reason.is_empty(), "{source}: {reason}");
    }
}

#[test]
fn mistakes_are_found_before_any_question() {
    for (source, line, expect) in [
        ("user.name ==", 0, "the condition cannot be read"),
        ("true &&\n  usr.name == 'a'", 1, "there is no variable \"usr\""),
        (".user.name == 'a'", 0, "there is no variable \".user\""),
        ("user.nmae == 'a'", 0, "user has no member \"nmae\""),
        ("tool.annotations.readOnly", 0, "tool.annotations has no member \"readOnly\""),
        ("server.name == 'a'", 0, "server has no members"),
        ("user.name.lower() == 'a'", 0, "there is no function \"lower\""),
        ("user.name.matches('(')", 0, "matches() has a pattern that is none"),
        ("user.name.matches(arguments.p)", 0, "the pattern of matches() stands in the condition"),
        ("user.name.matches('(\\\\pL{500}){500}')", 0, "matches() has a pattern that is none"),
        ("1 + 1", 0, "the condition is neither true nor false"),
        ("'yes'", 0, "the condition is neither true nor false"),
        ("arguments.a.all(x, arguments.b.all(y, x == y))", 0, "a loop over arguments inside of a loop"),
        ("arguments.a.all(x, x.all(y, y == 1))", 0, "a loop over arguments inside of a loop"),
        ("Msg{a: 1} == 1", 0, "messages have no place"),
    ] {
        let error = Condition::parse(source).expect_err(source);
        assert!(error.message.starts_with(expect), "{source}: {error}");
        assert_eq!(error.line, line, "{source}");
    }
    assert!(Condition::parse(&format!("{}true", "true && ".repeat(600))).is_err(), "too long");
    for deep in [
        format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("1{} == 1", " + 1".repeat(900)),
        format!("{}true", "true ? true : ".repeat(250)),
        format!("{}1{} == []", "[".repeat(1_000), "]".repeat(1_000)),
        format!("arguments{} == 1", ".a".repeat(1_000)),
        format!("{}true", "!".repeat(4_001)),
    ] {
        let outcome = Condition::parse(&deep).map(|condition| format!("{condition:?}").len());
        let is_nothing = |size: &usize| *size < 1_000;
        assert!(outcome.as_ref().map_or(true, is_nothing), "{outcome:?} for {}", &deep[..20]);
    }
    let deep_enough = format!("{}true{}", "!(".repeat(40), ")".repeat(40));
    assert_eq!(evaluate(&deep_enough, None), Evaluation::True);
}

#[test]
fn a_call_cannot_make_a_condition_take_long() {
    let many = format!(r#"{{"list":[{}],"text":"x"}}"#, vec!["1"; 1_001].join(","));
    let large = format!(r#"{{"list":[1],"text":"{}"}}"#, "x".repeat(70_000));
    let in_a_loop = "arguments.list.all(x, arguments.text != 'y')";
    assert!(matches!(evaluate(in_a_loop, Some(&many)), Evaluation::Failed(_)));
    assert!(matches!(evaluate(in_a_loop, Some(&large)), Evaluation::Failed(_)));
    // Without a loop, and for arguments that nothing looks at, size is no matter.
    assert_eq!(evaluate("arguments.text.size() == 70000", Some(&large)), Evaluation::True);
    assert_eq!(evaluate("arguments.list.all(x, x == 1)", Some(&large)), Evaluation::True);

    // The worst that passes: every one of many against every one of many.
    let names = (0..980).map(|n| format!("\"{n:060}\"")).collect::<Vec<_>>().join(",");
    let worst = format!(r#"{{"list":[{names}]}}"#);
    let began = Instant::now();
    assert_eq!(evaluate("arguments.list.all(x, x in arguments.list)", Some(&worst)), Evaluation::True);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}
