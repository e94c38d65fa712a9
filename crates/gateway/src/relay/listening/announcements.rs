//! What the gateway itself tells a legacy client, between what the server tells it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp::write_event;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use crate::session::memory::SessionMemory;

/// How long a stream that is over waits for what is about to be told.
const LAST_WORD: Duration = Duration::from_secs(2);

struct Joint {
    server: BodyDataStream,
    /// The server says no more.
    is_over: bool,
    gateway: Receiver<Bytes>,
    /// While it is kept here, the client's further requests find it.
    memory: Arc<SessionMemory>,
}

/// The stream with what the session is told by the gateway. It ends with the server's.
pub(in super::super) fn with_announcements(response: Response, memory: Arc<SessionMemory>) -> Response {
    response.map(|body| {
        let gateway = memory.announcements();
        let joint = Joint { server: body.into_data_stream(), is_over: false, gateway, memory };
        Body::from_stream(stream::unfold(joint, async |mut joint| {
            let next = joint.next().await?;
            Some((next, joint))
        }))
    })
}

impl Joint {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        while !self.is_over {
            tokio::select! {
                biased;
                // The sender lives as long as the memory; what a slow reader has missed is not said again.
                Ok(message) = self.gateway.recv() => return Some(Ok(write_event(&message).into())),
                said = self.server.next() => match said {
                    Some(said) => return Some(said),
                    None => self.is_over = true,
                },
            }
        }
        self.last_word().await
    }

    /// The server's stream ends when the user is connected, which is what the gateway is about to tell as well.
    async fn last_word(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let wait = if self.memory.is_watching() { LAST_WORD } else { Duration::ZERO };
        let message = timeout(wait, self.gateway.recv()).await.ok()?.ok()?;
        Some(Ok(write_event(&message).into()))
    }
}
