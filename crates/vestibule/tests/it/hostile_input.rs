//! Hostile input to every endpoint: the standard's error, nothing stored, the process lives.

mod endpoints;
mod form_bodies;
mod json_bodies;
mod methods;
mod raw_http;
mod slow_bodies;
mod upgrades;

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, header};
use hyper::body::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    attacks::{
        database::Contents,
        world::{Tokens, World},
    },
    http_client::Answer,
};

/// Far longer than any answer takes, the slowest included.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);

/// A server of its own, what its database held before, and a token for what is guarded.
struct Target {
    world: World,
    token: String,
    before: Contents,
}

impl Target {
    async fn start() -> Self {
        let world = World::alone();
        let client = world.public_client().await;
        let Tokens { access: token, .. } = world.tokens(&client).await;
        let bearer = format!("Bearer {token}");
        // The demo seeds a person's items with their first look at them.
        assert_eq!(world.call("/api/data", &bearer).await.status, 200);
        let before = world.database().contents();
        Self { world, token, before }
    }

    async fn send(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
        let mut request = Request::new(Bytes::copy_from_slice(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = path.parse().expect("the path is a valid target");
        *request.headers_mut() = headers.clone();
        self.world.send(request).await
    }

    fn bearer(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("Bearer {}", self.token)).expect("a token fits into a header")
    }

    fn typed(&self, content_type: &str, with_token: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let content_type = content_type.parse().expect("a media type fits into a header");
        headers.insert(header::CONTENT_TYPE, content_type);
        if with_token {
            headers.insert(header::AUTHORIZATION, self.bearer());
        }
        headers
    }

    /// Sends these bytes and reads until the server closes, as a head with `connection: close` asks it to.
    async fn send_raw(&self, bytes: &[u8]) -> String {
        let connect = TcpStream::connect(self.world.server.address());
        let mut stream = connect.await.expect("the server accepts connections");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = timeout(ANSWERS_WITHIN, stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the server ends the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// After everything: the server still works, and nothing is there that was not there before.
    async fn is_unharmed(&self) {
        assert_eq!(self.world.get("/health").await.status, 200);
        assert_eq!(self.world.get("/ready").await.status, 200);
        assert!(self.world.is_accepted(&self.token).await);
        assert_eq!(self.world.database().contents(), self.before);
        assert!(!self.world.server.log().contains("panic"), "{}", self.world.server.log());
    }
}
