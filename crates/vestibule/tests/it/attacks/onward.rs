//! AZ-15 and AZ-17: from the form to the client, past `form-action` (decision 0034); in a real browser too.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    http::HeaderMap,
    response::{Html, Redirect},
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    client::{AuthorizationRequest, Client},
    expect,
    scripted_browser::ScriptedBrowser,
    world::{CALLBACK, WEB_CALLBACK, World, get as to},
};
use crate::{browser::Browser, http_client::Answer};

const APP_CALLBACK: &str = "cursor://anysphere.cursor-mcp/oauth/callback";

/// A site of its own origin that remembers who came.
struct Site {
    url: String,
    visits: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Site {
    /// Sends everybody on to `onward`, or shows a page.
    async fn start(onward: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let visits = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&visits);
        let answer = move |request: Request| async move {
            seen.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
            match onward {
                Some(onward) => Err(Redirect::to(&onward)),
                None => Ok(Html("<!doctype html><title>The app</title>")),
            }
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, visits }
    }

    /// What was asked for, without the browser's own wish for an icon.
    fn visits(&self) -> Vec<(String, HeaderMap)> {
        let visits = self.visits.lock().unwrap();
        visits.iter().filter(|(uri, _)| uri != "/favicon.ico").cloned().collect()
    }
}

async fn client_at(world: &World, redirect_uri: &str) -> Client {
    let metadata = json!({
        "client_name": "Leads on", "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none",
    });
    world.register(&metadata).await
}

/// The last directive of the policy: where forms of this page may lead.
#[track_caller]
fn form_action(page: &Answer) -> &str {
    expect::page(page, 200);
    let policy = page.header("content-security-policy").unwrap();
    policy.rsplit("; ").next().unwrap()
}

#[tokio::test]
async fn az_15_a_client_that_leads_on_to_another_origin_is_reached() {
    let world = World::shared();
    let app = Site::start(None).await;
    let callback = Site::start(Some(format!("{}/welcome", app.url))).await;
    let client = client_at(&world, &format!("{}/callback", callback.url)).await;
    let browser = Browser::new();
    browser.open(&format!("{}{}", world.issuer(), AuthorizationRequest::of(&world, &client).target())).await;

    let visit = browser.visit().await;
    assert_eq!(visit.landed, Some(format!("{}/welcome", app.url)), "{visit:#?}");
    let [(uri, headers)] = &callback.visits()[..] else { panic!("{:#?}", callback.visits()) };
    assert!(uri.starts_with("/callback?code=vst_ac_") && uri.contains("&iss=http"), "{uri}");
    assert_eq!(headers.get("referer"), None, "the way here is nobody's business");
    assert_eq!(app.visits().len(), 1);
    let paths: Vec<_> = visit.pages.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths, ["/login", "/consent"], "the page between asks nothing");
}

#[tokio::test]
async fn az_17_a_form_of_somebody_else_leads_nowhere() {
    let world = World::shared();
    let (thief, honest) = (Site::start(None).await, Site::start(None).await);
    // The thief's is the very origin that the client is at, which a policy for redirects would have to name.
    for elsewhere in [&thief, &honest] {
        let client = client_at(&world, &format!("{}/callback", honest.url)).await;
        let browser = Browser::with_injected_form(&format!("{}/steal", elsewhere.url));
        let url = format!("{}{}", world.issuer(), AuthorizationRequest::of(&world, &client).target());
        browser.open_link(&url).await;
        let problem = browser.visit().await.problem.expect("the browser refuses");
        assert!(problem.contains("refused: ") && problem.contains("form-action 'self'\""), "{problem}");
        assert_eq!(elsewhere.visits().len(), 0, "{:?}", elsewhere.visits());
    }
}

