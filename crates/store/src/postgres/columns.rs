//! Many rows as one parameter a column, for `unnest`.

use super::param::Param;

pub(super) type Columns = Vec<Box<dyn Param>>;

pub(super) fn borrowed(columns: &Columns) -> Vec<&dyn Param> {
    columns.iter().map(|column| &**column).collect()
}

pub(super) fn column<N, T>(rows: &[N], cell: impl Fn(&N) -> T) -> Box<dyn Param>
where
    Vec<T>: Param + 'static,
{
    Box::new(rows.iter().map(cell).collect::<Vec<T>>())
}
