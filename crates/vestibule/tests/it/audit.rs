//! The audit log, from what people and clients do to what `vestibule audit` says of it.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use http::header;
use serde_json::{Value, json};

use crate::{
    attacks::{
        client::{AuthorizationRequest, Client},
        database::Database,
        expect,
        scripted_browser::ScriptedBrowser,
        world::{Tokens, World},
    },
    http_client,
    server::{PASSWORD, Server, Settings, USERNAME},
};

const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

fn audit(data_directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("audit").args(arguments).arg("--data-dir").arg(data_directory);
    command.output().expect("the binary starts")
}

/// Every entry that was exported.
fn export(data_directory: &Path) -> Vec<Value> {
    let output = audit(data_directory, &["export"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("every line is JSON"));
    lines.filter(|line: &Value| line["checkpoint"].is_null()).collect()
}

/// The exported events, once there are so many: they are written a moment after the answer.
async fn events(data_directory: &Path, at_least: usize) -> Vec<Value> {
    let deadline = Instant::now() + WRITTEN_WITHIN;
    loop {
        let entries = export(data_directory);
        if entries.len() >= at_least {
            return entries.iter().map(|line| line["entry"]["event"].clone()).collect();
        }
        assert!(Instant::now() < deadline, "{entries:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The reports of `audit verify`, and what it said on stderr when it failed.
fn verify(data_directory: &Path) -> (Vec<Value>, Option<String>) {
    let output = audit(data_directory, &["verify", "--json"]);
    let reports = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => (reports, None),
        Some(1) => (reports, Some(said)),
        other => panic!("it ended with {other:?}: {said}"),
    }
}

/// A person signs in at the second attempt and allows a client, which makes every mistake that is recorded.
async fn events_of_every_kind(world: &World) {
    let client = &world.confidential_client().await;
    let code = &with_two_attempts(world, client).await;
    let first = Tokens::of(&world.redeem(client, code).await);
    expect::error(&world.redeem(client, code).await, 400, "invalid_grant");
    let wrong = Client { secret: Some("wrong secret".into()), ..client.clone() };
    expect::error(&world.refresh(&wrong, &first.refresh).await, 401, "invalid_client");
    let second = world.tokens(client).await;
    let third = Tokens::of(&world.refresh(client, &second.refresh).await);
    Tokens::of(&world.refresh(client, &third.refresh).await);
    expect::error(&world.refresh(client, &second.refresh).await, 400, "invalid_grant");
    let last = world.tokens(client).await;
    world.as_client("/revoke", client, &[("token", &last.refresh)]).await;
    let token = &world.invite("eve", &[]);
    let password = "a password of eve";
    let fields = [("token", &**token), ("password", password), ("password_again", password)];
    expect::page(&ScriptedBrowser::new(world).post("/set-up", &fields).await, 200);
}

async fn with_two_attempts(world: &World, client: &Client) -> String {
    let mut browser = ScriptedBrowser::new(world);
    let transaction = browser.start(&AuthorizationRequest::of(world, client)).await;
    for name in [USERNAME, "a password in the wrong field"] {
        expect::page(&browser.try_password(&transaction, name, "wrong").await, 401);
    }
    assert_eq!(browser.try_password(&transaction, USERNAME, PASSWORD).await.status, 303);
    expect::code(world, &browser.decide(&transaction, "allow").await)
}

#[tokio::test]
async fn every_security_event_names_the_person_and_the_client() {
    let world = World::alone();
    events_of_every_kind(&world).await;
    let events = events(&world.server.data_directory(), 17).await;
    let mut counts = BTreeMap::new();
    for event in &events {
        *counts.entry((event["kind"].as_str().unwrap(), event["outcome"].as_str().unwrap())).or_insert(0) +=
            1;
    }
    let expected = [
        (("client_authentication", "refused"), 1),
        (("code_redeemed", "succeeded"), 3),
        (("code_replayed", "refused"), 1),
        (("consent", "succeeded"), 3),
        (("refresh_token_reused", "refused"), 1),
        (("registration", "succeeded"), 1),
        (("revocation", "succeeded"), 1),
        (("set_up", "succeeded"), 1),
        (("sign_in", "refused"), 2),
        (("sign_in", "succeeded"), 3),
    ];
    assert_eq!(counts, BTreeMap::from(expected), "{events:#?}");

    let of = |kind: &str| events.iter().find(|event| event["kind"] == kind).unwrap();
    for kind in ["consent", "code_redeemed", "refresh_token_reused"] {
        assert_eq!(of(kind)["person"]["user_name"], USERNAME, "{kind}");
        assert_eq!(of(kind)["client_id"], of("registration")["client_id"], "{kind}");
    }
    assert_eq!(of("consent")["decision"], json!({ "rule": "asked", "verdict": "allowed" }));
    assert_eq!(of("set_up")["person"]["user_name"], "eve");
    let all = Value::from(events.clone()).to_string();
    assert!(!all.contains("wrong field"), "a name that is nobody's may be a password");
}

#[tokio::test]
async fn every_tool_call_names_the_person_the_client_and_the_tool() {
    let world = World::alone();
    let client = world.public_client().await;
    call_two_tools(&world, &client).await;
    let events = events(&world.server.data_directory(), 6).await;
    let calls: Vec<_> = events.iter().filter(|event| event["kind"] == "tool_call").collect();
    let of = |member: &str| calls.iter().map(|call| call[member].clone()).collect::<Value>();
    assert_eq!(of("tool"), json!(["get_data", "delete_data"]));
    assert_eq!(of("outcome"), json!(["succeeded", "refused"]));
    for call in calls {
        assert_eq!(call["person"]["issuer"], world.issuer());
        assert_eq!(call["person"]["user_name"], USERNAME);
        assert_eq!((&call["client_id"], &call["server"]), (&json!(client.id), &json!("demo")));
        assert!(call["duration_ms"].is_u64(), "{call}");
    }
}

#[tokio::test]
async fn tool_calls_are_left_out_where_the_operator_chose_so() {
    let world = World::configured("[audit]\ntool_calls = false\n");
    let client = world.public_client().await;
    let refresh_token = call_two_tools(&world, &client).await;
    let before = events(&world.server.data_directory(), 4).await.len();
    // What happened before is written before.
    world.as_client("/revoke", &client, &[("token", &refresh_token)]).await;
    let events = events(&world.server.data_directory(), before + 1).await;
    assert!(events.iter().all(|event| event["kind"] != "tool_call"), "{events:?}");
}

/// One call that is allowed and one that is not; gives the refresh token of the caller.
async fn call_two_tools(world: &World, client: &Client) -> String {
    let tokens = world.tokens_for(client, "read").await;
    for (tool, status) in [("get_data", 200), ("delete_data", 403)] {
        let mut request = http_client::json("/mcp/v1/tools/call", &json!({ "name": tool }));
        let bearer = format!("Bearer {}", tokens.access);
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, bearer.parse().expect("a token fits into a header"));
        assert_eq!(world.send(request).await.status, status, "{tool}");
    }
    tokens.refresh
}

/// The data directory of a server that ran four times and recorded one registration each time: four rows.
async fn four_rows() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let settings = Settings { data_directory: Some(directory.path().to_owned()), ..Settings::default() };
    for _ in 0..4 {
        let mut server = Server::start(&settings);
        let client = json!({ "redirect_uris": ["https://good.test/cb"] });
        assert_eq!(server.send(http_client::json("/register", &client)).await.status, 201);
        server.stop();
    }
    directory
}

fn copied(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory can be made");
    for file in std::fs::read_dir(directory).expect("it can be listed") {
        let path = file.expect("it can be listed").path();
        let name = path.file_name().expect("a file has a name");
        std::fs::copy(&path, copy.path().join(name)).expect("a file can be copied");
    }
    copy
}

#[tokio::test]
async fn a_log_that_somebody_changed_does_not_verify() {
    let whole = four_rows().await;
    let (reports, failed) = verify(whole.path());
    assert_eq!(failed, None);
    assert_eq!((&reports[0]["entries"], &reports[0]["signed_to"]), (&json!(4), &json!(4)));
    for (change, named) in [
        (
            "UPDATE audit_segments SET entries = replace(entries, 'succeeded', 'refused') WHERE first_sequence = 2",
            "entry 2 was",
        ),
        ("UPDATE audit_segments SET until = until + 1 WHERE first_sequence = 2", "entry 2 was"),
        ("DELETE FROM audit_segments WHERE first_sequence = 3", "the entries 3 to 3 are missing"),
        ("DELETE FROM audit_segments WHERE first_sequence > 2", "the last entry is 2"),
        (
            "UPDATE audit_segments SET entries = (SELECT entries FROM audit_segments WHERE first_sequence = 1) \
             WHERE first_sequence = 2",
            "entry 2 is out of order",
        ),
        (
            "UPDATE audit_checkpoints SET jws = (SELECT jws FROM audit_checkpoints WHERE sequence = 4) \
             WHERE sequence = 3",
            "the checkpoint at entry 3 is forged",
        ),
    ] {
        let directory = copied(whole.path());
        Database::open(directory.path()).execute(change);
        let (_, failed) = verify(directory.path());
        let said = failed.unwrap_or_else(|| panic!("{change} was not seen"));
        assert!(said.contains(named), "{change}: {said}");
    }
}

#[tokio::test]
async fn a_killed_server_leaves_a_sound_log_and_the_next_one_continues_it() {
    let mut server = Server::start(&Settings::default());
    let directory = server.data_directory();
    let client = json!({ "redirect_uris": ["https://good.test/cb"] });
    for _ in 0..50 {
        assert_eq!(server.send(http_client::json("/register", &client)).await.status, 201);
    }
    server.kill();
    let (reports, failed) = verify(&directory);
    assert_eq!(failed, None);
    let written = reports.first().map_or(0, |report| report["entries"].as_i64().unwrap());

    let settings = Settings { data_directory: Some(directory.clone()), ..Settings::default() };
    let mut next = Server::start(&settings);
    assert_eq!(next.send(http_client::json("/register", &client)).await.status, 201);
    next.stop();
    let (reports, failed) = verify(&directory);
    assert_eq!(failed, None);
    assert_eq!(reports.len(), 1, "it is one chain");
    assert_eq!(
        (&reports[0]["entries"], &reports[0]["signed_to"]),
        (&json!(written + 1), &json!(written + 1))
    );
    let tail = audit(&directory, &["tail", "-n", "1"]);
    let tail = String::from_utf8(tail.stdout).unwrap();
    assert!(tail.lines().count() == 1 && tail.contains("registration succeeded client="), "{tail}");
}
