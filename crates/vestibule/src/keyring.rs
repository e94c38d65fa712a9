//! The keys that seal what the database keeps.
//!
//! 1. The file `keyring` in the data directory has one key per line; the first seals, all open. It is made at the
//!    first start, for its owner only.
//! 2. The database has a canary: a value sealed when the two first met. A keyring that cannot open it belongs to
//!    another database, and using it would leave rows that nobody can read.
//! 3. The database has a root, sealed: what is derived from it stays the same when the keys are rotated.
//! 4. Keys are rotated while the server runs: a running server takes a changed file over ([`follow`]), and
//!    [`reseal`] seals anew what former keys sealed.

pub(crate) mod file;
pub(crate) mod reseal;

use std::{convert::Infallible, path::Path, sync::Arc};

use anyhow::Context as _;
use secret::{Keyring, Location, MasterKey, Random};
use store::{Store, setting};

use crate::{cli::exit::Stop, watch::Watch};

const CANARY: &str = "keyring_canary";
const CANARY_LOCATION: Location<'static> =
    Location { table: "settings", row: CANARY.as_bytes(), column: "value" };
const CANARY_TEXT: &[u8] = b"this keyring belongs to this database";
const ROOT: &str = "keyring_root";
const ROOT_LOCATION: Location<'static> =
    Location { table: "settings", row: ROOT.as_bytes(), column: "value" };

/// Opens the keyring of `data_dir`, or makes it at the first start, and makes sure that it belongs to the database.
pub(crate) async fn open(data_dir: &Path, store: &Store, random: &dyn Random) -> anyhow::Result<Keyring> {
    let path = file::path(data_dir);
    let canary = store.setting(CANARY).await?;
    let keys = match file::read(&path)? {
        Some(keys) => keys,
        None if canary.is_none() => file::make(&path, random)?,
        None => return Err(missing(&path).into()),
    };
    let keyring = Keyring::new(&keys).with_context(|| format!("{} has no key", path.display()))?;
    let canary = match canary {
        Some(canary) => canary,
        None => leave(store, CANARY, &keyring.seal(random, CANARY_LOCATION, CANARY_TEXT)).await?,
    };
    keyring.open(CANARY_LOCATION, &canary).map_err(|_| foreign(&path))?;
    let root = root(&keyring, store, random).await?;
    Ok(keyring.rooted_in(root))
}

/// What the keys for purposes of their own are derived from.
async fn root(keyring: &Keyring, store: &Store, random: &dyn Random) -> anyhow::Result<MasterKey> {
    let sealed = match store.setting(ROOT).await? {
        Some(sealed) => sealed,
        None => {
            let root = MasterKey::mint(random);
            leave(store, ROOT, &keyring.seal(random, ROOT_LOCATION, root.expose())).await?
        }
    };
    let root = keyring.open(ROOT_LOCATION, &sealed)?;
    MasterKey::from_bytes(root.expose()).context("the root of the keyring in the database is damaged")
}

/// What is in the database afterwards may be another node's, which was there a moment earlier.
async fn leave(store: &Store, name: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    store.commit(setting::insert_if_absent(name, sealed)).await?;
    store.setting(name).await?.context("the database does not keep what was written to it")
}

/// Takes a changed file over for as long as the server runs. A file that does not belong to the database changes
/// nothing, and the log says so.
pub(crate) async fn follow(data_dir: &Path, keyring: Arc<Keyring>, store: Store) -> Infallible {
    let path = file::path(data_dir);
    let mut watch = Watch::new(&path);
    loop {
        watch.changed().await;
        watch.look();
        match take_over(&path, &keyring, &store).await {
            Ok(()) => tracing::info!(sealing = %keyring.sealing_key(), "the keyring was read again"),
            Err(error) => tracing::error!(
                reason = format!("{error:#}"),
                "the keyring is not taken over; the former keys stay in force"
            ),
        }
    }
}

async fn take_over(path: &Path, keyring: &Keyring, store: &Store) -> anyhow::Result<()> {
    let keys = file::read(path)?.ok_or_else(|| missing(path))?;
    let newer = Keyring::new(&keys).with_context(|| format!("{} has no key", path.display()))?;
    let canary = store.setting(CANARY).await?.context("the database has lost its canary")?;
    newer.open(CANARY_LOCATION, &canary).map_err(|_| foreign(path))?;
    keyring.replace(&keys).context("there is no key")
}

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

#[cfg(test)]
mod tests {
    use std::{fs, io};

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
        let mode = fs::metadata(file::path(directory.path())).unwrap().permissions().mode();
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
        assert!(!file::path(elsewhere.path()).exists(), "a new key would hide the mistake");

        file::write_draft(&file::path(elsewhere.path()), &[MasterKey::mint(&SystemEntropy::new())]).unwrap();
        let error = open_in(&elsewhere, &store).await.err().unwrap();
        assert!(error.to_string().contains("does not belong to this database"), "{error}");
        assert_eq!(store.setting(CANARY).await.unwrap(), canary);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_read_names_its_line_and_not_itself() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(file::path(directory.path()), "\ncanary\n").unwrap();
        let error = open_in(&directory, &database(&directory).await).await.err().unwrap().to_string();
        assert!(error.contains("keyring:2:") && !error.contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn va_05_every_value_is_sealed_anew_and_the_old_key_can_go() {
        let directory = tempfile::tempdir().unwrap();
        let (store, random) = (database(&directory).await, SystemEntropy::new());
        let keyring = open_in(&directory, &store).await.unwrap();
        let derived = *keyring.derive("sessions").expose();
        let path = file::path(directory.path());
        let old = file::read(&path).unwrap().unwrap();
        let new = MasterKey::mint(&random);
        file::replace(&path, &[new.clone(), old[0].clone()]).unwrap();
        take_over(&path, &keyring, &store).await.unwrap();
        assert_eq!(keyring.sealing_key(), new.id());

        let before = reseal::needed(&store).await.unwrap();
        assert_eq!(before.keys().collect::<Vec<_>>(), [&old[0].id()]);
        assert_eq!(reseal::all(&store, &keyring, &random).await.unwrap(), before[&old[0].id()]);
        assert_eq!(reseal::all(&store, &keyring, &random).await.unwrap(), 0, "there is nothing left to do");
        file::replace(&path, std::slice::from_ref(&new)).unwrap();
        let alone = open_in(&directory, &store).await.unwrap();
        assert_eq!(*alone.derive("sessions").expose(), derived, "what is derived stays");
    }

    #[tokio::test]
    async fn va_05_a_key_that_is_needed_and_gone_is_refused_at_the_start_and_while_running() {
        let directory = tempfile::tempdir().unwrap();
        let store = database(&directory).await;
        let keyring = open_in(&directory, &store).await.unwrap();
        let former = keyring.sealing_key();
        let path = file::path(directory.path());
        file::replace(&path, &[MasterKey::mint(&SystemEntropy::new())]).unwrap();
        assert!(take_over(&path, &keyring, &store).await.is_err());
        assert_eq!(keyring.sealing_key(), former, "what was in force stays in force");
        assert!(open_in(&directory, &store).await.is_err());
    }
}
