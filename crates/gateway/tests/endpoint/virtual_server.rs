//! One path that joins several servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use gateway::{
    AllowedRequests, MemberServer, MemberSettings, RemoteServer, RemoteServerSettings, Settings, ToolScopes,
    Transport, VirtualServer, VirtualSettings, Way,
};
use outbound::Egress;
use secret::Secret;
use serde_json::{Value, json};

use crate::relay::questions::{Say, response, stream_to_say};
use crate::relay::upstream::{Arrived, Upstream, accepted, events, reply, result, scopes};
use crate::world::{Answer, World, call, initialize, modern_body, resource, rpc};

const WITHIN: Duration = Duration::from_millis(400);

struct Joint {
    world: World,
    gateway: Router,
    token: String,
}

impl Joint {
    /// A gateway with a virtual server at `/mcp/all`. The members need what [`scopes`] says.
    async fn of(members: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        let members = members.iter().map(|(name, url)| MemberSettings {
            name: (*name).to_owned(),
            behind: MemberServer::Remote(
                remote_server(name, through(url), Duration::from_secs(5)),
                scopes(),
                None,
            ),
        });
        let gateway = world.gateway_joining(WITHIN, members.collect());
        let token = world.all_token("use");
        Self { world, gateway, token }
    }

    async fn modern(&self, method: &str, params: Value) -> Answer {
        self.modern_with(&self.token, method, params).await
    }

