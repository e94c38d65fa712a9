//! What the nodes have to agree on and nobody configures, for example salts made at the first start.

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Statement, sql, statement},
    value::values,
};

sql! {
    INSERT_IF_ABSENT: "setting.insert_if_absent" =
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    BY_NAME: "setting.by_name" = "SELECT value FROM settings WHERE name = $1";
}

/// Sets a value that was never set; otherwise the earlier one stays. Read it afterwards.
pub fn insert_if_absent(name: &str, value: &[u8]) -> Statement {
    statement!(INSERT_IF_ABSENT [name, value] expecting Expect::Any)
}

impl Store {
    /// The value of a setting.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = |row: &mut Row| row.columns_of("settings").next("value");
        self.optional(&BY_NAME, values![name], value).await
    }
}
