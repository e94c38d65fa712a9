//! The data directory and the database in it.

use std::{fs, path::Path};

use anyhow::Context as _;
use store::{Location, Store};

use crate::{cli::exit::Stop, config::storage::Storage};

/// Opens the database and brings it up to date; makes the data directory at the first start.
pub(crate) async fn open(storage: &Storage) -> anyhow::Result<Store> {
    make_data_directory(&storage.data_dir)?;
    let location = Location::parse(&storage.database).map_err(|error| Stop::usage(error.to_string()))?;
    let store = Store::open(location)?;
    store.migrate().await?;
    Ok(store)
}

/// Nobody but its owner looks into it.
fn make_data_directory(path: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("the data directory {} cannot be made", path.display()))
}
