//! What holds for all pages together, and what each one says and posts.

use std::{collections::BTreeSet, path::Path, time::Duration};

use authorization_server::{
    App,
    pages::{
        Destination, Language,
        rules::{addresses, catalogues_agree, hold, hostile_text, messages, templates_trust_nothing, text},
    },
};
use oauth::RedirectUri;

use super::{
    words::{ENGLISH, SIMPLIFIED_CHINESE},
    *,
};

fn app(name: &str, verified: bool, redirect_uri: &str) -> App {
    let destination = Destination::of(&RedirectUri::parse(redirect_uri).unwrap());
    App { unverified_name: name.to_owned(), verified, destination: Some(destination) }
}

fn askers(name: &str) -> Vec<Option<Asker>> {
    let known = |redirect_uri, verified| Some(Asker::of(Some(&app(name, verified, redirect_uri)), "x"));
    vec![
        None,
        Some(Asker::of(None, name)),
        known("https://xn--pple-43d.com/", false),
        known("https://app.example/", true),
        known("http://127.0.0.1:1/", false),
        known("cursor://x/'onclick=y", false),
    ]
}

fn connect<'a>(text: &'a str, asker: Option<&'a Asker>) -> Connect<'a> {
    Connect {
        id: text,
        asker,
        waits: None,
        provider: text,
        entry: Entry::Elsewhere(Some(text)),
        reason: Reason::Never,
        former_account: None,
        scopes: &[],
        user_name: text,
        transaction: None,
        problem: None,
    }
}

/// Every page with nothing but hostile values, in every state that changes its structure.
fn hostile_pages(language: Language) -> Vec<(String, String)> {
    let hostile = hostile_text();
    let mut pages = connect_pages(&hostile, language);
    for asker in askers(&hostile) {
        for account in [None, Some(hostile.as_str())] {
            let missing = account.unwrap_or_default();
            let view = Connected { provider: &hostile, account, missing, asker: asker.as_ref() };
            pages.push((format!("connected {asker:?} {account:?}"), view.render(language)));
        }
    }
    for account in [None, Some(hostile.as_str())] {
        let view = AccountChanged { id: &hostile, provider: &hostile, former: account, received: account };
        pages.push((format!("account {account:?}"), view.render(language)));
    }
    let kinds = [
        OutcomeKind::OtherUser { user_name: &hostile },
        OutcomeKind::Closed,
        OutcomeKind::Declined { provider: &hostile },
        OutcomeKind::Working { provider: &hostile },
        OutcomeKind::Unused,
    ];
    for kind in kinds {
        for transaction in [None, Some(hostile.as_str())] {
            pages.push((format!("{kind:?}"), Outcome { kind, transaction }.render(language)));
        }
    }
    pages.extend(connections_pages(&hostile, language));
    pages
}

fn connect_pages(hostile: &str, language: Language) -> Vec<(String, String)> {
    let lines = [ScopeLine { scope: hostile, is_new: true }, ScopeLine { scope: "x", is_new: false }];
    let waits = [
        None,
        Some(Waits { server: hostile, tool: None }),
        Some(Waits { server: hostile, tool: Some(hostile) }),
    ];
    let problems = [
        None,
        Some(Problem::Refused { error: hostile, description: Some(hostile) }),
        Some(Problem::Refused { error: hostile, description: None }),
        Some(Problem::Failed { told: hostile }),
        Some(Problem::Secret { told: hostile }),
    ];
    let mut pages = Vec::new();
    for asker in askers(hostile) {
        for (problem, waits) in problems.into_iter().flat_map(|problem| waits.map(|waits| (problem, waits))) {
            for entry in [
                Entry::Elsewhere(None),
                Entry::Elsewhere(Some(hostile)),
                Entry::Key(None),
                Entry::Key(Some(hostile)),
                Entry::Password,
            ] {
                let view = Connect { waits, entry, problem, ..connect(hostile, asker.as_ref()) };
                pages.push((format!("connect {asker:?} {problem:?} {entry:?}"), view.render(language)));
            }
        }
        for reason in [Reason::Again, Reason::More] {
            let view = Connect {
                reason,
                former_account: Some(hostile),
                scopes: &lines,
                transaction: Some(hostile),
                ..connect(hostile, asker.as_ref())
            };
            pages.push((format!("connect {asker:?} {reason:?}"), view.render(language)));
        }
    }
    pages
}

