//! Where things are on this machine.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the repository")
}

/// The directory that outlives a build and holds the installed test clients.
pub(crate) fn cache() -> Result<PathBuf> {
    if let Some(chosen) = directory("VESTIBULE_TEST_CACHE") {
        return Ok(chosen);
    }
    let home = || {
        directory("HOME").context("neither VESTIBULE_TEST_CACHE nor HOME says where to keep the test clients")
    };
    let platform = match directory("XDG_CACHE_HOME") {
        Some(chosen) => chosen,
        None if cfg!(target_os = "macos") => home()?.join("Library/Caches"),
        None => home()?.join(".cache"),
    };
    Ok(platform.join("vestibule-tests"))
}

/// The executable called `name`, if a directory of `PATH` has it.
pub(crate) fn executable(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}

fn directory(name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "xtask is a program of its own, with its own environment")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name)
}
