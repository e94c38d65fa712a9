//! Step 4: what a provider answers through the browser (RFC 6749 §4.1.2, RFC 9207 §2.4).

use audit::{Event, Kind, Outcome};
use oauth::parameters::Parameters;
use secret::{Digest, Secret};
use store::{Batch, CommitError, ConnectAttemptRecord, ConnectState, connect_attempt, connect_request};

use crate::{
    connect::{
        Connected, Person,
        authorize::STALE,
        error::{ConnectError, ConnectErrorKind},
        flow::{Flow, attempt_id},
        outcome,
    },
    error::VaultError,
    provider::{ProviderName, Refusal},
    vault::Vault,
};

impl Vault {
    /// Takes the answer that came to the callback path of `provider`, with the query `query`, in the session of `person`
    /// and the browser of this digest. An answer is taken once.
    ///
    /// The exchange goes on when the browser goes away.
    pub async fn callback(
        &self,
        provider: &ProviderName,
        person: &Person,
        browser: &Digest,
        query: &str,
    ) -> Result<Connected, ConnectError> {
        let taken = self.take_answer(provider, person, browser, query).await;
        if let Err(ConnectError { why, .. }) = &taken
            && let Some(brought_by) = why.brought_by()
        {
            self.record_refusal(provider, person, brought_by).await;
        }
        taken
    }

    async fn take_answer(
        &self,
        provider: &ProviderName,
        person: &Person,
        browser: &Digest,
        query: &str,
    ) -> Result<Connected, ConnectError> {
        let answer = Answer::read(query).ok_or(ConnectErrorKind::Malformed)?;
        let attempt = attempt_id(answer.state.as_deref().ok_or(ConnectErrorKind::UnknownState)?);
        let attempt = self.settings().store.connect_attempt(&attempt).await?;
        let attempt = attempt.ok_or(ConnectErrorKind::UnknownState)?;
        let id = attempt.request_id.as_str();
        self.may_take(&attempt, person, browser).map_err(|why| why.of(id))?;
        let flow = Flow::open(&attempt.flow_sealed, &attempt.id, self.settings());
        let flow = flow.map_err(|error| ConnectErrorKind::Vault(VaultError::Sealed(error)).of(id))?;
        match judge(&flow, provider, answer) {
            Ok(code) => {
                self.take(&attempt, true).await?;
                self.exchange(id.to_owned(), flow, code).await
            }
            Err(why) => {
                self.take(&attempt, false).await?;
                self.end_try(id, &why).await?;
                Err(why.of(id))
            }
        }
    }

    /// Records that `person` brought an answer that is not taken. Nothing was done, so a full audit log is no reason to say
    /// anything else.
    async fn record_refusal(&self, provider: &ProviderName, person: &Person, brought_by: &str) {
        let issuer = &self.settings().public_url;
        let event = Event::new(Kind::ConnectionRefused, Outcome::Refused)
            .person(audit::Person::new(issuer, person.id.as_str(), Some(&person.name)))
            .detail("provider", provider)
            .detail("reason", brought_by);
        match self.settings().auditor.reserve().await {
            Ok(place) => place.record(event),
            Err(error) => tracing::warn!(%provider, %error, "a refused answer is not in the audit log"),
        }
    }

    /// Whether this session and browser may bring the answer (UP-09). Another one's answer stays untouched: it is not
    /// theirs to spoil.
    fn may_take(
        &self,
        attempt: &ConnectAttemptRecord,
        person: &Person,
        browser: &Digest,
    ) -> Result<(), ConnectErrorKind> {
        if attempt.user_id != person.id {
            return Err(ConnectErrorKind::OtherPerson);
        }
        if attempt.browser_digest != *browser {
            return Err(ConnectErrorKind::OtherBrowser);
        }
        if attempt.used_at.is_some() {
            return Err(ConnectErrorKind::AnswerUsed);
        }
        if attempt.expires_at <= self.now() {
            return Err(ConnectErrorKind::AnswerExpired);
        }
        Ok(())
    }

    /// The one conditional statement that decides who has taken the answer; with a code, in one batch with the one that
    /// decides whose code is redeemed.
    async fn take(&self, attempt: &ConnectAttemptRecord, has_code: bool) -> Result<(), ConnectError> {
        let now = self.now();
        let taken = connect_attempt::take(&attempt.id, &attempt.user_id, &attempt.browser_digest, now);
        let id = attempt.request_id.as_str();
        let mut batch = Batch::new().then(taken);
        if has_code {
            batch = batch.then(connect_request::exchange(id, now, now - STALE));
        }
        match self.settings().store.commit(batch).await {
            Ok(()) => Ok(()),
            Err(CommitError::Refused("connect_attempt.use")) => Err(ConnectErrorKind::AnswerUsed.of(id)),
            Err(CommitError::Refused(_)) => Err(self.why_not_now(id).await?.of(id)),
            Err(CommitError::Store(error)) => Err(ConnectErrorKind::Vault(error.into()).of(id)),
        }
    }

    /// Why the code of a second window is not redeemed: the first one was faster.
    async fn why_not_now(&self, id: &str) -> Result<ConnectErrorKind, ConnectError> {
        let record = self.settings().store.connect_request(id).await?;
        let is_completed = record.is_none_or(|record| record.completed_at.is_some());
        Ok(if is_completed { ConnectErrorKind::Completed } else { ConnectErrorKind::Working })
    }

