//! VA-13, VA-14, FI-12 and FI-13: what a provider may answer to a refresh, and what becomes of the connection. Only a
//! clear `invalid_grant` ends it; nothing is asked again and again.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    installation::{Installation, SOON},
    person::{Outcome, Person, WHOAMI},
    provider::{Answer, Fault, Turn},
};

/// What access tokens are said to live in these tests.
const SAID: Duration = Duration::from_secs(2);

/// Somebody whose credential has ended, and a provider that does what `turn` says from now on.
struct Ended {
    installation: Installation,
    person: Person,
}

impl Ended {
    async fn new() -> Self {
        let installation = Installation::alone().await;
        installation.provider.always(good());
        let person = Person::at(installation.node()).await;
        person.connects(&installation).await;
        let ended = Self { installation, person };
        tokio::time::sleep(SAID).await;
        ended
    }

    async fn call(&self) -> Outcome {
        self.person.call(self.installation.node(), WHOAMI).await
    }

    /// From now on refreshes are answered like this. Gives what a call comes to, and how often the provider is asked
    /// while ten more calls come.
    async fn while_answered(&self, turn: Turn) -> (Outcome, usize) {
        let provider = &self.installation.provider;
        let before = provider.attempts();
        provider.always(turn);
        let outcome = self.call().await;
        for _ in 0..10 {
            self.call().await;
        }
        (outcome, provider.attempts() - before)
    }

