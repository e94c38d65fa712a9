use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use oauth::{ClientId, Issuer};
use serde::{Deserialize, Serialize};

use crate::Part;

/// Something that happened. Texts are cut at [`Event::MAXIMUM_TEXT`] bytes: they may come from strangers.
///
/// The members stand in alphabetical order, which makes their JSON canonical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "an event is recorded by giving it to a place"]
pub struct Event {
    /// The account at a third party that was used for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The client that did it, or that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Part<ClientId>>,
    /// What was decided and by which rule, where there was something to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// What else there is to say, in names and texts without secrets.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub detail: Part<BTreeMap<String, String>>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What it was.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
    /// Who did it, or whom it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Part<Person>>,
    /// The MCP server, as it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Part<str>>,
    /// The tool, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// What happened. The first four are the gateway's, the last five the vault's; all others are security events of the
/// authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A tool was called at the gateway, or was refused.
    ToolCall,
    /// A server asked its client for something through the gateway, which it may not ask for.
    ServerRequest,
    /// Something that a server says about itself was not passed on to clients, or not as it came.
    Definition,
    /// A secret was taken out of what a server sent.
    Redaction,
    /// A person signed in, or tried to.
    SignIn,
    /// A person allowed a client something, or denied it.
    Consent,
    /// A client redeemed an authorization code.
    CodeRedeemed,
    /// An authorization code came a second time; what the first time gave was revoked.
    CodeReplayed,
    /// An old refresh token came again; its whole family was revoked.
    RefreshTokenReused,
    /// A client ended a grant or a token.
    Revocation,
    /// A client registered itself.
    Registration,
    /// A client could not prove who it is.
    ClientAuthentication,
    /// A set-up or invitation link was accepted.
    SetUp,
    /// An account at another system was connected, or connected anew.
    ConnectionMade,
    /// An answer of a provider was not taken, because another browser, person or issuer brought it than was asked;
    /// `reason` says which.
    ConnectionRefused,
    /// A connection was ended by its owner.
    ConnectionEnded,
    /// A connection has to be made again; `reason` says why.
    ConnectionBroken,
    /// A connection's credential was to be renewed, and could not be.
    CredentialRefresh,
}

/// A person, or the client itself when it acts for nobody. A subject means something only with its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Who knows the person.
    pub issuer: Issuer,
    /// The `sub` of their tokens.
    pub subject: String,
    /// The name that people know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

impl Person {
    /// The person whom `issuer` calls `subject`.
    pub fn new(issuer: &Issuer, subject: &str, user_name: Option<&str>) -> Self {
        Self { issuer: issuer.clone(), subject: bounded(subject), user_name: user_name.map(bounded) }
    }
}

/// What was decided, and the rule that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The name of the rule.
    pub rule: Cow<'static, str>,
    /// Whether it may be.
    pub verdict: Verdict,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be.
    Allowed,
    /// It may not be.
    Denied,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it was asked.
    Succeeded,
    /// It was refused; nothing was done for whoever asked.
    Refused,
    /// It was tried and went wrong.
    Failed,
    /// Whoever asked went away before the end; it may have been done.
    Abandoned,
}

impl Event {
    /// The most bytes of a text; what is longer is cut and ends with `…`.
    pub const MAXIMUM_TEXT: usize = 256;

    /// An event of which nothing else is known yet.
    pub fn new(kind: Kind, outcome: Outcome) -> Self {
        Self {
            account: None,
            client_id: None,
            decision: None,
            detail: Part::default(),
            duration_ms: None,
            kind,
            outcome,
            person: None,
            server: None,
            tool: None,
        }
    }

    /// By or about this person.
    pub fn person(self, person: Person) -> Self {
        Self { person: Some(person.into()), ..self }
    }

    /// By or about this client.
    pub fn client(self, client_id: &ClientId) -> Self {
        Self { client_id: Some(ClientId::from_unverified(bounded(client_id.as_str())).into()), ..self }
    }

    /// At this MCP server.
    pub fn server(self, name: impl Into<Part<str>>) -> Self {
        let name = name.into();
        let is_short = name.len() <= Self::MAXIMUM_TEXT;
        Self { server: Some(if is_short { name } else { bounded(&name).as_str().into() }), ..self }
    }

    /// With this account at a third party.
    pub fn account(self, account: &str) -> Self {
        Self { account: Some(bounded(account)), ..self }
    }

    /// A call of this tool.
    pub fn tool(self, name: &str) -> Self {
        Self { tool: Some(bounded(name)), ..self }
    }

    /// Decided so by the rule of this name.
    pub fn decision(self, verdict: Verdict, rule: impl Into<Cow<'static, str>>) -> Self {
        let rule = rule.into();
        let is_short = rule.len() <= Self::MAXIMUM_TEXT;
        let rule = if is_short { rule } else { bounded(&rule).into() };
        Self { decision: Some(Decision { rule, verdict }), ..self }
    }

    /// It took so long.
    pub fn duration(self, duration: Duration) -> Self {
        // Below 2^53, which every reader of JSON keeps exactly: that is 285,000 years.
        let milliseconds = duration.as_millis().min(1 << 53);
        Self { duration_ms: u64::try_from(milliseconds).ok(), ..self }
    }

    /// One thing more to say. `value` is shown to operators: never a secret.
    pub fn detail(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.detail.own().insert(name.to_owned(), bounded(&value.to_string()));
        self
    }
}

fn is_empty(detail: &BTreeMap<String, String>) -> bool {
    detail.is_empty()
}

fn bounded(text: &str) -> String {
    const CUT: &str = "…";
    if text.len() <= Event::MAXIMUM_TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(Event::MAXIMUM_TEXT - CUT.len());
    format!("{}{CUT}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_are_cut_at_a_character() {
        for (length, expect) in [(256, "a".repeat(256)), (257, format!("{}…", "a".repeat(253)))] {
            assert_eq!(bounded(&"a".repeat(length)), expect);
        }
        let cut = bounded(&"é".repeat(200));
        assert!(cut.len() <= Event::MAXIMUM_TEXT && cut.ends_with("é…"), "{cut}");
    }

    #[test]
    fn every_text_from_outside_is_bounded() {
        let long = "x".repeat(10_000);
        let event = Event::new(Kind::ToolCall, Outcome::Refused)
            .person(Person::new(&Issuer::parse("https://v.test").unwrap(), &long, Some(&long)))
            .client(&ClientId::from_unverified(long.clone()))
            .server(long.as_str())
            .tool(&long)
            .decision(Verdict::Denied, long.clone())
            .detail("peer", &long);
        let json = serde_json::to_string(&event).unwrap();
        assert!(json.len() < 8 * Event::MAXIMUM_TEXT, "{}", json.len());
    }
}