    async fn modern_with(&self, token: &str, method: &str, params: Value) -> Answer {
        let named = params.get("name").or(params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let request = self.world.request("POST", "/mcp/all").to(&self.gateway).bearer(token);
        let request = request.json(modern_body(method, params)).header("mcp-method", method);
        let request = request.header("mcp-protocol-version", "2026-07-28");
        match named {
            Some(name) => request.header("mcp-name", &name).send().await,
            None => request.send().await,
        }
    }

    async fn legacy(&self, session: &str, body: Value) -> Answer {
        let request = self.world.request("POST", "/mcp/all").to(&self.gateway).bearer(&self.token);
        request.header("mcp-session-id", session).json(body).send().await
    }

    async fn session(&self) -> String {
        let request = self.world.request("POST", "/mcp/all").to(&self.gateway).bearer(&self.token);
        let answer = request.json(initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-06-18", "{answer:?}");
        answer.header("mcp-session-id").to_owned()
    }
}

pub(crate) fn remote_server(name: &str, way: Way, answer_time: Duration) -> RemoteServer {
    let settings = RemoteServerSettings {
        name: name.to_owned(),
        way,
        answer_time,
        idle_time: Duration::from_secs(5),
        allowed: AllowedRequests::default(),
        question_time: Duration::from_secs(2),
        answer_size: RemoteServerSettings::ANSWER_SIZE,
        secrets: Vec::new(),
    };
    RemoteServer::new(&settings, &Secret::new([7; 32]))
}

impl World {
    pub(crate) fn gateway_joining(&self, within: Duration, members: Vec<MemberSettings>) -> Router {
        let joined = VirtualServer::new(within);
        let server = remote_server("all", Way::Virtual(joined.clone()), Duration::from_secs(5));
        let all = VirtualSettings { guard: self.guard("/mcp/all", &[], true), server, joined, members };
        gateway::router(&Settings { virtual_servers: vec![all], ..self.settings() })
    }

    pub(crate) fn all_token(&self, scope: &str) -> String {
        self.token_with("alice", scope, |claims| claims.aud = resource("/mcp/all"))
    }
}

pub(crate) fn through(url: &str) -> Way {
    let egress = Egress::public().with_loopback();
    Way::Http { url: url.parse().unwrap(), egress, transport: Transport::StreamableHttp }
}

fn url(upstream: &Upstream) -> String {
    format!("http://{}/mcp", upstream.address)
}

/// Answers lists of all kinds, and everything else with what it was asked.
fn plain(request: &Arrived) -> axum::response::Response {
    let asked = request.json();
    match &*request.rpc() {
        "tools/list" => result(
            request,
            r#"{"resultType":"complete","tools":[{"name":"echo","inputSchema":{},"x":1.50},{"name":"new__echo","inputSchema":{}},{"name":"env","inputSchema":{}}],"ttlMs":60000,"cacheScope":"public"}"#,
        ),
        "prompts/list" => result(
            request,
            r#"{"resultType":"complete","prompts":[{"name":"greet"}],"ttlMs":9000,"cacheScope":"public"}"#,
        ),
        "resources/list" => result(
            request,
            r#"{"resultType":"complete","resources":[{"uri":"file:///a","name":"a"}],"ttlMs":1,"cacheScope":"private"}"#,
        ),
        "resources/templates/list" => result(
            request,
            r#"{"resultType":"complete","resourceTemplates":[{"uriTemplate":"file:///{path}","name":"a"}],"ttlMs":1,"cacheScope":"private"}"#,
        ),
        "resources/read" => {
            let text = json!([{ "uri": asked["params"]["uri"], "text": "it" }]).to_string();
            result(
                request,
                &format!(r#"{{"resultType":"complete","contents":{text},"ttlMs":1,"cacheScope":"private"}}"#),
            )
        }
        "completion/complete" => {
            let text = asked["params"]["ref"].to_string();
            result(
                request,
                &format!(r#"{{"resultType":"complete","completion":{{"values":[]}},"ref":{text}}}"#),
            )
        }
        _ => {
            let name = asked["params"]["name"].to_string();
            let link = r#"{"type":"resource_link","uri":"file:///a","name":"a"}"#;
            result(
                request,
                &format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":{name}}},{link}]}}"#),
            )
        }
    }
}

fn names(answer: &Answer, list: &str, called: &str) -> Vec<String> {
    let entries = answer.json()["result"][list].as_array().cloned();
    let entries = entries.unwrap_or_else(|| panic!("{answer:?}"));
    entries.iter().map(|entry| entry[called].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn up_01_no_server_can_stand_in_anothers_place() {
    let (old, new) = (Upstream::legacy(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("old", &url(&old)), ("new", &url(&new))]).await;
    let listed = joint.modern("tools/list", json!({})).await;
    let expected = ["old__echo", "old__new__echo", "new__echo", "new__new__echo"];
    assert_eq!(names(&listed, "tools", "name"), expected, "no hidden tool of a member either");
    assert!(listed.text.contains("1.50"), "what is not interpreted stays as it came: {listed:?}");
    for (tool, at, called) in [
        ("old__echo", &old, "echo"),
        ("old__new__echo", &old, "new__echo"),
        ("new__echo", &new, "echo"),
        ("new__new__echo", &new, "new__echo"),
    ] {
        let before = (old.of("tools/call").len(), new.of("tools/call").len());
        let answer = joint.modern("tools/call", json!({ "name": tool, "arguments": { "a": 1.5 } })).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], called, "{answer:?}");
        let arrived = at.of("tools/call");
        assert_eq!(arrived.last().unwrap().json()["params"]["name"], called);
        assert_eq!(arrived.last().unwrap().json()["params"]["arguments"], json!({ "a": 1.5 }));
        assert_eq!(before.0 + before.1 + 1, old.of("tools/call").len() + new.of("tools/call").len());
    }
    let header = new.of("tools/call").last().unwrap().header("mcp-name").to_owned();
    assert_eq!(header, "new__echo", "the member's headers mirror the member's body");
}

#[tokio::test]
async fn gw_23_what_is_nobodys_or_hidden_is_unknown_and_no_server_hears_of_it() {
    let (old, new) = (Upstream::legacy(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("old", &url(&old)), ("new", &url(&new))]).await;
    for tool in ["echo", "other__echo", "old_echo", "__echo", "", "old__env", "OLD__echo", "old-__echo"] {
        let answer = joint.modern("tools/call", json!({ "name": tool })).await;
        assert_eq!(answer.code(), -32602, "{tool}: {answer:?}");
    }
    for uri in ["file:///a", "other+file:///a", "+file:///a", "demo://x"] {
        let answer = joint.modern("resources/read", json!({ "uri": uri })).await;
        assert_eq!(answer.code(), -32602, "{uri}: {answer:?}");
    }
    for prompt in ["greet", "other__greet"] {
        let answer = joint.modern("prompts/get", json!({ "name": prompt })).await;
        assert_eq!(answer.code(), -32602, "{prompt}: {answer:?}");
    }
    for reference in [
        json!({ "type": "ref/prompt", "name": "greet" }),
        json!({ "type": "ref/resource", "uri": "x+f:a", "name": "old__a" }),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": "a", "value": "b" } });
        let answer = joint.modern("completion/complete", params).await;
        assert_eq!(answer.code(), -32602, "{reference}: {answer:?}");
    }
    for upstream in [&old, &new] {
        for method in ["tools/call", "resources/read", "prompts/get", "completion/complete"] {
            assert!(upstream.of(method).is_empty(), "{method}");
        }
    }
}

#[tokio::test]
async fn gw_26_a_members_scopes_hold_and_the_challenge_is_for_the_joint_resource() {
    let old = Upstream::legacy(plain).await;
    let joint = Joint::of(&[("old", &url(&old))]).await;
    let answer = joint.modern("tools/call", json!({ "name": "old__delete" })).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"admin use\"") || challenge.contains("scope=\"use admin\""),
        "{challenge}"
    );
    assert!(challenge.contains("/oauth-protected-resource/mcp/all\""), "{challenge}");
    let token = joint.world.all_token("other");
    let answer = joint.modern_with(&token, "resources/list", json!({})).await;
    assert_eq!(answer.status, 403, "nobody lets it pass: {answer:?}");
    assert!(old.of("tools/call").is_empty() && old.of("resources/list").is_empty());
    let token = joint.world.far_token("alice", "use");
    assert_eq!(joint.modern_with(&token, "tools/list", json!({})).await.status, 401);
}

#[tokio::test]
async fn a_failing_or_slow_member_neither_empties_nor_stalls_a_list() {
    let old = Upstream::legacy(plain).await;
    let slow = Upstream::modern(|_| {
        events(Body::from_stream(futures_util::stream::pending::<
            Result<bytes::Bytes, std::convert::Infallible>,
        >()))
    })
    .await;
    let broken = Upstream::modern(|_| reply(500, "canary")).await;
    let odd = Upstream::modern(|request| result(request, r#"{"resultType":"complete","tools":7}"#)).await;
    let members = [
        ("old", url(&old)),
        ("slow", url(&slow)),
        ("broken", url(&broken)),
        ("odd", url(&odd)),
        ("gone", "http://127.0.0.1:1/mcp".to_owned()),
    ];
    let members: Vec<_> = members.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let joint = Joint::of(&members).await;
    let session = joint.session().await;
    let began = Instant::now();
    let modern = joint.modern("tools/list", json!({})).await;
    assert!(began.elapsed() < 10 * WITHIN, "{:?}", began.elapsed());
    let legacy = joint.legacy(&session, rpc("tools/list", json!({}))).await;
    for answer in [modern, legacy] {
        assert_eq!(names(&answer, "tools", "name"), ["old__echo", "old__new__echo"]);
        let missing = answer.json()["result"]["_meta"]["vestibule/missing"].clone();
        let missing: Vec<_> =
            missing.as_array().unwrap().iter().map(|missing| missing["server"].clone()).collect();
        assert_eq!(missing, ["slow", "broken", "odd", "gone"], "{answer:?}");
        assert!(!answer.text.contains("canary"), "{answer:?}");
    }
    let answer = joint.modern("tools/list", json!({})).await;
    assert_eq!(answer.json()["result"]["ttlMs"], 0, "it is asked for again: {answer:?}");
    let answer = joint.modern("tools/call", json!({ "name": "old__echo" })).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "echo");
    let answer = joint.modern("tools/call", json!({ "name": "gone__echo" })).await;
    assert!(matches!(answer.status.as_u16(), 502 | 503), "{answer:?}");

    let alone = Joint::of(&[("gone", "http://127.0.0.1:1/mcp")]).await;
    let answer = alone.modern("tools/list", json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (502, -32603),
        "an empty list would be a lie: {answer:?}"
    );
    assert_eq!(answer.json()["error"]["data"]["missing"][0]["server"], "gone");
}

#[tokio::test]
async fn gw_21_a_joint_list_is_private_and_as_fresh_as_its_oldest_part() {
    let (one, two) = (Upstream::modern(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("one", &url(&one)), ("two", &url(&two))]).await;
    let answer = joint.modern("tools/list", json!({})).await.json();
    assert_eq!(
        (&answer["result"]["cacheScope"], &answer["result"]["ttlMs"]),
        (&json!("private"), &json!(60_000))
    );
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(answer["result"]["_meta"], Value::Null);
}

#[tokio::test]
async fn prompts_resources_and_completion_are_joined_too() {
    let (old, new) = (Upstream::legacy(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("old", &url(&old)), ("new", &url(&new))]).await;
    let prompts = joint.modern("prompts/list", json!({})).await;
    assert_eq!(names(&prompts, "prompts", "name"), ["old__greet", "new__greet"]);
    let resources = joint.modern("resources/list", json!({})).await;
    assert_eq!(names(&resources, "resources", "uri"), ["old+file:///a", "new+file:///a"]);
    let templates = joint.modern("resources/templates/list", json!({})).await;
    let expected = ["old+file:///{path}", "new+file:///{path}"];
    assert_eq!(names(&templates, "resourceTemplates", "uriTemplate"), expected);
    for member in ["old", "new"] {
        let uri = format!("{member}+file:///a");
        let read = joint.modern("resources/read", json!({ "uri": uri })).await;
        assert_eq!(read.json()["result"]["contents"][0]["uri"], uri, "{read:?}");
        let called = joint.modern("tools/call", json!({ "name": format!("{member}__echo") })).await;
        assert_eq!(
            called.json()["result"]["content"][1]["uri"],
            uri,
            "what a tool links to can be read: {called:?}"
        );
        let reference = json!({ "type": "ref/prompt", "name": format!("{member}__greet") });
        let params = json!({ "ref": reference, "argument": { "name": "a", "value": "b" } });
        let completed = joint.modern("completion/complete", params).await;
        assert_eq!(completed.json()["result"]["ref"]["name"], "greet", "{completed:?}");
        let reference = json!({ "type": "ref/resource", "uri": format!("{member}+file:///{{path}}") });
        let params = json!({ "ref": reference, "argument": { "name": "a", "value": "b" } });
        let completed = joint.modern("completion/complete", params).await;
        assert_eq!(completed.json()["result"]["ref"]["uri"], "file:///{path}", "{completed:?}");
    }
    assert_eq!(old.of("resources/read")[0].json()["params"]["uri"], "file:///a");
}

#[tokio::test]
async fn a_legacy_client_has_a_session_with_all_of_them() {
    let (old, new) = (Upstream::legacy(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("old", &url(&old)), ("new", &url(&new))]).await;
    let session = joint.session().await;
    let listed = joint.legacy(&session, rpc("tools/list", json!({}))).await;
    assert_eq!(names(&listed, "tools", "name").len(), 4, "{listed:?}");
    for (tool, called) in [("old__echo", "echo"), ("new__echo", "echo")] {
        let answer = joint.legacy(&session, call(tool, json!({}))).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], called, "{answer:?}");
    }
    let unknown = joint.legacy(&session, call("echo", json!({}))).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (200, -32602), "{unknown:?}");
    assert_eq!(joint.legacy("forged", call("old__echo", json!({}))).await.status, 404);
}

