//! Roles, rules, and the commands that explain them, with a running server.

use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    attacks::world::{Tokens, World},
    http_client::{self, Answer},
    server::USERNAME,
};

const DEMO: &str = "[[server]]\nname = \"demo\"\nkind = \"demo\"\n";
const RULES: &str = r#"
[policy]
tell = "rule"

[[policy.rule]]
name = "only admins delete"
effect = "deny"
servers = ["demo"]
tools = ["delete_*"]
when = "!('admin' in user.roles) || arguments.item_id > 1000"
"#;
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

/// Runs a command on the configuration and the database of the running server.
fn vestibule(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(arguments).arg("--config").arg(world.server.configuration_file());
    command.arg("--data-dir").arg(world.server.data_directory()).output().expect("the binary starts")
}

fn said(world: &World, arguments: &[&str]) -> String {
    let output = vestibule(world, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("what is printed is text")
}

async fn delete(world: &World, token: &str, item: i64) -> Answer {
    let body = json!({ "name": "delete_data", "arguments": { "item_id": item } });
    let mut request = http_client::json("/mcp/v1/tools/call", &body);
    let bearer = format!("Bearer {token}").parse().expect("a token fits into a header");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    world.send(request).await
}

#[tokio::test]
async fn a_role_is_in_the_next_token_and_the_rules_ask_for_it() {
    let world = World::configured(&format!("{DEMO}{RULES}"));
    let client = world.public_client().await;
    let tokens = world.tokens_for(&client, "read write").await;
    let denied = delete(&world, &tokens.access, 1).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.json().to_string().contains("only admins delete"), "{denied:?}");

    assert_eq!(said(&world, &["user", "roles", USERNAME, "--add", "admin", "--add", "dev"]), "admin\ndev\n");
    assert_eq!(said(&world, &["user", "roles", USERNAME, "--remove", "dev"]), "admin\n");
    assert_eq!(
        delete(&world, &tokens.access, 1).await.status,
        StatusCode::FORBIDDEN,
        "the old token says nothing"
    );
    let tokens = Tokens::of(&world.refresh(&client, &tokens.refresh).await);
    assert_eq!(delete(&world, &tokens.access, 1).await.status, StatusCode::OK);

    let explain = |more: &[&str]| -> Value {
        let question = ["policy", "explain", "--user", USERNAME, "--tool", "delete_data", "--json"];
        serde_json::from_str(&said(&world, &[&question[..], more].concat())).expect("JSON")
    };
    let open = explain(&[]);
    assert_eq!((&open["decision"], &open["roles"]), (&json!("open"), &json!(["admin"])), "{open}");
    let allowed = explain(&["--arguments", r#"{"item_id":1}"#]);
    assert_eq!((&allowed["decision"], &allowed["rule"]), (&json!("allowed"), &json!("scope")), "{allowed}");
    assert_eq!(allowed["rules"][0]["matches"], "no");
    assert_eq!(explain(&["--arguments", r#"{"item_id":2000}"#])["decision"], "denied");
    let other = explain(&["--role", "dev"]);
    assert_eq!(
        (&other["decision"], &other["rule"], &other["listed"]),
        (&json!("denied"), &json!("only admins delete"), &json!(false))
    );
    let lacking = explain(&["--arguments", r#"{"item_id":1}"#, "--scope", "read"]);
    assert_eq!(
        (&lacking["decision"], &lacking["scope"]["needed"]),
        (&json!("denied"), &json!("write")),
        "{lacking}"
    );
    let text = said(&world, &["policy", "explain", "--user", USERNAME, "--tool", "delete_data"]);
    assert!(text.contains("1. deny only admins delete: open: depends on the arguments"), "{text}");
    let nobody = vestibule(&world, &["policy", "explain", "--user", "nobody", "--tool", "delete_data"]);
    assert_eq!(nobody.status.code(), Some(1));

    replayed(&world).await;
}

/// What other rules would have changed about the three calls.
async fn replayed(world: &World) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("new.toml");
    let replay = |configuration: &str| -> Value {
        fs::write(&file, configuration).expect("the file can be written");
        let with = file.to_str().expect("a temporary directory has a plain name");
        serde_json::from_str(&said(world, &["policy", "replay", "--since", "1h", "--json", "--with", with]))
            .expect("JSON")
    };
    let deadline = Instant::now() + WRITTEN_WITHIN;
    while replay(DEMO)["calls"] != 3 {
        assert!(Instant::now() < deadline, "the calls are not in the log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let differences = |configuration: &str| -> Vec<(String, String, u64)> {
        let report = replay(configuration);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let differences = report["differences"].as_array().expect("a list").iter();
        differences
            .map(|found| (text(&found["then"]), text(&found["now"]), found["calls"].as_u64().unwrap_or(0)))
            .collect()
    };
    let change = |then: &str, now: &str, calls| (then.to_owned(), now.to_owned(), calls);
    assert_eq!(differences(DEMO), [change("denied by only admins delete", "allowed by scope", 2)]);
    // The third call was made by an admin: whether these rules allow it depends on what is not in the log.
    let open = "open by only admins delete: depends on the arguments";
    assert_eq!(differences(&format!("{DEMO}{RULES}")), [change("allowed by scope", open, 1)]);
    let nobody = format!("{DEMO}[policy]\ndefault = \"deny\"\n");
    assert_eq!(differences(&nobody), [change("allowed by scope", "denied by default", 1)]);
    let gone = "[[server]]\nname = \"other\"\nkind = \"demo\"\n";
    assert_eq!(differences(gone), [change("allowed by scope", "denied: there is no such server", 1)]);
}

#[tokio::test]
async fn gw_30_a_configured_limit_is_429() {
    let limit = "[[limits.rate]]\nname = \"few\"\nper = [\"user\"]\nrequests = 2\nwithin = \"1h\"\n";
    let world = World::configured(&format!("{DEMO}{limit}"));
    let client = world.public_client().await;
    let tokens = world.tokens_for(&client, "read write").await;
    let statuses = [
        delete(&world, &tokens.access, 1).await.status,
        delete(&world, &tokens.access, 2).await.status,
        delete(&world, &tokens.access, 3).await.status,
    ];
    assert_eq!(statuses, [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);
}

#[test]
fn the_examples_of_the_documentation_are_a_configuration() {
    let text = include_str!("../../../../docs/policy.md");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let configuration = blocks.collect::<Vec<_>>().join("\n");
    assert!(configuration.contains("[[policy.rule]]") && configuration.contains("[[limits.rate]]"));
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("vestibule.toml");
    fs::write(&file, configuration).expect("the file can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["serve", "--check-config", "--config"]).arg(&file).arg("--data-dir").arg(directory.path());
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn op_05_mistakes_in_rules_name_their_line() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("vestibule.toml");
    let rule = "[[policy.rule]]\nname = \"r\"\neffect = \"deny\"\n";
    for (text, told) in [
        (
            format!("{rule}when = \"user.nmae == 'a'\"\n"),
            ":4: line 1 of the condition: user has no member \"nmae\"",
        ),
        (
            format!("{rule}when = '''\ntrue &&\nusr.name == 'a'\n'''\n"),
            ":4: line 2 of the condition: there is no variable \"usr\"",
        ),
        (
            format!("{rule}when = \"user.name ==\"\n"),
            ":4: line 1 of the condition: the condition cannot be read",
        ),
        (format!("{rule}tool = [\"a\"]\n"), ":4: unknown field `tool`"),
        (
            "\n[[policy.rule]]\nname = \"r\"\neffect = \"allow\"\n".to_owned(),
            "the rule \"r\" allows what is allowed anyway",
        ),
        (
            format!("{DEMO}{rule}servers = [\"dmeo\"]\n"),
            "the rule \"r\" is about the server \"dmeo\", and there is none",
        ),
        (
            "[[limits.rate]]\nname = \"l\"\nper = [\"person\"]\nrequests = 1\nwithin = \"1s\"\n".to_owned(),
            ":3: unknown variant `person`",
        ),
        (
            "[[limits.rate]]\nname = \"l\"\nper = []\nrequests = 1\nwithin = \"10000h\"\n".to_owned(),
            "the limit \"l\" is about more than 366 days",
        ),
        (
            "[[limits.rate]]\nname = \"l\"\nper = []\nrequests = 1\nburst = 2\nwithin = \"1h\"\n".to_owned(),
            "the limit \"l\" lets more pass at once",
        ),
        ("[[limits.rate]]\nname = \"l\"\nper = []\nrequests = 0\nwithin = \"1s\"\n".to_owned(), ":4: "),
    ] {
        fs::write(&file, &text).expect("the file can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command
            .args(["serve", "--check-config", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(directory.path());
        let output = command.output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}: {stderr}");
        assert!(stderr.contains(told), "{text}: {stderr}");
    }
}
