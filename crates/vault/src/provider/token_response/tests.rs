use super::*;
use crate::provider::{AccountMembers, Preset};

const NOW: Timestamp = Timestamp::from_seconds(1000);

fn answer(status: u16, content_type: &str, body: &str) -> Response<Bytes> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
    response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn judged_by(
    quirks: &Quirks,
    accounts: &AccountSource,
    response: &Response<Bytes>,
) -> Result<Tokens, Failure> {
    let asked = Scope::parse("read write").unwrap();
    let sent = Secret::from("the-code");
    judge(response, &Expected { quirks, asked: &asked, accounts, sent: &[&sent] }, NOW)
}

fn judged(body: &str) -> Result<Tokens, Failure> {
    judged_by(&Quirks::default(), &AccountSource::None, &answer(200, "application/json", body))
}

#[test]
fn va_14_lifetimes_are_believed_within_reason() {
    let seconds = |expires_in: &str| {
        let body = format!(r#"{{"access_token":"a","token_type":"Bearer"{expires_in}}}"#);
        judged(&body).unwrap().expires_at.map(|end| end.since(NOW).as_secs())
    };
    assert_eq!(seconds(r#","expires_in":3600"#), Some(3600));
    assert_eq!(seconds(r#","expires_in":"3600""#), Some(3600));
    assert_eq!(seconds(r#","expires_in":3599.9"#), Some(3599));
    assert_eq!(seconds(r#","expires_in":1000000000"#), Some(LONGEST_LIFETIME));
    assert_eq!(seconds(r#","expires_in":18446744073709551615"#), Some(LONGEST_LIFETIME));
    assert_eq!(seconds(r#","expires_in":1e300"#), None);
    for unsaid in ["", r#","expires_in":0"#, r#","expires_in":-1"#, r#","expires_in":"soon""#] {
        assert_eq!(seconds(unsaid), None, "{unsaid}");
    }
    for unsaid in [r#","expires_in":null"#, r#","expires_in":"-1""#, r#","expires_in":[]"#] {
        assert_eq!(seconds(unsaid), None, "{unsaid}");
    }
    let quirks = Quirks { default_lifetime: Some(Duration::from_mins(1)), ..Quirks::default() };
    let response = answer(200, "application/json", r#"{"access_token":"a","expires_in":0}"#);
    let tokens = judged_by(&quirks, &AccountSource::None, &response).unwrap();
    assert_eq!(tokens.expires_at, Some(NOW + Duration::from_mins(1)));
}

#[test]
fn answers_that_must_not_be_used() {
    let long = "x".repeat(LONGEST + 1);
    for body in [
        "<html>".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"access_token":""}"#.to_owned(),
        r#"{"access_token":7}"#.to_owned(),
        r#"{"access_token":"a\r\nX-Evil: 1"}"#.to_owned(),
        r#"{"access_token":"a b"}"#.to_owned(),
        format!(r#"{{"access_token":"{long}"}}"#),
        r#"{"access_token":"a","token_type":"mac"}"#.to_owned(),
        r#"{"access_token":"a","token_type":"DPoP"}"#.to_owned(),
        r#"{"access_token":"a","refresh_token":"r\n"}"#.to_owned(),
    ] {
        assert!(matches!(judged(&body), Err(Failure::Unreadable(_))), "{body}");
    }
}

#[test]
fn an_error_with_200_is_an_error() {
    for body in [
        r#"{"error":"bad_verification_code","error_description":"the-code is incorrect"}"#,
        r#"{"ok":false,"error":"invalid_code"}"#,
        r#"{"error":"x","access_token":"a"}"#,
    ] {
        let failure = judged(body).unwrap_err();
        assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
        assert!(!failure.to_string().contains("the-code"), "{failure}");
    }
    assert!(judged(r#"{"ok":true,"access_token":"a","error":null}"#).is_ok());
}

#[test]
fn va_13_a_form_is_read_only_where_the_provider_sends_forms() {
    let body = "access_token=gho_1&scope=repo%2Cgist&token_type=bearer";
    let form = answer(200, "application/x-www-form-urlencoded; charset=utf-8", body);
    let refused = judged_by(&Quirks::default(), &AccountSource::None, &form);
    assert!(matches!(refused, Err(Failure::Unreadable(_))));
    let github = Preset::of("github", None).unwrap().unwrap();
    let tokens = judged_by(&github.quirks, &github.accounts, &form).unwrap();
    assert_eq!(
        (tokens.access_token.expose().as_str(), tokens.scope.to_string().as_str()),
        ("gho_1", "gist repo")
    );
    let body = "error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect";
    let gone = answer(200, "application/x-www-form-urlencoded", body);
    assert!(matches!(judged_by(&github.quirks, &github.accounts, &gone), Err(Failure::Gone(_))));
}

#[test]
fn tokens_may_be_inside_another_object() {
    let slack = Preset::of("slack", None).unwrap().unwrap();
    let judged = |body| judged_by(&slack.quirks, &slack.accounts, &answer(200, "application/json", body));
    let tokens = judged(
        r#"{"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"chat:write","authed_user":{"id":"U1",
            "scope":"read,write","access_token":"xoxp-1","refresh_token":"xoxe-1","expires_in":43200,
            "token_type":"user"}}"#,
    );
    let tokens = tokens.unwrap();
    assert_eq!(tokens.access_token.expose(), "xoxp-1");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "xoxe-1");
    assert_eq!(tokens.scope.to_string(), "read write");
    assert_eq!(tokens.account.unwrap().id, "U1");
    let refreshed =
        judged(r#"{"ok":true,"access_token":"xoxp-2","refresh_token":"xoxe-2","token_type":"user"}"#);
    assert_eq!(refreshed.unwrap().access_token.expose(), "xoxp-2");
    let gone = judged(r#"{"ok":false,"error":"invalid_refresh_token"}"#);
    assert!(matches!(gone, Err(Failure::Gone(_))));
}

#[test]
fn scopes_come_in_many_forms() {
    let granted = |scope: &str, quirks: &Quirks| {
        let body = format!(r#"{{"access_token":"a"{scope}}}"#);
        let response = answer(200, "application/json", &body);
        judged_by(quirks, &AccountSource::None, &response).unwrap().scope.to_string()
    };
    let standard = Quirks::default();
    assert_eq!(granted("", &standard), "read write");
    assert_eq!(granted(r#","scope":"read""#, &standard), "read");
    assert_eq!(granted(r#","scope":["read","admin"]"#, &standard), "admin read");
    assert_eq!(granted(r#","scope":"""#, &standard), "read write");
    assert_eq!(granted(r#","scope":null"#, &standard), "read write");
    assert_eq!(granted(r#","scope":"a,b""#, &standard), "a,b");
    assert_eq!(
        granted(r#","scope":"a,b c""#, &Quirks { granted_by_comma: true, ..Quirks::default() }),
        "a b c"
    );
    let other = Quirks { granted_member: "scopes".into(), ..Quirks::default() };
    assert_eq!(granted(r#","scope":"x","scopes":"read""#, &other), "read");
}

#[test]
fn the_account_may_stand_in_the_answer() {
    let accounts = AccountSource::TokenResponse(AccountMembers::new(&["/data/gid"], &["/data/name"]));
    let body = r#"{"access_token":"a","data":{"gid":"12","name":"Ada"}}"#;
    let account =
        judged_by(&Quirks::default(), &accounts, &answer(200, "application/json", body)).unwrap().account;
    assert_eq!(account.map(|account| (account.id, account.name)), Some(("12".into(), Some("Ada".into()))));
}

#[test]
fn va_17_tokens_are_not_printed() {
    let body = r#"{"access_token":"canary-1","refresh_token":"canary-2","id_token":"canary-3"}"#;
    assert!(!format!("{:?}", judged(body).unwrap()).contains("canary"));
}
