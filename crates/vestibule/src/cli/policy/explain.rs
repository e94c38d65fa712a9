//! `vestibule policy explain`

use std::{
    borrow::Cow,
    io::{self, Write},
};

use client::printable;
use gateway::policy::{
    self, Annotations, Decision, Effect, Memberships, Outcome, Question, Requester, ServerPolicy, Target,
};
use oauth::{Clock as _, Scope};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Told, existing_policy, outcome};
use crate::{
    cli::{exit::Stop, printing},
    clock::SystemClock,
    config::{Configuration, Flags},
    storage,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Who: the name of a user.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What: a tool.
    #[arg(long, value_name = "NAME", group = "target")]
    tool: Option<String>,
    /// What: a prompt.
    #[arg(long, value_name = "NAME", group = "target")]
    prompt: Option<String>,
    /// What: a resource.
    #[arg(long, value_name = "URI", group = "target")]
    resource: Option<String>,
    /// Where [default: the only server].
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// By which client [default: not known].
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// With which arguments [default: not known].
    #[arg(long = "arguments", value_name = "JSON")]
    call: Option<String>,
    /// What the server says about the tool, as in its list [default: not known].
    #[arg(long, value_name = "JSON")]
    annotations: Option<String>,
    /// With a token of this scope [default: of the scope that is needed].
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// As if the user had this role; may be repeated [default: those that the user has].
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// As if the user were in this group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Print the explanation as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Prints every rule with whether it is about the question, and the decision.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let configuration = Configuration::load(&arguments.flags, None)?;
    let policy = existing_policy(&configuration, &server(arguments, &configuration)?)?;
    let target = target(arguments)?;
    let requester = requester(arguments, &configuration, policy.needed(target)).await?;
    let call = arguments.call.as_deref().map(object).transpose()?;
    let question = Question {
        requester: &requester,
        target,
        arguments: call.map_or(policy::Arguments::Unknown, |raw| policy::Arguments::Known(Some(raw))),
        now: SystemClock.now(),
    };
    let explanation = Explanation::of(&policy, &question);
    let mut out = io::stdout().lock();
    if arguments.json {
        return Ok(printing::json(&mut out, &explanation)?);
    }
    Ok(explanation.print(&mut out)?)
}

fn server(arguments: &Arguments, configuration: &Configuration) -> Result<String, Stop> {
    match (&arguments.server, &configuration.servers[..]) {
        (Some(name), _) => Ok(name.clone()),
        (None, [server]) => Ok(server.name.clone()),
        (None, []) => Err(Stop::usage("the configuration has no [[server]]").hint("add --config FILE")),
        (None, _) => Err(Stop::usage("there is more than one server").hint("add --server NAME")),
    }
}

fn target(arguments: &Arguments) -> anyhow::Result<Target<'_>> {
    let annotations = arguments.annotations.as_deref().map(object).transpose()?;
    let annotations: Option<Annotations> =
        annotations.map(|raw| serde_json::from_str(raw.get())).transpose()?;
    match (&arguments.tool, &arguments.prompt, &arguments.resource) {
        (Some(name), ..) => Ok(Target::Tool { name, annotations }),
        (_, Some(name), _) => Ok(Target::Prompt(name)),
        (.., Some(uri)) => Ok(Target::Resource(uri)),
        _ => Err(Stop::usage("there is nothing to explain").hint("add --tool NAME").into()),
    }
}

fn object(text: &str) -> Result<&RawValue, Stop> {
    let raw: Option<&RawValue> = serde_json::from_str(text).ok();
    raw.filter(|raw| raw.get().starts_with('{')).ok_or_else(|| {
        Stop::usage("arguments and annotations are JSON objects, such as '{\"path\":\"/pub\"}'")
    })
}

