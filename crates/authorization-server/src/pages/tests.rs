//! What holds for all pages together: hostile texts stay inert, the catalogues agree, forms have their fields,
//! colours have their contrast.

mod catalogues;
mod contrast;
mod each_page;
mod every_page;

use std::time::Duration;

use super::{rules::hostile_text, *};

const ENGLISH: &str = include_str!("../../messages/en.ftl");
const SIMPLIFIED_CHINESE: &str = include_str!("../../messages/zh-Hans.ftl");

/// Every page with nothing but hostile values, in every state that changes its structure.
fn hostile_pages(language: Language) -> Vec<(String, String)> {
    let hostile = hostile_text();
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
        waiting: Some(Waiting { transaction: hostile, client: Some(client(false)) }),
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
        ("onward", Onward { client: client(false), return_uri: redirect_uri.as_str() }.render(language)),
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
            Home { servers: &[HomeServer { name: hostile, address: hostile }], user_name: Some(hostile) }
                .render(language),
        ),
        ("home, empty".to_owned(), Home { servers: &[], user_name: None }.render(language)),
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
