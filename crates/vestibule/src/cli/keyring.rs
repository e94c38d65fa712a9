//! `vestibule keyring`: the keys that seal what the database keeps, and their rotation while the server runs.
//!
//! 1. `add` puts a new key behind the others: every node can open what it will seal. With several nodes, the file goes
//!    to all of them now.
//! 2. `promote` puts it in front: from here on it seals. The file goes to all nodes again.
//! 3. `reseal` seals anew what former keys sealed.
//! 4. `remove` takes out a key that nothing needs any more.

use std::{
    collections::BTreeMap,
    io::{Write as _, stdout},
    path::PathBuf,
};

use secret::{KeyId, Keyring, MasterKey};
use serde_json::json;
use store::Store;

use super::{exit::Stop, printing};
use crate::{
    config::{Configuration, Flags},
    entropy::SystemEntropy,
    keyring::{self, file, reseal},
    storage,
};

/// `vestibule keyring`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the keys, and how many values need each.
    Status(Status),
    /// Make a key that opens and does not seal yet.
    Add(Common),
    /// Let the newest key seal from here on.
    Promote(Common),
    /// Seal anew what former keys sealed; works while the server runs, and goes on where it was ended.
    Reseal(Common),
    /// Take a key out that nothing needs any more.
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
struct Status {
    /// Print the keys as a JSON array.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// Which key, as `status` calls it.
    key: String,
    #[command(flatten)]
    flags: Flags,
}

/// What every one of these commands works on.
struct Opened {
    store: Store,
    keyring: Keyring,
    random: SystemEntropy,
    path: PathBuf,
    keys: Vec<MasterKey>,
}

/// Runs a `vestibule keyring` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Status(arguments) => status(&arguments).await,
        Command::Add(arguments) => add(&arguments.flags).await,
        Command::Promote(arguments) => promote(&arguments.flags).await,
        Command::Reseal(arguments) => reseal_all(&arguments.flags).await,
        Command::Remove(arguments) => remove(&arguments).await,
    }
}

async fn status(arguments: &Status) -> anyhow::Result<()> {
    let Opened { store, keyring, .. } = open(&arguments.flags).await?;
    let needed = reseal::needed(&store).await?;
    let keys = keyring.key_ids();
    let use_of = |position| if position == 0 { "seals" } else { "opens" };
    if arguments.json {
        let described = keys.iter().enumerate().map(
            |(position, key)| json!({ "key": key.to_string(), "use": use_of(position), "values": count(&needed, *key) }),
        );
        return Ok(printing::json(&mut stdout(), &described.collect::<Vec<_>>())?);
    }
    let mut stdout = stdout().lock();
    for (position, key) in keys.iter().enumerate() {
        writeln!(stdout, "{key}  {}  {}", use_of(position), values(count(&needed, *key)))?;
    }
    Ok(())
}

async fn add(flags: &Flags) -> anyhow::Result<()> {
    let Opened { random, path, mut keys, .. } = open(flags).await?;
    let key = MasterKey::mint(&random);
    let id = key.id();
    keys.push(key);
    file::replace(&path, &keys)?;
    writeln!(stdout(), "{id}")?;
    eprintln!("a running server can open with it within two seconds; nothing is sealed with it yet");
    eprintln!("hint: bring {} to every other node, then run `vestibule keyring promote`", path.display());
    Ok(())
}

async fn promote(flags: &Flags) -> anyhow::Result<()> {
    let Opened { path, mut keys, .. } = open(flags).await?;
    if keys.len() < 2 {
        return Err(Stop::failure("there is no other key than the one that seals")
            .hint("make one with `vestibule keyring add`")
            .into());
    }
    keys.rotate_right(1);
    let id = keys[0].id();
    file::replace(&path, &keys)?;
    writeln!(stdout(), "{id}")?;
    eprintln!("a running server seals with it within two seconds");
    eprintln!("hint: bring {} to every other node, then run `vestibule keyring reseal`", path.display());
    Ok(())
}

async fn reseal_all(flags: &Flags) -> anyhow::Result<()> {
    let Opened { store, keyring, random, .. } = open(flags).await?;
    let count = reseal::all(&store, &keyring, &random).await?;
    eprintln!("{} sealed anew with {}", values(count), keyring.sealing_key());
    eprintln!("hint: `vestibule keyring status` shows what still needs which key");
    Ok(())
}

async fn remove(arguments: &Remove) -> anyhow::Result<()> {
    let Opened { store, path, mut keys, .. } = open(&arguments.flags).await?;
    let position = keys.iter().position(|key| key.id().to_string() == arguments.key).ok_or_else(|| {
        Stop::failure(format!("there is no key {}", client::printable(&arguments.key)))
            .hint("`vestibule keyring status` shows those there are")
    })?;
    if position == 0 {
        return Err(Stop::failure("this is the key that seals")
            .hint("put another in front first: `vestibule keyring add`, then `promote`")
            .into());
    }
    let needed = count(&reseal::needed(&store).await?, keys[position].id());
    if needed > 0 {
        return Err(Stop::failure(format!("{} would be lost without this key", values(needed)))
            .hint("seal them anew first: `vestibule keyring reseal`")
            .into());
    }
    keys.remove(position);
    file::replace(&path, &keys)?;
    eprintln!("{} is out of {}; backups of the database may still need it", arguments.key, path.display());
    Ok(())
}

async fn open(flags: &Flags) -> anyhow::Result<Opened> {
    let configuration = Configuration::load(flags, None)?;
    let random = SystemEntropy::new();
    let store = storage::open(&configuration.storage).await?;
    let keyring = keyring::open(&configuration.storage.data_dir, &store, &random).await?;
    let path = file::path(&configuration.storage.data_dir);
    let keys = file::read(&path)?.unwrap_or_default();
    Ok(Opened { store, keyring, random, path, keys })
}

fn count(needed: &BTreeMap<KeyId, u64>, key: KeyId) -> u64 {
    needed.get(&key).copied().unwrap_or_default()
}

fn values(count: u64) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}
