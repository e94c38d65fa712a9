//! The server as its callers meet it, with real processes behind it.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::join_all;
use mcp::Message;
use secret::Random;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::upstream::Incoming;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Zero;

impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The interpreter itself, so that nothing stands between it and the environment it is given.
fn python() -> String {
    static PYTHON: LazyLock<String> = LazyLock::new(|| {
        let print = ["-c", "import sys; sys.stdout.write(sys.executable)"];
        let output = std::process::Command::new("python3").args(print).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    PYTHON.clone()
}

fn settings() -> StdioSettings {
    let script = include_str!("../../../tests/support/stdio_server.py");
    StdioSettings {
        name: "test".to_owned(),
        command: vec![python(), "-c".to_owned(), script.to_owned()],
        environment: Arc::default(),
        path: "/usr/bin:/bin".into(),
        directory: None,
        sharing: Sharing::Everybody,
        allowed: AllowedRequests::default(),
        start: PATIENCE,
        call: PATIENCE,
        grace: Duration::from_millis(200),
    }
}

fn environment(name: &str, value: &str) -> Arc<BTreeMap<String, Secret<String>>> {
    Arc::new(BTreeMap::from([(name.to_owned(), value.into())]))
}

fn with(change: impl FnOnce(&mut StdioSettings)) -> StdioServer {
    let mut settings = settings();
    change(&mut settings);
    StdioServer::new(settings, Arc::new(Zero))
}

fn server() -> StdioServer {
    with(|_| {})
}

fn user(subject: &str) -> User {
    User { issuer: "https://issuer.example".to_owned(), subject: subject.to_owned() }
}

async fn begin(server: &StdioServer, user: &User, body: Value) -> Result<Exchange, StdioError> {
    let body = body.to_string();
    let Message::Request(request) = Message::parse(body.as_bytes()).unwrap() else { panic!("a request") };
    server.exchange(user, &request).await
}

/// Everything that came, the response last.
async fn collect(mut exchange: Exchange) -> Result<Vec<Value>, StdioError> {
    let mut messages = Vec::new();
    loop {
        match exchange.next().await? {
            Incoming::Message(message) => messages.push(serde_json::from_str(message.get()).unwrap()),
            Incoming::Response(response) => {
                messages.push(serde_json::from_str(response.get()).unwrap());
                return Ok(messages);
            }
        }
    }
}

async fn ask_as(server: &StdioServer, user: &User, method: &str, params: Value) -> Result<Value, StdioError> {
    let body = json!({ "jsonrpc": "2.0", "id": "c", "method": method, "params": params });
    let mut messages = collect(begin(server, user, body).await?).await?;
    let response = messages.pop().unwrap();
    assert_eq!(response["id"], "c");
    Ok(response["result"].clone())
}

async fn ask(server: &StdioServer, method: &str, params: Value) -> Result<Value, StdioError> {
    ask_as(server, &user("alice"), method, params).await
}

async fn pid(server: &StdioServer, user: &User) -> i64 {
    ask_as(server, user, "environment", json!({})).await.unwrap()["pid"].as_i64().unwrap()
}

/// Waits until `condition` holds.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, poll).await.unwrap();
}

fn exists(pid: i64) -> bool {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

#[tokio::test]
async fn nothing_is_started_before_it_is_needed_and_the_handshake_is_kept_as_it_came() {
    let server = with(|settings| settings.environment = environment("VERSION", "2024-11-05"));
    assert!(!server.slot(server.slots().as_mut().unwrap(), &user("alice")).is_in_use());
    let handshake = server.handshake(&user("alice")).await.unwrap();
    assert_eq!(handshake.version, ProtocolVersion::V2024_11_05);
    let result: Value = serde_json::from_str(handshake.result.get()).unwrap();
    assert_eq!(result["asked"]["protocolVersion"], "2025-11-25");
    assert_eq!(result["asked"]["capabilities"], json!({}), "UP-17: nothing is offered");
}

#[tokio::test]
async fn up_17_a_question_that_could_mean_two_calls_reaches_neither() {
    let sharing = Sharing::EachUser { idle: PATIENCE, at_most: 2 };
    let server = with(|settings| settings.sharing = sharing);
    let alice = user("alice");
    let silence = json!({ "jsonrpc": "2.0", "id": 1, "method": "silence" });
    let ask =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "ask", "params": { "method": "elicitation/create" } });
    let waiting = begin(&server, &alice, silence).await.unwrap();
    let asking = begin(&server, &alice, ask.clone()).await.unwrap();
    let messages = collect(asking).await.unwrap();
    assert_eq!(messages.len(), 1, "nobody was asked: {messages:?}");
    assert_eq!(messages[0]["result"]["error"]["code"], -32601);
    drop(waiting);

    let mut asking = begin(&server, &alice, ask).await.unwrap();
    let Incoming::Message(question) = asking.next().await.unwrap() else { panic!("a question") };
    assert!(question.get().contains("elicitation/create"));
    let answer = br#"{"jsonrpc":"2.0","id":"mine","result":{"action":"accept"}}"#;
    server.answer(&user("bob"), &RequestId::String("mine".into()), answer);
    server.answer(&alice, &RequestId::String("other".into()), answer);
    server.answer(&alice, &RequestId::String("mine".into()), answer);
    let messages = collect(asking).await.unwrap();
    assert_eq!(messages[0]["result"]["result"]["action"], "accept", "its own user answers, and nobody else");
    server.shut_down().await;
}

