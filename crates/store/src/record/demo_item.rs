//! The rows of the demo resource API. Each owner begins with three items and never sees an id twice.

use oauth::Timestamp;

use crate::{
    Store,
    error::{CommitError, StoreError},
    row::Row,
    statement::{Batch, Expect, Statement, sql, statement},
    value::values,
};

/// A row of `demo_items`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoItemRecord {
    /// Whose it is: the subject of the token.
    pub owner: String,
    /// 1, 2, 3 … per owner.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// A JSON number in the digits it came with.
    pub value: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// What every owner begins with.
const SEED: [(i64, &str, &str); 3] = [(1, "Item 1", "100"), (2, "Item 2", "200"), (3, "Item 3", "300")];

sql! {
    ADD_OWNER: "demo_item.add_owner" =
        "INSERT INTO demo_owners (owner, last_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    SEED_ITEM: "demo_item.seed" =
        "INSERT INTO demo_items (owner, id, name, value, created_at) VALUES ($1, $2, $3, $4, $5)";
    OWNER: "demo_item.owner" = "SELECT last_id FROM demo_owners WHERE owner = $1";
    NEXT_ID: "demo_item.next_id" = "UPDATE demo_owners SET last_id = last_id + 1 WHERE owner = $1";
    INSERT: "demo_item.insert" =
        "INSERT INTO demo_items (owner, id, name, value, created_at) \
         SELECT owner, last_id, CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT) \
         FROM demo_owners WHERE owner = $4 \
         RETURNING owner, id, name, value, created_at, updated_at";
    UPDATE: "demo_item.update" =
        "UPDATE demo_items SET name = $1, value = $2, updated_at = $3 WHERE owner = $4 AND id = $5";
    DELETE: "demo_item.delete" = "DELETE FROM demo_items WHERE owner = $1 AND id = $2";
    OF_OWNER: "demo_item.of_owner" =
        "SELECT owner, id, name, value, created_at, updated_at FROM demo_items WHERE owner = $1 ORDER BY id";
}

/// Changes an item; refused when the owner has none with this id.
pub fn update(owner: &str, id: i64, name: &str, value: &str, now: Timestamp) -> Statement {
    statement!(UPDATE [name, value, now, owner, id] expecting Expect::Rows(1))
}

/// Removes an item; refused when the owner has none with this id.
pub fn delete(owner: &str, id: i64) -> Statement {
    statement!(DELETE [owner, id] expecting Expect::Rows(1))
}

impl Store {
    /// The items of an owner by id.
    pub async fn demo_items(&self, owner: &str) -> Result<Vec<DemoItemRecord>, StoreError> {
        self.all(&OF_OWNER, values![owner], from_row).await
    }

    /// Gives an owner the first three items, once: what was deleted does not come back.
    pub async fn seed_demo_items(&self, owner: &str, now: Timestamp) -> Result<(), StoreError> {
        if !self.query(&OWNER, values![owner]).await?.is_empty() {
            return Ok(());
        }
        let last_id = SEED.map(|(id, ..)| id).into_iter().max();
        let marker = statement!(ADD_OWNER [owner, last_id] expecting Expect::Rows(1));
        let items = SEED.map(
            |(id, name, value)| statement!(SEED_ITEM [owner, id, name, value, now] expecting Expect::Rows(1)),
        );
        match self.commit([marker].into_iter().chain(items).collect::<Batch>()).await {
            // Another request seeded meanwhile.
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Adds an item to an owner that was seeded, and gives it the next id of that owner.
    ///
    /// Taking the number locks the owner's row until the commit: two that run at once get two numbers.
    pub async fn insert_demo_item(
        &self,
        owner: &str,
        name: &str,
        value: &str,
        now: Timestamp,
    ) -> Result<DemoItemRecord, CommitError> {
        let batch = Batch::new()
            .then(statement!(NEXT_ID [owner] expecting Expect::Rows(1)))
            .then(statement!(INSERT [name, value, now, owner] expecting Expect::Rows(1)));
        let mut rows = self.commit_returning(batch).await?.into_iter().flat_map(|outcome| outcome.rows);
        let mut row = rows.next().ok_or(CommitError::Refused(INSERT.name))?;
        Ok(from_row(&mut row)?)
    }
}

fn from_row(row: &mut Row) -> Result<DemoItemRecord, StoreError> {
    let mut columns = row.columns_of("demo_items");
    Ok(DemoItemRecord {
        owner: columns.next("owner")?,
        id: columns.next("id")?,
        name: columns.next("name")?,
        value: columns.next("value")?,
        created_at: columns.next("created_at")?,
        updated_at: columns.next("updated_at")?,
    })
}