fn connections_pages(hostile: &str, language: Language) -> Vec<(String, String)> {
    let moment = || Moment { ago: Duration::from_hours(3), exact: "2026-01-02T03:04:05Z".to_owned() };
    let row = |used: bool, works| Row {
        id: hostile,
        account: used.then_some(hostile),
        scopes: if used { vec![hostile, "x"] } else { Vec::new() },
        created: moment(),
        used: used.then(moment),
        works,
        is_chosen: used,
    };
    let service = |name, rows| {
        let team = (name != "c").then_some(hostile);
        Service { name, title: hostile, team, is_connectable: name != "b", rows }
    };
    let services = [
        service("a", vec![row(true, true), row(false, false)]),
        service("b", vec![row(false, true)]),
        service("c", Vec::new()),
    ];
    let page = |services| Connections { services, user_name: hostile }.render(language);
    vec![("connections".to_owned(), page(&services)), ("connections, none".to_owned(), page(&[]))]
}

#[test]
fn co_01_every_page_keeps_the_rules() {
    let keys: BTreeSet<_> = messages(ENGLISH).into_keys().collect();
    for language in Language::ALL {
        for (name, page) in hostile_pages(language) {
            hold(&format!("{} {name}", language.tag()), &page, language, &keys);
        }
    }
}

#[test]
fn links_lead_nowhere_unexpected() {
    for (name, page) in Language::ALL.into_iter().flat_map(hostile_pages) {
        for (address, tag) in addresses(&page) {
            let ours = !address.contains(':') && !address.starts_with("//");
            let apps = address == "https://app.example/" && tag.starts_with("a class=\"button\"");
            assert!(ours || apps, "{name}: <{tag}>");
        }
    }
}

#[test]
fn templates_and_catalogues_name_the_same_keys() {
    let outcomes = ["other-user", "closed", "declined", "working", "unused"];
    let parts = ["what", "meaning", "remedy"];
    let mut elsewhere: Vec<_> =
        outcomes.iter().flat_map(|stem| parts.map(|part| format!("outcome-{stem}-{part}"))).collect();
    for stem in ["problem-refused", "problem-failed", "problem-secret"] {
        elsewhere.extend([stem.to_owned(), format!("{stem}-meaning")]);
    }
    elsewhere.extend(["problem-refused-said", "problem-failed-said"].map(str::to_owned));
    for choice in ["account-replace", "account-keep", "account-cancel"] {
        elsewhere.extend([choice.to_owned(), format!("{choice}-meaning")]);
    }
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    catalogues_agree([ENGLISH, SIMPLIFIED_CHINESE], &templates, &["home-", "consent-"], elsewhere);
}

