//! What stands between a permit and a server: limits, policy, audit log. One decision for every request.

use std::sync::Arc;
use std::time::Duration;

use guard::{Challenge, Guard, Permit};
use http::StatusCode;
use mcp::{CallToolParams, Era, ErrorCode, ErrorObject};

use crate::endpoint::{CallRefusal, Refusal};
use crate::policy::{Annotations, Arguments, Decision, Question, Requester, ServerPolicy, Target};
use crate::quota::Exceeded;
use crate::recorded::RecordedCall;
use crate::settings::Front;

/// The gate of one server, at one URL of ours.
pub(crate) struct Gate {
    pub(crate) front: Arc<Front>,
    pub(crate) guard: Guard,
    pub(crate) policy: Arc<ServerPolicy>,
}

/// Why something is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no such thing, as far as the caller can know.
    Unknown,
    /// The token lacks scopes.
    Challenge(Challenge),
    /// A rule; what the caller reads.
    Denied(String),
    /// Too many; when the next one may come.
    TooMany(Duration),
}

impl Gate {
    /// Lets a tool call pass, or not; either is in the audit log. What is allowed is recorded when it has ended.
    pub(crate) async fn call(
        &self,
        permit: &Permit,
        call: &CallToolParams<'_>,
        annotations: Annotations,
    ) -> Result<RecordedCall, CallRefusal> {
        let requester = Requester::from(permit);
        let server = self.policy.server();
        if let Err(exceeded) = self.front.quotas.take(&requester, server, Some(&call.name)) {
            return Err(self.exceeded(permit, Some(&call.name), &exceeded).await?.into());
        }
        let recorded = self.begin(permit).await?;
        let target = Target::Tool { name: &call.name, annotations: Some(annotations) };
        let question = self.question(&requester, target, Arguments::Known(call.arguments));
        match self.decide(permit, &question) {
            Ok(rule) => Ok(recorded.allow(&call.name, rule)),
            Err((Some(rule), refused)) => {
                recorded.deny(&call.name, rule);
                Err(refused.into())
            }
            Err((None, refused)) => {
                recorded.deny_unknown();
                Err(refused.into())
            }
        }
    }

    /// Lets a request pass that is no tool call, or not. Where arguments are not known, as for the completion of some,
    /// what may be allowed is allowed, as it is in a list.
    pub(crate) fn pass(
        &self,
        permit: &Permit,
        target: Target<'_>,
        arguments: Arguments<'_>,
    ) -> Result<(), Refused> {
        let requester = Requester::from(permit);
        self.decide(permit, &self.question(&requester, target, arguments))
            .map(drop)
            .map_err(|(_, refused)| refused)
    }

    /// Counts a request that is no tool call.
    pub(crate) async fn count(&self, permit: &Permit) -> Result<(), CallRefusal> {
        match self.front.quotas.take(&Requester::from(permit), self.policy.server(), None) {
            Ok(()) => Ok(()),
            Err(exceeded) => Err(self.exceeded(permit, None, &exceeded).await?.into()),
        }
    }

    /// The scopes that a list of anything but tools needs; what stands in it is decided for each.
    pub(crate) fn list(&self, permit: &Permit) -> Result<(), Refused> {
        match self.policy.missing(permit.scope()) {
            Some(needed) => Err(Refused::Challenge(self.guard.insufficient_scope(permit, needed))),
            None => Ok(()),
        }
    }

    /// The rule that allows it; or the rule that does not, if it may be named, and the refusal.
    fn decide<'p>(
        &'p self,
        permit: &Permit,
        question: &Question<'_>,
    ) -> Result<&'p str, (Option<&'p str>, Refused)> {
        match self.policy.decide(question) {
            Decision::Allow(rule) => Ok(rule),
            Decision::Hidden => Err((None, Refused::Unknown)),
            Decision::Challenge(needed) => {
                let challenge = self.guard.insufficient_scope(permit, needed);
                Err((Some(crate::policy::BY_SCOPE), Refused::Challenge(challenge)))
            }
            Decision::Deny(denial) => {
                tracing::info!(
                    server = self.policy.server(),
                    user = permit.user_name().unwrap_or(permit.subject()),
                    client = permit.client_id().as_str(),
                    target = %question.target,
                    rule = denial.rule,
                    failure = denial.failure.as_deref(),
                    "denied by the policy"
                );
                let told = self.policy.told(question, &denial);
                Err((Some(denial.rule), told.map_or(Refused::Unknown, Refused::Denied)))
            }
            Decision::Open(rule, _) if matches!(question.arguments, Arguments::Unknown) => Ok(rule),
            // Everything is known of a call; and what is not known is not allowed.
            Decision::Open(rule, what) => {
                let told = format!("denied by the policy of this gateway, which does not know {what}");
                Err((Some(rule), Refused::Denied(told)))
            }
        }
    }

    async fn begin(&self, permit: &Permit) -> Result<RecordedCall, CallRefusal> {
        let recorded = RecordedCall::begin(&self.front, permit, self.policy.server_name()).await;
        recorded.map_err(CallRefusal::NotRecorded)
    }

    /// Refusals come as fast as somebody asks, so one entry stands for those of a second.
    async fn exceeded(
        &self,
        permit: &Permit,
        tool: Option<&str>,
        exceeded: &Exceeded,
    ) -> Result<Refused, CallRefusal> {
        if let Some(refusals) = exceeded.refusals {
            tracing::info!(
                server = self.policy.server(),
                user = permit.user_name().unwrap_or(permit.subject()),
                client = permit.client_id().as_str(),
                limit = exceeded.limit,
                refusals,
                "too many requests"
            );
            self.begin(permit).await?.deny_too_many(tool, &exceeded.limit, refusals);
        }
        Ok(Refused::TooMany(exceeded.wait))
    }

    fn question<'q>(
        &self,
        requester: &'q Requester<'q>,
        target: Target<'q>,
        arguments: Arguments<'q>,
    ) -> Question<'q> {
        Question { requester, target, arguments, now: self.front.clock.now() }
    }
}

impl Refused {
    /// The answer to a request that is no tool call.
    pub(crate) fn to(self, target: Target<'_>, era: Era) -> Refusal {
        let error =
            |code, message: &str| Refusal::Request(StatusCode::OK, None, ErrorObject::new(code, message));
        match (self, target) {
            (Self::Unknown, Target::Resource(_)) if era == Era::Legacy => {
                error(ErrorCode::RESOURCE_NOT_FOUND, "resource not found")
            }
            (Self::Unknown, Target::Resource(_)) => error(ErrorCode::INVALID_PARAMS, "resource not found"),
            (Self::Unknown, Target::Prompt(_)) => error(ErrorCode::INVALID_PARAMS, "unknown prompt"),
            (Self::Unknown, _) => error(ErrorCode::METHOD_NOT_FOUND, "method not found"),
            (refused, _) => CallRefusal::from(refused).into(),
        }
    }
}

impl From<Refused> for CallRefusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::UnknownTool,
            Refused::Challenge(challenge) => Self::Challenge(challenge),
            Refused::Denied(told) => Self::Denied(told),
            Refused::TooMany(wait) => Self::TooMany(wait),
        }
    }
}
