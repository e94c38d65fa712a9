//! One rule: whom and what it is about, and whether it allows or denies.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Evaluation};
use super::glob::Glob;
use super::{PolicyError, Question, RuleSettings, Target, uri};

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Lets what it is about happen, unless another rule denies it.
    #[default]
    Allow,
    /// Denies what it is about, whatever other rules say.
    Deny,
}

/// Whether a rule is about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is.
    Matches,
    /// It is not: what is different.
    Differs(Difference),
    /// That depends on what is not known: the arguments, for a list.
    Open(&'static str),
    /// Its condition cannot be evaluated, and why.
    Failed(String),
}

/// Why a rule is not about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// `servers`
    Server,
    /// `tools`, `prompts`, `resources`, or a condition about another kind of thing.
    Target,
    /// `users`
    User,
    /// `clients`
    Client,
    /// `roles`
    Role,
    /// `groups`
    Group,
    /// `when`
    Condition,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Server => "it is about other servers",
            Self::Target => "it is about something else",
            Self::User => "it is about other users",
            Self::Client => "it is about other clients",
            Self::Role => "the user has none of its roles",
            Self::Group => "the user is in none of its groups",
            Self::Condition => "its condition is false",
        })
    }
}

/// A rule as it is asked.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) effect: Effect,
    pub(super) reason: Option<String>,
    servers: Vec<Glob>,
    about: About,
    users: Vec<Glob>,
    clients: Vec<Glob>,
    roles: Vec<String>,
    groups: Vec<String>,
    condition: Option<Condition>,
}

/// Which things a rule is about; of each kind any of these, or all where there are none.
#[derive(Debug)]
struct About {
    /// Nothing is named, so it is about everything, protocol included.
    all: bool,
    tools: Option<Vec<Glob>>,
    prompts: Option<Vec<Glob>>,
    resources: Option<Vec<Glob>>,
}

impl Rule {
    pub(super) fn new(settings: &RuleSettings) -> Result<Self, PolicyError> {
        let about = About::new(settings).map_err(|what| PolicyError::new(settings, what))?;
        Ok(Self {
            name: settings.name.clone(),
            effect: settings.effect,
            reason: settings.reason.clone(),
            servers: globs(&settings.servers),
            about,
            users: globs(&settings.users),
            clients: globs(&settings.clients),
            roles: settings.roles.clone(),
            groups: settings.groups.clone(),
            condition: settings.when.clone(),
        })
    }

    /// Whether the rule has to do with this server.
    pub(super) fn is_at(&self, server: &str) -> bool {
        self.servers.is_empty() || self.servers.iter().any(|glob| glob.matches(server))
    }

    pub(super) fn looks_at_annotations(&self) -> bool {
        self.condition.as_ref().is_some_and(|condition| condition.uses().annotations)
    }

    /// Whether the rule is about the question, at this server.
    pub(super) fn outcome(&self, question: &Question<'_>, server: &str) -> Outcome {
        if !self.is_at(server) {
            return Outcome::Differs(Difference::Server);
        }
        if !self.is_about(&question.target) {
            return Outcome::Differs(Difference::Target);
        }
        let open = match self.is_of(question) {
            Ok(open) => open,
            Err(difference) => return Outcome::Differs(difference),
        };
        // The protocol around a thing goes with the thing: there is nothing a condition could look at.
        let condition =
            self.condition.as_ref().filter(|_| self.about.all || question.target != Target::Protocol);
        match condition.map_or(Evaluation::True, |condition| condition.evaluate(question, server)) {
            Evaluation::False => Outcome::Differs(Difference::Condition),
            Evaluation::True => open.map_or(Outcome::Matches, Outcome::Open),
            Evaluation::Open(what) => Outcome::Open(what),
            Evaluation::Failed(reason) => Outcome::Failed(reason),
        }
    }

