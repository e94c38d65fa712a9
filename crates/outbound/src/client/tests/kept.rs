//! Connections that are kept, against a server that says what it saw of them.

mod server;
mod shared;

use std::{collections::BTreeSet, future::poll_fn, task::Poll};

use http::Method;
use tokio::{task::yield_now, time::timeout};

use self::server::Server;
use super::*;
use crate::pool::IDLE;

#[tokio::test]
async fn a_connection_is_used_again_whether_its_answer_was_read_or_not() {
    let (server, client) = (Server::start().await, loopback());
    for path in ["/ok", "/ok", "/empty", "/ok"] {
        client.send(server.get(path), Limits::DOCUMENT).await.unwrap();
    }
    for path in ["/ok", "/empty", "/without"] {
        drop(client.stream(server.get(path), Limits::DOCUMENT).await.unwrap());
        until(|| client.pool.free() == 1).await;
    }
    assert_eq!((server.connections(), server.requests()), (1, 7));
}

#[tokio::test]
async fn a_body_that_was_read_holds_no_connection() {
    let (server, client) = (Server::start().await, loopback());
    let mut first = client.stream(server.get("/ok"), Limits::DOCUMENT).await.unwrap().into_body();
    assert_eq!(first.chunk().await.unwrap().unwrap(), "ok");
    until(|| client.pool.free() == 1).await;
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!((first.chunk().await, server.connections()), (Ok(None), 1));
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let (server, client) = (Server::meeting(5).await, loopback());
    for _ in 0..2 {
        let sent = (0..5).map(|_| client.send(server.get("/meet"), Limits::DOCUMENT));
        for answer in futures_util::future::join_all(sent).await {
            assert_eq!(answer.unwrap().body(), "ok");
        }
        until(|| client.pool.free() == 5).await;
    }
    for _ in 0..5 {
        client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    }
    assert_eq!((server.connections(), server.closed()), (5, 0));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_not_used() {
    let (server, client) = (Server::start().await, loopback());
    for path in ["/close", "/leave", "/ok"] {
        let answer = client.send(server.get(path), Limits::DOCUMENT).await.unwrap();
        assert_eq!(answer.body(), "ok");
        until(|| client.pool.free() == usize::from(path == "/ok")).await;
    }
    assert_eq!((server.connections(), server.requests()), (3, 3));
}

#[tokio::test]
async fn a_request_comes_back_whole_from_a_connection_that_has_ended() {
    let (server, client) = (Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    let uri = server.get("/unsent").uri().clone();
    let mut taken = client.pool.take(&Origin::of(&uri).unwrap()).unwrap();
    server.leave();
    until(|| !taken.is_ready()).await;
    let request = Request::post("/unsent").header("x", "y").body(Full::from("body")).unwrap();
    let Sent::GivenBack(request) = taken.send(&uri, request).await else { panic!("it was sent") };
    assert_eq!((request.method(), &request.headers()["x"]), (&Method::POST, &"y".parse().unwrap()));
    assert_eq!(server.requests(), 1);
}

/// The request may have had its effect; whether it had is for whoever sent it to find out.
#[tokio::test]
async fn a_request_that_was_taken_is_never_sent_again() {
    let (server, client) = (Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    for path in ["/taken", "/half", "/taken"] {
        let error = client.send(server.post(path), Limits::DOCUMENT).await.unwrap_err();
        assert!(matches!(error, Error::Broken { .. }), "{path}: {error:?}");
    }
    assert_eq!(server.targets(), ["/ok", "/taken", "/half", "/taken"]);
}

/// However the end of a connection and the next request meet: no request arrives twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_arrives_twice_while_the_server_leaves_all_the_time() {
    let (server, client) = (Server::start().await, loopback());
    let send = async |one: usize| {
        let mut answered = Vec::new();
        for two in 0..100 {
            let target = format!("/leave?{one}.{two}");
            match client.send(server.post(&target), Limits::DOCUMENT).await {
                Ok(_) => answered.push(target),
                Err(error) => assert!(matches!(error, Error::Broken { .. }), "{error:?}"),
            }
        }
        answered
    };
    let answered = futures_util::future::join_all((0..4).map(send)).await.concat();
    let targets = server.targets();
    let different: BTreeSet<_> = targets.iter().collect();
    assert_eq!(targets.len(), different.len());
    assert!(!answered.is_empty() && answered.iter().all(|target| different.contains(target)));
}

#[tokio::test]
async fn a_cancelled_request_ends_its_connection() {
    let (server, client) = (Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    let mut cancelled = Box::pin(client.send(server.get("/silent"), Limits::DOCUMENT));
    let arrived = until(|| server.requests() == 2);
    tokio::select! {
        _ = &mut cancelled => panic!("nobody answers"),
        () = arrived => drop(cancelled),
    }
    until(|| server.closed() == 1).await;
    assert_eq!(client.pool.free(), 0);
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_request_without_an_answer_in_time_ends_its_connection() {
    let (server, client) = (Server::start().await, loopback());
    let limits = Limits { headers: Duration::from_millis(50), ..Limits::DOCUMENT };
    let error = client.send(server.get("/silent"), limits).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    until(|| server.closed() == 1).await;
    assert_eq!(client.pool.free(), 0);
}

#[tokio::test]
async fn an_answer_that_is_dropped_half_way_ends_its_connection() {
    let (server, client) = (Server::start().await, loopback());
    let mut body = client.stream(server.get("/endless"), Limits::DOCUMENT).await.unwrap().into_body();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "piece");
    // Waiting for the next one, as a stream does.
    poll_fn(|context| {
        assert!(std::pin::pin!(body.chunk()).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(client.pool.free(), 0);
    drop(body);
    until(|| server.closed() == 1).await;
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!(server.connections(), 2);
}

/// What a server says without being asked would be the answer to the next request.
#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_nobodys() {
    let (server, client) = (Server::start().await, loopback());
    for path in ["/twice", "/ok", "/twice", "/twice", "/ok"] {
        let answer = client.send(server.get(path), Limits::DOCUMENT).await.unwrap();
        assert_eq!(answer.body(), "ok", "{path}");
        yield_now().await;
    }
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed() {
    let (server, client) = (Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    pass(IDLE / 2).await;
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    pass(IDLE * 3 / 4).await;
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!((server.connections(), server.closed()), (1, 0));
    pass(IDLE + Duration::from_secs(1)).await;
    until(|| server.closed() == 1).await;
    assert_eq!(client.pool.free(), 0);
    // And the next ones again.
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    pass(IDLE + Duration::from_secs(1)).await;
    until(|| server.closed() == 2).await;
}

#[tokio::test]
async fn connections_end_with_their_client() {
    let (server, client) = (Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    let clone = client.clone();
    drop(client);
    clone.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!((server.connections(), server.closed()), (1, 0));
    drop(clone);
    until(|| server.closed() == 1).await;
}

/// Another client has another egress policy; another host may have been judged in another way.
#[tokio::test]
async fn rg_17_no_connection_is_used_for_another_client_or_origin() {
    let (server, other, client) = (Server::start().await, Server::start().await, loopback());
    client.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap();
    client.send(other.get("/ok"), Limits::DOCUMENT).await.unwrap();
    assert_eq!((server.connections(), other.connections()), (1, 1));
    let named = format!("http://LocalHost:{}/ok", server.address.port());
    let resolved = Client::with_resolver(Egress::public().with_loopback(), Arc::new(Mixed));
    for client in [&client, &resolved] {
        let answer = client.send(request(&named.replace("LocalHost", "127.0.0.1")), Limits::DOCUMENT).await;
        assert_eq!(answer.unwrap().body(), "ok");
    }
    assert_eq!(server.connections(), 2);
    for url in [&named, &named.to_lowercase()] {
        resolved.send(request(url), Limits::DOCUMENT).await.unwrap();
    }
    assert_eq!(server.connections(), 3);
    // A policy that does not let the request out has no connection that would.
    let refused = Client::new(Egress::public());
    let error = refused.send(server.get("/ok"), Limits::DOCUMENT).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn md_11_the_head_of_an_answer_is_bounded() {
    let (server, client) = (Server::start().await, loopback());
    let fits = client.send(server.get("/head?60000"), Limits::DOCUMENT).await.unwrap();
    assert_eq!(fits.headers()["x"].len(), 60_000);
    let error = client.send(server.get("/head?70000"), Limits::DOCUMENT).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
}

/// Lets everything else go on until it is so.
async fn until(condition: impl Fn() -> bool) {
    let is_so = async {
        while !condition() {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), is_so).await.expect("it comes to be so");
}

/// Lets time pass that nobody waits for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