#[tokio::test]
async fn az_17_forms_of_browsers_lead_to_us_alone() {
    let world = World::shared();
    for (redirect_uri, expected) in [
        (CALLBACK, "form-action 'self'"),
        (WEB_CALLBACK, "form-action 'self'"),
        (APP_CALLBACK, "form-action 'self' cursor:"),
    ] {
        let client = client_at(&world, redirect_uri).await;
        let mut browser = ScriptedBrowser::new(&world);
        let transaction = browser.start(&AuthorizationRequest::of(&world, &client)).await;
        let login = browser.get(&format!("/login?transaction={transaction}")).await;
        assert_eq!(form_action(&login), expected, "{redirect_uri}");
        let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
        let consent = browser.get(&format!("/consent?transaction={transaction}")).await;
        assert_eq!(form_action(&consent), expected, "{redirect_uri}");
    }
}

#[tokio::test]
async fn az_15_a_decision_leads_to_the_client_by_a_page_that_asks_and_keeps_nothing() {
    let world = World::shared();
    for redirect_uri in [CALLBACK, WEB_CALLBACK] {
        for decision in ["allow", "deny"] {
            let client = client_at(&world, redirect_uri).await;
            let mut browser = ScriptedBrowser::new(&world);
            let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
            let answer = browser.decide(&transaction, decision).await;
            assert_eq!(form_action(&answer), "form-action 'self'");
            let parameters = expect::response(&world, &answer, redirect_uri);
            assert_eq!(parameters.contains_key("code"), decision == "allow");
            let html = String::from_utf8_lossy(&answer.body);
            assert!(!html.contains("<form") && !html.contains(&transaction), "{html}");
        }
    }
}

#[tokio::test]
async fn az_15_programs_and_apps_behind_a_scheme_are_redirected() {
    let world = World::shared();
    let app = client_at(&world, APP_CALLBACK).await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &app)).await;
    let answer = browser.decide(&transaction, "allow").await;
    assert!(expect::see_other(&answer).starts_with(&format!("{APP_CALLBACK}?code=")));

    // A program says nothing of how it fetches; it may be a browser that is too old to say so.
    let client = client_at(&world, WEB_CALLBACK).await;
    let mut browser = ScriptedBrowser::new(&world);
    let transaction = browser.sign_in(&AuthorizationRequest::of(&world, &client)).await;
    let cookies = ["vestibule_browser", "vestibule_session"]
        .map(|name| format!("{name}={}", browser.cookie(name).unwrap()))
        .join("; ");
    let mut ask = to(&format!("/consent?transaction={transaction}"));
    ask.headers_mut().insert("cookie", cookies.parse().unwrap());
    assert_eq!(form_action(&world.send(ask).await), "form-action 'self' https://client.example");
    let fields = [("transaction", transaction.as_str()), ("decision", "allow")];
    let mut decide = crate::http_client::form("/consent", &fields);
    decide.headers_mut().insert("cookie", cookies.parse().unwrap());
    let location = expect::see_other(&world.send(decide).await);
    assert!(location.starts_with(&format!("{WEB_CALLBACK}?code=")), "{location}");

    // No form leads here, and no policy holds: whoever is not asked again is redirected.
    let remembered = browser.get(&AuthorizationRequest::of(&world, &client).target()).await;
    assert!(expect::see_other(&remembered).starts_with(&format!("{WEB_CALLBACK}?code=")));
}

#[tokio::test]
async fn az_15_signing_in_leads_to_the_client_by_a_page_where_nobody_is_asked_again() {
    let world = World::shared();
    let client = world.web_client().await;
    let request = AuthorizationRequest::of(&world, &client);
    let mut browser = ScriptedBrowser::new(&world);
    browser.allow(&request).await;
    let transaction = browser.start(&request.and("prompt", "login")).await;
    let (user, password) = (crate::server::USERNAME, crate::server::PASSWORD);
    let answer = browser.try_password(&transaction, user, password).await;
    assert_eq!(form_action(&answer), "form-action 'self'");
    expect::code(&world, &answer);
}
