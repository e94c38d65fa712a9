//! What an endpoint says of its own accord.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use tokio::time::sleep;

use super::session::{Phase, Session};
use super::{Serve, answer};

/// How long to wait before an endpoint is listened to again that ended its own stream.
const PAUSE: Duration = Duration::from_secs(5);

/// Begins to listen for `session`, if nobody does, until the stream ends or the endpoint has nothing to say.
pub(super) fn listen(endpoint: &Arc<dyn Serve>, session: &Arc<Session>) {
    if session.begins_to_listen() {
        tokio::spawn(heard(endpoint.clone(), session.clone()));
    }
}

async fn heard(endpoint: Arc<dyn Serve>, session: Arc<Session>) {
    let hear = async {
        while let Some(permit) = session.permit(endpoint.guard())
            && let Some(parts) = session.request(Method::GET)
            && let Ok(response) = endpoint.serve(permit, parts, Body::empty()).await
        {
            answer::pass(response, &session, None).await;
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = session.reaches(Phase::Draining) => {}
        () = hear => {}
    }
}
