use super::*;

fn pending(promises_issuer: bool) -> Pending {
    Pending {
        issuer: "https://as.test".to_owned(),
        promises_issuer,
        state: Secret::from("right"),
        verifier: CodeVerifier::parse(&"v".repeat(43)).unwrap(),
        redirect_uri: "http://127.0.0.1:5000/callback".to_owned(),
        scope: Scope::parse("read offline_access").unwrap(),
    }
}

fn discovery(resource_scopes: &str, server_scopes: &[&str]) -> Discovery {
    let metadata = serde_json::json!({
        "issuer": "https://as.test",
        "authorization_endpoint": "https://as.test/authorize?tenant=1",
        "scopes_supported": server_scopes,
        "code_challenge_methods_supported": ["S256"],
    });
    Discovery {
        resource: ResourceIndicator::parse("https://api.test/mcp").unwrap(),
        scopes_supported: Some(Scope::parse(resource_scopes).unwrap()).filter(|scope| !scope.is_empty()),
        issuer: "https://as.test".to_owned(),
        metadata: serde_json::from_value(metadata).unwrap(),
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    NotOurs,
    Code(String),
    Error(AuthorizationError),
}

fn judged(promises_issuer: bool, query: &str) -> Seen {
    match judge_response(&pending(promises_issuer), query) {
        Verdict::NotOurs => Seen::NotOurs,
        Verdict::Accepted(Ok(code)) => Seen::Code(code.expose().clone()),
        Verdict::Accepted(Err(error)) | Verdict::Declined { outcome: Err(error), .. } => Seen::Error(error),
        Verdict::Declined { outcome: Ok(_), .. } => unreachable!("a declined response has no code"),
    }
}

#[test]
fn c9_the_issuer_is_compared_before_anything_else() {
    let mismatch =
        || Seen::Error(AuthorizationError::IssuerMismatch { issuer: "https://as.test".to_owned() });
    let code = || Seen::Code("c".to_owned());
    let rows = [
        (true, "code=c&state=right&iss=https%3A%2F%2Fas.test", code()),
        (false, "code=c&state=right&iss=https%3A%2F%2Fas.test", code()),
        (false, "code=c&state=right", code()),
        (true, "code=c&state=right", mismatch()),
        (true, "code=c&state=right&iss=", mismatch()),
        (true, "code=c&state=right&iss=https%3A%2F%2Fas.test%2F", mismatch()),
        (false, "code=c&state=right&iss=https%3A%2F%2FAS.test", mismatch()),
        (false, "code=c&state=right&iss=https%3A%2F%2Fevil.test", mismatch()),
        (
            false,
            "error=access_denied&error_description=call+555&state=right&iss=https%3A%2F%2Fevil.test",
            mismatch(),
        ),
        (true, "error=access_denied&state=right", mismatch()),
    ];
    for (promises, query, expected) in rows {
        assert_eq!(judged(promises, query), expected, "{promises} {query}");
    }
}

#[test]
fn cl_03_a_response_without_our_state_is_not_ours() {
    for query in [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=wrong",
        "code=c&state=Right",
        "code=c&state=right&state=right",
        "code=c&state=right&state=wrong",
        "code=c&code=d&state=right",
        "error=access_denied",
        "code=%ff&state=right",
    ] {
        assert_eq!(judged(false, query), Seen::NotOurs, "{query}");
    }
}

#[test]
fn cl_05_error_responses_lose_their_control_characters() {
    let refused = judged(false, "error=access_denied&error_description=%1b%5b31mno&state=right");
    let Seen::Error(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.to_string(), "the login was refused: access_denied ([31mno)");
    for query in ["state=right", "code=c&error=e&state=right"] {
        assert_eq!(judged(false, query), Seen::Error(AuthorizationError::Malformed), "{query}");
    }
}

#[test]
fn the_authorization_request_says_everything() {
    let url = authorization_url(
        &discovery("", &[]).metadata,
        &pending(true),
        "https://client.test/id.json",
        &ResourceIndicator::parse("https://api.test/mcp").unwrap(),
    )
    .unwrap();
    let challenge = CodeChallenge::of(&pending(true).verifier).to_text();
    let expected = format!(
        "https://as.test/authorize?tenant=1&response_type=code&client_id=https%3A%2F%2Fclient.test%2Fid.json\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback&state=right&code_challenge={challenge}\
         &code_challenge_method=S256&resource=https%3A%2F%2Fapi.test%2Fmcp&scope=offline_access+read&prompt=consent"
    );
    assert_eq!(url.as_str(), expected);
}

#[tokio::test]
async fn md_09_without_s256_nothing_starts() {
    for methods in
        ["", r#","code_challenge_methods_supported":["plain"]"#, r#","code_challenge_methods_supported":[]"#]
    {
        let metadata: AuthorizationServerMetadata = serde_json::from_str(&format!(
            r#"{{"issuer":"https://as.test","authorization_endpoint":"https://as.test/authorize"{methods}}}"#
        ))
        .unwrap();
        let error = prepare(&metadata).await.err();
        assert_eq!(
            error,
            Some(AuthorizationError::NoPkce { issuer: "https://as.test".to_owned() }),
            "{methods}"
        );
    }
}

struct Counting(std::sync::atomic::AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn cl_07_state_and_verifier_are_independent() {
    let discovery = discovery("", &[]);
    let flow = prepare(&discovery.metadata)
        .await
        .unwrap()
        .begin(&discovery, "c", Scope::default(), &Counting(0.into()))
        .unwrap();
    assert_ne!(flow.pending.state.expose(), flow.pending.verifier.expose());
    assert!(!flow.url().as_str().contains(flow.pending.verifier.expose()));
}

#[test]
fn c13_and_c15_the_scope_to_ask_for() {
    let scope = |text: &str| Scope::parse(text).unwrap();
    let select = |asked: Option<&str>, challenged: Option<&str>, resource: &str, server: &[&str]| {
        select_scope(asked.map(scope).as_ref(), challenged.map(scope).as_ref(), &discovery(resource, server))
            .to_string()
    };
    assert_eq!(select(None, Some("a"), "b c", &[]), "a");
    assert_eq!(select(None, None, "b c", &[]), "b c");
    assert_eq!(select(None, None, "", &[]), "");
    assert_eq!(select(Some("x"), Some("a"), "b c", &[]), "x");
    assert_eq!(select(None, Some("a"), "", &["offline_access"]), "a offline_access");
    assert_eq!(select(None, None, "b", &["b", "offline_access"]), "b offline_access");
    assert_eq!(select(None, None, "", &["offline_access"]), "");
    assert_eq!(select(None, None, "b", &["b"]), "b");
}
