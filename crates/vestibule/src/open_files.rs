//! How many connections the operating system lets this process have.

/// Raises the limit of open files as far as the process may: each connection is one, and many systems begin with 1024,
/// for the sake of programs that use `select`.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, limit = limit.current, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() {}
