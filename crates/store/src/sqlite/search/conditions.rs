//! A `WHERE` clause that grows with the filters of a request.

use rusqlite::types::Value;

#[derive(Clone, Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn new(condition: &str, value: impl Into<Value>) -> Self {
        Self { sql: condition.to_owned(), values: vec![value.into()] }
    }

    pub(super) fn add(&mut self, condition: &str, value: impl Into<Value>) {
        if !self.sql.is_empty() {
            self.sql += " AND ";
        }
        self.sql += condition;
        self.values.push(value.into());
    }

    pub(super) fn add_if(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(condition, value);
        }
    }

    /// These conditions and all of the others.
    pub(super) fn and(mut self, others: &Self) -> Self {
        if !self.sql.is_empty() && !others.sql.is_empty() {
            self.sql += " AND ";
        }
        self.sql += &others.sql;
        self.values.extend(others.values.iter().cloned());
        self
    }

    /// Adds the value of a `?` after the conditions.
    pub(super) fn value(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    pub(super) fn sql(&self) -> String {
        self.sql.clone()
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.values
    }
}
