//! One person at one browser.

use std::net::SocketAddr;

use http::{Request, StatusCode, header};
use hyper::body::Bytes;

use super::endpoints::{self, Endpoints};
use crate::{
    http_client::{self, Answer},
    server::{PASSWORD, USERNAME},
};

/// Signs in with the password and gives the `Cookie` header of the browser from then on.
pub(super) async fn sign_in(address: SocketAddr) -> String {
    let mut endpoints = Endpoints::open(address).await.expect("the server listens");
    let client = endpoints.register().await.expect("the server answers").expect("a client is registered");
    let request = Request::get(endpoints::authorization_request(&client.id)).body(Bytes::new());
    let asked = http_client::send(address, request.expect("the target is valid")).await;
    let browser = cookie(&asked);
    let transaction = endpoints::query(&location(&asked), "transaction").expect("a transaction is begun");
    let fields = [("transaction", transaction.as_str()), ("username", USERNAME), ("password", PASSWORD)];
    let mut form = http_client::form("/login", &fields);
    form.headers_mut().insert(header::COOKIE, browser.parse().expect("a cookie is a header value"));
    let signed_in = http_client::send(address, form).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{signed_in:?}");
    format!("{browser}; {}", cookie(&signed_in))
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie is set");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

fn location(answer: &Answer) -> String {
    answer.header("location").unwrap_or_else(|| panic!("no redirect: {answer:?}")).to_owned()
}
