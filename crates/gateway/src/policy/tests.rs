use std::borrow::Cow;

use oauth::Timestamp;
use serde_json::value::RawValue;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn rule(name: &str, effect: Effect) -> RuleSettings {
    RuleSettings { name: name.to_owned(), effect, ..RuleSettings::default() }
}

fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn policy(default: Effect, rules: &[RuleSettings]) -> ServerPolicy {
    let settings = PolicySettings { default, tell: Tell::Nothing, rules: rules.to_vec() };
    let policy = Policy::new(&settings).unwrap_or_else(|error| panic!("{error}"));
    let scopes = ToolScopes {
        default: scope("use"),
        named: [("drop".to_owned(), scope("use admin"))].into(),
        hidden: ["env".to_owned()].into(),
        ..ToolScopes::default()
    };
    ServerPolicy::new("files", scopes, &policy)
}

fn requester(roles: &[&str]) -> Requester<'static> {
    Requester {
        issuer: "https://v.test".into(),
        subject: "user_1".into(),
        user_name: Some("ada".into()),
        client_id: Some("client_1".into()),
        scope: Some(Cow::Owned(scope("use"))),
        memberships: Some(Memberships { roles: names(roles).into(), groups: names(&["berlin"]).into() }),
    }
}

fn tool(name: &str) -> Target<'_> {
    Target::Tool { name, annotations: Some(Annotations::default()) }
}

/// The decision in a word: `allow NAME`, `deny NAME`, `open NAME`, `challenge` or `hidden`.
fn decided(
    policy: &ServerPolicy,
    who: &Requester<'_>,
    target: Target<'_>,
    arguments: Option<&str>,
) -> String {
    let raw = arguments.map(|text| serde_json::from_str::<&RawValue>(text).unwrap());
    let arguments = raw.map_or(Arguments::Unknown, |raw| Arguments::Known(Some(raw)));
    match policy.decide(&Question { requester: who, target, arguments, now: NOW }) {
        Decision::Allow(rule) => format!("allow {rule}"),
        Decision::Deny(denial) => format!("deny {}", denial.rule),
        Decision::Open(rule, _) => format!("open {rule}"),
        Decision::Challenge(_) => "challenge".to_owned(),
        Decision::Hidden => "hidden".to_owned(),
    }
}

fn call(policy: &ServerPolicy, roles: &[&str], name: &str) -> String {
    decided(policy, &requester(roles), tool(name), Some("{}"))
}

#[test]
fn without_rules_scopes_decide() {
    let policy = policy(Effect::Allow, &[]);
    for (name, expect) in [
        ("echo", "allow scope"),
        ("drop", "challenge"),
        ("Drop", "challenge"),
        ("env", "hidden"),
        ("ENV", "hidden"),
    ] {
        assert_eq!(call(&policy, &[], name), expect, "{name}");
    }
    let granted = Requester { scope: Some(Cow::Owned(scope("use admin"))), ..requester(&[]) };
    assert_eq!(decided(&policy, &granted, tool("drop"), None), "allow scope");
    let nothing = Requester { scope: Some(Cow::Owned(Scope::default())), ..requester(&[]) };
    for target in [Target::Prompt("p"), Target::Resource("file:///a"), Target::Protocol] {
        assert_eq!(decided(&policy, &nothing, target, None), "challenge");
        assert_eq!(decided(&policy, &requester(&[]), target, None), "allow scope");
    }
}

#[test]
fn a_denial_wins_whatever_the_order() {
    let allow = RuleSettings { roles: names(&["dev"]), ..rule("devs", Effect::Allow) };
    let deny = RuleSettings { tools: Some(names(&["del*"])), ..rule("no deletes", Effect::Deny) };
    for rules in [[allow.clone(), deny.clone()], [deny.clone(), allow.clone()]] {
        let policy = policy(Effect::Deny, &rules);
        assert_eq!(call(&policy, &["dev"], "get"), "allow devs");
        assert_eq!(call(&policy, &["dev"], "delete"), "deny no deletes");
        assert_eq!(call(&policy, &["ops"], "get"), "deny default");
        // No consent helps against a rule, so nobody is asked for more scope.
        assert_eq!(call(&policy, &["ops"], "drop"), "deny default");
        assert_eq!(call(&policy, &["dev"], "drop"), "challenge");
        assert_eq!(call(&policy, &["dev"], "env"), "hidden");
    }
}

