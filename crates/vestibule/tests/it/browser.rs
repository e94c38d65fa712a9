//! A headless Chromium that signs in and consents, behind a command that opens a URL: clients that open
//! a browser themselves find the command in `BROWSER`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{clients, server};

const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// What one visit saw.
#[derive(Debug, Deserialize)]
pub(crate) struct Visit {
    pub(crate) authorization_url: String,
    pub(crate) pages: Vec<Page>,
    /// Where the authorization server sent the browser in the end.
    pub(crate) callback: Option<String>,
    /// Where the browser was when it had nothing more to follow.
    pub(crate) landed: Option<String>,
    /// Why the visit did not get to the callback.
    pub(crate) problem: Option<String>,
}

/// A page that the authorization server showed.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A person with a browser.
pub(crate) struct Browser {
    directory: TempDir,
    user: [String; 3],
    injected: String,
}

impl Browser {
    /// Of somebody who knows the demo user's password.
    pub(crate) fn new() -> Self {
        Self::of(server::USERNAME, server::PASSWORD, "")
    }

    /// Of somebody with this name and password, whose account elsewhere is called `account`. Writes the command that opens
    /// a URL.
    pub(crate) fn of(name: &str, password: &str, account: &str) -> Self {
        Self::written([name, password, account].map(str::to_owned), String::new())
    }

    /// Of somebody on whose consent page an attacker has put a form in place of ours, which leads to this URL.
    pub(crate) fn with_injected_form(url: &str) -> Self {
        Self::written([server::USERNAME, server::PASSWORD, ""].map(str::to_owned), url.to_owned())
    }

    fn written(user: [String; 3], injected: String) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let browser = Self { directory, user, injected };
        let script = browser.script();
        fs::write(browser.command(), script).expect("the script can be written");
        fs::set_permissions(browser.command(), fs::Permissions::from_mode(0o755))
            .expect("it can be executable");
        browser
    }

    /// The command that opens a URL, for `BROWSER`. Like a desktop's, it returns at once.
    pub(crate) fn command(&self) -> PathBuf {
        self.directory.path().join("open")
    }

    /// Opens the URL and walks to the callback.
    pub(crate) async fn open(&self, url: &str) {
        let status = Command::new(self.command()).arg(url).status().await.expect("the browser starts");
        assert!(status.success(), "{status}");
        let visit = self.visit().await;
        assert_eq!(visit.problem, None, "{visit:#?}");
    }

    /// Opens a link, wherever it leads.
    pub(crate) async fn open_link(&self, link: &str) {
        let status = Command::new(self.command()).arg(link).status().await.expect("the browser starts");
        assert!(status.success(), "{status}");
    }

    /// From now on the command does nothing: the person has left.
    pub(crate) fn leave(&self) {
        fs::write(self.directory.path().join("left"), "").expect("the mark can be written");
    }

    /// The one visit that there was, once it has ended: a client goes on as soon as it has its callback,
    /// while the browser still closes.
    pub(crate) async fn visit(&self) -> Visit {
        let deadline = Instant::now() + ENDS_WITHIN;
        while self.visits().is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut visits = self.visits();
        assert_eq!(visits.len(), 1, "{visits:#?}");
        visits.remove(0)
    }

    /// The page on which the visit of this link ended.
    pub(crate) async fn last_page_of(&self, link: &str) -> Page {
        let deadline = Instant::now() + ENDS_WITHIN;
        loop {
            let visit = self.visits().into_iter().rfind(|visit| visit.authorization_url == link);
            if let Some(mut visit) = visit {
                assert_eq!(visit.problem, None, "{visit:#?}");
                return visit.pages.pop().expect("a visit sees a page");
            }
            assert!(Instant::now() < deadline, "{link} was not visited: {:#?}", self.visits());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every visit that has ended.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        let lines = fs::read_to_string(self.directory.path().join("visits")).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).expect("the driver writes JSON lines")).collect()
    }

    fn script(&self) -> String {
        let directory = self.directory.path().display();
        let set = |name: &str, value: &Path| format!("export {name}='{}'\n", value.display());
        [
            format!("#!/bin/sh\n[ -e '{directory}/left' ] && exit 0\n"),
            set("VESTIBULE_TEST_NODE_MODULES", &clients::node_modules()),
            set("VESTIBULE_TEST_CHROMIUM", &clients::chromium()),
            set("VESTIBULE_TEST_USERNAME", self.user[0].as_ref()),
            set("VESTIBULE_TEST_PASSWORD", self.user[1].as_ref()),
            set("VESTIBULE_TEST_ACCOUNT", self.user[2].as_ref()),
            set("VESTIBULE_TEST_INJECTED", self.injected.as_ref()),
            set("VESTIBULE_TEST_VISITS", &self.directory.path().join("visits")),
            format!(
                "'{}' '{}' \"$1\" </dev/null >/dev/null 2>&1 &\n",
                clients::node().display(),
                clients::script("node/browser.mjs").display()
            ),
        ]
        .concat()
    }
}
