//! What happens to memory when the process ends badly: keys and tokens are in it, so it is not written down.

/// No core dump is written of this process or of the programs it starts, and on Linux nobody but root may look into its
/// memory.
#[cfg(unix)]
pub(crate) fn forbid() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Core);
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), ..limit }) {
        tracing::warn!(%error, "core dumps cannot be forbidden");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "others of this account may look into the memory of this process");
    }
}

#[cfg(not(unix))]
pub(crate) fn forbid() {}
