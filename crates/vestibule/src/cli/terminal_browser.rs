//! Opens the login page: by the `BROWSER` command, by the platform's browser, or by printing its URL.
//!
//! No shell is involved anywhere: the command is split at white space, the URL is one argument of its own.

use std::{
    env,
    io::IsTerminal as _,
    process::{Command, Stdio},
};

use client::{AuthorizationUrl, Browser, CannotOpen, Notice, printable};

/// How the page gets before the person.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// Only printed.
    Print,
    /// By this command.
    Command(String),
    /// By whatever the platform has.
    Platform,
}

/// The browser of the person at this terminal.
pub(crate) struct TerminalBrowser(Way);

impl TerminalBrowser {
    /// Finds a way to the person, if there is one: a `BROWSER`, or a terminal where they can read.
    pub(crate) fn find(no_browser: bool) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
        let command = env::var("BROWSER").ok();
        way(no_browser, command, std::io::stderr().is_terminal()).map(Self)
    }
}

fn way(no_browser: bool, command: Option<String>, has_terminal: bool) -> Option<Way> {
    match command.filter(|command| !command.trim().is_empty()) {
        _ if no_browser => Some(Way::Print),
        Some(command) => Some(Way::Command(command)),
        None if has_terminal => Some(Way::Platform),
        None => None,
    }
}

impl Browser for TerminalBrowser {
    fn open(&self, url: &AuthorizationUrl) -> Result<(), CannotOpen> {
        eprintln!("sign in on this page:\n  {url}");
        match &self.0 {
            Way::Print => {}
            Way::Command(command) => start(&arguments(command, url))?,
            Way::Platform => open_on_platform(url.as_str().to_owned()),
        }
        eprintln!("waiting for the login to finish");
        Ok(())
    }

    fn tell(&self, notice: &Notice<'_>) {
        match notice {
            Notice::AuthorizationServerChanged { from, to } => eprintln!(
                "the authorization server changed from {} to {}: registering anew",
                printable(from),
                printable(to)
            ),
            Notice::StepUp { scope } => eprintln!("the server asks for more: {scope}"),
        }
    }
}

/// The argument vector of a `BROWSER` command: `%s` stands for the URL, else it comes last.
fn arguments(command: &str, url: &AuthorizationUrl) -> Vec<String> {
    let mut arguments: Vec<String> =
        command.split_whitespace().map(|word| word.replace("%s", url.as_str())).collect();
    if !command.contains("%s") {
        arguments.push(url.to_string());
    }
    arguments
}

/// Starts the command; a thread waits for its end, so that no dead process stays behind.
fn start(arguments: &[String]) -> Result<(), CannotOpen> {
    let (program, rest) = arguments.split_first().ok_or_else(|| CannotOpen("BROWSER is empty".to_owned()))?;
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| CannotOpen(format!("BROWSER {}: {error}", printable(program))))?;
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// On a thread of its own: a browser that runs in the terminal would keep us from hearing the answer.
fn open_on_platform(url: String) {
    std::thread::spawn(move || {
        if webbrowser::open(&url).is_err() {
            eprintln!("no browser could be opened\nhint: open the page above yourself");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cl_02_the_url_is_one_argument() {
        let url = AuthorizationUrl::parse("https://as.test/authorize?a=1&b=$(id);c").unwrap();
        let text = url.as_str();
        let rows: [(&str, &[&str]); 4] = [
            ("firefox", &["firefox", text]),
            ("firefox --new-window", &["firefox", "--new-window", text]),
            ("x --flag %s --more", &["x", "--flag", text, "--more"]),
            ("sh -c 'open %s'", &["sh", "-c", "'open", &format!("{text}'")]),
        ];
        for (command, expected) in rows {
            assert_eq!(arguments(command, &url), expected, "{command}");
        }
    }

    #[test]
    fn a_login_is_possible_with_a_terminal_or_a_browser() {
        let command = || Some("firefox".to_owned());
        let rows = [
            (way(true, command(), false), Some(Way::Print)),
            (way(false, command(), false), command().map(Way::Command)),
            (way(false, Some(" ".to_owned()), true), Some(Way::Platform)),
            (way(false, None, true), Some(Way::Platform)),
            (way(false, None, false), None),
        ];
        for (found, expected) in rows {
            assert_eq!(found, expected);
        }
    }
}
