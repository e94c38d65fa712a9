//! The file of the keys: one per line, the first seals.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::{MasterKey, Random, Secret};

use crate::cli::exit::Stop;

const FILE: &str = "keyring";

/// Where it is.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// The keys in the file; `None` when there is no file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Vec<MasterKey>>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Secret::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    warn_if_readable_by_others(path);
    let lines = text.expose().lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| key(line).ok_or_else(|| damaged(path, number + 1).into()))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn key(line: &str) -> Option<MasterKey> {
    let bytes = Secret::new(BASE64_URL_SAFE_NO_PAD.decode(line.trim()).ok()?);
    MasterKey::from_bytes(bytes.expose())
}

/// Makes the file whole or not at all, and never over another: a second process that starts at the same time reads
/// what the first one made.
pub(crate) fn make(path: &Path, random: &dyn Random) -> anyhow::Result<Vec<MasterKey>> {
    let draft = draft_path(path);
    write_draft(&draft, &[MasterKey::mint(random)])
        .with_context(|| format!("{} cannot be written", draft.display()))?;
    let placed = fs::hard_link(&draft, path);
    fs::remove_file(&draft).with_context(|| format!("{} cannot be removed", draft.display()))?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("{} cannot be made", path.display()));
        }
        _ => sync_directory(path)?,
    }
    read(path)?.with_context(|| format!("{} was removed by somebody", path.display()))
}

/// Of this process alone.
fn draft_path(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.draft", std::process::id()))
}

/// Puts `keys` in the place of those in the file, at once: whoever reads it meanwhile reads the one or the other.
pub(crate) fn replace(path: &Path, keys: &[MasterKey]) -> anyhow::Result<()> {
    let draft = draft_path(path);
    write_draft(&draft, keys).with_context(|| format!("{} cannot be written", draft.display()))?;
    fs::rename(&draft, path).with_context(|| format!("{} cannot be replaced", path.display()))?;
    sync_directory(path)
}

pub(super) fn write_draft(path: &Path, keys: &[MasterKey]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    for key in keys {
        let line = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(key.expose()));
        writeln!(file, "{}", line.expose())?;
    }
    file.sync_all()
}

/// The key must be on disk before anything that it seals.
#[cfg(unix)]
fn sync_directory(path: &Path) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .with_context(|| format!("{} cannot be written to disk", directory.display()))
}

/// Other systems do not open directories as files, and order their writes themselves.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on unix")]
fn sync_directory(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        tracing::warn!("others can read the keyring {}; run chmod 600 on it", path.display());
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path) {}

fn damaged(path: &Path, line: usize) -> Stop {
    Stop::failure(format!("{}:{line}: this is not a key of 32 bytes in base64url", path.display()))
        .hint("put back the keyring from a backup")
}
