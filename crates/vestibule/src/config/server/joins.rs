//! A server that joins others under one path.

use std::{collections::BTreeSet, time::Duration};

use super::{Server, ServerKind};
use crate::cli::exit::Stop;

/// How long a member may take to answer a list, when nothing is configured.
const WITHIN: Duration = Duration::from_secs(5);

/// Whom a virtual server joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joins {
    /// By name.
    pub(crate) members: Vec<String>,
    /// A member that has not answered a list by then is missing in it.
    pub(crate) within: Duration,
}

impl Server {
    /// What it joins; nothing else can be set at such a server, because everything else is its members'.
    pub(super) fn joins(&self) -> Result<Joins, Stop> {
        let plain = Self {
            name: self.name.clone(),
            kind: self.kind,
            default: self.default,
            title: self.title.clone(),
            account: self.account.clone(),
            custom_name: self.custom_name.clone(),
            id: self.id.clone(),
            resource: self.resource.clone(),
            members: self.members.clone(),
            timeout: self.timeout,
            ..Self::demo()
        };
        if *self != plain {
            return Err(self
                .mistake("is a virtual server, and has something that only its members have")
                .hint("scopes, hidden tools, url and command are set at the members, and hold there"));
        }
        if self.members.is_empty() {
            return Err(self.mistake("joins nobody").hint("write whom: members = [\"files\", \"issues\"]"));
        }
        Ok(Joins { members: self.members.clone(), within: self.timeout.unwrap_or(WITHIN) })
    }
}

/// Refuses virtual servers that join what they cannot.
pub(super) fn check(servers: &[Server]) -> Result<(), Stop> {
    for server in servers {
        if server.kind != ServerKind::Virtual && !server.members.is_empty() {
            return Err(server.mistake("has members, which only a server of kind \"virtual\" can have"));
        }
        let mut seen = BTreeSet::new();
        for name in &server.members {
            if !seen.insert(name) {
                return Err(server.mistake(&format!("joins {name:?} twice")));
            }
            let member = servers.iter().find(|member| member.name == *name);
            let member = member.ok_or_else(|| {
                server
                    .mistake(&format!("joins {name:?}, which is not configured"))
                    .hint("members are the names of other [[server]]s")
            })?;
            server.check_member(member)?;
        }
    }
    Ok(())
}

impl Server {
    fn check_member(&self, member: &Self) -> Result<(), Stop> {
        let name = &member.name;
        if member.kind == ServerKind::Virtual {
            return Err(self.mistake(&format!("joins {name:?}, which joins others itself")));
        }
        if !gateway::is_member_name(name) {
            return Err(self
                .mistake(&format!("joins {name:?}, whose name does not begin with a letter"))
                .hint("the name of a member is the beginning of URIs, and those begin with a letter"));
        }
        // Whoever may use the one server is not asked again for the other.
        if member.account.is_some() && member.account != self.account {
            return Err(self
                .mistake(&format!("joins {name:?}, which belongs to another account"))
                .hint("a server of an account can only be joined within that account"));
        }
        Ok(())
    }
}