/// The user as their next access token says it; or as the command line does.
async fn requester(
    arguments: &Arguments,
    configuration: &Configuration,
    needed: Option<&Scope>,
) -> anyhow::Result<Requester<'static>> {
    let store = storage::open(&configuration.storage).await?;
    let known = store.user_by_name(&arguments.user).await?;
    let is_told = !arguments.roles.is_empty() || !arguments.groups.is_empty();
    let (subject, roles) = match known {
        Some(user) if !is_told => (user.id.to_string(), user.roles),
        Some(user) => (user.id.to_string(), arguments.roles.clone()),
        None if is_told => (arguments.user.clone(), arguments.roles.clone()),
        None => {
            return Err(Stop::failure(format!("there is no user {}", arguments.user))
                .hint(
                    "for somebody whom another issuer knows, add --role and --group as their token has them",
                )
                .into());
        }
    };
    let network = &configuration.network;
    let scope = arguments.scope.as_deref().map(Scope::parse).transpose()?;
    Ok(Requester {
        issuer: network.issuer(network.listen)?.as_str().to_owned().into(),
        subject: subject.into(),
        user_name: Some(arguments.user.clone().into()),
        client_id: arguments.client.clone().map(Cow::Owned),
        scope: Some(Cow::Owned(scope.or(needed.cloned()).unwrap_or_default())),
        memberships: Some(Memberships { roles: roles.into(), groups: arguments.groups.clone().into() }),
    })
}

/// What there is to say.
#[derive(Debug, Serialize)]
struct Explanation {
    user: String,
    roles: Vec<String>,
    groups: Vec<String>,
    client: Option<String>,
    server: String,
    target: String,
    rules: Vec<Considered>,
    /// The scopes that are needed, and those that the token has; none are when it is hidden.
    scope: Option<Scopes>,
    decision: &'static str,
    rule: Option<String>,
    because: Option<String>,
    /// Whether it stands in the list that the user gets.
    listed: bool,
}

/// A rule and whether it is about the question.
#[derive(Debug, Serialize)]
struct Considered {
    name: String,
    effect: Effect,
    matches: &'static str,
    because: String,
}

#[derive(Debug, Serialize)]
struct Scopes {
    needed: String,
    granted: String,
}

impl Explanation {
    fn of(policy: &ServerPolicy, question: &Question<'_>) -> Self {
        let considered = |(name, effect, seen): (&str, Effect, Outcome)| {
            let (matches, because) = outcome(&seen);
            Considered { name: name.to_owned(), effect, matches, because }
        };
        let requester = question.requester;
        let memberships = requester.memberships.clone().unwrap_or_default();
        let decision: Decision<'_> = policy.decide(question);
        let Told { verdict, rule, because } = Told::of(&decision);
        Self {
            user: requester.user_name.as_deref().unwrap_or(&requester.subject).to_owned(),
            roles: memberships.roles.into_owned(),
            groups: memberships.groups.into_owned(),
            client: requester.client_id.as_deref().map(str::to_owned),
            server: policy.server().to_owned(),
            target: question.target.to_string(),
            rules: policy.explain(question).into_iter().map(considered).collect(),
            scope: policy.needed(question.target).map(|needed| Scopes {
                needed: needed.to_string(),
                granted: requester.scope.as_deref().map(ToString::to_string).unwrap_or_default(),
            }),
            decision: verdict,
            rule,
            because,
            listed: policy.lists(question),
        }
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let shown = |text: &str| printable(text);
        let client =
            self.client.as_deref().map(|client| format!(" by {}", shown(client))).unwrap_or_default();
        writeln!(out, "{} at {} for {}{client}", shown(&self.target), self.server, shown(&self.user))?;
        writeln!(out, "  roles: {}", listed(&self.roles))?;
        if !self.groups.is_empty() {
            writeln!(out, "  groups: {}", listed(&self.groups))?;
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let effect = match rule.effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            };
            let because = if rule.because.is_empty() { String::new() } else { format!(": {}", rule.because) };
            writeln!(out, "  {}. {effect} {}: {}{because}", place + 1, shown(&rule.name), rule.matches)?;
        }
        if let Some(Scopes { needed, granted }) = &self.scope {
            writeln!(out, "  scope: {needed:?} is needed, {granted:?} is granted")?;
        }
        let rule = self.rule.as_deref().map(|rule| format!(" by {}", shown(rule))).unwrap_or_default();
        let because = self.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
        let list = if self.listed { "in the list" } else { "not in the list" };
        writeln!(out, "{}{rule}{because} ({list})", self.decision)
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { printable(&names.join(", ")) }
}
