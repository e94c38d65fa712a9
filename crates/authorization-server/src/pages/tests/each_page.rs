//! What each page says and posts.

use std::time::Duration;

use crate::pages::rules::{attributes, tags, text};
use crate::pages::{
    Client, Consent, Destination, Language, Leave, Lifetime, Login, LoginProblem, Occasion, Onward,
    ScopeLine, SetUp, SetUpProblem, UserName, Waiting,
};

fn client(redirect_uri: &str, verified: bool) -> Client<'static> {
    Client {
        unverified_name: "Inspector",
        verified,
        destination: Destination::of(&oauth::RedirectUri::parse(redirect_uri).unwrap()),
    }
}

fn consent<'a>(client: Client<'static>, scopes: &'a [ScopeLine<'a>]) -> Consent<'a> {
    Consent {
        transaction: "t-1",
        client,
        user_name: "ada",
        server_name: "Demo",
        resource: "https://mcp.example/mcp/demo",
        scopes,
        lifetime: Lifetime::WhileUsedWithin(Duration::from_hours(30 * 24)),
        withdraw_path: None,
    }
}

const READ: ScopeLine<'static> =
    ScopeLine { scope: "read", description: Some("Read your items"), changes: false, already_allowed: false };
const WRITE: ScopeLine<'static> = ScopeLine {
    scope: "write",
    description: Some("Change your items"),
    changes: true,
    already_allowed: false,
};

