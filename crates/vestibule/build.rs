//! How the binary is linked.
//!
//! A position-independent program of this size has some 80,000 addresses to be put right when it starts, at 24 bytes each,
//! and the loader reads them all: 2 MB of a file that stay in memory for as long as the process runs. Packed (`SHT_RELR`
//! of the generic ABI) they are some kilobytes. glibc reads that form since 2.36: a machine with an older one
//! links the long form, and what a newer one has linked runs on newer ones alone. Build on the oldest system it is for.

use std::{env, process::Command};

/// The first glibc that knows packed relocations.
const GLIBC: (u32, u32) = (2, 36);

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is how cargo tells a build script what it builds"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    // What another machine has cannot be asked here.
    let is_for_here = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is_for_here
        && knows_packed()
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the glibc of this machine is new enough; `false` when that cannot be found out.
fn knows_packed() -> bool {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let Some(output) = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()) else {
        return false;
    };
    version(&output).is_some_and(|version| version >= GLIBC)
}

/// `glibc 2.36` as numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
