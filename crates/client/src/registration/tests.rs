use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1000);
const REDIRECT: &str = "http://127.0.0.1:5000/callback";

fn metadata(members: &str) -> AuthorizationServerMetadata {
    serde_json::from_str(&format!("{{\"issuer\":\"https://as.test\"{members}}}")).unwrap()
}

fn stored(expires_at: Option<i64>) -> Registration {
    Registration {
        client_id: "stored".to_owned(),
        client_secret: None,
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        expires_at: expires_at.map(Timestamp::from_seconds),
    }
}

fn by_hand(secret: Option<&str>, issuer: Option<&str>) -> PreRegistered {
    PreRegistered {
        client_id: "by-hand".to_owned(),
        client_secret: secret.map(Secret::from),
        issuer: issuer.map(str::to_owned),
    }
}

#[test]
fn the_order_is_by_hand_then_document_then_stored_then_dynamic() {
    let all = metadata(
        r#","client_id_metadata_document_supported":true,"registration_endpoint":"https://as.test/register",
           "token_endpoint_auth_methods_supported":["none"]"#,
    );
    let document = Some("https://client.test/id.json");
    let name = |choice: Result<Choice, RegistrationError>| match choice {
        Ok(Choice::Known(registration)) => registration.client_id,
        Ok(Choice::Register { endpoint, .. }) => endpoint,
        Err(error) => error.to_string(),
    };
    let client = by_hand(None, None);
    let register = "https://as.test/register";
    assert_eq!(name(choose(&all, Some(&client), document, Some(stored(None)), NOW)), "by-hand");
    assert_eq!(name(choose(&all, None, document, Some(stored(None)), NOW)), "https://client.test/id.json");
    assert_eq!(name(choose(&all, None, None, Some(stored(None)), NOW)), "stored");
    assert_eq!(name(choose(&all, None, None, Some(stored(Some(1001))), NOW)), "stored");
    assert_eq!(name(choose(&all, None, None, Some(stored(Some(1000))), NOW)), register);
    assert_eq!(name(choose(&all, None, None, None, NOW)), register);
    let no_document = metadata(r#","registration_endpoint":"https://as.test/register""#);
    assert_eq!(name(choose(&no_document, None, document, None, NOW)), register);
    assert!(name(choose(&metadata(""), None, document, None, NOW)).contains("offers no registration"));
}

#[test]
fn md_13_credentials_made_by_hand_stay_with_their_issuer() {
    let found = metadata("");
    assert!(choose(&found, Some(&by_hand(None, Some("https://as.test"))), None, None, NOW).is_ok());
    let error =
        choose(&found, Some(&by_hand(Some("s"), Some("https://old.test"))), None, None, NOW).unwrap_err();
    assert!(matches!(error, RegistrationError::OtherIssuer { .. }));
}

#[test]
fn the_method_follows_the_server() {
    use TokenEndpointAuthMethod::{ClientSecretBasic, ClientSecretPost, None as Public};
    let rows = [
        ("", Some(ClientSecretBasic), Some(ClientSecretBasic)),
        (r#"["none"]"#, Some(Public), None),
        (r#"["client_secret_post","none"]"#, Some(Public), Some(ClientSecretPost)),
        (r#"["client_secret_post","client_secret_basic"]"#, Some(ClientSecretBasic), Some(ClientSecretBasic)),
        (r#"["client_secret_post"]"#, Some(ClientSecretPost), Some(ClientSecretPost)),
        (r#"["private_key_jwt"]"#, None, None),
    ];
    for (listed, dynamic, confidential) in rows {
        let member = match listed {
            "" => String::new(),
            listed => format!(",\"token_endpoint_auth_methods_supported\":{listed}"),
        };
        let metadata = metadata(&member);
        assert_eq!(method(&metadata).ok(), dynamic, "{listed}");
        assert_eq!(secret_method(&metadata), confidential, "{listed}");
    }
}

#[test]
fn cl_14_registration_responses_are_judged() {
    let judged = |body: &str, requested| judge(StatusCode::CREATED, body.as_bytes(), REDIRECT, requested);
    let public = TokenEndpointAuthMethod::None;
    let basic = TokenEndpointAuthMethod::ClientSecretBasic;
    let long = "x".repeat(1 << 20);
    let accepted = [
        (r#"{"client_id":"c"}"#.to_owned(), public),
        (r#"{"client_id":"c","client_secret":"s"}"#.to_owned(), basic),
        (format!(r#"{{"client_id":"c","redirect_uris":["{REDIRECT}"],"unknown":[1]}}"#), public),
        (r#"{"client_id":"c","token_endpoint_auth_method":"none"}"#.to_owned(), basic),
    ];
    for (body, requested) in accepted {
        assert!(judged(&body, requested).is_ok(), "{body}");
    }
    let refused = [
        ("{}".to_owned(), public),
        ("<html>".to_owned(), public),
        (r#"{"client_id":""}"#.to_owned(), public),
        (r#"{"client_id":"a\r\nb"}"#.to_owned(), public),
        (format!(r#"{{"client_id":"{long}"}}"#), public),
        (r#"{"client_id":"c"}"#.to_owned(), basic),
        (format!(r#"{{"client_id":"c","client_secret":"{long}"}}"#), basic),
        (r#"{"client_id":"c","redirect_uris":["https://evil.test/"]}"#.to_owned(), public),
        (r#"{"client_id":"c","grant_types":["client_credentials"]}"#.to_owned(), public),
        (r#"{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}"#.to_owned(), public),
    ];
    for (body, requested) in refused {
        let error = judged(&body, requested).unwrap_err();
        assert!(matches!(error, RegistrationError::Malformed(_)), "{error}");
    }
}

#[test]
fn a_public_client_keeps_no_secret_and_a_secret_keeps_its_end() {
    let body = br#"{"client_id":"c","client_secret":"s","client_secret_expires_at":5}"#;
    let public = judge(StatusCode::CREATED, body, REDIRECT, TokenEndpointAuthMethod::None).unwrap();
    assert!(public.client_secret.is_none() && public.expires_at.is_none());
    let confidential =
        judge(StatusCode::CREATED, body, REDIRECT, TokenEndpointAuthMethod::ClientSecretPost).unwrap();
    assert_eq!(confidential.expires_at, Some(Timestamp::from_seconds(5)));
}

#[test]
fn a_refusal_says_what_the_server_said() {
    let body = br#"{"error":"invalid_redirect_uri","error_description":"no \u001b[31mloopback"}"#;
    let error = judge(StatusCode::BAD_REQUEST, body, REDIRECT, TokenEndpointAuthMethod::None).unwrap_err();
    assert_eq!(error.to_string(), "the registration was refused: invalid_redirect_uri (no [31mloopback)");
}