#[test]
fn templates_contain_no_words_and_trust_nothing() {
    templates_trust_nothing(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"));
}

#[track_caller]
fn contains(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[test]
fn connect_says_who_asks_for_what_and_how_to_undo_it() {
    let asker = Asker::of(Some(&app("Cursor", false, "cursor://anysphere.cursor-mcp/cb")), "x");
    let scopes = [ScopeLine { scope: "repo", is_new: true }];
    let view = Connect {
        id: "e-1",
        provider: "GitHub",
        waits: Some(Waits { server: "GitHub tools", tool: Some("get_user_repos") }),
        entry: Entry::Elsewhere(Some("github.com")),
        scopes: &scopes,
        user_name: "ada",
        transaction: Some("t-1"),
        ..connect("x", Some(&asker))
    };
    let page = view.render(Language::English);
    let said = text(&page);
    for sentence in [
        "Cursor wants to use your GitHub account",
        "The tool get_user_repos of GitHub tools is waiting for it.",
        "Unverified app",
        "github.com",
        "What GitHub is asked for repo New",
        "The app never sees your key, password or token.",
        "At any time, on the page Your connections",
    ] {
        assert!(said.contains(sentence), "no {sentence:?} in {said}");
    }
    contains(
        &page,
        &[
            r#"<form method="post" action="connect">"#,
            r#"<input type="hidden" name="e" value="e-1">"#,
            r#"name="decision" value="deny""#,
            r#"name="decision" value="allow""#,
            r#"<input type="hidden" name="transaction" value="t-1">"#,
        ],
    );
    assert!(!page.contains("<script") && !page.contains("name=\"secret\""));
}

#[test]
fn a_secret_is_typed_into_a_field_that_shows_and_keeps_nothing() {
    let view = Connect { entry: Entry::Key(None), provider: "Weather", ..connect("e-1", None) };
    let page = view.render(Language::English);
    contains(
        &page,
        &[
            r#"<input id="secret" name="secret" type="password" autocomplete="off""#,
            "Connect your <strong><bdi>Weather</bdi></strong> account",
            "formnovalidate",
        ],
    );
    assert!(!page.contains("value=\"\"") && !page.contains("name=\"username\""));
    let page = Connect { entry: Entry::Password, ..view }.render(Language::English);
    contains(&page, &[r#"name="username" type="text" autocomplete="off""#, "name=\"secret\""]);
}

#[test]
fn up_10_what_a_provider_says_is_text() {
    let markup = "<img src=x onerror=alert(1)>\u{202e}";
    let refused = Problem::Refused { error: "access_denied", description: Some(markup) };
    let view = |problem| Connect { problem: Some(problem), provider: "GitHub", ..connect("e-1", None) };
    let page = view(refused).render(Language::English);
    contains(&page, &["<code>access_denied</code>", "&#60;img src=x onerror=alert(1)&#62;"]);
    assert!(!page.contains('\u{202e}'));
    let told = Problem::Failed { told: "the answer did not come from the provider" };
    let said = text(&view(told).render(Language::English));
    assert!(
        said.contains("Connecting GitHub went wrong Nothing was lost and nothing was connected."),
        "{said}"
    );
    assert!(said.contains("In detail: the answer did not come from the provider"), "{said}");
}

#[test]
fn connected_counts_down_only_with_its_script_and_leads_only_to_apps_that_are_vouched_for() {
    let page = |asker: Option<&Asker>| {
        Connected { provider: "GitHub", account: Some("ada-gh"), missing: "", asker }
            .render(Language::English)
    };
    let verified = Asker::of(Some(&app("Claude", true, "https://claude.ai/cb")), "x");
    contains(
        &page(Some(&verified)),
        &[
            r#"<script src="assets/close."#,
            r#"id="countdown" role="timer" hidden>"#,
            r#"<strong id="seconds">3</strong>"#,
            r#"<button class="button" id="close" type="button" hidden>"#,
            r#"href="https://claude.ai/" rel="noreferrer""#,
            "You can close this window.",
            "<strong><bdi>ada-gh</bdi></strong>",
        ],
    );
    for asker in [None, Some(Asker::of(Some(&app("Claude", false, "https://claude.ai/cb")), "x"))] {
        assert!(!page(asker.as_ref()).contains("href=\"https"));
    }
}

#[test]
fn up_15_another_account_has_three_answers_that_weigh_the_same() {
    let view = AccountChanged { id: "e-1", provider: "GitHub", former: Some("ada"), received: None };
    let page = view.render(Language::English);
    contains(
        &page,
        &[
            r#"action="connect-account""#,
            r#"name="choice" value="replace""#,
            r#"name="choice" value="keep""#,
            r#"name="choice" value="cancel""#,
            "An account without a name",
        ],
    );
    assert!(!page.contains("class=\"primary\""));
}