    /// Writes down how a try ended, for the page; the same link may be tried again. A request that went on meanwhile,
    /// in another window, stays as it is.
    pub(super) async fn end_try(&self, id: &str, why: &ConnectErrorKind) -> Result<(), ConnectError> {
        let (state, outcome) = match why {
            ConnectErrorKind::Refused(Refusal { error, description }) => {
                let (error, told) = (Some(error.clone()), description.clone());
                let outcome = outcome::Outcome { error, told, ..outcome::Outcome::default() };
                (ConnectState::Refused, outcome)
            }
            why => {
                let outcome = outcome::Outcome { told: Some(why.to_string()), ..outcome::Outcome::default() };
                (ConnectState::Failed, outcome)
            }
        };
        let ended = connect_request::end(id, state, &outcome.to_text(), self.now());
        match self.settings().store.commit(ended).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(ConnectErrorKind::Vault(error.into()).of(id)),
        }
    }
}

/// Judges an answer of this flow, pure. The order matters: only when it is known from whom it is, its texts are looked at.
fn judge(flow: &Flow, provider: &ProviderName, answer: Answer) -> Result<Secret<String>, ConnectErrorKind> {
    if flow.provider != provider.as_str() {
        return Err(ConnectErrorKind::OtherProvider);
    }
    let is_from_issuer = match (answer.iss.as_deref(), flow.issuer.as_deref()) {
        (Some(iss), Some(issuer)) => iss == issuer,
        (Some(_), None) => true,
        (None, _) => !flow.promises_iss,
    };
    if !is_from_issuer {
        return Err(ConnectErrorKind::OtherIssuer);
    }
    match (answer.code, answer.error) {
        (Some(code), None) => Ok(code),
        (None, Some(error)) => {
            let refusal = Refusal::new(&error, answer.error_description.as_deref(), &[]);
            Err(ConnectErrorKind::Refused(refusal))
        }
        _ => Err(ConnectErrorKind::Malformed),
    }
}

/// The parameters of an authorization response.
struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<Secret<String>>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Answer {
    /// `None` when the query is malformed or has a parameter twice (RFC 6749 §3.1).
    fn read(query: &str) -> Option<Self> {
        let parameters = Parameters::parse(query.as_bytes()).ok()?;
        let one = |name| parameters.one(name).map(|value| value.map(str::to_owned)).ok();
        Some(Self {
            state: one("state")?,
            iss: one("iss")?,
            code: one("code")?.map(Secret::new),
            error: one("error")?,
            error_description: one("error_description")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use oauth::Scope;

    use super::*;

    fn flow(issuer: Option<&str>, promises_iss: bool) -> Flow {
        Flow {
            provider: "p".into(),
            issuer: issuer.map(str::to_owned),
            promises_iss,
            token_endpoint: "https://p.test/token".into(),
            client_id: "us".into(),
            redirect_uri: "https://v.test/connect/callback/p".into(),
            scope: Scope::default(),
            verifier: Secret::from("v"),
            nonce: Secret::from("n"),
        }
    }

    #[track_caller]
    fn check(expect: &str, flow: &Flow, provider: &str, query: &str) {
        let provider = ProviderName::parse(provider).unwrap();
        let judged = Answer::read(query).map(|answer| judge(flow, &provider, answer));
        let found = match judged {
            None => "unreadable".to_owned(),
            Some(Ok(code)) => format!("code {}", code.expose()),
            Some(Err(why)) => format!("{why:?}"),
        };
        assert!(found.starts_with(expect), "{provider} {query}: {found}");
    }

    #[test]
    fn up_06_only_the_providers_own_callback_brings_its_answer() {
        let flow = flow(Some("https://p.test"), false);
        check("code c", &flow, "p", "code=c&state=s");
        check("OtherProvider", &flow, "q", "code=c&state=s");
        check("OtherProvider", &flow, "q", "code=c&state=s&iss=https%3A%2F%2Fp.test");
        check("OtherProvider", &flow, "q", "error=access_denied&error_description=evil");
    }

    #[test]
    fn up_10_iss_is_compared_byte_by_byte_before_anything_else_is_read() {
        let silent = flow(Some("https://p.test"), false);
        let promising = flow(Some("https://p.test"), true);
        let good = "iss=https%3A%2F%2Fp.test";
        check("code c", &silent, "p", &format!("code=c&{good}"));
        check("code c", &promising, "p", &format!("code=c&{good}"));
        check("code c", &silent, "p", "code=c");
        check("OtherIssuer", &promising, "p", "code=c");
        check("OtherIssuer", &promising, "p", "code=c&iss=");
        check("OtherIssuer", &promising, "p", "error=access_denied&error_description=%3Cscript%3E");
        for other in ["https%3A%2F%2Fp.test%2F", "https%3A%2F%2FP.test", "https%3A%2F%2Fevil.test", "p.test"]
        {
            check("OtherIssuer", &silent, "p", &format!("code=c&iss={other}"));
            check("OtherIssuer", &silent, "p", &format!("error=x&error_description=evil&iss={other}"));
        }
        check("code c", &flow(None, false), "p", "code=c&iss=https%3A%2F%2Fwhoever.test");
    }

    #[test]
    fn up_10_what_a_provider_says_is_bounded() {
        let flow = flow(None, false);
        let query = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E%1b[31m";
        check("Refused(Refusal { error: \"access_denied\"", &flow, "p", query);
        check("Refused(Refusal { error: \"an error without a code\"", &flow, "p", "error=%3Cb%3E");
        check("Malformed", &flow, "p", "state=s");
        check("Malformed", &flow, "p", "code=c&error=x");
        check("unreadable", &flow, "p", "code=c&code=d");
        check("unreadable", &flow, "p", "state=a&state=b&code=c");
        check("unreadable", &flow, "p", "code=%ff");
    }
}
