//! Step 5 of the crate's essay: a response body that ends when its limits are reached.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::{client::Limits, error::Error, pool::Lease};

/// The body of a response, read piece by piece.
pub struct Body {
    incoming: Incoming,
    lease: Lease,
    limits: Limits,
    deadline: Instant,
    received: usize,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, lease: Lease, limits: Limits, deadline: Instant) -> Self {
        let mut body = Self { incoming, lease, limits, deadline, received: 0 };
        body.note_end();
        body
    }

    /// The next piece, or `None` at the end.
    ///
    /// Fails with [`Error::TooLarge`] or [`Error::Timeout`] when a limit of the request is reached.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Ok(frame) = timeout_at(self.deadline, self.incoming.frame()).await else {
                return Err(Error::Timeout { host: self.host(), limit: self.limits.total });
            };
            let Some(frame) = frame else {
                self.lease.end();
                return Ok(None);
            };
            let frame = frame.map_err(|_| Error::Broken { host: self.host() })?;
            let Ok(data) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(data.len());
            if self.received > self.limits.bytes {
                return Err(Error::TooLarge { host: self.host(), limit: self.limits.bytes });
            }
            self.note_end();
            return Ok(Some(data));
        }
    }

    /// With the last byte of an answer its connection is free, before whoever reads it has done so.
    fn note_end(&mut self) {
        if self.is_at_end() {
            self.lease.end();
        }
    }

    fn host(&self) -> String {
        self.lease.origin().host().to_owned()
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
