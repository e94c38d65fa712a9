//! Seals anew what former keys sealed.
//!
//! One value at a time, in the order of the primary keys, each by a statement that does nothing when somebody changed the
//! value meanwhile. Ended in the middle, it goes on from the beginning: what is sealed with the first key already is left
//! alone.

use std::collections::BTreeMap;

use anyhow::Context as _;
use secret::{KeyId, Keyring, Location, Random};
use store::{SealedColumn, SealedValue, Store, sealed};

/// Seals every value anew that the first key did not seal; says how many those were.
pub(crate) async fn all(store: &Store, keyring: &Keyring, random: &dyn Random) -> anyhow::Result<u64> {
    let mut count = 0;
    for column in sealed::COLUMNS {
        let mut after = String::new();
        loop {
            let page = store.sealed_values(column, &after).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.row);
            let former = page.iter().filter(|value| KeyId::of(&value.sealed) != Some(keyring.sealing_key()));
            let statements: Vec<_> =
                former.map(|value| anew(column, value, keyring, random)).collect::<anyhow::Result<_>>()?;
            count += statements.len() as u64;
            store.commit(statements.into_iter().collect::<store::Batch>()).await?;
        }
    }
    Ok(count)
}

fn anew(
    column: &'static SealedColumn,
    value: &SealedValue,
    keyring: &Keyring,
    random: &dyn Random,
) -> anyhow::Result<store::Statement> {
    let place = Location { table: column.table, row: value.row.as_bytes(), column: column.column };
    let clear = keyring
        .open(place, &value.sealed)
        .with_context(|| format!("{} of {:?} in {}", column.column, value.row, column.table))?;
    Ok(column.replace(value, &keyring.seal(random, place, clear.expose())))
}

/// How many values need which key.
pub(crate) async fn needed(store: &Store) -> anyhow::Result<BTreeMap<KeyId, u64>> {
    let mut needed = BTreeMap::new();
    for column in sealed::COLUMNS {
        let mut after = String::new();
        loop {
            let page = store.sealed_values(column, &after).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.row);
            for key in page.iter().filter_map(|value| KeyId::of(&value.sealed)) {
                *needed.entry(key).or_default() += 1;
            }
        }
    }
    Ok(needed)
}
