//! A browser without a screen: keeps cookies, says where forms come from, follows nothing by itself.

use std::collections::BTreeMap;

use http::{HeaderValue, Method, Request, header};
use hyper::body::Bytes;

use super::{client::AuthorizationRequest, expect, world::World};
use crate::{
    http_client::{self, Answer},
    server::{PASSWORD, USERNAME},
};

pub(crate) const BROWSER_COOKIE: &str = "vestibule_browser";
pub(crate) const SESSION_COOKIE: &str = "vestibule_session";

pub(crate) struct ScriptedBrowser<'w> {
    world: &'w World,
    cookies: BTreeMap<String, String>,
}

impl<'w> ScriptedBrowser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, cookies: BTreeMap::new() }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn forget_cookie(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    /// Goes to a page.
    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let target = url.strip_prefix(self.world.issuer()).unwrap_or(url);
        let mut request = Request::get(target).body(Bytes::new()).expect("the target is a valid one");
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        self.send(request).await
    }

    /// Sends a form of our own page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = http_client::form(path, fields);
        let origin = self.world.issuer().parse().expect("an issuer fits into a header");
        request.headers_mut().insert(header::ORIGIN, origin);
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        self.send(request).await
    }

    /// Sends a form that another site made, as a browser does whose cookies are not `SameSite`.
    pub(crate) async fn post_from(
        &mut self,
        origin: Option<&str>,
        site: Option<&str>,
        (path, fields): (&str, &[(&str, &str)]),
    ) -> Answer {
        let mut request = http_client::form(path, fields);
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            let Some(value) = value else { continue };
            let value = HeaderValue::from_str(value).expect("the value fits into a header");
            request.headers_mut().insert(name, value);
        }
        self.send(request).await
    }

    /// Sends any request with this browser's cookies and keeps those of the answer.
    pub(crate) async fn send(&mut self, mut request: Request<Bytes>) -> Answer {
        let headers = request.headers_mut();
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            let cookies = HeaderValue::from_str(&cookies.join("; ")).expect("cookies fit into a header");
            headers.insert(header::COOKIE, cookies);
        }
        let is_get = request.method() == Method::GET;
        let answer = self.world.send(request).await;
        if !is_get {
            assert_ne!(answer.status.as_u16(), 307, "the form would be sent on");
            assert_ne!(answer.status.as_u16(), 308, "the form would be sent on");
        }
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("cookies are text"));
        }
        answer
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').expect("our cookies have attributes");
        let (name, value) = pair.split_once('=').expect("a cookie has a name");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(attribute), "{cookie} without {attribute}");
        }
        if attributes.contains("Max-Age=0") {
            self.forget_cookie(name);
        } else {
            self.set_cookie(name, value);
        }
    }

    /// Starts the request and gives the transaction that now waits for a person.
    pub(crate) async fn start(&mut self, request: &AuthorizationRequest) -> String {
        let answer = self.get(&request.target()).await;
        transaction(&answer)
    }

    pub(crate) async fn try_password(&mut self, transaction: &str, user: &str, password: &str) -> Answer {
        let fields = [("transaction", transaction), ("username", user), ("password", password)];
        self.post("/login", &fields).await
    }

    /// Starts the request and signs in: what remains is the decision.
    pub(crate) async fn sign_in(&mut self, request: &AuthorizationRequest) -> String {
        let started = self.start(request).await;
        let page = self.get(&format!("/login?transaction={started}")).await;
        let waiting = hidden(&page, "transaction");
        assert_eq!(waiting, started);
        let answer = self.try_password(&waiting, USERNAME, PASSWORD).await;
        let location = expect::see_other(&answer);
        assert_eq!(location, format!("{}/consent?transaction={started}", self.world.issuer()));
        started
    }

    pub(crate) async fn decide(&mut self, transaction: &str, decision: &str) -> Answer {
        self.post("/consent", &[("transaction", transaction), ("decision", decision)]).await
    }

    /// The whole way: signs in, allows, and gives the code.
    pub(crate) async fn allow(&mut self, request: &AuthorizationRequest) -> String {
        let transaction = self.sign_in(request).await;
        let page = self.get(&format!("/consent?transaction={transaction}")).await;
        expect::page(&page, 200);
        let answer = self.decide(&hidden(&page, "transaction"), "allow").await;
        expect::code(self.world, &answer)
    }
}

/// The transaction of the page that an answer leads to.
pub(crate) fn transaction(answer: &Answer) -> String {
    let location = expect::see_other(answer);
    let (_, transaction) = location.split_once("?transaction=").expect("a page of ours names a transaction");
    transaction.to_owned()
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let html = String::from_utf8_lossy(&page.body);
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&field).unwrap_or_else(|| panic!("no field {name} in {html}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
