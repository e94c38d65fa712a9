//! The time a request's body has.

use std::time::Duration;

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

/// Bodies here are small: whoever needs longer has no connection worth the name, or no honest purpose.
const TIME: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

/// Breaks a body off that does not arrive in time. Sent byte by byte it would hold a connection for ever, and
/// connections are limited.
pub(crate) async fn within_time(request: Request, next: Next) -> Response {
    next.run(request.map(|body| limit(body, Instant::now() + TIME))).await
}

fn limit(body: Body, end: Instant) -> Body {
    Body::from_stream(stream::try_unfold(body.into_data_stream(), move |mut rest| async move {
        match timeout_at(end, rest.next()).await {
            Ok(Some(data)) => data.map(|data| Some((data, rest))),
            Ok(None) => Ok(None),
            Err(_) => Err(axum::Error::new(TooSlow)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, response::IntoResponse};
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn a_body_is_whole_or_refused() {
        let soon = Instant::now() + Duration::from_millis(20);
        let whole = to_bytes(limit(Body::from("whole"), Instant::now() + TIME), 64).await;
        assert_eq!(whole.unwrap(), "whole");
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"x")))
            .take(1)
            .chain(stream::pending());
        let error = to_bytes(limit(Body::from_stream(endless), soon), 64).await.unwrap_err();
        assert_eq!(error.to_string(), TooSlow.to_string());
        assert_eq!(limit(Body::empty(), soon).into_response().status(), 200);
    }
}