    /// The provider is as it should be again: after a while calls are served, and nobody had to do anything.
    async fn recovers(&self, after: &str) {
        self.installation.provider.always(good());
        let deadline = Instant::now() + SOON;
        loop {
            let outcome = self.call().await;
            if outcome.is_said() {
                break;
            }
            assert!(Instant::now() < deadline, "it does not recover from {after}: {outcome:?}");
            assert!(!matches!(outcome, Outcome::Connect { .. }), "{after}: {outcome:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The person is told to connect again, and with that everything is well.
    async fn is_connected_again(&self, outcome: Outcome) {
        let Outcome::Connect { url, told } = outcome else { panic!("{outcome:?}") };
        assert!(told.contains("Reconnect"), "it says that this is not the first time: {told}");
        self.installation.provider.always(Turn::default());
        self.person.connect(&self.installation, self.installation.node(), &url).await;
        assert_eq!(self.call().await, Outcome::Said("ada".to_owned()));
    }
}

fn good() -> Turn {
    Turn { expires_in: Some(json!(SAID.as_secs())), ..Turn::default() }
}

#[tokio::test]
async fn va_13_and_fi_12_what_may_pass_costs_nobody_a_connection() {
    const NOTHING: &str = r#"{"token_type":"bearer"}"#;
    let rows = [
        ("an error that is not about the grant", Answer::json(400, r#"{"error":"invalid_request"}"#)),
        ("an error about us", Answer::json(401, r#"{"error":"invalid_client"}"#)),
        ("an error about the scope", Answer::json(400, r#"{"error":"invalid_scope"}"#)),
        ("a page that forbids", Answer::html(403)),
        ("too many requests", Answer { retry_after: Some("1"), ..Answer::json(429, "{}") }),
        (
            "too many requests, said in a date",
            Answer { retry_after: Some("soon"), ..Answer::json(429, "{}") },
        ),
        ("an error of the provider's", Answer::json(500, r#"{"error":"server_error"}"#)),
        ("a page of a proxy", Answer::html(502)),
        ("maintenance", Answer { retry_after: Some("1"), ..Answer::html(503) }),
        ("a page in the place of tokens", Answer::html(200)),
        ("no token", Answer::json(200, NOTHING)),
        ("no JSON", Answer::json(200, "access_token")),
        (
            "a page that speaks of grants",
            Answer { content_type: "text/html", ..Answer::json(400, "<p>invalid_grant</p>") },
        ),
        ("an invalid_grant of the wrong status", Answer::json(503, r#"{"error":"invalid_grant"}"#)),
    ];
    join_all(rows.map(async |(name, answer)| {
        let ended = Ended::new().await;
        let (outcome, attempts) = ended.while_answered(Turn::fault(Fault::Answer(answer))).await;
        let Outcome::Failed { told, .. } = outcome else { panic!("{name}: {outcome:?}") };
        assert!(!told.contains("canary"), "{name}: {told}");
        assert!((1..=3).contains(&attempts), "{name}: the provider was asked {attempts} times");
        ended.recovers(name).await;
        assert_eq!(ended.installation.provider.reuses(), 0, "{name}");
    }))
    .await;
}

#[tokio::test]
async fn va_13_an_invalid_grant_ends_the_connection_and_nobody_asks_again() {
    let ended = Ended::new().await;
    ended.installation.provider.withdraw();
    let (outcome, attempts) = ended.while_answered(Turn::default()).await;
    assert_eq!(attempts, 1, "what has ended is not tried again");
    ended.is_connected_again(outcome).await;
}

/// While the old token is good, a provider that fails is nobody's concern.
#[tokio::test]
async fn va_13_the_old_token_is_used_while_it_is_good() {
    let installation = Installation::alone().await;
    let lifetime = Duration::from_secs(20);
    installation.provider.always(Turn { expires_in: Some(json!(lifetime.as_secs())), ..Turn::default() });
    let person = Person::at(installation.node()).await;
    person.connects(&installation).await;
    installation.provider.always(Turn::fault(Fault::Answer(Answer::html(502))));
    tokio::time::sleep(lifetime / 2).await;
    let deadline = Instant::now() + lifetime / 3;
    while Instant::now() < deadline {
        assert_eq!(person.call(installation.node(), WHOAMI).await, Outcome::Said("ada".to_owned()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let attempts = installation.provider.attempts();
    assert!((1..=6).contains(&attempts), "asked {attempts} times");
}

#[tokio::test]
async fn fi_13_an_answer_that_was_lost_is_not_asked_for_again_and_again() {
    for fault in [Fault::CutAfterCommit, Fault::AnswerAfterCommit(Answer::html(504))] {
        let ended = Ended::new().await;
        let (outcome, attempts) = ended.while_answered(Turn::fault(fault)).await;
        assert!((1..=3).contains(&attempts), "{fault:?}: asked {attempts} times");
        let outcome = match outcome {
            Outcome::Connect { .. } => outcome,
            // Whoever answers may be asked again, and then learns that the token was used.
            _ => ended.until_asked_to_connect().await,
        };
        assert!(ended.installation.provider.attempts() <= 3, "{fault:?}");
        ended.is_connected_again(outcome).await;
    }
}

impl Ended {
    async fn until_asked_to_connect(&self) -> Outcome {
        self.installation.provider.always(Turn::default());
        let deadline = Instant::now() + SOON;
        loop {
            let outcome = self.call().await;
            if matches!(outcome, Outcome::Connect { .. }) {
                return outcome;
            }
            assert!(Instant::now() < deadline, "{outcome:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn va_14_odd_lifetimes_and_no_refresh_token() {
    let rows: [(Value, bool); 9] = [
        (json!(0), false),
        (Value::Null, false),
        (json!(-1), false),
        (json!("3600"), false),
        (json!("soon"), false),
        (json!(1_000_000_000), false),
        (json!(1.5), false),
        (json!(3600), true),
        (Value::Null, true),
    ];
    let installation = Installation::alone().await;
    let (provider, node) = (&installation.provider, installation.node());
    let person = Person::at(node).await;
    person.connects(&installation).await;
    for (expires_in, keeps_refresh_token) in rows {
        let row = format!("expires_in {expires_in}, refresh token kept: {keeps_refresh_token}");
        provider.always(Turn { expires_in: Some(expires_in), keeps_refresh_token, ..Turn::default() });
        installation.refuse_tokens();
        let before = provider.attempts();
        for _ in 0..30 {
            assert_eq!(person.call(node, WHOAMI).await, Outcome::Said("ada".to_owned()), "{row}");
        }
        let attempts = provider.attempts() - before;
        assert!((1..=2).contains(&attempts), "{row}: asked {attempts} times");
    }
    assert_eq!(provider.reuses(), 0);
}
