//! Where a server is: its path, the account whose it is, and what its resource is called.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Server, ServerKind};
use crate::cli::exit::Stop;

/// `[[account]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// `id`: its place in the URL: letters, digits, `-` and `_`, at most 64. Required.
    pub(crate) id: String,
    /// `users`: who may use its servers, by user name. Required.
    #[serde(default)]
    pub(crate) users: BTreeSet<String>,
    /// `clients`: which clients may use them for themselves, by client identifier. Default: none.
    #[serde(default)]
    pub(crate) clients: BTreeSet<String>,
}

impl Server {
    /// Its path below the public URL.
    pub(crate) fn path(&self) -> String {
        let Self { name, account, custom_name, id, .. } = self;
        match account {
            None => format!("/mcp/{name}"),
            Some(account) => {
                let custom_name = custom_name.as_ref().unwrap_or(name);
                let id = id.as_ref().unwrap_or(name);
                format!("/accounts/{account}/custom/{custom_name}/id/{id}/mcp")
            }
        }
    }

    /// The account whose server it is.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The path of the resource that clients are told to ask tokens for, when it is not its own: empty at the root.
    pub(crate) fn announced_path(&self) -> Option<&str> {
        self.resource.as_deref().map(|path| path.trim_end_matches('/'))
    }

    fn check_place(&self, accounts: &BTreeSet<&str>) -> Result<(), Stop> {
        match &self.account {
            None if self.custom_name.is_some() || self.id.is_some() => {
                return Err(self
                    .mistake("has a custom_name or a server_id, and no account")
                    .hint("they are parts of the path of an account's server: add account = \"…\""));
            }
            None => {}
            Some(account) if !accounts.contains(account.as_str()) => {
                return Err(self
                    .mistake(&format!("belongs to the account {account:?}, which is not configured"))
                    .hint(format!("add [[account]] with id = {account:?} and users = [\"…\"]")));
            }
            Some(_) => {
                for part in [&self.custom_name, &self.id].into_iter().flatten() {
                    if !is_segment(part) {
                        return Err(self.mistake(&format!("cannot have {part:?} in its path")).hint(SEGMENT));
                    }
                }
            }
        }
        match self.resource.as_deref() {
            Some(_) if self.kind == ServerKind::Demo => {
                Err(self.mistake("is the demo server, whose resource is its own URL"))
            }
            Some(parent) if !is_parent(parent, &self.path()) => Err(self
                .mistake(&format!("has the resource {parent:?}, which is not a parent of its path"))
                .hint(format!("write a part of {} up to a slash, such as \"/\"", self.path()))),
            _ => Ok(()),
        }
    }
}

const SEGMENT: &str = "use letters, digits, hyphens and underscores, at most 64";

/// Refuses accounts that are no part of a path, and servers that would be in each other's place.
pub(super) fn check(servers: &[Server], accounts: &[Account]) -> Result<(), Stop> {
    let mut known = BTreeSet::new();
    for Account { id, users, clients } in accounts {
        if !is_segment(id) {
            return Err(Stop::usage(format!("there cannot be an account {id:?}")).hint(SEGMENT));
        }
        if !known.insert(id.as_str()) {
            return Err(Stop::usage(format!("the account {id:?} is there twice")));
        }
        if users.is_empty() && clients.is_empty() {
            return Err(Stop::usage(format!("nobody may use the account {id:?}"))
                .hint("write who may: users = [\"ada\"]"));
        }
    }
    let mut places: BTreeMap<String, &str> = BTreeMap::new();
    for server in servers {
        server.check_place(&known)?;
        let announced = server.announced_path().map(str::to_owned);
        for place in [server.path()].into_iter().chain(announced) {
            if let Some(other) = places.insert(place.clone(), &server.name) {
                let what = format!("would be the resource {place:?}, which the server {other:?} is");
                return Err(server.mistake(&what).hint("a token for one of them would open both"));
            }
        }
    }
    Ok(())
}

fn is_segment(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_plain && (1..=64).contains(&text.len())
}

/// Whether `parent` is a part of `path` that ends at a slash of it.
fn is_parent(parent: &str, path: &str) -> bool {
    let parent = parent.strip_suffix('/').unwrap_or(parent);
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
}