#[track_caller]
fn contains(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[test]
fn the_login_form_has_its_fields() {
    let waiting = Some(Waiting { transaction: "t-1", client: Some(client("https://app.example/cb", false)) });
    let page = Login { waiting, user_name: "ada", problem: None }.render(Language::English);
    contains(
        &page,
        &[
            r#"<form method="post" action="login">"#,
            r#"<input type="hidden" name="transaction" value="t-1">"#,
            r#"name="username" type="text" autocomplete="username""#,
            r#"value="ada""#,
            r#"name="password" type="password" autocomplete="current-password""#,
        ],
    );
    assert!(text(&page).contains("Sign in to continue to Inspector at app.example."));
    let plain = Login { waiting: None, user_name: "", problem: None }.render(Language::English);
    assert!(!plain.contains("transaction") && !plain.contains("aria-invalid"));
}

#[test]
fn a_failed_login_does_not_say_which_field_was_wrong() {
    let login = |problem| Login { waiting: None, user_name: "ada", problem: Some(problem) };
    let wrong = login(LoginProblem::WrongCredentials).render(Language::English);
    contains(&wrong, &[r#"id="problem" role="alert""#]);
    assert_eq!(wrong.matches(r#"aria-invalid="true" aria-describedby="problem""#).count(), 2);
    let locked = login(LoginProblem::LockedFor(Duration::from_mins(5))).render(Language::English);
    assert!(!locked.contains("aria-invalid"), "the fields are not to blame");
}

#[track_caller]
fn check_locked(seconds: u64, language: Language, expected: &str) {
    let problem = Some(LoginProblem::LockedFor(Duration::from_secs(seconds)));
    let page = Login { waiting: None, user_name: "", problem }.render(language);
    assert!(text(&page).contains(expected), "{}", text(&page));
}

#[test]
fn a_locked_login_says_when_to_try_again() {
    check_locked(0, Language::English, "Try again in 1 minute.");
    check_locked(61, Language::English, "Try again in 2 minutes.");
    check_locked(119 * 60, Language::English, "Try again in 119 minutes.");
    check_locked(120 * 60, Language::English, "Try again in 2 hours.");
    check_locked(49 * 3600, Language::English, "Try again in 3 days.");
    check_locked(300, Language::SimplifiedChinese, "请在 5 分钟后重试。");
}

#[test]
fn consent_is_one_form_with_two_equal_answers() {
    let page = consent(client("https://app.example/cb", false), &[READ, WRITE]).render(Language::English);
    let form = page.split(r#"<form class="decision" method="post" action="consent">"#).nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    contains(
        form,
        &[
            r#"<input type="hidden" name="transaction" value="t-1">"#,
            r#"<button type="submit" name="decision" value="deny">"#,
            r#"<button type="submit" name="decision" value="allow">"#,
        ],
    );
    assert_eq!(form.matches("<button").count(), 2);
    let preselected = ["autofocus", "checked", "selected"];
    assert!(!tags(&page).into_iter().flat_map(attributes).any(|attribute| preselected.contains(&attribute)));
    contains(&page, &[r#"<form class="inline" method="post" action="logout">"#]);
    assert_eq!(page.matches(r#"name="transaction" value="t-1""#).count(), 2);
}

#[test]
fn consent_tells_in_order_who_where_as_whom_what_and_how_long() {
    let page =
        text(&consent(client("http://127.0.0.1:9/cb", false), &[READ, WRITE]).render(Language::English));
    let mut rest = page.as_str();
    for part in [
        "Inspector wants to use Demo",
        "Unverified app",
        "127.0.0.1",
        "This is only this computer",
        "ada",
        "Not you?",
        "https://mcp.example/mcp/demo",
        "Read your items",
        "Change your items",
        "Can change or delete",
        "30 days",
        "operator",
        "Deny",
        "Allow",
    ] {
        let (_, after) =
            rest.split_once(part).unwrap_or_else(|| panic!("{part} is not in its place in: {page}"));
        rest = after;
    }
}

#[test]
fn the_badge_is_the_operators_word_alone() {
    let verified = consent(client("https://app.example/cb", true), &[READ]).render(Language::English);
    assert!(verified.contains("Verified app") && !verified.contains("Unverified"));
    let unverified = consent(client("https://app.example/cb", false), &[READ]).render(Language::English);
    assert!(unverified.contains("Unverified app") && !unverified.contains("Verified app"));
}

#[test]
fn internationalised_hosts_carry_a_warning() {
    let page = consent(client("https://xn--pple-43d.com/cb", false), &[READ]).render(Language::English);
    contains(&page, &["<code>xn--pple-43d.com</code>", "It may imitate a name you know."]);
}

#[test]
fn an_additional_request_marks_what_is_new() {
    let known = ScopeLine { already_allowed: true, ..READ };
    let page =
        text(&consent(client("https://app.example/cb", false), &[known, WRITE]).render(Language::English));
    let (new, known) = page.split_once("You have already allowed it to").unwrap();
    assert!(new.contains("It asks, in addition, to Change your items Can change or delete New"), "{new}");
    assert!(known.contains("Read your items") && !known.contains("New"), "{known}");
    let first =
        text(&consent(client("https://app.example/cb", false), &[READ, WRITE]).render(Language::English));
    assert!(!first.contains("New") && !first.contains("already allowed"), "{first}");
}

#[test]
fn an_unknown_scope_is_shown_verbatim() {
    let line =
        ScopeLine { scope: "repo:admin<x>", description: None, changes: false, already_allowed: false };
    let page = consent(client("https://app.example/cb", false), &[line]).render(Language::English);
    contains(&page, &["<code>repo:admin&#60;x&#62;</code>, which the server does not explain"]);
}

#[test]
fn the_set_up_form_has_its_fields() {
    let page = |user_name, problem| {
        SetUp {
            occasion: Occasion::Invitation,
            token: "s-1",
            user_name,
            minimum_password_length: 12,
            problem,
        }
        .render(Language::English)
    };
    let chosen = page(UserName::Chosen("ada"), Some(SetUpProblem::PasswordsDiffer));
    contains(
        &chosen,
        &[
            r#"<form method="post" action="set-up">"#,
            r#"<input type="hidden" name="token" value="s-1">"#,
            r#"name="username" type="text" autocomplete="username""#,
            r#"name="password" type="password" autocomplete="new-password" minlength="12""#,
            r#"name="password_again" type="password" autocomplete="new-password""#,
            r#"aria-describedby="password_again-problem""#,
            "At least 12 characters.",
        ],
    );
    assert_eq!(chosen.matches("aria-invalid").count(), 1);
    let fixed = page(UserName::Fixed("ada"), None);
    contains(&fixed, &[r#"value="ada" readonly"#]);
    assert!(!fixed.contains("aria-invalid"));
}

#[test]
fn leaving_needs_a_click_and_a_harmless_scheme() {
    let leave = |return_uri: &str| {
        let return_uri = return_uri.parse().unwrap();
        let client = client("https://app.example/cb", false);
        Leave { client, return_uri: &return_uri, error: "invalid_scope" }.render(Language::English)
    };
    let page = leave("https://app.example/cb?error=invalid_scope&state=1");
    contains(
        &page,
        &[
            r#"href="https://app.example/cb?error=invalid_scope&#38;state=1""#,
            "<code>app.example</code>",
            "<code>invalid_scope</code>",
        ],
    );
    assert!(!page.contains("http-equiv"));
    for harmful in ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT://a/%0aalert(1)"] {
        assert!(!leave(harmful).contains("class=\"button\""), "{harmful}");
    }
}

#[test]
fn the_way_on_needs_no_click_and_has_a_link() {
    let onward = |redirect_uri: &'static str| {
        let client = client(redirect_uri, false);
        Onward { client, return_uri: "https://app.example/cb?a=';b&code=1" }.render(Language::English)
    };
    let page = onward("https://app.example/cb");
    let url = "https://app.example/cb?a=&#39;;b&#38;code=1";
    contains(
        &page,
        &[
            &format!(r#"<meta http-equiv="refresh" content="0; url={url}">"#),
            "<p>Your answer is being taken to <code>app.example</code>.</p>",
            r#"<p class="late">If nothing happens, choose Continue.</p>"#,
            &format!(r#"<p class="late"><a class="button" href="{url}" rel="noreferrer">"#),
        ],
    );
    assert_eq!(page.matches("<a ").count(), 1, "nothing to click on is there at once");
    contains(&onward("http://127.0.0.1:6274/cb"), &["the app on this computer"]);
}

#[test]
fn the_link_of_the_way_on_is_out_of_reach_for_five_seconds() {
    const STYLE: &str = include_str!("../../../assets/style.css");
    contains(
        STYLE,
        &[
            ".late {\n  animation: appear 200ms 5s both;\n}",
            "@keyframes appear {\n  from {\n    visibility: hidden;\n",
        ],
    );
    let (_, still) = STYLE.split_once("(prefers-reduced-motion: reduce)").unwrap();
    contains(still, &[".late {\n    animation-timing-function: step-start;\n"]);
}
