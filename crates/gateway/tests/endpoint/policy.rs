//! The rules of an operator, as clients meet them: in lists and calls, in both eras, at servers here and elsewhere.

use axum::Router;
use axum::response::Response;
use gateway::ToolScopes;
use gateway::policy::{Condition, Effect, Policy, PolicySettings, RuleSettings, Tell};
use oauth::Scope;
use serde_json::{Value, json};

use crate::relay::upstream::{Arrived, Upstream, result, scopes};
use crate::world::{Answer, World, call, initialize, resource, rpc};

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn deny(name: &str) -> RuleSettings {
    RuleSettings { name: name.to_owned(), effect: Effect::Deny, ..RuleSettings::default() }
}

fn allow(name: &str) -> RuleSettings {
    RuleSettings { effect: Effect::Allow, ..deny(name) }
}

fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap()
}

fn policy(default: Effect, rules: &[RuleSettings]) -> Policy {
    Policy::new(&PolicySettings { default, tell: Tell::Nothing, rules: rules.to_vec() }).unwrap()
}

/// Everything a server can have, each thing once in the open and once secret.
fn everything(request: &Arrived) -> Response {
    result(
        request,
        match &*request.rpc() {
            "tools/list" => {
                r#"{"tools":[{"name":"get","annotations":{"readOnlyHint":true}},{"name":"delete"},{"name":"secret_get"}]}"#
            }
            "prompts/list" => r#"{"prompts":[{"name":"open"},{"name":"secret_plan"}]}"#,
            "resources/list" => {
                r#"{"resources":[{"uri":"file:///pub/a"},{"uri":"file:///secret/a"},{"uri":"file:///pub/../secret/b"}]}"#
            }
            "resources/templates/list" => {
                r#"{"resourceTemplates":[{"uriTemplate":"file:///pub/{x}"},{"uriTemplate":"file:///secret/{x}"}]}"#
            }
            _ => r#"{"content":[]}"#,
        },
    )
}

struct Far<'w> {
    world: &'w World,
    gateway: Router,
    token: String,
}

impl Far<'_> {
    async fn modern(&self, method: &str, params: Value) -> Answer {
        self.world.far_modern(&self.gateway, &self.token, method, params).send().await
    }

    async fn legacy(&self, method: &str, params: Value) -> Answer {
        let opened = self.world.far(&self.gateway, &self.token, initialize("2025-11-25")).send().await;
        let session = opened.header("mcp-session-id").to_owned();
        let request = self.world.far(&self.gateway, &self.token, rpc(method, params));
        request.header("mcp-session-id", &session).send().await
    }

    /// The names or URIs in a list.
    async fn list(&self, method: &str, member: &str) -> Vec<String> {
        let (modern, legacy) = (self.modern(method, json!({})).await, self.legacy(method, json!({})).await);
        let called = |answer: &Answer| {
            let entries = answer.json()["result"][member].as_array().cloned().unwrap_or_default();
            let name = |entry: &Value| {
                ["name", "uri", "uriTemplate"].iter().find_map(|key| entry[key].as_str()).map(str::to_owned)
            };
            entries.iter().filter_map(name).collect::<Vec<_>>()
        };
        assert_eq!(called(&modern), called(&legacy), "{method}");
        called(&modern)
    }
}

impl World {
    fn with_roles(&self, roles: &[&str], scope: &str) -> String {
        self.token_with("ada", scope, |claims| {
            claims.aud = resource("/mcp/far");
            claims.jti = oauth::JwtId::from_unverified(format!("{roles:?} {scope}"));
            claims.roles = names(roles);
        })
    }
}

