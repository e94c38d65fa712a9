//! What the gateway itself tells a legacy client, between what the server tells it.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp::write_event;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::session::memory::SessionMemory;

struct Joint {
    server: BodyDataStream,
    gateway: Option<Receiver<Bytes>>,
    /// While it is kept here, the client's further requests find it.
    _memory: Arc<SessionMemory>,
}

/// The stream with what the session is told by the gateway. It ends with the server's.
pub(in super::super) fn with_announcements(response: Response, memory: Arc<SessionMemory>) -> Response {
    response.map(|body| {
        let gateway = Some(memory.announcements());
        let joint = Joint { server: body.into_data_stream(), gateway, _memory: memory };
        Body::from_stream(stream::unfold(joint, async |mut joint| {
            let next = joint.next().await?;
            Some((next, joint))
        }))
    })
}

impl Joint {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        loop {
            let Some(gateway) = &mut self.gateway else { return self.server.next().await };
            tokio::select! {
                biased;
                told = gateway.recv() => match told {
                    Ok(message) => return Some(Ok(write_event(&message).into())),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => self.gateway = None,
                },
                said = self.server.next() => return said,
            }
        }
    }
}
