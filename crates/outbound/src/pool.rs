//! Connections that are kept for the next request to the same origin.
//!
//! One that takes a request at a time is kept while it is free, and the one used last is used next; one that takes many
//! stays here while it is used, and is passed over while it is full. Whatever nobody has used for [`IDLE`] is closed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use crate::{connection::Connection, origin::Origin};

/// How long a connection is kept that nobody uses.
pub(crate) const IDLE: Duration = Duration::from_mins(1);

/// The connections of one client.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// A client talks to few origins within a minute, most to one.
    origins: Vec<(Origin, Vec<Idle>)>,
    /// Whether a task looks for those that nobody uses.
    is_swept: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A connection on which a request can be sent to `origin` at once.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut kept = self.lock();
        let (_, connections) = kept.origins.iter_mut().find(|(found, _)| found == origin)?;
        for place in (0..connections.len()).rev() {
            let Idle { connection, since } = &mut connections[place];
            if !connection.is_ready() {
                connections.remove(place);
            } else if !connection.is_shared() {
                return Some(connections.remove(place).connection);
            } else if !connection.is_full() {
                *since = Instant::now();
                return connection.share();
            }
        }
        None
    }

    /// Keeps a connection that is ready for the next request to `origin`.
    pub(crate) fn keep(self: &Arc<Self>, origin: &Origin, connection: Connection) {
        let since = Instant::now();
        let mut kept = self.lock();
        if !kept.is_swept {
            // Without a runtime nobody looks at the clock.
            let Ok(runtime) = Handle::try_current() else { return };
            runtime.spawn(sweep(Arc::downgrade(self), since));
            kept.is_swept = true;
        }
        let idle = Idle { connection, since };
        match kept.origins.iter_mut().find(|(found, _)| found == origin) {
            Some((_, connections)) => connections.push(idle),
            None => kept.origins.push((origin.clone(), vec![idle])),
        }
    }

    /// Keeps a connection as soon as it is ready again, which it may never be.
    pub(crate) fn keep_when_ready(self: &Arc<Self>, origin: &Origin, mut connection: Connection) {
        if connection.is_ready() {
            return self.keep(origin, connection);
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (pool, origin) = (Arc::downgrade(self), origin.clone());
        runtime.spawn(async move {
            if connection.ready().await
                && let Some(pool) = pool.upgrade()
            {
                pool.keep(&origin, connection);
            }
        });
    }

    /// Closes what nobody has used for too long, or cannot be used any more; since when the oldest of the others is idle.
    /// With `None` nothing is kept, and the next one kept starts a new sweep.
    fn close_idle(&self, now: Instant) -> Option<Instant> {
        let mut kept = self.lock();
        for (_, connections) in &mut kept.origins {
            connections.retain(|idle| idle.since + IDLE > now && idle.connection.is_ready());
        }
        kept.origins.retain(|(_, connections)| !connections.is_empty());
        let oldest =
            kept.origins.iter().flat_map(|(_, connections)| connections).map(|idle| idle.since).min();
        kept.is_swept = oldest.is_some();
        oldest
    }

    /// How many connections can take a request at once.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        let kept = self.lock();
        let connections = kept.origins.iter().flat_map(|(_, connections)| connections);
        connections.filter(|idle| idle.connection.is_ready() && !idle.connection.is_full()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection of an answer that is being read, which is kept when it is free again.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    origin: Origin,
    connection: Option<Connection>,
}

impl Lease {
    pub(crate) fn new(pool: &Arc<Pool>, origin: Origin, connection: Connection) -> Self {
        Self { pool: pool.clone(), origin, connection: Some(connection) }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Nobody reads any more. A connection on which something is still to be read is never ready again.
    pub(crate) fn end(&mut self) {
        // What is shared is kept already, with one request less from here on.
        if let Some(connection) = self.connection.take()
            && !connection.is_shared()
        {
            self.pool.keep_when_ready(&self.origin, connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sleeps until the oldest connection has been idle for too long, as often as one is kept.
async fn sweep(pool: Weak<Pool>, mut oldest: Instant) {
    loop {
        sleep_until(oldest + IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let Some(next) = pool.close_idle(Instant::now()) else { return };
        oldest = next;
    }
}
