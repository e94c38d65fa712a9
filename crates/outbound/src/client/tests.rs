//! The client against listeners on loopback and a hostile name server.

mod kept;

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Body as ServerBody, http::StatusCode, response::Redirect, routing::get};
use futures_util::{StreamExt, stream};

use super::*;
use crate::{Refusal, guard::Class};

#[tokio::test]
async fn answers_are_returned_with_status_and_body() {
    let (base, _) = serve().await;
    let response = loopback().send(request(&format!("{base}/ok")), Limits::DOCUMENT).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "fine");
}

#[tokio::test]
async fn rg_18_redirects_are_returned_and_never_followed() {
    let (base, hits) = serve().await;
    let response = loopback().send(request(&format!("{base}/redirect")), Limits::DOCUMENT).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn md_11_large_and_endless_answers_are_cut_off() {
    let (base, _) = serve().await;
    let limits = Limits { bytes: 1000, ..Limits::DOCUMENT };
    let error = loopback().send(request(&format!("{base}/endless")), limits).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1000, .. }), "{error}");
}

#[tokio::test]
async fn md_11_slow_answers_are_cut_off() {
    let (base, _) = serve().await;
    let limits =
        Limits { bytes: 1000, headers: Duration::from_millis(200), total: Duration::from_millis(200) };
    for path in ["/silent", "/drip"] {
        let error = loopback().send(request(&format!("{base}{path}")), limits).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn md_10_loopback_and_metadata_addresses_are_refused_in_every_notation() {
    let public = Client::new(Egress::public());
    let refused =
        |host: &str, class| Error::Refused { host: host.to_owned(), refusal: Refusal::Address(class) };
    let rows = [
        ("https://127.0.0.1/", refused("127.0.0.1", Class::Loopback)),
        ("https://[::1]/", refused("::1", Class::Loopback)),
        ("https://[::ffff:127.0.0.1]/", refused("::ffff:127.0.0.1", Class::Loopback)),
        ("https://169.254.169.254/latest", refused("169.254.169.254", Class::LinkLocal)),
        ("https://[64:ff9b::a9fe:a9fe]/", refused("64:ff9b::a9fe:a9fe", Class::Translated)),
        ("https://10.0.0.1/", refused("10.0.0.1", Class::Private)),
        ("http://2130706433/", refused("2130706433", Class::Loopback)),
        ("http://0x7f.1/", refused("0x7f.1", Class::Loopback)),
    ];
    for (url, expected) in rows {
        assert_eq!(public.send(request(url), Limits::DOCUMENT).await.unwrap_err(), expected, "{url}");
    }
}

#[tokio::test]
async fn md_10_allowing_loopback_does_not_allow_the_metadata_service() {
    let error =
        loopback().send(request("http://169.254.169.254/latest"), Limits::DOCUMENT).await.unwrap_err();
    assert_eq!(error, Error::Refused { host: "169.254.169.254".to_owned(), refusal: Refusal::PlainHttp });
}

#[tokio::test]
async fn other_schemes_and_user_information_are_refused() {
    for url in ["file:///etc/passwd", "gopher://x/", "ftp://x/", "/relative", "http://good.test@127.0.0.1/"] {
        let Ok(uri) = url.parse::<Uri>() else { continue };
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let error = loopback().send(request, Limits::DOCUMENT).await.unwrap_err();
        assert!(matches!(error, Error::InvalidUrl(_)), "{url}: {error}");
    }
}

/// Answers public first and loopback ever after, as a rebinding name server does.
struct Rebinding(AtomicUsize);

impl Resolve for Rebinding {
    fn resolve(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { Ipv4Addr::new(198, 18, 0, 1) } else { Ipv4Addr::LOCALHOST };
        Box::pin(async move { Ok(vec![address.into()]) })
    }
}

#[tokio::test]
async fn rg_17_the_address_is_judged_at_every_connection() {
    let (base, hits) = serve().await;
    let port = base.rsplit(':').next().unwrap();
    let resolver = Arc::new(Rebinding(AtomicUsize::new(0)));
    // The first answer is refused as well here (a test must not leave the machine); each gets its own verdict.
    let client = Client::with_resolver(Egress::public(), resolver.clone());
    let url = format!("https://rebind.test:{port}/count");
    for class in [Class::Special, Class::Loopback, Class::Loopback] {
        let error = client.send(request(&url), Limits::DOCUMENT).await.unwrap_err();
        let refusal = Refusal::Address(class);
        assert_eq!(error, Error::Refused { host: "rebind.test".to_owned(), refusal });
    }
    assert_eq!(resolver.0.load(Ordering::SeqCst), 3);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

/// Answers with one address that is refused and one that is allowed.
struct Mixed;

impl Resolve for Mixed {
    fn resolve(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async { Ok(vec![Ipv4Addr::new(169, 254, 169, 254).into(), Ipv4Addr::LOCALHOST.into()]) })
    }
}

#[tokio::test]
async fn rg_17_only_judged_addresses_are_connected_to() {
    let (base, hits) = serve().await;
    let port = base.rsplit(':').next().unwrap();
    let client = Client::with_resolver(Egress::public().with_loopback(), Arc::new(Mixed));
    let response = client.send(request(&format!("http://mixed.test:{port}/count")), Limits::DOCUMENT).await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn errors_never_echo_the_body() {
    let (base, _) = serve().await;
    let limits = Limits { bytes: 4, ..Limits::DOCUMENT };
    let error = loopback().send(request(&format!("{base}/secret")), limits).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn nothing_listening_is_a_connect_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = loopback().send(request(&format!("http://{address}/")), Limits::DOCUMENT).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}

fn loopback() -> Client {
    Client::new(Egress::public().with_loopback())
}

fn request(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// A server with one route per misbehaviour; the counter counts `/count`.
async fn serve() -> (String, Arc<AtomicUsize>) {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = hits.clone();
    let router = Router::new()
        .route("/ok", get(async || "fine"))
        .route("/secret", get(async || "hunter2"))
        .route("/redirect", get(async || Redirect::temporary("/count")))
        .route("/silent", get(std::future::pending::<()>))
        .route(
            "/drip",
            get(async || {
                ServerBody::from_stream(
                    stream::once(async { Ok::<_, Infallible>(piece()) }).chain(stream::pending()),
                )
            }),
        )
        .route(
            "/endless",
            get(async || ServerBody::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(piece())))),
        )
        .route(
            "/count",
            get(move || {
                counter.fetch_add(1, Ordering::SeqCst);
                std::future::ready("counted")
            }),
        );
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), hits)
}

fn piece() -> Bytes {
    Bytes::from_static(b"a piece of a body that does not end")
}
