//! What holds for all pages together: hostile texts stay inert, the catalogues agree, forms have their fields,
//! colours have their contrast.

mod catalogues;
mod contrast;
mod each_page;
mod every_page;

use std::time::Duration;

use super::*;

/// Markup, attribute breakouts, template syntax, controls, a forged slot, and more than anybody can read.
fn hostile_name() -> String {
    let attack = r#""'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}{ $server }"#;
    format!("\u{202e}{attack}\u{200b}\u{0}\u{e000}\u{e001}{}", "A".repeat(500))
}

/// Every page with nothing but hostile values, in every state that changes its structure.
fn hostile_pages(language: Language) -> Vec<(String, String)> {
    let hostile = hostile_name();
    let mut pages = Vec::new();
    for (state, redirect_uri) in [
        ("host", "https://a.example/%22%3E%3Cscript%3E'"),
        ("internationalised", "https://xn--pple-43d.com/"),
        ("this computer", "http://127.0.0.1:1/"),
        ("program", "cursor://x/'onclick=y"),
    ] {
        let redirect_uri = oauth::RedirectUri::parse(redirect_uri).unwrap();
        for page in client_pages(&hostile, &redirect_uri, language) {
            pages.push((format!("{}, {state}", page.0), page.1));
        }
    }
    pages.extend(plain_pages(&hostile, language));
    pages
}

fn client_pages(
    hostile: &str,
    redirect_uri: &oauth::RedirectUri,
    language: Language,
) -> Vec<(&'static str, String)> {
    let client =
        |verified| Client { unverified_name: hostile, verified, destination: Destination::of(redirect_uri) };
    let return_uri = "https://a.example/\"><script>?x='onclick=y".parse().unwrap();
    let line = |description, already_allowed| ScopeLine {
        scope: hostile,
        description,
        changes: true,
        already_allowed,
    };
    let lines = [line(Some(hostile), false), line(None, false), line(None, true)];
    let consent = |verified, scopes, lifetime, withdraw_path| Consent {
        transaction: hostile,
        client: client(verified),
        user_name: hostile,
        server_name: hostile,
        resource: hostile,
        scopes,
        lifetime,
        withdraw_path,
    };
    let week = Duration::from_hours(7 * 24);
    let login = |problem| Login {
        waiting: Some(Waiting { transaction: hostile, client: client(false) }),
        user_name: hostile,
        problem,
    };
    vec![
        ("login", login(None).render(language)),
        ("login, wrong", login(Some(LoginProblem::WrongCredentials)).render(language)),
        ("login, locked", login(Some(LoginProblem::LockedFor(week))).render(language)),
        ("consent", consent(false, &lines, Lifetime::For(week), Some("/grants")).render(language)),
        (
            "consent, first",
            consent(true, &lines[..2], Lifetime::WhileUsedWithin(week), None).render(language),
        ),
        ("consent, nothing", consent(true, &[], Lifetime::For(week), None).render(language)),
        ("leave", Leave { client: client(false), return_uri: &return_uri, error: hostile }.render(language)),
    ]
}

fn plain_pages(hostile: &str, language: Language) -> Vec<(String, String)> {
    let mut pages = vec![
        (
            "login, plain".to_owned(),
            Login { waiting: None, user_name: hostile, problem: None }.render(language),
        ),
        ("set-up done".to_owned(), SetUpDone { user_name: hostile }.render(language)),
        ("signed out".to_owned(), SignedOut.render(language)),
        (
            "home".to_owned(),
            Home { servers: &[HomeServer { name: hostile, address: hostile }] }.render(language),
        ),
        ("home, empty".to_owned(), Home { servers: &[] }.render(language)),
    ];
    for kind in ErrorKind::ALL {
        let page = ErrorPage { kind, status: 400, id: hostile, detail: Some(hostile) };
        pages.push((format!("error {kind:?}"), page.render(language)));
    }
    let problems = [
        None,
        Some(SetUpProblem::UserNameTaken),
        Some(SetUpProblem::UserNameInvalid),
        Some(SetUpProblem::PasswordTooShort),
        Some(SetUpProblem::PasswordTooCommon),
        Some(SetUpProblem::PasswordsDiffer),
    ];
    for problem in problems {
        for (occasion, user_name) in [
            (Occasion::FirstOperator, UserName::Chosen(hostile)),
            (Occasion::Invitation, UserName::Fixed(hostile)),
        ] {
            let page = SetUp { occasion, token: hostile, user_name, minimum_password_length: 12, problem };
            pages.push((format!("set-up {occasion:?} {problem:?}"), page.render(language)));
        }
    }
    pages
}

/// The start tags of a document, in order. Text and attribute values of ours never contain a bare `<` or `>`.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

/// The names of a tag's attributes.
fn attributes(tag: &str) -> Vec<&str> {
    let outside_values = tag.split('"').step_by(2);
    outside_values.flat_map(str::split_whitespace).map(|name| name.trim_end_matches('=')).skip(1).collect()
}

/// The text of a document without its tags, for looking at sentences.
fn text(page: &str) -> String {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
