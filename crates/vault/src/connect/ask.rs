//! Step 1: asking a person to connect, and looking how far they are.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use client::printable;
use oauth::Timestamp;
use store::{CommitError, ConnectRequestRecord, ConnectState, StoreError, connect_request};

use crate::{
    connect::{
        ConnectRequest, Person,
        error::{ConnectError, ConnectErrorKind, refused_as},
        outcome,
    },
    error::VaultError,
    need::{AskedBy, ConnectLink, Need, NeedReason},
    owner::Owner,
    provider::ProviderName,
    vault::Vault,
};

/// How long a link can be opened.
const LIFETIME: Duration = Duration::from_hours(1);
/// A link that is given out again lives at least this long.
const LEFT: Duration = Duration::from_mins(30);
/// The longest name of a stranger in a message, in characters.
const LONGEST: usize = 80;

impl Vault {
    /// The link at which a person connects what is needed: a new one, or the one that is open for the same owner, provider,
    /// client and server. `asked_by` is `None` when the person begins it.
    pub async fn ask<'a>(
        &self,
        need: &Need,
        asked_by: impl Into<Option<&'a AskedBy>>,
    ) -> Result<ConnectLink, VaultError> {
        let asked_by = asked_by.into();
        let id = self.open_request(need, asked_by).await?;
        let provider = self.provider(&need.provider);
        let title = provider.as_ref().map_or(need.provider.as_str(), |provider| provider.title.as_str());
        Ok(ConnectLink {
            url: self.settings().public_url.url(&format!("/connect?e={id}")),
            message: message(title, need, asked_by),
            id,
        })
    }

    /// The identifier of the open request. Who loses a race against another node finds the winner's.
    async fn open_request(&self, need: &Need, asked_by: Option<&AskedBy>) -> Result<String, StoreError> {
        let store = &self.settings().store;
        loop {
            let wanted = self.wanted(need, asked_by);
            let found = store.open_connect_request(
                &wanted.owner,
                &wanted.provider,
                &wanted.client_id,
                &wanted.server,
            );
            let statement = match found.await? {
                Some(found) if is_enough(&found, &wanted, self.now()) => return Ok(found.id),
                Some(found) => {
                    let scope = found.scope.union(&wanted.scope);
                    connect_request::extend(
                        &ConnectRequestRecord { id: found.id, scope, ..wanted },
                        &found.scope,
                    )
                }
                None => connect_request::insert(&wanted),
            };
            match store.commit(statement).await {
                Ok(()) | Err(CommitError::Refused(_)) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
    }

    /// A request as it would be made now.
    fn wanted(&self, need: &Need, asked_by: Option<&AskedBy>) -> ConnectRequestRecord {
        let mut id = [0; 16];
        self.settings().random.fill(&mut id);
        let now = self.now();
        ConnectRequestRecord {
            id: BASE64_URL_SAFE_NO_PAD.encode(id),
            owner: need.owner.to_string(),
            provider: need.provider.to_string(),
            client_id: asked_by.map_or_else(String::new, |by| by.client_id.to_string()),
            server: asked_by.map_or_else(String::new, |by| by.server.clone()),
            asked_by: asked_by.map(outcome::write_asker),
            scope: need.scope.clone(),
            reason: outcome::write_reason(&need.reason),
            state: ConnectState::Open,
            outcome: None,
            received_sealed: None,
            allowed_by: None,
            created_at: now,
            changed_at: now,
            expires_at: now + LIFETIME,
            completed_at: None,
        }
    }

    /// A request, for its page. What it says is for the person it was made for: see [`Vault::may_connect`].
    pub async fn connect_request(&self, id: &str) -> Result<Option<ConnectRequest>, VaultError> {
        let Some(record) = self.settings().store.connect_request(id).await? else { return Ok(None) };
        let (Ok(owner), Some(provider)) = (record.owner.parse(), ProviderName::parse(&record.provider))
        else {
            return Ok(None);
        };
        let before = self.settings().store.chosen_credential(&record.owner, &record.provider).await?;
        Ok(Some(ConnectRequest {
            state: outcome::state(&record),
            asked_by: outcome::read_asker(&record),
            reason: outcome::read_reason(&record.reason),
            account_hint: before.and_then(|before| before.connection.account_name),
            id: record.id,
            owner,
            provider,
            scope: record.scope,
            expires_at: record.expires_at,
        }))
    }

    /// Whether `person` may answer a request: the very person, or a manager of the team (UP-07).
    pub fn may_connect(&self, request: &ConnectRequest, person: &Person) -> Result<(), ConnectError> {
        self.may_answer(&request.owner, person).map_err(|why| why.of(&request.id))
    }

    /// The person does not want to.
    pub async fn decline(&self, id: &str, person: &Person) -> Result<(), ConnectError> {
        self.answerable(id, person).await?;
        let declined = self.settings().store.commit(connect_request::decline(id, self.now())).await;
        declined.map_err(|error| refused_as(error, ConnectErrorKind::Completed, id))
    }

    /// Whether the request ended with a connection.
    pub async fn is_connected(&self, id: &str) -> Result<bool, VaultError> {
        let request = self.settings().store.connect_request(id).await?;
        Ok(request.is_some_and(|request| request.state == ConnectState::Connected))
    }
}

/// Whether a request that is open may be given out as it is.
fn is_enough(found: &ConnectRequestRecord, wanted: &ConnectRequestRecord, now: Timestamp) -> bool {
    found.expires_at > now + LEFT && wanted.scope.is_subset_of(&found.scope) && wanted.reason == found.reason
}

/// What the link is for, in plain words and without anything about the user (UP-11).
fn message(title: &str, need: &Need, asked_by: Option<&AskedBy>) -> String {
    let account = match &need.owner {
        Owner::Team(team) => format!("the {title} account of the team {team}"),
        _ => format!("your {title} account"),
    };
    let verb = match need.reason {
        NeedReason::Never => "Connect",
        NeedReason::Scope(_) => "Allow more for",
        NeedReason::Reconnect(_) => "Reconnect",
    };
    let Some(by) = asked_by else { return format!("{verb} {account}.") };
    let app = by.client_name.as_deref().map_or_else(|| "the app".to_owned(), bounded);
    let server = bounded(&by.server_title);
    match &by.tool {
        Some(tool) => format!("{verb} {account} so that {app} can use {} of {server}.", bounded(tool)),
        None => format!("{verb} {account} so that {app} can use {server}."),
    }
}

/// A stranger's text, cut off and without control characters.
fn bounded(text: &str) -> String {
    printable(text).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use oauth::{ClientId, Scope, UserId};

    use super::*;
    use crate::owner::TeamName;

    #[test]
    fn up_11_a_message_names_no_user() {
        let need = Need {
            owner: Owner::User(UserId::from_unverified("user_canary")),
            provider: ProviderName::parse("github").unwrap(),
            scope: Scope::default(),
            reason: NeedReason::Never,
        };
        let by = AskedBy {
            client_id: ClientId::from_unverified("client_canary"),
            client_name: Some(format!("Evil\u{202e}\n{}", "x".repeat(500))),
            server: "gh".into(),
            server_title: "GitHub tools".into(),
            tool: Some("get_user_repos".into()),
        };
        let told = message("GitHub", &need, Some(&by));
        assert!(told.starts_with("Connect your GitHub account so that Evil"), "{told}");
        assert!(told.ends_with(" can use get_user_repos of GitHub tools."), "{told}");
        assert!(!told.contains("canary") && !told.contains('\n') && told.len() < 300, "{told}");
        let team = Need { owner: Owner::Team(TeamName::parse("ops").unwrap()), ..need };
        assert_eq!(message("GitHub", &team, None), "Connect the GitHub account of the team ops.");
    }
}
