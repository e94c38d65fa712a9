use super::*;

fn resource(text: &str) -> ResourceIndicator {
    ResourceIndicator::parse(text).unwrap()
}

#[test]
fn md_06_metadata_about_another_resource_is_refused() {
    let server = resource("https://api.test/v1/mcp");
    let rows = [
        ("https://api.test/v1/mcp", true),
        ("https://API.test/v1/mcp", true),
        ("https://api.test/v1", true),
        ("https://api.test/v1/", true),
        ("https://api.test", true),
        ("https://honest.test/v1/mcp", false),
        ("http://localhost/v1/mcp", false),
        ("https://api.test:8443/v1/mcp", false),
        ("https://api.test/v1/mcp/more", false),
        ("https://api.test/v1/mc", false),
        ("https://api.test/v2", false),
        ("https://api.test/v1?x=1", false),
        ("https://api.test.evil.test/v1/mcp", false),
    ];
    for (stated, accepted) in rows {
        let body = format!("{{\"resource\":\"{stated}\",\"authorization_servers\":[\"https://as.test\"]}}");
        let judged = judge_resource(&server, "https://x.test", StatusCode::OK, body.as_bytes());
        assert_eq!(judged.is_ok(), accepted, "{stated}");
    }
}

#[test]
fn resource_metadata_must_be_a_200_with_a_resource() {
    let server = resource("https://api.test/mcp");
    let body = br#"{"resource":"https://api.test/mcp"}"#;
    assert!(judge_resource(&server, "u", StatusCode::OK, body).is_ok());
    assert!(judge_resource(&server, "u", StatusCode::FOUND, body).is_err());
    for body in [&b"<html>"[..], b"{}", b"[]", b"", br#"{"resource":7}"#] {
        let error = judge_resource(&server, "u", StatusCode::OK, body).unwrap_err();
        assert!(matches!(error, DiscoveryError::NotResourceMetadata { .. }));
    }
}

#[test]
fn md_10_the_text_of_an_error_does_not_echo_the_body() {
    let server = resource("https://api.test/mcp");
    let error = judge_resource(&server, "https://x.test", StatusCode::OK, b"ami-id: hunter2").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn md_07_the_issuer_must_be_identical() {
    let rows = [
        ("https://as.test", "https://as.test", true),
        ("https://as.test", "https://as.test/", false),
        ("https://as.test/", "https://as.test/", true),
        ("https://as.test", "https://AS.test", false),
        ("https://as.test", "https://honest.test", false),
        ("https://as.test/t1", "https://as.test/t2", false),
        ("https://as.test", "https://as.test:443", false),
    ];
    for (asked, stated, accepted) in rows {
        let body = format!("{{\"issuer\":\"{stated}\",\"response_types_supported\":[\"code\"]}}");
        let judged = judge_metadata(asked, StatusCode::OK, body.as_bytes());
        assert_eq!(judged.is_ok(), accepted, "{asked} {stated}");
    }
}

#[test]
fn another_place_is_tried_when_there_is_no_metadata() {
    for (status, body) in [(404, "{}"), (500, ""), (200, "<html>"), (200, "{\"issuer\":7}"), (302, "")] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(judge_metadata("https://as.test", status, body.as_bytes()), Ok(None), "{body}");
    }
}

#[test]
fn metadata_is_probed_in_the_prescribed_order() {
    assert_eq!(
        metadata_urls("https://as.test/t1").unwrap(),
        [
            "https://as.test/.well-known/oauth-authorization-server/t1",
            "https://as.test/.well-known/openid-configuration/t1",
            "https://as.test/t1/.well-known/openid-configuration",
        ]
    );
    for issuer in ["https://as.test", "https://as.test/"] {
        assert_eq!(
            metadata_urls(issuer).unwrap(),
            [
                "https://as.test/.well-known/oauth-authorization-server",
                "https://as.test/.well-known/openid-configuration",
            ]
        );
    }
    for malformed in ["http://as.test", "file:///x", "https://u@as.test", "https://as.test?x", "as.test", ""]
    {
        assert_eq!(metadata_urls(malformed), None, "{malformed}");
    }
}

#[test]
fn md_11_of_a_long_list_only_the_first_eight_servers_count() {
    let listed: Vec<String> = (0..10_000).map(|number| format!("https://as{number}.test")).collect();
    assert_eq!(choose_issuer(&listed, None).as_deref(), Some("https://as0.test"));
    assert_eq!(choose_issuer(&listed, Some("https://as7.test")).as_deref(), Some("https://as7.test"));
    assert_eq!(choose_issuer(&listed, Some("https://as8.test")).as_deref(), Some("https://as0.test"));
    let unusable = vec!["gopher://x".to_owned(); 8];
    assert_eq!(choose_issuer(&[unusable, listed].concat(), None), None);
}

#[test]
fn what_a_person_types_becomes_canonical() {
    let rows = [
        ("https://API.test/mcp", Some("https://api.test/mcp")),
        (" https://api.test/ ", Some("https://api.test")),
        ("https://api.test/mcp#tools", Some("https://api.test/mcp")),
        ("http://localhost:8080/mcp", Some("http://localhost:8080/mcp")),
        ("http://api.test/mcp", None),
        ("https://u:p@api.test/mcp", None),
        ("api.test/mcp", None),
        ("file:///etc/passwd", None),
    ];
    for (typed, expected) in rows {
        assert_eq!(server_url(typed).ok().as_ref().map(ResourceIndicator::as_str), expected, "{typed}");
    }
}