#[tokio::test]
async fn gw_22_two_hundred_exchanges_share_a_process_and_get_their_own_answers() {
    let server = server();
    let alice = user("alice");
    let calls = (0..200).map(|tag| {
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "hold", "params": { "count": 200, "tag": tag } });
        let (server, alice) = (&server, &alice);
        async move {
            let answer = collect(begin(server, alice, body).await.unwrap()).await.unwrap();
            assert_eq!(answer, [json!({ "jsonrpc": "2.0", "id": 1, "result": { "tag": tag } })]);
        }
    });
    join_all(calls).await;
}

#[tokio::test]
async fn gw_22_progress_goes_to_the_call_that_it_is_about() {
    let server = server();
    let alice = user("alice");
    let calls = ["\"a\"", "7", "\"a\""].map(|token| {
        let token: Value = serde_json::from_str(token).unwrap();
        let params = json!({ "_meta": { "progressToken": token, "x": 1 } });
        let body = json!({ "jsonrpc": "2.0", "id": token, "method": "progress", "params": params });
        let (server, alice) = (&server, &alice);
        async move {
            let answer = collect(begin(server, alice, body).await.unwrap()).await.unwrap();
            assert_eq!(answer.len(), 3, "{answer:?}");
            for (n, message) in answer[..2].iter().enumerate() {
                assert_eq!(message["params"], json!({ "progressToken": token, "progress": n }));
            }
            assert_eq!(answer[2]["id"], token);
            answer[2]["result"]["token"].clone()
        }
    });
    let mut seen = join_all(calls).await;
    seen.dedup();
    assert_eq!(seen.len(), 3, "the process sees a token for each call: {seen:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_progress_but_not_its_answer_and_stops_nobody() {
    let server = server();
    let params = json!({ "times": 1_000, "_meta": { "progressToken": 1 } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "progress", "params": params });
    let slow = begin(&server, &user("slow"), body).await.unwrap();
    // Its answer comes after everything that was said to the slow one.
    ask(&server, "echo", json!({})).await.unwrap();
    let messages = collect(slow).await.unwrap();
    assert_eq!(messages.len(), 65);
    assert!(messages.last().unwrap()["result"]["token"].is_i64());
}

#[tokio::test]
async fn what_is_no_message_is_skipped() {
    let server = server();
    assert_eq!(ask(&server, "garbage", json!({})).await, Ok(json!({ "kept": true })));
    assert_eq!(ask(&server, "echo", json!({ "a": [1] })).await, Ok(json!({ "a": [1] })));
}

#[tokio::test]
async fn members_that_nobody_reads_come_back_as_they_were() {
    let server = server();
    let text = r#"{"jsonrpc":"2.0","id":"x","method":"error"}"#;
    let Message::Request(request) = Message::parse(text.as_bytes()).unwrap() else { panic!("a request") };
    let mut exchange = server.exchange(&user("alice"), &request).await.unwrap();
    let Incoming::Response(response) = exchange.next().await.unwrap() else { panic!("a response") };
    let expected = r#"{"jsonrpc":"2.0","id":"x","error":{"code": -1, "message": "no", "data": 1.5}}"#;
    assert_eq!(response.get(), expected);
}

#[tokio::test]
async fn a_crash_fails_what_waits_and_the_next_callers_are_told_when_to_come_back() {
    let server = server();
    let alice = user("alice");
    let silence = json!({ "jsonrpc": "2.0", "id": 1, "method": "silence" });
    let waiting = begin(&server, &alice, silence).await.unwrap();
    let first = pid(&server, &alice).await;
    assert_eq!(ask(&server, "crash", json!({})).await, Err(StdioError::Ended));
    assert_eq!(collect(waiting).await, Err(StdioError::Ended));
    let Err(StdioError::BackingOff(pause)) = ask(&server, "echo", json!({})).await else { panic!("a pause") };
    assert!(pause <= Duration::from_millis(500), "{pause:?}");
    until(async || ask(&server, "echo", json!({})).await.is_ok()).await;
    assert_ne!(pid(&server, &alice).await, first);
    assert_eq!(ask(&server, "crash", json!({})).await, Err(StdioError::Ended));
    let Err(StdioError::BackingOff(pause)) = ask(&server, "echo", json!({})).await else { panic!("a pause") };
    assert!(pause > Duration::from_millis(500), "the second failure in a row waits longer: {pause:?}");
}

#[tokio::test]
async fn a_command_that_does_not_run_is_said_so_once_and_then_left_alone() {
    for (command, error) in [
        (vec!["a-program-that-does-not-exist".to_owned()], StdioError::NotStarted),
        (Vec::new(), StdioError::NotStarted),
        ([settings().command, vec!["crash".to_owned()]].concat(), StdioError::Ended),
    ] {
        let server = with(|settings| settings.command = command);
        assert_eq!(ask(&server, "echo", json!({})).await, Err(error));
        assert!(matches!(ask(&server, "echo", json!({})).await, Err(StdioError::BackingOff(_))));
    }
}

#[tokio::test]
async fn a_server_of_another_era_or_too_slow_a_start_is_refused() {
    let server = with(|settings| settings.environment = environment("VERSION", "2099-01-01"));
    assert_eq!(ask(&server, "echo", json!({})).await, Err(StdioError::NoHandshake));
    let server = with(|settings| {
        settings.environment = environment("SLOW_START", "600");
        settings.start = Duration::from_millis(300);
    });
    assert_eq!(ask(&server, "echo", json!({})).await, Err(StdioError::Deadline));
}

#[tokio::test]
async fn what_was_written_before_the_end_is_still_read() {
    assert_eq!(ask(&server(), "last_words", json!({})).await, Ok(json!({ "last": true })));
}

#[tokio::test]
async fn gw_17_a_line_without_end_ends_the_process() {
    let server = server();
    let alice = user("alice");
    let pid = pid(&server, &alice).await;
    let length = conversation::LINE + 1;
    assert_eq!(ask(&server, "unfinished", json!({ "length": length })).await, Err(StdioError::Ended));
    until(async || !exists(pid)).await;
}

#[tokio::test]
async fn a_process_that_asks_and_does_not_read_is_ended() {
    assert_eq!(ask(&server(), "flood", json!({})).await, Err(StdioError::Ended));
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_process() {
    let server = server();
    let alice = user("alice");
    let silence = json!({ "jsonrpc": "2.0", "id": "mine", "method": "silence" });
    let exchange = begin(&server, &alice, silence).await.unwrap();
    // An answered call comes later, so the other one was read.
    ask(&server, "echo", json!({})).await.unwrap();
    let number = exchange.number();
    drop(exchange);
    until(async || ask(&server, "cancelled", json!({})).await == Ok(json!([number]))).await;
    ask(&server, "echo", json!({})).await.unwrap();
    assert_eq!(ask(&server, "cancelled", json!({})).await, Ok(json!([number])), "answered calls are not");
}

#[tokio::test]
async fn a_call_has_a_deadline_and_a_deaf_process_stops_nobody_for_longer() {
    let server = with(|settings| settings.call = Duration::from_secs(2));
    server.handshake(&user("alice")).await.unwrap();
    let large = "x".repeat(256 * 1024);
    let deaf = ask(&server, "deaf", json!({}));
    let behind = (0..100).map(|_| ask(&server, "echo", json!({ "large": large })));
    let (deaf, behind) = tokio::join!(deaf, join_all(behind));
    assert_eq!(deaf, Err(StdioError::Deadline));
    assert!(behind.into_iter().all(|answer| answer == Err(StdioError::Deadline)));
}

#[tokio::test]
async fn up_17_what_a_process_asks_for_is_refused_at_once() {
    let server = server();
    for method in ["sampling/createMessage", "roots/list", "elicitation/create"] {
        let answer = ask(&server, "ask", json!({ "method": method })).await.unwrap();
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
        assert_eq!(answer["id"], "mine");
    }
    let answer = ask(&server, "ask", json!({ "method": "ping" })).await.unwrap();
    assert_eq!(answer["result"], json!({}));
}

#[tokio::test]
async fn up_19_the_environment_is_what_the_configuration_says() {
    let directory = tempfile::tempdir().unwrap();
    let server = with(|settings| {
        settings.command.push("$HOME; `id` *".to_owned());
        settings.environment = environment("KEY", "value");
        settings.directory = Some(directory.path().to_owned());
    });
    let seen = ask(&server, "environment", json!({})).await.unwrap();
    let mut names: Vec<_> = seen["environment"].as_object().unwrap().keys().map(String::as_str).collect();
    // An interpreter may set it for itself.
    names.retain(|name| *name != "LC_CTYPE");
    assert_eq!(names, ["KEY", "LANG", "PATH"]);
    assert_eq!(seen["arguments"], json!(["$HOME; `id` *"]), "no shell reads the command");
    assert_eq!(seen["own_group"], true);
    let expected = directory.path().canonicalize().unwrap();
    assert_eq!(seen["directory"].as_str().map(PathBuf::from), Some(expected));
}

#[tokio::test]
async fn up_19_what_the_process_started_ends_with_it() {
    for how in ["shut down", "crash", "drop"] {
        let server = server();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = ask(&server, "grandchild", json!({ "port": port })).await.unwrap();
        let (mut grandchild, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        grandchild.read_u8().await.unwrap();
        match how {
            "shut down" => {
                server.shut_down().await;
                assert!(!exists(answer["pid"].as_i64().unwrap()), "it is gone, and reaped");
                assert_eq!(ask(&server, "echo", json!({})).await, Err(StdioError::ShuttingDown));
            }
            "crash" => assert_eq!(ask(&server, "crash", json!({})).await, Err(StdioError::Ended)),
            _ => drop(server),
        }
        let end = timeout(PATIENCE, grandchild.read(&mut [0])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)), "{how}: the grandchild's connection ends with it: {end:?}");
        until(async || !exists(answer["pid"].as_i64().unwrap())).await;
    }
}

#[tokio::test]
async fn every_user_has_a_process_until_there_are_too_many() {
    let sharing = Sharing::EachUser { idle: PATIENCE * 10, at_most: 2 };
    let server = with(|settings| settings.sharing = sharing);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(user);
    let of_alice = pid(&server, &alice).await;
    let of_bob = pid(&server, &bob).await;
    assert_ne!(of_alice, of_bob);
    assert_eq!(pid(&server, &alice).await, of_alice);

    let silence = || json!({ "jsonrpc": "2.0", "id": 1, "method": "silence" });
    let busy = begin(&server, &alice, silence()).await.unwrap();
    assert_ne!(pid(&server, &carol).await, of_bob, "bob was idle and makes room");
    until(async || !exists(of_bob)).await;
    let also_busy = begin(&server, &carol, silence()).await.unwrap();
    assert_eq!(ask_as(&server, &bob, "echo", json!({})).await, Err(StdioError::Full));
    drop((busy, also_busy));
    assert_eq!(pid(&server, &alice).await, of_alice, "a busy process was left alone");

    let same_subject = User { issuer: "https://other.example".to_owned(), ..alice };
    assert_ne!(pid(&server, &same_subject).await, of_alice, "a subject means nothing without its issuer");
}

#[tokio::test]
async fn an_idle_process_is_ended_and_started_again_at_once() {
    let sharing = Sharing::EachUser { idle: Duration::from_millis(200), at_most: 2 };
    let server = with(|settings| settings.sharing = sharing);
    let alice = user("alice");
    let first = pid(&server, &alice).await;
    until(async || !exists(first)).await;
    assert_ne!(pid(&server, &alice).await, first);
}

#[tokio::test]
async fn what_a_shared_process_says_to_everybody_is_about_nobody() {
    let server = server();
    let mut listener = server.listen(&user("alice")).unwrap();
    for (method, about) in [("notifications/message", "bob"), ("notifications/tools/list_changed", "tools")] {
        ask(&server, "tell", json!({ "method": method, "about": about })).await.unwrap();
    }
    let notice: Value =
        serde_json::from_str(timeout(PATIENCE, listener.recv()).await.unwrap().unwrap().get()).unwrap();
    assert_eq!(notice["params"]["about"], "tools");
}

#[tokio::test]
async fn what_a_users_own_process_says_goes_to_the_call_it_works_on_or_to_who_listens() {
    let sharing = Sharing::EachUser { idle: PATIENCE, at_most: 2 };
    let server = with(|settings| settings.sharing = sharing);
    let (alice, bob) = (user("alice"), user("bob"));
    let mut listener = server.listen(&alice).unwrap();
    let mut of_bob = server.listen(&bob).unwrap();
    let tell = || json!({ "jsonrpc": "2.0", "id": 1, "method": "tell", "params": { "method": "notifications/message" } });
    let alone = collect(begin(&server, &alice, tell()).await.unwrap()).await.unwrap();
    assert_eq!(alone[0]["method"], "notifications/message");
    let silence = json!({ "jsonrpc": "2.0", "id": 1, "method": "silence" });
    let _other = begin(&server, &alice, silence).await.unwrap();
    let not_alone = collect(begin(&server, &alice, tell()).await.unwrap()).await.unwrap();
    assert_eq!(not_alone.len(), 1);
    timeout(PATIENCE, listener.recv()).await.unwrap().unwrap();
    assert!(of_bob.try_recv().is_err());
}