#[tokio::test]
async fn pages_go_on_at_the_members_that_have_more() {
    let many = |request: &Arrived| {
        let cursor = request.json()["params"]["cursor"].as_str().map(str::to_owned);
        match cursor.as_deref() {
            None => result(
                request,
                r#"{"resultType":"complete","tools":[{"name":"a","inputSchema":{}}],"nextCursor":"c1","ttlMs":1,"cacheScope":"private"}"#,
            ),
            Some("c1") => result(
                request,
                r#"{"resultType":"complete","tools":[{"name":"b","inputSchema":{}}],"nextCursor":"c2","ttlMs":1,"cacheScope":"private"}"#,
            ),
            Some("c2") => result(
                request,
                r#"{"resultType":"complete","tools":[{"name":"c","inputSchema":{}}],"ttlMs":1,"cacheScope":"private"}"#,
            ),
            Some(_) => {
                result(request, r#"{"resultType":"complete","tools":[],"ttlMs":1,"cacheScope":"private"}"#)
            }
        }
    };
    let (one, two) = (Upstream::modern(many).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("one", &url(&one)), ("two", &url(&two))]).await;
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..3 {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = joint.modern("tools/list", params).await;
        all.extend(names(&page, "tools", "name"));
        cursor = page.json()["result"]["nextCursor"].clone();
    }
    assert!(cursor.is_null());
    assert_eq!(all, ["one__a", "two__echo", "two__new__echo", "one__b", "one__c"]);
    assert_eq!(two.of("tools/list").len(), 1, "who has no more is not asked again");
    let answer = joint.modern("tools/list", json!({ "cursor": "c1" })).await;
    assert_eq!(answer.code(), -32602, "a cursor that was never given out: {answer:?}");
}

