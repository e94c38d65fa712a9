use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use secret::{Random, Secret, password};
use tokio::sync::Semaphore;

/// Hashes run on this many threads at once: each takes 19 MiB and about 20 ms of a core.
const RUNNING: usize = 2;
/// Requests beyond this many waiting ones are turned away, so that a flood of sign-ins costs nobody else.
const WAITING: usize = 64;

/// The bounded pool on which passwords are hashed.
#[derive(Clone)]
pub(crate) struct PasswordPool {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// Too many passwords wait to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

impl Default for PasswordPool {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(RUNNING)), waiting: Arc::default() }
    }
}

impl PasswordPool {
    /// Whether `password` is the one hashed as `hash`. Without a hash the same work is done for nothing, so
    /// that time does not tell whether a user exists (AZ-29).
    pub(crate) async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<String>,
    ) -> Result<bool, Overloaded> {
        self.run(move || match hash {
            Some(hash) => password::verify(&password, &hash),
            None => {
                password::verify_nobody(&password);
                false
            }
        })
        .await
    }

    /// Hashes a new password.
    pub(crate) async fn hash(
        &self,
        random: Arc<dyn Random>,
        password: Secret<String>,
    ) -> Result<String, Overloaded> {
        self.run(move || password::hash(&*random, &password)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Overloaded)?;
        drop(waiting);
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Overloaded)
    }
}

/// A place in the queue, given back also when the request is cancelled.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self, Overloaded> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) < WAITING { Ok(place) } else { Err(Overloaded) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