#[tokio::test]
async fn gw_23_what_is_not_in_the_list_cannot_be_had_in_another_way() {
    let mut world = World::new().await;
    world.policy = policy(
        Effect::Allow,
        &[
            RuleSettings { tools: Some(names(&["secret_*"])), ..deny("tools") },
            RuleSettings { prompts: Some(names(&["secret_*"])), ..deny("prompts") },
            RuleSettings { resources: Some(names(&["file:///secret/*"])), ..deny("resources") },
        ],
    );
    for upstream in [Upstream::modern(everything).await, Upstream::legacy(everything).await] {
        let far = Far {
            world: &world,
            gateway: upstream.behind(&world),
            token: world.far_token("ada", "use admin"),
        };
        assert_eq!(far.list("tools/list", "tools").await, ["get", "delete"]);
        assert_eq!(far.list("prompts/list", "prompts").await, ["open"]);
        assert_eq!(far.list("resources/list", "resources").await, ["file:///pub/a"]);
        assert_eq!(far.list("resources/templates/list", "resourceTemplates").await, ["file:///pub/{x}"]);
        let completion =
            |reference: Value| json!({ "ref": reference, "argument": { "name": "x", "value": "" } });
        let before = upstream.all().len();
        for (method, params, modern_code, legacy_code) in [
            ("tools/call", json!({ "name": "secret_get" }), -32602, -32602),
            ("tools/call", json!({ "name": "SECRET_get" }), -32602, -32602),
            ("prompts/get", json!({ "name": "secret_plan" }), -32602, -32602),
            ("resources/read", json!({ "uri": "file:///secret/a" }), -32602, -32002),
            ("resources/read", json!({ "uri": "file:///pub/%2e%2e/secret/a" }), -32602, -32002),
            (
                "completion/complete",
                completion(json!({ "type": "ref/prompt", "name": "secret_plan" })),
                -32602,
                -32602,
            ),
            (
                "completion/complete",
                completion(json!({ "type": "ref/resource", "uri": "file:///secret/{x}" })),
                -32602,
                -32002,
            ),
            (
                "completion/complete",
                completion(json!({ "type": "ref/other", "name": "open" })),
                -32602,
                -32602,
            ),
            ("completion/complete", json!({ "argument": {} }), -32602, -32602),
        ] {
            let modern = far.modern(method, params.clone()).await;
            assert_eq!(
                (modern.status.as_u16(), modern.code()),
                (200, modern_code),
                "{method} {params} {modern:?}"
            );
            let legacy = far.legacy(method, params.clone()).await;
            assert_eq!(legacy.code(), legacy_code, "{method} {params} {legacy:?}");
            assert!(!legacy.text.contains("denied") && !modern.text.contains("denied"), "it does not exist");
        }
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            assert_eq!(far.legacy(method, json!({ "uri": "file:///secret/a" })).await.code(), -32002);
        }
        let listening =
            json!({ "notifications": { "resourceSubscriptions": ["file:///pub/a", "file:///secret/a"] } });
        assert_eq!(far.modern("subscriptions/listen", listening).await.code(), -32602);
        let told = upstream.all().split_off(before);
        let reached: Vec<_> = told.iter().filter(|arrived| arrived.text.contains("secret")).collect();
        assert!(reached.is_empty(), "{reached:?}");
        for (method, params) in [
            ("tools/call", json!({ "name": "get" })),
            ("prompts/get", json!({ "name": "open" })),
            ("resources/read", json!({ "uri": "file:///pub/a" })),
            ("completion/complete", completion(json!({ "type": "ref/prompt", "name": "open" }))),
        ] {
            let answer = far.modern(method, params).await;
            assert!(answer.json()["result"].is_object(), "{method}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn gw_23_the_list_and_the_call_agree_about_everybody() {
    let mut world = World::new().await;
    world.policy = policy(
        Effect::Deny,
        &[
            RuleSettings { roles: names(&["admin"]), ..allow("admins") },
            RuleSettings {
                roles: names(&["dev"]),
                tools: Some(names(&["get", "secret_get"])),
                ..allow("devs")
            },
            RuleSettings {
                tools: Some(names(&["secret_*"])),
                users: names(&["ada*"]),
                ..deny("no secrets for ada")
            },
        ],
    );
    let upstream = Upstream::modern(everything).await;
    let gateway = upstream.behind(&world);
    for (roles, seen) in
        [(&["admin"][..], &["get", "delete"][..]), (&["dev"], &["get"]), (&["Admin"], &[]), (&[], &[])]
    {
        let token = world.with_roles(roles, "use admin");
        let far = Far { world: &world, gateway: gateway.clone(), token };
        assert_eq!(far.list("tools/list", "tools").await, seen, "{roles:?}");
        for tool in ["get", "delete", "secret_get"] {
            let answer = far.modern("tools/call", json!({ "name": tool })).await;
            assert_eq!(answer.code() == 0, seen.contains(&tool), "{tool} as {roles:?}: {answer:?}");
        }
    }
    let rules: Vec<_> =
        world.audit_log.events().iter().map(|event| event.decision.clone().unwrap().rule).collect();
    assert_eq!(
        rules,
        [
            "admins",
            "admins",
            "no secrets for ada",
            "devs",
            "default",
            "no secrets for ada",
            "default",
            "default",
            "no secrets for ada",
            "default",
            "default",
            "no secrets for ada"
        ]
    );
}

#[tokio::test]
async fn gw_25_nothing_but_the_token_says_who_somebody_is() {
    let mut world = World::new().await;
    world.policy = policy(Effect::Deny, &[RuleSettings { roles: names(&["admin"]), ..allow("admins") }]);
    let upstream = Upstream::modern(everything).await;
    let gateway = upstream.behind(&world);
    let token = world.with_roles(&["dev"], "use");
    let claimed = json!({ "name": "get", "arguments": { "roles": ["admin"], "user": { "roles": ["admin"] } }, "roles": ["admin"] });
    let sent = world.far_modern(&gateway, &token, "tools/call", claimed);
    let headers =
        ["x-roles", "x-user-roles", "x-auth-roles", "x-forwarded-groups", "x-tenant-id", "mcp-param-roles"];
    let sent = headers.iter().fold(sent, |sent, name| sent.header(name, "admin")).send().await;
    assert_eq!(sent.code(), -32602, "{sent:?}");
    assert_eq!(upstream.of("tools/call").len(), 0);
    let token = world.with_roles(&["admin"], "use");
    assert_eq!(
        world.far_modern(&gateway, &token, "tools/call", json!({ "name": "get" })).send().await.code(),
        0
    );
}

#[tokio::test]
async fn gw_26_a_challenge_names_all_scopes_and_a_larger_scope_stands_for_smaller_ones() {
    let world = World::new().await;
    let upstream = Upstream::modern(everything).await;
    let scope = |text| Scope::parse(text).unwrap();
    let implied = [("root".to_owned(), scope("admin")), ("admin".to_owned(), scope("use"))].into();
    let gateway =
        world.gateway_to(&format!("http://{}/mcp", upstream.address), ToolScopes { implied, ..scopes() });
    for (granted, tool, status) in [
        ("use", "get", 200),
        ("use", "delete", 403),
        ("use", "DELETE", 403),
        ("other", "get", 403),
        ("admin", "delete", 200),
        ("root", "delete", 200),
        ("root", "env", 200),
    ] {
        let token = world.far_token("ada", granted);
        let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": tool })).send().await;
        assert_eq!(answer.status, status, "{tool} with {granted}: {answer:?}");
        if status == 403 {
            let challenge = answer.header("www-authenticate");
            let needed = if tool == "get" { "scope=\"use\"" } else { "scope=\"admin use\"" };
            assert!(challenge.contains(needed) && challenge.contains("resource_metadata="), "{challenge}");
        }
    }
    let tools: Vec<_> =
        upstream.of("tools/call").iter().map(|call| call.json()["params"]["name"].to_string()).collect();
    assert_eq!(tools, ["\"get\"", "\"delete\"", "\"delete\""], "refused calls went no further");
}

#[tokio::test]
async fn a_rule_on_arguments_lists_the_tool_and_decides_at_the_call() {
    let mut world = World::new().await;
    let rule = RuleSettings {
        when: Some(condition("tool.name == 'get' && !arguments.path.startsWith('/pub/')")),
        reason: Some("only what is public".to_owned()),
        ..deny("public only")
    };
    world.policy =
        Policy::new(&PolicySettings { tell: Tell::Rule, rules: vec![rule], ..PolicySettings::default() })
            .unwrap();
    let upstream = Upstream::legacy(everything).await;
    let far =
        Far { world: &world, gateway: upstream.behind(&world), token: world.far_token("ada", "use admin") };
    assert!(far.list("tools/list", "tools").await.contains(&"get".to_owned()));
    for (arguments, is_allowed) in [
        (json!({ "path": "/pub/a" }), true),
        (json!({ "path": "/secret-path" }), false),
        (json!({ "path": ["/pub/a"] }), false),
        (json!({}), false),
    ] {
        let answer = far.legacy("tools/call", json!({ "name": "get", "arguments": arguments })).await;
        assert_eq!(answer.code() == 0, is_allowed, "{arguments}: {answer:?}");
        let told = "rule \"public only\" (only what is public)";
        assert!(answer.json()["error"]["message"].as_str().unwrap_or(told).contains(told), "{answer:?}");
    }
    assert_eq!(upstream.of("tools/call").len(), 1);
    let events = world.audit_log.events();
    let denied = events[1].decision.as_ref().unwrap();
    assert_eq!((&*denied.rule, events[1].tool.as_deref()), ("public only", Some("get")));
    assert!(!format!("{events:?}").contains("secret-path"), "arguments are nobody's business");
}

#[tokio::test]
async fn what_may_be_allowed_can_be_completed() {
    let mut world = World::new().await;
    let rule = RuleSettings {
        prompts: Some(names(&["open"])),
        when: Some(condition("arguments.city == 'Paris'")),
        ..deny("not Paris")
    };
    world.policy = policy(Effect::Allow, &[rule]);
    let upstream = Upstream::modern(everything).await;
    let far = Far { world: &world, gateway: upstream.behind(&world), token: world.far_token("ada", "use") };
    let get = async |city: &str| {
        far.modern("prompts/get", json!({ "name": "open", "arguments": { "city": city } })).await.code()
    };
    assert_eq!((get("Rome").await, get("Paris").await), (0, -32602));
    assert!(far.list("prompts/list", "prompts").await.contains(&"open".to_owned()));
    let reference = json!({ "type": "ref/prompt", "name": "open" });
    let argument = json!({ "name": "city", "value": "Pa" });
    let completed =
        far.modern("completion/complete", json!({ "ref": reference, "argument": argument })).await;
    assert_eq!(completed.code(), 0, "{completed:?}");
}

#[tokio::test]
async fn a_rule_on_annotations_believes_what_the_server_said_of_its_tool() {
    let mut world = World::new().await;
    world.policy = policy(
        Effect::Deny,
        &[RuleSettings { when: Some(condition("tool.annotations.readOnlyHint")), ..allow("reading") }],
    );
    let upstream = Upstream::modern(everything).await;
    let far =
        Far { world: &world, gateway: upstream.behind(&world), token: world.far_token("ada", "use admin") };
    assert_eq!(far.list("tools/list", "tools").await, ["get"]);
    assert_eq!(far.modern("tools/call", json!({ "name": "get" })).await.code(), 0);
    assert_eq!(far.modern("tools/call", json!({ "name": "delete" })).await.code(), -32602);
}

#[tokio::test]
async fn annotations_that_no_list_has_told_are_asked_for_once_in_a_while() {
    let mut world = World::new().await;
    let reading = RuleSettings { when: Some(condition("tool.annotations.readOnlyHint")), ..allow("reading") };
    world.policy = policy(Effect::Deny, &[reading]);
    for upstream in [Upstream::modern(everything).await, Upstream::legacy(everything).await] {
        let token = world.far_token("ada", "use admin");
        let far = Far { world: &world, gateway: upstream.behind(&world), token };
        assert_eq!(far.modern("tools/call", json!({ "name": "get" })).await.code(), 0);
        for tool in ["delete", "nowhere", "nowhere else"] {
            assert_eq!(far.modern("tools/call", json!({ "name": tool })).await.code(), -32602);
        }
        assert_eq!(upstream.of("tools/list").len(), 1);
        world.clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(far.modern("tools/call", json!({ "name": "nowhere" })).await.code(), -32602);
        assert_eq!((upstream.of("tools/list").len(), upstream.of("tools/call").len()), (2, 1));
    }
}

#[tokio::test]
async fn rules_hold_at_the_built_in_server_whatever_way_is_taken() {
    let mut world = World::new().await;
    let rule =
        RuleSettings { servers: names(&["demo"]), tools: Some(names(&["delete_*"])), ..deny("no deletes") };
    world.policy =
        policy(Effect::Allow, &[rule, RuleSettings { servers: names(&["far"]), ..deny("elsewhere") }]);
    world.router = world.another_node();
    let token = world.token("ada", "read write");
    let session = world.session(&token).await;
    let listed =
        world.post(&token, rpc("tools/list", json!({}))).header("mcp-session-id", &session).send().await;
    let modern = world.modern(&token, "tools/list", json!({})).send().await;
    for list in [&listed, &modern] {
        let count = list.json()["result"]["tools"].as_array().unwrap().len();
        assert!(count == 5 && !list.text.contains("delete_data"), "{list:?}");
    }
    let delete = call("delete_data", json!({ "item_id": 1 }));
    let called = world.post(&token, delete.clone()).header("mcp-session-id", &session).send().await;
    assert_eq!(called.code(), -32602);
    let bare = json!({ "name": "delete_data", "arguments": { "item_id": 1 } });
    assert_eq!(
        world.request("POST", "/mcp/v1/tools/call").bearer(&token).json(bare).send().await.status,
        404
    );
    assert_eq!(world.request("DELETE", "/api/data/1").bearer(&token).send().await.status, 404);
    let items =
        world.post(&token, call("get_data", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(items.tool()["total"], 3, "nothing was deleted");
}
