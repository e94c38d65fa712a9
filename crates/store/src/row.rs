use crate::{
    error::StoreError,
    value::{FromValue, Value},
};

/// The columns of one result row, read from left to right.
#[derive(Debug)]
pub(crate) struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    /// The next columns belong to `table`: only for the wording of errors.
    pub(crate) fn columns_of(&mut self, table: &'static str) -> Columns<'_> {
        Columns { table, row: self }
    }
}

impl FromIterator<Value> for Row {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self { values: values.into_iter().collect::<Vec<_>>().into_iter() }
    }
}

/// The part of a row that comes from one table.
pub(crate) struct Columns<'row> {
    table: &'static str,
    row: &'row mut Row,
}

impl Columns<'_> {
    /// The next column, which the SELECT calls `column`.
    pub(crate) fn next<T: FromValue>(&mut self, column: &'static str) -> Result<T, StoreError> {
        self.row
            .values
            .next()
            .and_then(T::from_value)
            .ok_or(StoreError::Corrupt { table: self.table, column })
    }
}

/// What running one statement gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Rows changed, or rows returned where the statement returns any.
    pub(crate) affected: u64,
    pub(crate) rows: Vec<Row>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_does_not_parse_is_named_by_its_place_only() {
        let mut row = Row::from_iter([Value::Integer(1), Value::Text("canary".into())]);
        let mut columns = row.columns_of("users");
        assert_eq!(columns.next::<i64>("id").unwrap(), 1);
        let error = columns.next::<i64>("state").unwrap_err();
        assert!(error.to_string().contains("users.state"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