#[tokio::test]
async fn the_audit_log_names_the_member_that_was_called() {
    let old = Upstream::legacy(plain).await;
    let joint = Joint::of(&[("old", &url(&old))]).await;
    joint.modern("tools/call", json!({ "name": "old__echo" })).await;
    let calls = joint.world.audit_log.events();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].server.as_deref(), calls[0].tool.as_deref()), (Some("old"), Some("echo")));
}

/// A legacy member asks the person while its tool runs; the client of the new era answers with its next request.
#[tokio::test]
async fn a_members_question_reaches_the_client_and_its_answer_the_member() {
    let under_way = Arc::new(Mutex::new(None::<(Say, Value)>));
    let old = Upstream::legacy(move |request| {
        let body = request.json();
        match &*request.rpc() {
            "tools/call" => {
                let (say, stream) = stream_to_say();
                let params = json!({ "message": "Who?", "requestedSchema": {} });
                say.send(
                    json!({ "jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": params }),
                )
                .unwrap();
                *under_way.lock().unwrap() = Some((say, body["id"].clone()));
                events(stream)
            }
            "" => {
                let (say, id) = under_way.lock().unwrap().take().unwrap();
                let name = &body["result"]["content"]["name"];
                let link = json!({ "type": "resource_link", "uri": "file:///a", "name": name });
                say.send(json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [link] } })).unwrap();
                accepted()
            }
            _ => plain(request),
        }
    })
    .await;
    let new = Upstream::modern(plain).await;
    let joint = Joint::of(&[("new", &url(&new)), ("old", &url(&old))]).await;
    let call = async |params: Value| {
        let mut body = modern_body("tools/call", params);
        body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({ "elicitation": { "form": {} } });
        let request =
            joint.world.request("POST", "/mcp/all").to(&joint.gateway).bearer(&joint.token).json(body);
        let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
        response(&request.header("mcp-name", "old__echo").send().await)["result"].clone()
    };
    let asked = call(json!({ "name": "old__echo", "arguments": {} })).await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, question) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(question["params"]["message"], "Who?", "{asked}");
    let answers = json!({ (key.clone()): { "action": "accept", "content": { "name": "Ada" } } });
    let state = &asked["requestState"];
    let params =
        json!({ "name": "old__echo", "arguments": {}, "requestState": state, "inputResponses": answers });
    let answered = call(params).await;
    assert_eq!(answered["content"][0]["name"], "Ada", "{answered}");
    assert_eq!(answered["content"][0]["uri"], "old+file:///a", "in a stream too: {answered}");
    assert_eq!((old.of("tools/call").len(), new.of("tools/call").len()), (1, 0));
}

