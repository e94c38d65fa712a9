use std::error::Error;

use bytes::BytesMut;
use deadpool_postgres::tokio_postgres;
use futures_util::TryStreamExt;
use tokio_postgres::{
    Client, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::{
    row::{Outcome, Row},
    value::Value,
};

/// Runs one prepared statement to its end. It is on its way to the server when this is polled first.
pub(super) async fn run(
    client: &Client,
    prepared: &Statement,
    parameters: &[Value],
) -> Result<Outcome, tokio_postgres::Error> {
    let mut stream = std::pin::pin!(client.query_raw(prepared, parameters).await?);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        let values = (0..row.len()).map(|column| row.try_get::<_, Value>(column));
        rows.push(values.collect::<Result<Row, _>>()?);
    }
    Ok(Outcome { affected: stream.rows_affected().unwrap_or(0), rows })
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

impl<'row> FromSql<'row> for Value {
    fn from_sql(kind: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Integer),
            Type::TEXT => String::from_sql(kind, raw).map(Self::Text),
            _ => Vec::from_sql(kind, raw).map(Self::Bytes),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind)
    }
}
