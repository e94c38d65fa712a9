//! The variables of a condition, as values of CEL.

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, CelList, CelMap, CelString, CelTimestamp, Type};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use chrono::DateTime;

use super::pattern::Pattern;
use crate::policy::{Annotations, Question, Requester, Target};

static RECORD: Type = Type::new_unspecified_type("record");

/// Gives a condition its variables. A member of one, `user.name`, is also the variable `@user.name;`, which costs less
/// to find; `check` writes it so.
pub(super) struct Variables<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) server: &'a str,
    /// `None` when they are not known, or not looked at.
    pub(super) arguments: Option<CelMap<'a>>,
    pub(super) patterns: &'a [Pattern],
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Question { requester, target, now, .. } = self.question;
        Some(CowVal::owned(match (variable, target) {
            (member, _) if member.starts_with('@') => {
                return self.member(member[1..].strip_suffix(';')?);
            }
            ("user", _) => Record::User(requester),
            ("client", _) => Record::Client(requester),
            ("tool", Target::Tool { name, annotations }) => Record::Tool(name, *annotations),
            ("prompt", Target::Prompt(name)) => Record::Prompt(name),
            ("resource", Target::Resource(uri)) => Record::Resource(uri),
            ("server", _) => return Some(CowVal::owned(CelString::from(self.server))),
            ("arguments", _) => return self.arguments.as_ref().map(|map| CowVal::Borrowed(map)),
            ("now", _) => {
                let now = DateTime::from_timestamp_millis(now.milliseconds())?;
                return Some(CowVal::owned(CelTimestamp::from(now.fixed_offset())));
            }
            _ => return None,
        }))
    }
}

impl Variables<'_> {
    fn member<'b>(&'b self, member: &str) -> Option<CowVal<'b, 'b>> {
        let Question { requester, target, .. } = self.question;
        let value = match (member.split_once('.'), target) {
            (Some(("user", name)), _) => Record::User(requester).member(name),
            (Some(("client", name)), _) => Record::Client(requester).member(name),
            (Some(("tool", member)), Target::Tool { name, annotations }) => {
                Record::Tool(name, *annotations).member(member)
            }
            (Some(("prompt", member)), Target::Prompt(name)) => Record::Prompt(name).member(member),
            (Some(("resource", member)), Target::Resource(uri)) => Record::Resource(uri).member(member),
            (Some(("arguments", name)), _) => {
                return self.arguments.as_ref()?.get(&CelString::from(name)).ok();
            }
            (None, Target::Tool { annotations: Some(annotations), .. }) if member.ends_with("Hint") => {
                Record::Annotations(*annotations).member(member)
            }
            _ => return Pattern::of(member, self.patterns).map(|pattern| CowVal::Borrowed(pattern)),
        };
        value.map(CowVal::Owned)
    }
}

/// A variable with members.
#[derive(Debug, Clone, Copy)]
enum Record<'a> {
    User(&'a Requester<'a>),
    Client(&'a Requester<'a>),
    Tool(&'a str, Option<Annotations>),
    Annotations(Annotations),
    Prompt(&'a str),
    Resource(&'a str),
}

impl<'a> Record<'a> {
    fn member(self, name: &str) -> Option<Box<dyn Val + 'a>> {
        let text = |text: &'a str| -> Option<Box<dyn Val + 'a>> { Some(Box::new(CelString::from(text))) };
        let truth = |truth: bool| -> Option<Box<dyn Val + 'a>> { Some(Box::new(CelBool::from(truth))) };
        match (self, name) {
            // Who has no name for people is known by the subject.
            (Self::User(user), "name") => {
                let name = user.called().into_iter().flatten().next()?;
                Some(Box::new(CelString::from(name)))
            }
            (Self::User(user), "subject") => text(&user.subject),
            (Self::User(user), "issuer") => text(&user.issuer),
            (Self::User(user), "roles") => Some(list(&user.memberships.as_ref()?.roles)),
            (Self::User(user), "groups") => Some(list(&user.memberships.as_ref()?.groups)),
            (Self::Client(client), "id") => text(client.client_id.as_deref()?),
            (Self::Tool(name, _) | Self::Prompt(name), "name") => text(name),
            (Self::Tool(_, annotations), "annotations") => Some(Box::new(Self::Annotations(annotations?))),
            (Self::Resource(uri), "uri") => text(uri),
            (Self::Annotations(hints), "readOnlyHint") => truth(hints.read_only_hint),
            (Self::Annotations(hints), "destructiveHint") => truth(hints.destructive_hint),
            (Self::Annotations(hints), "idempotentHint") => truth(hints.idempotent_hint),
            (Self::Annotations(hints), "openWorldHint") => truth(hints.open_world_hint),
            _ => None,
        }
    }
}

fn list(names: &[String]) -> Box<dyn Val + '_> {
    let names: Vec<Box<dyn Val + '_>> =
        names.iter().map(|name| -> Box<dyn Val + '_> { Box::new(CelString::from(name.as_str())) }).collect();
    Box::new(CelList::from(names))
}

impl Val for Record<'_> {
    fn get_type(&self) -> &Type {
        &RECORD
    }

    fn cel_type() -> &'static Type {
        &RECORD
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for Record<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = index.downcast_ref::<CelString>().map_or("", CelString::inner);
        self.member(name).map(CowVal::Owned).ok_or_else(|| ExecutionError::no_such_key(name))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
