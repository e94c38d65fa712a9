//! AZ-17 to AZ-19: who may decide, and about what.

use std::sync::Arc;

use super::{
    client::AuthorizationRequest,
    expect, forger,
    scripted_browser::ScriptedBrowser,
    world::{CALLBACK, Tokens, World},
};

fn no_code(world: &World) {
    assert_eq!(world.database().count("authorization_codes", "true"), 0);
    assert_eq!(world.database().count("authorization_requests", "decided_at IS NOT NULL"), 0);
}

#[tokio::test]
async fn az_17_only_our_own_form_in_the_same_browser_decides() {
    let world = World::alone();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut victim = ScriptedBrowser::new(&world);
    let transaction = victim.sign_in(&request).await;
    let form = [("transaction", transaction.as_str()), ("decision", "allow")];
    for (origin, site) in [
        (Some("https://evil.test"), Some("cross-site")),
        (Some("https://evil.test"), Some("same-origin")),
        (Some("https://evil.test"), None),
        (Some("null"), Some("cross-site")),
        (Some("null"), None),
        (None, Some("cross-site")),
        (None, Some("same-site")),
        (Some(world.issuer()), Some("cross-site")),
        (Some(&*world.issuer().replace("127.0.0.1", "localhost")), None),
        (Some(&*format!("{}/", world.issuer())), None),
        (Some(&*format!("{}.evil.test", world.issuer())), None),
    ] {
        let answer = victim.post_from(origin, site, ("/consent", &form)).await;
        expect::error_page(&answer, 403, CALLBACK);
    }
    no_code(&world);

    // The transaction is the form's secret: without it, with another browser's, by another method.
    let mut attacker = ScriptedBrowser::new(&world);
    let theirs = attacker.sign_in(&request).await;
    expect::error_page(&victim.post("/consent", &[("decision", "allow")]).await, 400, CALLBACK);
    expect::error_page(&victim.decide(&theirs, "allow").await, 403, CALLBACK);
    expect::error_page(&attacker.decide(&transaction, "allow").await, 403, CALLBACK);
    let get = victim.get(&format!("/consent?transaction={transaction}&decision=allow")).await;
    expect::page(&get, 200);
    for decision in ["", "yes", "ALLOW", "allow ", "allow\0", "maybe"] {
        expect::error_page(&victim.decide(&transaction, decision).await, 400, CALLBACK);
    }
    let both = [("transaction", transaction.as_str()), ("decision", "deny"), ("decision", "allow")];
    expect::error(&victim.post("/consent", &both).await, 400, "invalid_request");
    no_code(&world);

    // After all that the person can still decide; once.
    expect::code(&world, &victim.decide(&transaction, "allow").await);
    for decision in ["allow", "deny"] {
        expect::error_page(&victim.decide(&transaction, decision).await, 403, CALLBACK);
    }
    assert_eq!(world.database().count("authorization_codes", "true"), 1);
}

#[tokio::test]
async fn az_17_of_many_decisions_at_once_one_counts() {
    let world = World::alone();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
    let cookies = ["vestibule_browser", "vestibule_session"]
        .map(|name| format!("{name}={}", browser.cookie(name).expect("the browser has it")))
        .join("; ");
    let fields = [("transaction", transaction.as_str()), ("decision", "allow")];
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let mut request = crate::http_client::form("/consent", &fields);
            request.headers_mut().insert("cookie", cookies.parse().expect("cookies fit into a header"));
            let server = Arc::clone(&world.server);
            tokio::spawn(async move { server.send(request).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.expect("the attempt ends"));
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[403; 15][..]));
    assert_eq!(world.database().count("authorization_codes", "true"), 1);
}

#[tokio::test]
async fn az_18_the_form_changes_nothing_of_what_was_asked() {
    let world = World::shared();
    let (ours, theirs) = (world.public_client().await, world.confidential_client().await);
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &ours)).await;
    let answer = browser
        .post(
            "/consent",
            &[
                ("transaction", &transaction),
                ("decision", "allow"),
                ("client_id", &theirs.id),
                ("scope", "read write admin"),
                ("redirect_uri", "https://evil.test/cb"),
                ("resource", "https://evil.test/"),
                ("state", "evil"),
                ("code_challenge", "evil"),
                ("user_id", "root"),
            ],
        )
        .await;
    let code = expect::code(&world, &answer);
    assert!(expect::onward(&answer).starts_with(&format!("{CALLBACK}?")));
    let tokens = Tokens::of(&world.redeem(&ours, &code).await);
    let claims = forger::claims(&tokens.access);
    assert_eq!((&claims["scope"], &claims["client_id"]), (&"read".into(), &ours.id.clone().into()));
    assert_eq!(claims["aud"], world.resource());
}

#[tokio::test]
async fn az_18_a_transaction_cannot_be_made_up() {
    let world = World::shared();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
    let mut changed = transaction.clone().into_bytes();
    changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("a transaction is ASCII");
    for forged in [
        changed.as_str(),
        &transaction[..transaction.len() - 1],
        &transaction.replace("vst_ar_", "vst_ac_"),
        &transaction.to_uppercase(),
        &format!("{transaction}\0"),
        &format!(" {transaction}"),
        "vst_ar_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "' OR 1=1 --",
        "../consent",
    ] {
        expect::error_page(&browser.decide(forged, "allow").await, 400, CALLBACK);
        let query: String = url::form_urlencoded::byte_serialize(forged.as_bytes()).collect();
        expect::error_page(&browser.get(&format!("/consent?transaction={query}")).await, 400, CALLBACK);
    }
}

#[tokio::test]
async fn az_19_what_one_browser_began_another_cannot_go_on_with() {
    let world = World::alone();
    let client = world.public_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut attacker = ScriptedBrowser::new(&world);
    let transaction = attacker.start(&request).await;
    // The victim is signed in, has a transaction of their own, and follows the attacker's links.
    let mut victim = ScriptedBrowser::new(&world);
    victim.sign_in(&request).await;
    for page in ["login", "consent"] {
        let answer = victim.get(&format!("/{page}?transaction={transaction}")).await;
        expect::error_page(&answer, 403, CALLBACK);
    }
    expect::error_page(&victim.decide(&transaction, "allow").await, 403, CALLBACK);
    no_code(&world);
    // And a browser that has never been here has nothing to go on with either.
    let answer = ScriptedBrowser::new(&world).get(&format!("/consent?transaction={transaction}")).await;
    expect::error_page(&answer, 403, CALLBACK);
}

#[tokio::test]
async fn a_decision_needs_somebody_who_is_signed_in() {
    let world = World::alone();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
    for decision in ["allow", "deny"] {
        let answer = browser.decide(&transaction, decision).await;
        assert!(expect::see_other(&answer).contains("/login?"), "{decision}");
    }
    no_code(&world);
}

#[tokio::test]
async fn a_decision_comes_too_late() {
    let world = World::alone();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
    world.database().execute("UPDATE authorization_requests SET expires_at = 1");
    for decision in ["allow", "deny"] {
        expect::error_page(&browser.decide(&transaction, decision).await, 400, CALLBACK);
    }
    no_code(&world);
}

#[tokio::test]
async fn az_17_whoever_was_disabled_decides_nothing() {
    let world = World::alone();
    let client = world.public_client().await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
    world.database().execute("UPDATE users SET state = 'disabled'");
    let answer = browser.decide(&transaction, "allow").await;
    assert!(expect::see_other(&answer).contains("/login?"));
    let answer = browser.try_password(&transaction, crate::server::USERNAME, crate::server::PASSWORD).await;
    expect::page(&answer, 401);
    no_code(&world);
}