    fn is_about(&self, target: &Target<'_>) -> bool {
        let About { all, tools, prompts, resources } = &self.about;
        match target {
            Target::Tool { name, .. } => *all || tools.as_ref().is_some_and(|globs| self.names(globs, name)),
            Target::Prompt(name) => *all || prompts.as_ref().is_some_and(|globs| self.names(globs, name)),
            Target::Resource(uri) => *all || resources.as_ref().is_some_and(|globs| self.locates(globs, uri)),
            // Whoever may use something of a server may speak with it.
            Target::Protocol => *all || self.effect == Effect::Allow,
        }
    }

    /// What is denied is also denied to names that a server could take for it; what is allowed is allowed as it is
    /// written.
    fn names(&self, globs: &[Glob], name: &str) -> bool {
        let is_meant = |glob: &Glob| match self.effect {
            Effect::Allow => glob.matches(name),
            Effect::Deny => glob.matches_alike(name),
        };
        globs.is_empty() || globs.iter().any(is_meant)
    }

    fn locates(&self, globs: &[Glob], resource: &str) -> bool {
        let plain = uri::plain(resource);
        let is_meant = |glob: &Glob| match self.effect {
            Effect::Allow => glob.matches(resource) && glob.matches(&plain),
            Effect::Deny => glob.matches_alike(resource) || glob.matches_alike(&plain),
        };
        globs.is_empty() || globs.iter().any(is_meant)
    }

    /// Whether the rule is about who asks, or what it would have to know for that.
    fn is_of(&self, question: &Question<'_>) -> Result<Option<&'static str>, Difference> {
        let requester = question.requester;
        let called = requester.called();
        let is_meant = |glob: &Glob| called.iter().flatten().any(|name| glob.matches(name));
        if !self.users.is_empty() && !self.users.iter().any(is_meant) {
            return Err(Difference::User);
        }
        let client_id = requester.client_id.as_deref();
        let is_acting = |glob: &Glob| client_id.is_none_or(|client_id| glob.matches(client_id));
        if !self.clients.is_empty() && !self.clients.iter().any(is_acting) {
            return Err(Difference::Client);
        }
        let open = (!self.clients.is_empty() && client_id.is_none()).then_some("the client");
        let Some(memberships) = &requester.memberships else {
            let asks = !self.roles.is_empty() || !self.groups.is_empty();
            return Ok(open.or(asks.then_some("the roles and groups of the user")));
        };
        let any = |wanted: &[String], held: &[String]| {
            wanted.is_empty() || wanted.iter().any(|name| held.contains(name))
        };
        if !any(&self.roles, &memberships.roles) {
            return Err(Difference::Role);
        }
        if !any(&self.groups, &memberships.groups) {
            return Err(Difference::Group);
        }
        Ok(open)
    }
}

impl About {
    fn new(settings: &RuleSettings) -> Result<Self, &'static str> {
        let lists = [&settings.tools, &settings.prompts, &settings.resources];
        let named = lists.map(Option::is_some);
        let looks = settings.when.as_ref().map(Condition::uses);
        let used = looks.map_or([false; 3], |uses| [uses.tool, uses.prompt, uses.resource]);
        if used.iter().filter(|used| **used).count() > 1 {
            return Err("has a condition about things of different kinds, and no request is about two");
        }
        let has_arguments = looks.is_some_and(|uses| uses.arguments.is_some());
        let [tools, prompts, resources] = if named.contains(&true) {
            if named.iter().zip(used).any(|(named, used)| used && !named) {
                return Err("has a condition about things that its lists leave out");
            }
            named
        } else if used.contains(&true) {
            used
        } else {
            [has_arguments, has_arguments, false]
        };
        if resources && has_arguments {
            return Err("has a condition on arguments, which resources do not have");
        }
        let globs_of = |wanted: bool, list: &Option<Vec<String>>| {
            wanted.then(|| globs(list.as_deref().unwrap_or_default()))
        };
        Ok(Self {
            all: ![tools, prompts, resources].contains(&true),
            tools: globs_of(tools, &settings.tools),
            prompts: globs_of(prompts, &settings.prompts),
            resources: globs_of(resources, &settings.resources),
        })
    }
}

fn globs(texts: &[String]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::new(text)).collect()
}
