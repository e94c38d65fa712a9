//! A server that joins others.

use std::{collections::BTreeMap, time::Duration};

use authorization_server::{Resource, ScopeDescription};
use gateway::{
    AllowedRequests, MemberServer, MemberSettings, RemoteServer, RemoteServerSettings, VirtualServer,
    VirtualSettings, Way,
};
use guard::Guard;
use oauth::Scope;

use super::{Guarded, Guards, Servers, kept::WithGuards};
use crate::{
    config::server::{Joins, Server},
    metrics::Observed,
};

/// One configured virtual server and its resource.
pub(super) struct VirtualResource {
    guarded: Guarded,
    guard: Guard,
    scopes: Vec<ScopeDescription>,
    members: Vec<MemberSettings>,
    server: KeptVirtual,
}

/// What of it outlives a reload, whoever its members are.
#[derive(Clone)]
pub(super) struct KeptVirtual {
    pub(super) name: String,
    pub(super) within: Duration,
    server: RemoteServer,
    joined: VirtualServer,
}

/// A server as one that can be joined.
pub(super) struct Joinable {
    pub(super) behind: MemberServer,
    /// What its basic use needs.
    pub(super) scope: Scope,
    /// Every scope that it knows.
    pub(super) scopes: Vec<ScopeDescription>,
}

impl VirtualResource {
    /// `servers` are the others, among which its members are.
    pub(super) fn of(
        server: &Server,
        joins: &Joins,
        servers: &Servers,
        guards: &Guards<'_>,
    ) -> anyhow::Result<Self> {
        // The configuration was checked: every member is there.
        let named = |name: &String| Some((name.clone(), servers.joinable(name)?));
        let joined: Vec<_> = joins.members.iter().filter_map(named).collect();
        let scope = joined.iter().fold(Scope::default(), |scope, (_, member)| scope.union(&member.scope));
        let guarded = Guarded::of(server, guards, scope)?;
        let guard = guards.guard(&guarded);
        let kept = guards.kept.virtual_server(&server.name, joins.within);
        let kept = kept.unwrap_or_else(|| connected(server, joins, guards));
        let scopes = scopes(joined.iter().flat_map(|(_, member)| &member.scopes));
        let members = joined.into_iter().map(|(name, member)| MemberSettings { name, behind: member.behind });
        Ok(Self { guarded, guard, scopes, members: members.collect(), server: kept })
    }

    /// Its calls are counted; how its members do is told under their own names.
    pub(super) fn observed(&self) -> Observed {
        Observed { name: self.server.name.clone(), tools: Vec::new(), server: None, process: None }
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// See [`Guarded::described`].
    pub(super) fn described(&self) -> Vec<Resource> {
        self.guarded.described(&self.scopes)
    }

    pub(super) fn settings(&self) -> VirtualSettings {
        VirtualSettings {
            guard: self.guard.clone(),
            server: self.server.server.clone(),
            joined: self.server.joined.clone(),
            members: self.members.clone(),
        }
    }

    /// What the next configuration may keep of it.
    pub(super) fn kept(self) -> WithGuards<KeptVirtual> {
        (self.server, vec![(self.guarded, self.guard)])
    }
}

fn connected(server: &Server, joins: &Joins, guards: &Guards<'_>) -> KeptVirtual {
    let joined = VirtualServer::new(joins.within);
    let settings = RemoteServerSettings {
        name: server.name.clone(),
        way: Way::Virtual(joined.clone()),
        answer_time: RemoteServerSettings::ANSWER_TIME,
        idle_time: RemoteServerSettings::IDLE_TIME,
        question_time: RemoteServerSettings::QUESTION_TIME,
        answer_size: RemoteServerSettings::ANSWER_SIZE,
        secrets: Vec::new(),
        // What a member may not ask, its own gate keeps from it.
        allowed: AllowedRequests { elicitation: true, sampling: true, roots: true },
    };
    let connected = RemoteServer::new(&settings, &guards.parts.session_key());
    KeptVirtual { name: server.name.clone(), within: joins.within, server: connected, joined }
}

/// Each scope once, with what it means at each member that knows it.
fn scopes<'s>(described: impl Iterator<Item = &'s ScopeDescription>) -> Vec<ScopeDescription> {
    let mut scopes: Vec<ScopeDescription> = Vec::new();
    for scope in described {
        match scopes.iter_mut().find(|known| known.token == scope.token) {
            None => scopes.push(scope.clone()),
            Some(known) => {
                known.changes |= scope.changes;
                known.sentences = joint(&known.sentences, &scope.sentences);
            }
        }
    }
    scopes
}

fn joint(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let separator = |language: &str| if language.starts_with("zh") { "；" } else { "; " };
    one.iter()
        .map(|(language, sentence)| match other.get(language) {
            Some(other) if other != sentence => {
                (language.clone(), format!("{sentence}{}{other}", separator(language)))
            }
            _ => (language.clone(), sentence.clone()),
        })
        .collect()
}