#[tokio::test]
async fn the_demo_server_can_be_a_member() {
    let world = World::new().await;
    let demo = world.settings().demo.unwrap().server;
    let gateway = world.gateway_joining(
        WITHIN,
        vec![MemberSettings { name: "demo".to_owned(), behind: MemberServer::Demo(demo) }],
    );
    let token = world.all_token("read");
    let joint = Joint { world, gateway, token };
    let listed = names(&joint.modern("tools/list", json!({})).await, "tools", "name");
    assert!(listed.len() == 6 && listed.iter().all(|name| name.starts_with("demo__")), "{listed:?}");
    let answer =
        joint.modern("tools/call", json!({ "name": "demo__get_user_profile", "arguments": {} })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(joint.modern("prompts/list", json!({})).await.json()["result"]["prompts"], json!([]));
}

#[tokio::test]
async fn members_that_come_and_go_do_not_end_a_session() {
    let (old, new) = (Upstream::legacy(plain).await, Upstream::modern(plain).await);
    let joint = Joint::of(&[("old", &url(&old))]).await;
    let session = joint.session().await;
    // As after a reload: another router, for the same key.
    let joint = Joint {
        gateway: joint.world.gateway_joining(
            WITHIN,
            vec![MemberSettings {
                name: "new".to_owned(),
                behind: MemberServer::Remote(
                    remote_server("new", through(&url(&new)), Duration::from_secs(5)),
                    ToolScopes::default(),
                    None,
                ),
            }],
        ),
        ..joint
    };
    let listed = joint.legacy(&session, rpc("tools/list", json!({}))).await;
    assert_eq!(names(&listed, "tools", "name"), ["new__echo", "new__new__echo", "new__env"], "{listed:?}");
}
