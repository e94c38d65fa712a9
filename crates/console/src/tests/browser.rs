//! A browser without a screen: keeps cookies, says where forms come from, follows nothing by itself.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, header},
};

use crate::tests::world::{Answer, ISSUER, PASSWORD, World};

pub(crate) const BROWSER_COOKIE: &str = "vestibule_browser";
pub(crate) const SESSION_COOKIE: &str = "vestibule_session";

pub(crate) struct Browser<'w> {
    world: &'w World,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, cookies: BTreeMap::new() }
    }

    /// A browser in which this user has signed in, on the way to the page of connections.
    pub(crate) async fn of(world: &'w World, user_name: &str) -> Self {
        let mut browser = Self::new(world);
        let start = browser.get("/connections").await;
        let landed = browser.sign_in(start.location(), user_name).await;
        assert_eq!(landed.location(), format!("{ISSUER}/connections"));
        browser
    }

    /// Fills in the sign-in page at this address.
    pub(crate) async fn sign_in(&mut self, login: &str, user_name: &str) -> Answer {
        let page = self.get(login).await;
        let transaction = hidden(&page, "transaction");
        let fields = [("transaction", transaction.as_str()), ("username", user_name), ("password", PASSWORD)];
        self.post("/login", &fields).await
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let request = Request::get(target(url)).header("sec-fetch-site", "cross-site");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form of our own page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(Some(ISSUER), Some("same-origin"), path, fields).await
    }

    /// Sends a form that some page made.
    pub(crate) async fn post_from(
        &mut self,
        origin: Option<&str>,
        site: Option<&str>,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request.headers_mut().insert(header::HOST, "127.0.0.1:8080".parse().unwrap());
        request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
        let answer = self.world.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Allows the request of this link and gives the address at the provider.
    pub(crate) async fn allow(&mut self, id: &str) -> url::Url {
        let answer = self.post("/connect", &[("e", id), ("decision", "allow")]).await;
        url::Url::parse(answer.location()).unwrap()
    }

    /// Allows, and comes back from the provider with a code.
    pub(crate) async fn connect(&mut self, id: &str, code: &str) -> Answer {
        let url = self.allow(id).await;
        self.come_back(&url, code).await
    }

    /// Comes back from the provider with a code.
    pub(crate) async fn come_back(&mut self, url: &url::Url, code: &str) -> Answer {
        let address = callback(url, &[("code", code), ("iss", &self.world.provider.origin)]);
        self.get(&address).await
    }
}

/// The address that a provider sends a browser back to.
pub(crate) fn callback(url: &url::Url, parameters: &[(&str, &str)]) -> String {
    let one = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let mut address = url::Url::parse(&one("redirect_uri")).unwrap();
    address.query_pairs_mut().extend_pairs(parameters).append_pair("state", &one("state"));
    address.into()
}

fn target(url: &str) -> &str {
    url.strip_prefix(ISSUER).unwrap_or(url)
}

/// The value of a hidden field.
#[track_caller]
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.body.split_once(&field).unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}
