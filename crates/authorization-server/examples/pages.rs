//! Renders every page with sample data into a directory, to be looked at in a browser:
//!
//! ```sh
//! cargo run -p vestibule-authorization-server --example pages -- DIRECTORY
//! cd DIRECTORY && python3 -m http.server
//! ```

use std::io;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use authorization_server::pages::{
    Client, Consent, Destination, ErrorKind, ErrorPage, Language, Leave, Lifetime, Login, LoginProblem,
    Occasion, Onward, ScopeLine, SetUp, SetUpDone, SetUpProblem, SignedOut, UserName, Waiting, asset,
};

fn main() -> io::Result<()> {
    let directory = env::args().nth(1).ok_or_else(|| io::Error::other("usage: pages DIRECTORY"))?;
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
    let mut pages = login_pages(language);
    pages.extend(consent_pages(language));
    pages.extend(other_pages(language));
    pages
}

fn client<'a>(unverified_name: &'a str, verified: bool, redirect_uri: &str) -> Client<'a> {
    let redirect_uri = oauth::RedirectUri::parse(redirect_uri).expect("the samples are valid URIs");
    Client { unverified_name, verified, destination: Destination::of(&redirect_uri) }
}

fn login_pages(language: Language) -> Vec<(&'static str, String)> {
    let login = |client, problem: Option<LoginProblem>| Login {
        waiting: Some(Waiting { transaction: "sample", client: Some(client) }),
        user_name: if problem.is_none() { "" } else { "ada" },
        problem,
    };
    let claude = || client("Claude", true, "https://claude.ai/api/mcp/auth_callback");
    let minutes = Duration::from_mins(12);
    vec![
        ("login", login(claude(), None).render(language)),
        (
            "login-program",
            login(client("Cursor", false, "cursor://anysphere.cursor-mcp/cb"), None).render(language),
        ),
        (
            "login-local",
            login(client("MCP Inspector", false, "http://127.0.0.1:6274/cb"), None).render(language),
        ),
        ("login-wrong", login(claude(), Some(LoginProblem::WrongCredentials)).render(language)),
        ("login-locked", login(claude(), Some(LoginProblem::LockedFor(minutes))).render(language)),
        ("login-plain", Login { waiting: None, user_name: "", problem: None }.render(language)),
    ]
}

fn consent_pages(language: Language) -> Vec<(&'static str, String)> {
    let line =
        |scope, description, changes| ScopeLine { scope, description, changes, already_allowed: false };
    let read = line("read", Some("Read your profile and your items"), false);
    let write = line("write", Some("Create, change and delete your items"), true);
    let unknown = line("reports:export", None, false);
    let known = ScopeLine { already_allowed: true, ..read.clone() };
    let hostile_name =
        format!("\"><img src=x onerror=alert(1)>\u{202e}{}", "Claude by Anthropic ".repeat(25));
    let long_host = format!("https://claude.ai.{}example/cb", "verified.account.session.".repeat(7));

    let claude = client("Claude", true, "https://claude.ai/api/mcp/auth_callback");
    let inspector = client("MCP Inspector", false, "http://127.0.0.1:6274/cb");
    let cursor = client("Cursor", false, "cursor://anysphere.cursor-mcp/cb");
    let hostile = client(&hostile_name, false, &long_host);
    let imitation = client("Аpple Notes", false, "https://xn--pple-43d.com/cb");
    let samples = [
        ("consent", inspector, vec![read.clone(), write.clone()]),
        ("consent-verified", claude.clone(), vec![read, write.clone(), unknown]),
        ("consent-additional", claude, vec![known, write.clone()]),
        ("consent-program", cursor, vec![write.clone()]),
        ("consent-hostile", hostile, vec![write]),
        ("consent-internationalised", imitation, vec![]),
    ];
    let render = |(name, client, scopes): (_, _, Vec<_>)| (name, consent(client, &scopes).render(language));
    samples.map(render).into()
}

fn consent<'a>(client: Client<'a>, scopes: &'a [ScopeLine<'a>]) -> Consent<'a> {
    let lifetime = if scopes.is_empty() {
        Lifetime::For(Duration::from_mins(10))
    } else {
        Lifetime::WhileUsedWithin(Duration::from_hours(30 * 24))
    };
    Consent {
        transaction: "sample",
        withdraw_path: client.verified.then_some("/grants"),
        client,
        user_name: "ada",
        server_name: "Demo items",
        resource: "https://vestibule.example/mcp/demo",
        scopes,
        lifetime,
    }
}

fn other_pages(language: Language) -> Vec<(&'static str, String)> {
    let error = |kind, status, detail| ErrorPage { kind, status, id: "7KQ2-MX9D", detail };
    let set_up = |occasion, user_name, problem| SetUp {
        occasion,
        token: "sample",
        user_name,
        minimum_password_length: 12,
        problem,
    };
    let detail = "redirect_uri https://app.example/callback is not registered for this client";
    let return_uri =
        "https://app.example/cb?error=invalid_scope&state=1".parse().expect("the sample is a valid URI");
    let leave = Leave {
        client: client("Free Tokens", false, "https://app.example/cb"),
        return_uri: &return_uri,
        error: "invalid_scope",
    };
    // Not the redirect URI itself: the page would be gone before it could be looked at.
    let onward = |redirect_uri| Onward { client: client("Claude", true, redirect_uri), return_uri: "#" };
    vec![
        ("error", error(ErrorKind::UnknownRedirectUri, 400, Some(detail)).render(language)),
        ("error-expired", error(ErrorKind::ExpiredTransaction, 400, None).render(language)),
        ("error-internal", error(ErrorKind::Internal, 500, None).render(language)),
        ("set-up", set_up(Occasion::FirstOperator, UserName::Chosen(""), None).render(language)),
        (
            "set-up-problem",
            set_up(Occasion::FirstOperator, UserName::Chosen("ada"), Some(SetUpProblem::PasswordTooShort))
                .render(language),
        ),
        ("invitation", set_up(Occasion::Invitation, UserName::Fixed("ada"), None).render(language)),
        ("set-up-done", SetUpDone { user_name: "ada" }.render(language)),
        ("signed-out", SignedOut.render(language)),
        ("leave", leave.render(language)),
        ("onward", onward("https://claude.ai/api/mcp/auth_callback").render(language)),
        ("onward-local", onward("http://127.0.0.1:6274/cb").render(language)),
    ]
}