#[test]
fn gw_11_a_rule_that_denies_means_names_that_look_alike_and_one_that_allows_does_not() {
    let deny = RuleSettings { tools: Some(names(&["delete_*"])), ..rule("no deletes", Effect::Deny) };
    let policy_that_denies = policy(Effect::Allow, &[deny]);
    for name in ["delete_all", "Delete_all", "DELETE_ALL", "\u{200b}delete_all", "delete_all "] {
        assert_eq!(call(&policy_that_denies, &[], name), "deny no deletes", "{name:?}");
    }
    let allow = RuleSettings { tools: Some(names(&["get_*"])), ..rule("reads", Effect::Allow) };
    let policy_that_allows = policy(Effect::Deny, &[allow]);
    assert_eq!(call(&policy_that_allows, &[], "get_x"), "allow reads");
    assert_eq!(call(&policy_that_allows, &[], "GET_x"), "deny default");
}

#[test]
fn gw_23_resources_are_what_a_server_takes_them_for() {
    let allow = RuleSettings { resources: Some(names(&["file:///pub/*"])), ..rule("public", Effect::Allow) };
    let deny = RuleSettings { resources: Some(names(&["file:///pub/.git/*"])), ..rule("git", Effect::Deny) };
    let policy = policy(Effect::Deny, &[allow, deny]);
    for (uri, expect) in [
        ("file:///pub/a", "allow public"),
        ("file:///pub/../etc/passwd", "deny default"),
        ("file:///pub/%2e%2e/etc/passwd", "deny default"),
        ("file:///etc/../pub/a", "deny default"),
        ("file:///pub/.git/config", "deny git"),
        ("FILE:///pub/.GIT/config", "deny git"),
        ("file:///pub/x/../.git/config", "deny git"),
        ("file:///pub/%2egit/config", "deny git"),
    ] {
        assert_eq!(decided(&policy, &requester(&[]), Target::Resource(uri), None), expect, "{uri}");
    }
    assert_eq!(call(&policy, &[], "get"), "deny default", "a rule about resources says nothing about tools");
    assert_eq!(decided(&policy, &requester(&[]), Target::Prompt("p"), None), "deny default");
    assert_eq!(decided(&policy, &requester(&[]), Target::Protocol, None), "allow public");
}

#[test]
fn rules_are_about_users_clients_roles_and_groups() {
    let about = |change: fn(&mut RuleSettings)| {
        let mut deny = rule("r", Effect::Deny);
        change(&mut deny);
        call(&policy(Effect::Allow, &[deny]), &["dev"], "get") == "deny r"
    };
    assert!(about(|_| {}));
    assert!(about(|rule| rule.users = names(&["bob", "a*"])));
    assert!(about(|rule| rule.users = names(&["user_1"])));
    assert!(!about(|rule| rule.users = names(&["bob"])));
    assert!(about(|rule| rule.clients = names(&["client_*"])));
    assert!(!about(|rule| rule.clients = names(&["other"])));
    assert!(about(|rule| rule.roles = names(&["ops", "dev"])));
    assert!(!about(|rule| rule.roles = names(&["Dev"])));
    assert!(about(|rule| rule.groups = names(&["berlin"])));
    assert!(!about(|rule| (rule.roles, rule.groups) = (names(&["dev"]), names(&["paris"]))));
    assert!(about(|rule| rule.servers = names(&["f*"])));
    assert!(!about(|rule| rule.servers = names(&["mail"])));
}

