//! Renders every page of the console with sample data into a directory, to be looked at in a browser:
//!
//! ```sh
//! cargo run -p vestibule-console --example console_pages -- DIRECTORY
//! cd DIRECTORY && python3 -m http.server
//! ```

use std::{env, fs, io, path::Path, time::Duration};

use authorization_server::{
    App,
    pages::{Destination, Language, asset},
};
use console::pages::{
    AccountChanged, Asker, Connect, Connected, Connections, Entry, Moment, Outcome, OutcomeKind, Problem,
    Reason, Row, ScopeLine, Service, Waits,
};
use oauth::RedirectUri;

fn main() -> io::Result<()> {
    let directory = env::args().nth(1).ok_or_else(|| io::Error::other("usage: console_pages DIRECTORY"))?;
    let directory = Path::new(&directory);
    for language in Language::ALL {
        for (name, page) in pages(language) {
            write_assets_of(&page, directory)?;
            fs::write(directory.join(format!("{name}.{}.html", language.tag())), page)?;
        }
    }
    Ok(())
}

/// Writes the files that the page refers to where a server of static files finds them.
fn write_assets_of(page: &str, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory.join("assets"))?;
    for path in page.split('"').filter(|value| value.starts_with("assets/")) {
        let asset =
            asset(&format!("/{path}")).ok_or_else(|| io::Error::other(format!("{path} is not an asset")))?;
        fs::write(directory.join(path), &asset.bytes)?;
    }
    Ok(())
}

fn pages(language: Language) -> Vec<(&'static str, String)> {
    let mut pages = connect_pages(language);
    pages.extend(ending_pages(language));
    pages.extend(connections_pages(language));
    pages
}

fn asker(name: &str, verified: bool, redirect_uri: &str) -> Asker {
    let redirect_uri = RedirectUri::parse(redirect_uri).expect("the samples are valid URIs");
    let destination = Some(Destination::of(&redirect_uri));
    Asker::of(Some(&App { unverified_name: name.to_owned(), verified, destination }), name)
}

fn cursor() -> Asker {
    asker("Cursor", false, "cursor://anysphere.cursor-mcp/oauth/callback")
}

fn connect_pages(language: Language) -> Vec<(&'static str, String)> {
    let (cursor, claude) = (cursor(), asker("Claude", true, "https://claude.ai/api/mcp/auth_callback"));
    let line = |scope, is_new| ScopeLine { scope, is_new };
    let two = [line("repo", false), line("read:user", false)];
    let more = [line("read:user", false), line("repo", true)];
    let tool = |server, tool| Some(Waits { server, tool: Some(tool) });
    let github = Connect {
        id: "sample",
        asker: Some(&cursor),
        waits: tool("GitHub tools", "get_user_repos"),
        provider: "GitHub",
        entry: Entry::Elsewhere(Some("github.com")),
        reason: Reason::Never,
        former_account: None,
        scopes: &two,
        user_name: "ada",
        transaction: Some("sample"),
        problem: None,
    };
    let again =
        Connect { reason: Reason::Again, former_account: Some("ada-l"), asker: Some(&claude), ..github };
    let more = Connect { reason: Reason::More, scopes: &more, ..again };
    let key = Connect {
        asker: None,
        waits: None,
        provider: "Weather Service",
        entry: Entry::Key(Some("https://weather.example/account/keys")),
        scopes: &[],
        ..github
    };
    let description = Some("The user has denied your application access.");
    let refused = Problem::Refused { error: "access_denied", description };
    let samples = [
        ("connect", github),
        ("connect-again", again),
        ("connect-more", more),
        ("connect-refused", Connect { problem: Some(refused), ..github }),
        (
            "connect-failed",
            Connect {
                problem: Some(Problem::Failed { told: "the provider did not answer in time" }),
                ..github
            },
        ),
        ("connect-key", key),
        (
            "connect-password",
            Connect {
                entry: Entry::Password,
                problem: Some(Problem::Secret { told: "the service answered 401 to it" }),
                ..key
            },
        ),
    ];
    samples.into_iter().map(|(name, view)| (name, view.render(language))).collect()
}

fn ending_pages(language: Language) -> Vec<(&'static str, String)> {
    let (cursor, claude) = (cursor(), asker("Claude", true, "https://claude.ai/api/mcp/auth_callback"));
    let connected = |asker, missing| Connected { provider: "GitHub", account: Some("ada-l"), missing, asker };
    let outcome = |kind, transaction| Outcome { kind, transaction }.render(language);
    let account = AccountChanged {
        id: "sample",
        provider: "GitHub",
        former: Some("ada-l"),
        received: Some("analytical-engines"),
    };
    vec![
        ("connected", connected(Some(&cursor), "").render(language)),
        ("connected-verified", connected(Some(&claude), "read:org").render(language)),
        ("account-changed", account.render(language)),
        ("wrong-user", outcome(OutcomeKind::OtherUser { user_name: "bob" }, Some("sample"))),
        ("closed", outcome(OutcomeKind::Closed, None)),
        ("declined", outcome(OutcomeKind::Declined { provider: "GitHub" }, None)),
        ("working", outcome(OutcomeKind::Working { provider: "GitHub" }, None)),
        ("unused", outcome(OutcomeKind::Unused, None)),
    ]
}

fn connections_pages(language: Language) -> Vec<(&'static str, String)> {
    let ago = |hours, exact: &str| Moment { ago: Duration::from_hours(hours), exact: exact.to_owned() };
    let row = |account, scopes, works: bool, is_chosen| Row {
        id: "sample",
        account: Some(account),
        scopes,
        created: ago(24 * 40, "2026-10-12T09:30:00Z"),
        used: works.then(|| ago(3, "2026-11-21T10:12:00Z")),
        works,
        is_chosen,
    };
    let services = [
        Service {
            name: "github",
            title: "GitHub",
            team: None,
            is_connectable: true,
            rows: vec![
                row("ada-l", vec!["repo", "read:user"], true, true),
                row("analytical-engines", vec!["read:user"], true, false),
            ],
        },
        Service {
            name: "google",
            title: "Google",
            team: None,
            is_connectable: true,
            rows: vec![row(
                "ada@lovelace.example",
                vec!["https://www.googleapis.com/auth/calendar.readonly"],
                false,
                true,
            )],
        },
        Service {
            name: "weather",
            title: "Weather Service",
            team: None,
            is_connectable: true,
            rows: Vec::new(),
        },
    ];
    vec![
        ("connections", Connections { services: &services, user_name: "ada" }.render(language)),
        ("connections-none", Connections { services: &[], user_name: "ada" }.render(language)),
    ]
}
