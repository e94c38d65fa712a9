//! Step 5 of the crate's essay: a response body that ends when its limits are reached.

use bytes::{Bytes, BytesMut};
use http::Uri;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::{client::Limits, connector::bare_host, error::Error};

/// The body of a response, read piece by piece.
pub struct Body {
    incoming: Incoming,
    uri: Uri,
    limits: Limits,
    deadline: Instant,
    received: usize,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, uri: Uri, limits: Limits, deadline: Instant) -> Self {
        Self { incoming, uri, limits, deadline, received: 0 }
    }

    /// The next piece, or `None` at the end.
    ///
    /// Fails with [`Error::TooLarge`] or [`Error::Timeout`] when a limit of the request is reached.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Ok(frame) = timeout_at(self.deadline, self.incoming.frame()).await else {
                return Err(Error::Timeout { host: self.host(), limit: self.limits.total });
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| Error::Broken { host: self.host() })?;
            let Ok(data) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(data.len());
            if self.received > self.limits.bytes {
                return Err(Error::TooLarge { host: self.host(), limit: self.limits.bytes });
            }
            return Ok(Some(data));
        }
    }

    fn host(&self) -> String {
        bare_host(&self.uri).to_owned()
    }

    /// Whether nothing comes any more, as far as that is known without waiting.
    pub fn is_at_end(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// The rest of the body in one piece.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}