#[test]
fn gw_25_the_token_says_who_somebody_is_and_arguments_do_not() {
    let deny = RuleSettings {
        when: Some(condition("has(arguments.tenant) && !(arguments.tenant in user.groups)")),
        ..rule("own tenant", Effect::Deny)
    };
    let policy = policy(Effect::Allow, &[deny]);
    let call = |arguments| decided(&policy, &requester(&["dev"]), tool("get"), Some(arguments));
    assert_eq!(call(r#"{"tenant":"berlin"}"#), "allow scope");
    assert_eq!(call("{}"), "allow scope");
    assert_eq!(call(r#"{"tenant":"paris"}"#), "deny own tenant");
    assert_eq!(
        call(r#"{"tenant":"paris","user":{"groups":["paris"]},"groups":["paris"]}"#),
        "deny own tenant"
    );
    assert_eq!(call(r#"{"tenant":["berlin"]}"#), "deny own tenant");
}

#[test]
fn a_list_shows_what_may_be_allowed_and_nothing_else() {
    let rules = [
        RuleSettings { tools: Some(names(&["del*"])), roles: names(&["intern"]), ..rule("a", Effect::Deny) },
        RuleSettings { when: Some(condition("arguments.force == true")), ..rule("b", Effect::Deny) },
        RuleSettings {
            when: Some(condition("tool.name == 'never' || arguments.x == 1")),
            ..rule("c", Effect::Deny)
        },
    ];
    let policy = policy(Effect::Allow, &rules);
    let lists = |roles: &[&str], name| {
        let who = requester(roles);
        policy.lists(&Question {
            requester: &who,
            target: tool(name),
            arguments: Arguments::Known(None),
            now: NOW,
        })
    };
    assert!(lists(&["dev"], "delete") && !lists(&["intern"], "delete"));
    assert!(lists(&["intern"], "get") && !lists(&["dev"], "never") && !lists(&["dev"], "env"));
    assert!(lists(&["dev"], "drop"), "a client cannot step up to a tool that it never saw");
    let who = requester(&["dev"]);
    assert_eq!(decided(&policy, &who, tool("get"), None), "open b");
    assert_eq!(decided(&policy, &who, tool("get"), Some(r#"{"force":true,"x":2}"#)), "deny b");
    assert_eq!(decided(&policy, &who, tool("get"), Some(r#"{"force":false,"x":2}"#)), "allow scope");
}

#[test]
fn a_condition_that_fails_never_allows() {
    let deny = RuleSettings { when: Some(condition("arguments.n > 1")), ..rule("small", Effect::Deny) };
    let policy_that_denies = policy(Effect::Allow, &[deny]);
    assert_eq!(call(&policy_that_denies, &[], "get"), "deny small");
    let allow = RuleSettings { when: Some(condition("arguments.n > 1")), ..rule("large", Effect::Allow) };
    let admins = RuleSettings { roles: names(&["admin"]), ..rule("admins", Effect::Allow) };
    let policy_that_allows = policy(Effect::Deny, &[allow, admins]);
    assert_eq!(call(&policy_that_allows, &[], "get"), "deny large", "what failed is named");
    assert_eq!(call(&policy_that_allows, &["admin"], "get"), "allow admins");
    let who = requester(&[]);
    let question =
        Question { requester: &who, target: tool("get"), arguments: Arguments::Known(None), now: NOW };
    let Decision::Deny(denial) = policy_that_allows.decide(&question) else { panic!("denied") };
    assert_eq!(denial.failure.as_deref(), Some("it reads a member that is not there"));
}

#[test]
fn what_is_not_known_of_somebody_is_open() {
    let rules = [RuleSettings { roles: names(&["intern"]), ..rule("no interns", Effect::Deny) }];
    let about_roles = policy(Effect::Allow, &rules);
    let who = Requester { memberships: None, ..requester(&[]) };
    assert_eq!(decided(&about_roles, &who, tool("get"), None), "open no interns");
    let about_clients = RuleSettings { clients: names(&["c*"]), ..rule("no c", Effect::Deny) };
    let conditional =
        RuleSettings { when: Some(condition("client.id == 'c'")), ..rule("not c", Effect::Deny) };
    for rule in [about_clients, conditional] {
        let who = Requester { client_id: None, ..requester(&[]) };
        let name = format!("open {}", rule.name);
        assert_eq!(decided(&policy(Effect::Allow, &[rule]), &who, tool("get"), None), name);
    }
    let who = Requester { scope: None, ..requester(&["dev"]) };
    assert_eq!(decided(&about_roles, &who, tool("get"), None), "open scope");
}

#[test]
fn settings_that_are_no_policy_say_which_rule() {
    let deny = |name: &str| rule(name, Effect::Deny);
    let mistake = |default, rules: &[RuleSettings]| {
        let settings = PolicySettings { default, tell: Tell::Nothing, rules: rules.to_vec() };
        Policy::new(&settings).expect_err("no policy").to_string()
    };
    let message = mistake(Effect::Allow, &[deny("a"), rule("b", Effect::Allow)]);
    assert!(
        message.starts_with("the rule \"b\" allows") && message.contains("default = \"deny\""),
        "{message}"
    );
    assert_eq!(mistake(Effect::Allow, &[deny("a"), deny("a")]), "the rule \"a\" is there twice");
    assert_eq!(mistake(Effect::Allow, &[deny("scope")]), "the rule \"scope\" cannot be called so");
    let conditional = |text: &str| RuleSettings { when: Some(condition(text)), ..deny("c") };
    assert!(mistake(Effect::Allow, &[conditional("tool.name == prompt.name")]).contains("different kinds"));
    let about_prompts = RuleSettings { prompts: Some(Vec::new()), ..conditional("tool.name == 'a'") };
    assert!(mistake(Effect::Allow, &[about_prompts]).contains("leave out"));
    let about_resources = RuleSettings { resources: Some(Vec::new()), ..conditional("arguments.a == 1") };
    assert!(mistake(Effect::Allow, &[about_resources]).contains("resources do not have"));
}

#[test]
fn callers_are_told_what_the_operator_wants_them_to_know() {
    let settings = |tell| PolicySettings {
        tell,
        rules: vec![
            RuleSettings {
                tools: Some(names(&["del*"])),
                reason: Some("ask in #ops".to_owned()),
                ..rule("no deletes", Effect::Deny)
            },
            RuleSettings { when: Some(condition("arguments.force")), ..rule("no force", Effect::Deny) },
        ],
        ..PolicySettings::default()
    };
    let told = |tell, name| {
        let policy = Policy::new(&settings(tell)).unwrap();
        let policy = ServerPolicy::new("files", ToolScopes::default(), &policy);
        let who = requester(&[]);
        let arguments: &RawValue = serde_json::from_str(r#"{"force":true}"#).unwrap();
        let arguments = Arguments::Known(Some(arguments));
        let question = Question { requester: &who, target: tool(name), arguments, now: NOW };
        let Decision::Deny(denial) = policy.decide(&question) else { panic!("denied") };
        policy.told(&question, &denial)
    };
    assert_eq!(told(Tell::Nothing, "delete"), None);
    let denial = told(Tell::Nothing, "get").expect("it stands in the list, so it exists");
    assert!(denial.contains("denied") && !denial.contains("no force"), "{denial}");
    assert_eq!(told(Tell::Denial, "delete").as_ref(), Some(&denial));
    let rule = told(Tell::Rule, "delete").unwrap();
    assert!(rule.contains("\"no deletes\" (ask in #ops)"), "{rule}");
}

#[test]
fn tk_37_a_rule_about_a_user_is_not_about_their_namesake_elsewhere() {
    let allow = |user: &str| {
        let rules = [RuleSettings { users: names(&[user]), ..rule("theirs", Effect::Allow) }];
        policy(Effect::Deny, &rules)
    };
    let elsewhere = |subject: &'static str, user_name: Option<&'static str>| Requester {
        issuer: "https://idp.test/".into(),
        subject: subject.into(),
        user_name: user_name.map(Cow::Borrowed),
        client_id: Some("agent@https://idp.test/".into()),
        ..requester(&[])
    };
    let asks = |user: &str, who: &Requester<'_>| decided(&allow(user), who, tool("get"), Some("{}"));
    for subject in ["ada", "user_1"] {
        let namesake = elsewhere(subject, Some("ada@https://idp.test/"));
        assert_eq!(asks(subject, &requester(&[])), "allow theirs");
        assert_eq!(asks(subject, &namesake), "deny default", "{subject}");
        assert_eq!(asks(subject, &elsewhere(subject, None)), "deny default", "{subject}");
        assert_eq!(asks(&format!("{subject}@https://idp.test/"), &namesake), "allow theirs");
        assert_eq!(asks("*@https://idp.test/", &namesake), "allow theirs");
        assert_eq!(asks("*@https://idp.test/", &requester(&[])), "deny default");
    }
}
