//! The provider itself does what the tests of this module rely on: a test of a vault says nothing if the provider is
//! kinder than others are.

use std::{collections::HashMap, time::Duration};

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::provider::{Answer, CLIENT_ID, CLIENT_SECRET, Fault, Provider, Turn, When};
use crate::{
    attacks::client::{CHALLENGE, VERIFIER},
    http_client,
};

const REDIRECT_URI: &str = "http://127.0.0.1:1/callback";

/// A client that is no Vestibule.
struct Visitor<'p>(&'p Provider);

impl Visitor<'_> {
    /// A code, as the browser of whoever visits the provider brings it back.
    async fn code(&self) -> String {
        let parameters = [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "repo"),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = http::Request::get(format!("/authorize?{query}")).body(bytes::Bytes::new()).unwrap();
        let answer = http_client::send(self.0.address(), request).await;
        let location = url::Url::parse(answer.header("location").unwrap()).unwrap();
        let parameters: HashMap<_, _> = location.query_pairs().into_owned().collect();
        assert_eq!(parameters["state"], "s");
        parameters["code"].clone()
    }

    /// The answer of the token endpoint, or nothing when the connection is cut.
    async fn ask(&self, fields: &[(&str, &str)]) -> Option<(StatusCode, Value)> {
        let client = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
        let request = http_client::form("/token", &[&client[..], fields].concat());
        let response = http_client::start(self.0.address(), request).await.ok()?;
        let status = response.status();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", verifier),
        ];
        self.ask(&fields).await.unwrap()
    }

    async fn refresh(&self, token: &Value) -> Option<(StatusCode, Value)> {
        self.ask(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    }

    async fn tokens(&self) -> Value {
        let (status, tokens) = self.redeem(&self.code().await, VERIFIER).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// Whose the access token is, according to the API and to the provider's own userinfo endpoint.
    async fn account(&self, tokens: &Value) -> Option<String> {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let get = |path: &str| {
            let request = http::Request::get(path).header(header::AUTHORIZATION, &bearer);
            request.body(bytes::Bytes::new()).unwrap()
        };
        let user = http_client::send(self.0.api.address(), get("/user")).await;
        let info = http_client::send(self.0.address(), get("/userinfo")).await;
        assert_eq!(user.status, info.status);
        let login = (user.status == 200).then(|| user.json()["login"].as_str().unwrap().to_owned());
        assert_eq!(
            login.as_ref().map(|login| format!("hub|{login}")),
            info.status.is_success().then(|| info.json()["sub"].as_str().unwrap().to_owned())
        );
        login
    }
}

fn error((status, body): (StatusCode, Value)) -> (u16, String) {
    (status.as_u16(), body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn codes_are_good_once_and_with_their_verifier() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    let code = visitor.code().await;
    assert_eq!(visitor.redeem(&code, VERIFIER).await.0, 200);
    assert_eq!(error(visitor.redeem(&code, VERIFIER).await), (400, "invalid_grant".to_owned()));
    let other = "another-verifier-another-verifier-another-verifier";
    let code = visitor.code().await;
    assert_eq!(error(visitor.redeem(&code, other).await), (400, "invalid_grant".to_owned()));
    let nobody = visitor.ask(&[("client_id", "x")]).await.unwrap();
    assert_eq!(error(nobody), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_its_family() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    provider.is_visited_by("grace");
    let first = visitor.tokens().await;
    let (_, second) = visitor.refresh(&first["refresh_token"]).await.unwrap();
    assert_eq!(visitor.account(&second).await.as_deref(), Some("grace"));
    assert_eq!(
        error(visitor.refresh(&first["refresh_token"]).await.unwrap()),
        (400, "invalid_grant".to_owned())
    );
    assert_eq!(
        error(visitor.refresh(&second["refresh_token"]).await.unwrap()),
        (400, "invalid_grant".to_owned())
    );
    assert_eq!(visitor.account(&second).await, None);
    assert_eq!((provider.refreshes(), provider.reuses(), provider.attempts()), (1, 1, 3));
}

#[tokio::test]
async fn a_provider_with_grace_repeats_its_answer() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    provider.repeats_itself();
    let first = visitor.tokens().await;
    provider.next(Turn::fault(Fault::CutAfterCommit));
    assert!(visitor.refresh(&first["refresh_token"]).await.is_none());
    let (status, second) = visitor.refresh(&first["refresh_token"]).await.unwrap();
    assert_eq!((status.as_u16(), provider.refreshes(), provider.reuses()), (200, 1, 1));
    assert_eq!(visitor.account(&second).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn answers_are_as_they_were_planned() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    let tokens = visitor.tokens().await;
    let refresh = &tokens["refresh_token"];
    provider.next(Turn::fault(Fault::Cut));
    assert!(visitor.refresh(refresh).await.is_none());
    provider.next(Turn::fault(Fault::Answer(Answer::html(502))));
    assert_eq!(visitor.refresh(refresh).await.unwrap(), (StatusCode::BAD_GATEWAY, Value::Null));
    assert_eq!((provider.refreshes(), provider.reuses()), (0, 0), "nothing was committed");
    provider.next(Turn { keeps_refresh_token: true, expires_in: Some(json!("60")), ..Turn::default() });
    let (_, renewed) = visitor.refresh(refresh).await.unwrap();
    assert_eq!((renewed.get("refresh_token"), &renewed["expires_in"]), (None, &json!("60")));
    provider.always(Turn { expires_in: Some(Value::Null), ..Turn::default() });
    let (_, renewed) = visitor.refresh(refresh).await.unwrap();
    assert_eq!(renewed.get("expires_in"), None);
    provider.next(Turn::fault(Fault::AnswerAfterCommit(Answer::json(503, "{}"))));
    assert_eq!(visitor.refresh(&renewed["refresh_token"]).await.unwrap().0, 503);
    assert_eq!(provider.refreshes(), 3, "that one was committed");
}

#[tokio::test]
async fn a_request_waits_at_a_gate() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    let tokens = visitor.tokens().await;
    for (when, committed) in [(When::BeforeCommit, 0), (When::AfterCommit, 1)] {
        let (turn, gate) = Turn::gate(when);
        provider.next(Turn { keeps_refresh_token: true, ..turn });
        let (answer, ()) = tokio::join!(visitor.refresh(&tokens["refresh_token"]), async {
            gate.reached().await;
            assert_eq!(provider.refreshes() - usize::from(when == When::AfterCommit), committed, "{when:?}");
            gate.open();
        });
        assert_eq!(answer.unwrap().0, 200);
    }
}

#[tokio::test]
async fn tokens_end() {
    let provider = Provider::start().await;
    let visitor = Visitor(&provider);
    provider.set_lifetime(Duration::ZERO);
    assert_eq!(visitor.account(&visitor.tokens().await).await, None);
    provider.set_lifetime(Duration::from_mins(1));
    let tokens = visitor.tokens().await;
    assert_eq!(visitor.account(&tokens).await.as_deref(), Some("ada"));
    provider.expire_access_tokens();
    assert_eq!(visitor.account(&tokens).await, None);
    assert_eq!(visitor.refresh(&tokens["refresh_token"]).await.unwrap().0, 200);
    let others = visitor.tokens().await;
    provider.withdraw();
    assert_eq!(
        error(visitor.refresh(&others["refresh_token"]).await.unwrap()),
        (400, "invalid_grant".to_owned())
    );
    let request = http_client::form(
        "/revoke",
        &[
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("token", others["refresh_token"].as_str().unwrap()),
        ],
    );
    assert_eq!(http_client::send(provider.address(), request).await.status, 200);
    assert_eq!(provider.revocations(), 1);
    assert!(provider.secrets().contains(&others["refresh_token"].as_str().unwrap().to_owned()));
}
