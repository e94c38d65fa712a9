//! The programs that tests need and that no package registry has: Debian packages.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::environment;

/// A program and the Debian package that brings it.
struct Need {
    package: &'static str,
    is_there: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { package: "postgresql", is_there: has_postgresql },
    Need { package: "chromium", is_there: || environment::executable("chromium").is_some() },
    Need { package: "python3-venv", is_there: has_venv },
    Need { package: "npm", is_there: || environment::executable("npm").is_some() },
];

/// Installs the missing packages when this is root on a machine with apt.
///
/// # Errors
/// One line that names the packages, when they cannot be installed from here.
pub(crate) fn install() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if environment::executable("apt-get").is_none() || !is_root()? {
        bail!(
            "the tests need programs that are not here; install them: apt-get install {}",
            missing.join(" ")
        );
    }
    eprintln!("installing Debian packages: {}", missing.join(" "));
    apt_get(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    apt_get(&arguments)?;
    let still_missing = self::missing();
    ensure!(still_missing.is_empty(), "apt-get did not bring what {} should bring", still_missing.join(", "));
    Ok(())
}

fn missing() -> Vec<&'static str> {
    NEEDS.iter().filter(|need| !(need.is_there)()).map(|need| need.package).collect()
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null())
        .status()
        .context("apt-get does not start")?;
    ensure!(status.success(), "apt-get {} failed", arguments.join(" "));
    Ok(())
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("`id -u` does not start")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// Debian keeps `initdb` out of `PATH`, below the directory of each version.
fn has_postgresql() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian = versions.map(|version| version.path().join("bin/initdb"));
    environment::executable("initdb").is_some() || debian.any(|initdb| Path::is_file(&initdb))
}

/// `venv` alone is importable without the Debian package; `ensurepip` is what the package adds.
fn has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
