//! The keys that seal what the database keeps.
//!
//! 1. The file `keyring` in the data directory has one key per line; the first seals, all open. It is made at the
//!    first start, for its owner only.
//! 2. The database has a canary: a value sealed when the two first met. A keyring that cannot open it belongs to
//!    another database, and using it would leave rows that nobody can read.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::{Keyring, Location, MasterKey, Random, Secret};
use store::{Store, setting};

use crate::cli::exit::Stop;

const FILE: &str = "keyring";
const CANARY: &str = "keyring_canary";
const CANARY_LOCATION: Location<'static> =
    Location { table: "settings", row: CANARY.as_bytes(), column: "value" };
const CANARY_TEXT: &[u8] = b"this keyring belongs to this database";

/// Opens the keyring of `data_dir`, or makes it at the first start, and makes sure that it belongs to the database.
pub(crate) async fn open(data_dir: &Path, store: &Store, random: &dyn Random) -> anyhow::Result<Keyring> {
    let path = data_dir.join(FILE);
    let canary = store.setting(CANARY).await?;
    let keys = match read(&path)? {
        Some(keys) => keys,
        None if canary.is_none() => make(&path, random)?,
        None => return Err(missing(&path).into()),
    };
    let keyring = Keyring::new(&keys).with_context(|| format!("{} has no key", path.display()))?;
    let canary = match canary {
        Some(canary) => canary,
        None => leave_canary(&keyring, store, random).await?,
    };
    keyring.open(CANARY_LOCATION, &canary).map_err(|_| foreign(&path))?;
    Ok(keyring)
}

/// What is in the database afterwards may be another node's canary, which was there a moment earlier.
async fn leave_canary(keyring: &Keyring, store: &Store, random: &dyn Random) -> anyhow::Result<Vec<u8>> {
    let sealed = keyring.seal(random, CANARY_LOCATION, CANARY_TEXT);
    store.commit(setting::insert_if_absent(CANARY, &sealed)).await?;
    store.setting(CANARY).await?.context("the database does not keep what was written to it")
}

/// The keys in the file; `None` when there is no file.
fn read(path: &Path) -> anyhow::Result<Option<Vec<MasterKey>>> {
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
fn make(path: &Path, random: &dyn Random) -> anyhow::Result<Vec<MasterKey>> {
    let draft = draft_path(path);
    write_draft(&draft, &MasterKey::mint(random))
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

fn write_draft(path: &Path, key: &MasterKey) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let line = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(key.expose()));
    let mut file = options.open(path)?;
    writeln!(file, "{}", line.expose())?;
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

fn missing(path: &Path) -> Stop {
    Stop::failure(format!("the database has sealed values, and the keyring {} is not there", path.display()))
        .hint("put back the keyring of this database, from a backup or from another node, or use another database")
}

fn foreign(path: &Path) -> Stop {
    Stop::failure(format!(
        "the keyring {} does not belong to this database: what it sealed does not open; nothing was changed",
        path.display()
    ))
    .hint("put back the keyring of this database, from a backup or from another node, or use another --data-dir")
}

fn damaged(path: &Path, line: usize) -> Stop {
    Stop::failure(format!("{}:{line}: this is not a key of 32 bytes in base64url", path.display()))
        .hint("put back the keyring from a backup")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::entropy::SystemEntropy;

    async fn database(directory: &TempDir) -> Store {
        let location = format!("sqlite:{}", directory.path().join("v.sqlite3").display());
        let store = Store::open(store::Location::parse(&location).unwrap()).unwrap();
        store.migrate().await.unwrap();
        store
    }

    async fn open_in(keys: &TempDir, store: &Store) -> anyhow::Result<Keyring> {
        open(keys.path(), store, &SystemEntropy::new()).await
    }

    #[tokio::test]
    async fn the_keyring_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = database(&directory).await;
        let first = open_in(&directory, &store).await.unwrap();
        let sealed = first.seal(&SystemEntropy::new(), CANARY_LOCATION, b"x");
        let second = open_in(&directory, &store).await.unwrap();
        assert_eq!(second.open(CANARY_LOCATION, &sealed).unwrap().expose(), b"x");
        assert_eq!(fs::read_dir(directory.path()).unwrap().filter(is_draft).count(), 0);
    }

    fn is_draft(entry: &io::Result<fs::DirEntry>) -> bool {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "draft")
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn op_01_only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        open_in(&directory, &database(&directory).await).await.unwrap();
        let mode = fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn va_06_another_keyring_is_refused_and_nothing_is_changed() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = database(&directory).await;
        open_in(&directory, &store).await.unwrap();
        let canary = store.setting(CANARY).await.unwrap();

        let error = open_in(&elsewhere, &store).await.err().unwrap();
        assert!(error.to_string().contains("is not there"), "{error}");
        assert!(!elsewhere.path().join(FILE).exists(), "a new key would hide the mistake");

        write_draft(&elsewhere.path().join(FILE), &MasterKey::mint(&SystemEntropy::new())).unwrap();
        let error = open_in(&elsewhere, &store).await.err().unwrap();
        assert!(error.to_string().contains("does not belong to this database"), "{error}");
        assert_eq!(store.setting(CANARY).await.unwrap(), canary);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_read_names_its_line_and_not_itself() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "\ncanary\n").unwrap();
        let error = open_in(&directory, &database(&directory).await).await.err().unwrap().to_string();
        assert!(error.contains("keyring:2:") && !error.contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn an_old_key_still_opens_behind_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let store = database(&directory).await;
        open_in(&directory, &store).await.unwrap();
        let path = directory.path().join(FILE);
        let old = fs::read_to_string(&path).unwrap();
        write_draft(&path, &MasterKey::mint(&SystemEntropy::new())).unwrap();
        let new = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{new}{old}")).unwrap();
        assert!(open_in(&directory, &store).await.is_ok());
    }
}
