//! The items of the users, on the store.

use std::sync::Arc;

use oauth::Clock;
use serde::Serialize;
use serde_json::value::RawValue;
use store::{CommitError, DemoItemRecord, Statement, Store, StoreError, demo_item};

use crate::upstream::UpstreamUnavailable;

/// Every user's items. A user who was never seen begins with three.
pub(super) struct Items {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// An item as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    id: i64,
    name: String,
    value: Box<RawValue>,
}

/// What became of a change to one item.
pub(super) enum Change<T> {
    Done(T),
    NotFound,
}

impl Items {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The items in the order of their ids.
    pub(super) async fn list(&self, owner: &str) -> Result<Vec<Item>, UpstreamUnavailable> {
        let mut records = self.store.demo_items(owner).await.map_err(unavailable)?;
        if records.is_empty() {
            self.seed(owner).await?;
            records = self.store.demo_items(owner).await.map_err(unavailable)?;
        }
        records.into_iter().map(item).collect()
    }

    pub(super) async fn create(
        &self,
        owner: &str,
        name: &str,
        value: &str,
    ) -> Result<Item, UpstreamUnavailable> {
        let now = self.clock.now();
        let record = match self.store.insert_demo_item(owner, name, value, now).await {
            Err(CommitError::Refused(_)) => {
                self.seed(owner).await?;
                self.store.insert_demo_item(owner, name, value, now).await
            }
            outcome => outcome,
        };
        item(record.map_err(unavailable)?)
    }

    pub(super) async fn update(
        &self,
        owner: &str,
        id: i64,
        name: &str,
        value: &str,
    ) -> Result<Change<Item>, UpstreamUnavailable> {
        let update = demo_item::update(owner, id, name, value, self.clock.now());
        Ok(match self.change(owner, update).await? {
            Change::Done(()) => {
                Change::Done(Item { id, name: name.to_owned(), value: number(value.to_owned())? })
            }
            Change::NotFound => Change::NotFound,
        })
    }

    pub(super) async fn delete(&self, owner: &str, id: i64) -> Result<Change<()>, UpstreamUnavailable> {
        self.change(owner, demo_item::delete(owner, id)).await
    }

    /// Commits a change of one item. When there is no such item, the owner may be one who was never seen: then the first
    /// items are made and it is tried once more.
    async fn change(&self, owner: &str, statement: Statement) -> Result<Change<()>, UpstreamUnavailable> {
        match self.store.commit(statement.clone()).await {
            Ok(()) => return Ok(Change::Done(())),
            Err(CommitError::Refused(_)) => self.seed(owner).await?,
            Err(error) => return Err(unavailable(error)),
        }
        match self.store.commit(statement).await {
            Ok(()) => Ok(Change::Done(())),
            Err(CommitError::Refused(_)) => Ok(Change::NotFound),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn seed(&self, owner: &str) -> Result<(), UpstreamUnavailable> {
        self.store.seed_demo_items(owner, self.clock.now()).await.map_err(unavailable)
    }
}

fn item(record: DemoItemRecord) -> Result<Item, UpstreamUnavailable> {
    Ok(Item { id: record.id, name: record.name, value: number(record.value)? })
}

/// The stored digits as the JSON number that they are.
fn number(digits: String) -> Result<Box<RawValue>, UpstreamUnavailable> {
    RawValue::from_string(digits)
        .map_err(|_| unavailable(StoreError::Corrupt { table: "demo_items", column: "value" }))
}

fn unavailable(error: impl std::error::Error) -> UpstreamUnavailable {
    tracing::error!(%error, "the demo server could not use its storage");
    UpstreamUnavailable
}
