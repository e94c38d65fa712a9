//! Tokens of another issuer, which here is another Vestibule.

use std::time::{Duration, Instant};

use http::{Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{call, result, vestibule};
use crate::{
    canary::search::Canaries,
    http_client::{self, Answer},
    server::{Server, Settings},
};

/// What a server is told that trusts `elsewhere`, whose tokens for its own demo server mean this one; `more` for the
/// issuer.
fn configuration(elsewhere: &Server, issuers: &str, more: &str) -> String {
    format!(
        "[[server]]\nname = \"demo\"\nkind = \"demo\"\n{issuers}\n[[issuer]]\nurl = {:?}\naudiences = [{:?}]\n{more}\n",
        elsewhere.issuer(),
        elsewhere.mcp_url(),
    )
}

fn trusting(elsewhere: &Server, issuers: &str, more: &str) -> Server {
    let configuration = Some(configuration(elsewhere, issuers, more));
    Server::start(&Settings { configuration, log: Some("trace"), ..Settings::default() })
}

/// A client of `server` that acts for itself, and a token for its demo server.
async fn token(server: &Server) -> String {
    let registration = json!({
        "client_name": "agent",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = server.send(http_client::json("/register", &registration)).await.json();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("resource", &server.mcp_url()),
    ];
    let tokens = server.send(http_client::form("/token", &fields)).await.json();
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

async fn calls(server: &Server, token: &str, tool: &str) -> Answer {
    let mut request = http_client::json("/mcp/demo", &call(tool, 1));
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers.insert("accept", "application/json, text/event-stream".parse().unwrap());
    headers.insert("mcp-protocol-version", "2026-07-28".parse().unwrap());
    headers.insert("mcp-method", "tools/call".parse().unwrap());
    headers.insert("mcp-name", tool.parse().unwrap());
    server.send(request).await
}

async fn authorization_servers(server: &Server) -> Value {
    let request = Request::get("/.well-known/oauth-protected-resource/mcp/demo").body(Bytes::new()).unwrap();
    server.send(request).await.json()["authorization_servers"].clone()
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_is_as_good_as_ours() {
    let elsewhere = Server::start(&Settings::default());
    let server = trusting(&elsewhere, "", "");
    assert_eq!(authorization_servers(&server).await, json!([server.issuer(), elsewhere.issuer()]));
    let token = token(&elsewhere).await;
    let profile = result(&calls(&server, &token, "get_user_profile").await);
    let client = profile["client_id"].as_str().unwrap();
    assert!(client.ends_with(&format!("@{}", elsewhere.issuer())), "{profile}");
    assert!(result(&calls(&server, &token, "get_data").await)["total"].as_u64() >= Some(3));

    // The audit log says whose subject it was.
    let issuer = Value::from(elsewhere.issuer());
    let deadline = Instant::now() + Duration::from_secs(20);
    let calls_of_theirs = || {
        let log =
            String::from_utf8(vestibule(&server.data_directory(), &["audit", "export"]).stdout).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["entry"]["event"]["person"]["issuer"] == issuer).count()
    };
    while calls_of_theirs() < 2 {
        assert!(Instant::now() < deadline, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // And the other way round nobody said so.
    let own = self::token(&server).await;
    assert_eq!(calls(&elsewhere, &own, "get_data").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(calls(&server, &own, "get_data").await.status, StatusCode::OK);
}

#[tokio::test]
async fn ei_03_a_server_chooses_whom_it_trusts() {
    let elsewhere = Server::start(&Settings::default());
    let own = trusting(&elsewhere, "issuers = [\"self\"]", "");
    let foreign = token(&elsewhere).await;
    assert_eq!(authorization_servers(&own).await, json!([own.issuer()]));
    assert_eq!(calls(&own, &foreign, "get_data").await.status, StatusCode::UNAUTHORIZED);

    // It changes its mind while it runs, and changes it back: the token that it knows by then is refused again.
    for (issuers, expect) in [("", StatusCode::OK), ("issuers = [\"self\"]", StatusCode::UNAUTHORIZED)] {
        own.reconfigure(&configuration(&elsewhere, issuers, ""));
        own.hang_up();
        let deadline = Instant::now() + Duration::from_secs(20);
        while calls(&own, &foreign, "get_data").await.status != expect {
            assert!(Instant::now() < deadline, "{expect}: {}", own.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    let theirs = trusting(&elsewhere, &format!("issuers = [{:?}]", elsewhere.issuer()), "");
    assert_eq!(authorization_servers(&theirs).await, json!([elsewhere.issuer()]));
    assert_eq!(calls(&theirs, &foreign, "get_data").await.status, StatusCode::OK);
}

#[tokio::test]
async fn ei_05_a_token_for_another_audience() {
    let elsewhere = Server::start(&Settings::default());
    let configuration = format!("[[issuer]]\nurl = {:?}\n", elsewhere.issuer());
    let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
    let answer = calls(&server, &token(&elsewhere).await, "get_data").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "it is for the demo server over there");
}

#[tokio::test]
async fn ei_07_an_issuer_that_is_away() {
    let mut elsewhere = Server::start(&Settings::default());
    let server = trusting(&elsewhere, "", "");
    let (seen, next) = (token(&elsewhere).await, token(&elsewhere).await);
    let late = trusting(&elsewhere, "", "");
    assert_eq!(calls(&server, &seen, "get_data").await.status, StatusCode::OK);
    elsewhere.kill();
    assert_eq!(calls(&server, &seen, "get_data").await.status, StatusCode::OK);
    assert_eq!(calls(&server, &next, "get_data").await.status, StatusCode::OK, "its keys are known");
    let answer = calls(&late, &seen, "get_data").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("10"));
}

#[tokio::test]
async fn an_issuer_can_be_asked_about_every_token() {
    let elsewhere = Server::start(&Settings::default());
    let arguments =
        ["client", "add", "gateway", "--confidential", "--introspects", &elsewhere.mcp_url(), "--json"];
    let client: Value =
        serde_json::from_slice(&vestibule(&elsewhere.data_directory(), &arguments).stdout).unwrap();
    let introspection = |secret: &Value| {
        format!("[issuer.introspection]\nclient_id = {}\nclient_secret = {secret}\n", client["client_id"])
    };
    let server = trusting(&elsewhere, "", &introspection(&client["client_secret"]));
    let mut canaries = Canaries::default();
    let token = token(&elsewhere).await;
    assert_eq!(calls(&server, &token, "get_data").await.status, StatusCode::OK);
    canaries.add("token", &token);
    canaries.add("client secret at the issuer", client["client_secret"].as_str().unwrap());
    canaries.are_not_in_log(&server.log());
    canaries.are_not_in(&server.data_directory());
    assert_eq!(calls(&server, "an-invented-token", "get_data").await.status, StatusCode::UNAUTHORIZED);
    let wrong = trusting(&elsewhere, "", &introspection(&json!("wrong")));
    let answer = calls(&wrong, &token, "get_data").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "whose mistake it is, the log says");
    assert!(wrong.log().contains("client_secret"), "{}", wrong.log());
}
