//! Every column that the keyring seals, for sealing it anew after a master key was put in front of the others.
//!
//! Each value is bound to its place, so the place is all that is needed to open it and to seal it again. A value that
//! somebody else changed meanwhile stays as they left it: they sealed it with the newer key, or it comes up again.

use crate::{
    Store,
    error::StoreError,
    row::Row,
    statement::{Expect, Sql, Statement, sql},
    value::values,
};

/// A column of sealed values: table, column, and the statements that go through it.
#[derive(Debug)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    page: &'static Sql,
    replace: &'static Sql,
}

/// One sealed value at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// The primary key of its row.
    pub row: String,
    /// The value.
    pub sealed: Vec<u8>,
}

/// How many values a page has at most.
pub const PAGE: u32 = 200;

/// The column `$column` of `$table`, whose primary key is `$key`, as far as `$condition` says.
macro_rules! sealed_columns {
    ($(
        $page:ident $page_name:literal, $replace:ident $replace_name:literal:
        $table:literal $key:literal $column:literal $condition:literal;
    )+) => {
        sql! {
            $(
                $page: $page_name = concat!(
                    "SELECT ", $key, ", ", $column, " FROM ", $table, " WHERE ", $key, " > $1 AND ",
                    $condition, " ORDER BY ", $key, " LIMIT $2",
                );
                $replace: $replace_name = concat!(
                    "UPDATE ", $table, " SET ", $column, " = $1 WHERE ", $key, " = $2 AND ", $column, " = $3",
                );
            )+
        }

        /// All of them.
        pub static COLUMNS: &[SealedColumn] = &[
            $(SealedColumn { table: $table, column: $column, page: &$page, replace: &$replace },)+
        ];
    };
}

sealed_columns! {
    SIGNING_KEYS "sealed.signing_keys", REPLACE_SIGNING_KEY "sealed.replace_signing_key":
        "signing_keys" "kid" "private_key_sealed" "private_key_sealed IS NOT NULL";
    ACCESS_KEYS "sealed.access_keys", REPLACE_ACCESS_KEY "sealed.replace_access_key":
        "access_keys" "id" "secret_sealed" "secret_sealed IS NOT NULL";
    CREDENTIALS "sealed.credentials", REPLACE_CREDENTIAL "sealed.replace_credential":
        "credentials" "connection_id" "data_key_sealed" "data_key_sealed IS NOT NULL";
    PROVIDER_REVOCATIONS "sealed.provider_revocations", REPLACE_PROVIDER_REVOCATION "sealed.replace_provider_revocation":
        "provider_revocations" "id" "sealed" "sealed IS NOT NULL";
    CONNECT_REQUESTS "sealed.connect_requests", REPLACE_CONNECT_REQUEST "sealed.replace_connect_request":
        "connect_requests" "id" "received_sealed" "received_sealed IS NOT NULL";
    CONNECT_ATTEMPTS "sealed.connect_attempts", REPLACE_CONNECT_ATTEMPT "sealed.replace_connect_attempt":
        "connect_attempts" "id" "flow_sealed" "flow_sealed IS NOT NULL";
    PROVIDER_CLIENTS "sealed.provider_clients", REPLACE_PROVIDER_CLIENT "sealed.replace_provider_client":
        "provider_clients" "provider" "registered_sealed" "registered_sealed IS NOT NULL";
    SETTINGS "sealed.settings", REPLACE_SETTING "sealed.replace_setting":
        "settings" "name" "value" "name IN ('keyring_canary', 'keyring_root')";
}

impl SealedColumn {
    /// Puts the same value, sealed anew, in its place; nothing happens when it is not there as it was.
    pub fn replace(&'static self, former: &SealedValue, sealed: &[u8]) -> Statement {
        Statement {
            sql: self.replace,
            parameters: values![sealed, former.row, former.sealed],
            expect: Expect::Any,
        }
    }
}

impl Store {
    /// The values of `column` whose rows come after `after`, at most [`PAGE`] of them; the empty text comes before all.
    pub async fn sealed_values(
        &self,
        column: &'static SealedColumn,
        after: &str,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let from_row = |row: &mut Row| {
            let mut columns = row.columns_of(column.table);
            Ok(SealedValue { row: columns.next("primary key")?, sealed: columns.next(column.column)? })
        };
        self.all(column.page, values![after, i64::from(PAGE)], from_row).await
    }
}
