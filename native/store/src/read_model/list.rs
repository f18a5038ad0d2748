//! Listing runs, page by page.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::row::{LIST_COLUMNS, RunRow};
use crate::sqlite::Trouble;

/// Which runs are wanted; what is `None` or empty does not filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListFilter {
    pub namespace: String,
    pub status: Option<String>,
    pub definition: Option<String>,
    pub created_by: Option<String>,
    /// Each key of the metadata must have this value; numbers and booleans are compared as JSON writes them.
    pub metadata: Vec<(String, String)>,
    /// How many at most, from 1.
    pub limit: u32,
    /// Where the page before stopped.
    pub cursor: Option<u64>,
}

/// Runs in falling order of creation, without results and errors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPage {
    pub rows: Vec<RunRow>,
    /// The cursor of the next page; `None` after the last.
    pub next: Option<u64>,
}

pub(super) fn list(conn: &Connection, filter: &ListFilter) -> Result<ListPage, Trouble> {
    let (sql, values) = question(filter);
    // One more than asked tells whether there is a next page.
    let limit = filter.limit.max(1) as usize;
    let values = values.into_iter().chain([Value::from(limit as i64 + 1)]);
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), RunRow::read)?;
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|row| row.run);
    Ok(ListPage { rows, next })
}

/// Which ended runs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedFilter {
    /// They ended at this or later, in Unix milliseconds.
    pub from_ms: i64,
    /// They ended before this, in Unix milliseconds.
    pub before_ms: i64,
    /// Those with an idempotency key ended before this.
    pub keyed_before_ms: i64,
    /// The position up to which their events may lie; `None` for any.
    pub last_position_max: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

pub(super) fn ended(conn: &Connection, filter: &EndedFilter) -> Result<Vec<RunRow>, Trouble> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {LIST_COLUMNS} FROM run WHERE ended_at_ms >= ?5 AND ended_at_ms < ?1 \
         AND (key IS NULL OR ended_at_ms < ?2) AND last_position <= ?3 ORDER BY ended_at_ms LIMIT ?4"
    ))?;
    let position_max = filter.last_position_max.map_or(i64::MAX, |position| position as i64);
    let EndedFilter { from_ms, before_ms, keyed_before_ms, limit, .. } = *filter;
    let values = (before_ms, keyed_before_ms, position_max, limit, from_ms);
    let rows = statement.query_map(values, RunRow::read)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

pub(super) fn first_end(conn: &Connection, from_ms: i64) -> Result<Option<i64>, Trouble> {
    let mut statement =
        conn.prepare_cached("SELECT min(ended_at_ms) FROM run WHERE ended_at_ms >= ?1")?;
    Ok(statement.query_row([from_ms], |row| row.get(0))?)
}

/// The statement, and all of its values but the last, which is the limit.
fn question(filter: &ListFilter) -> (String, Vec<Value>) {
    let (condition, values) = condition(filter);
    let sql = format!("SELECT {LIST_COLUMNS} FROM run WHERE {condition} ORDER BY run DESC LIMIT ?");
    (sql, values)
}

fn condition(filter: &ListFilter) -> (String, Vec<Value>) {
    let mut sql = "namespace = ?".to_owned();
    let mut values = vec![Value::from(filter.namespace.clone())];
    let columns = [
        (" AND status = ?", &filter.status),
        (" AND definition = ?", &filter.definition),
        (" AND created_by = ?", &filter.created_by),
    ];
    for (part, value) in columns {
        if let Some(value) = value {
            sql.push_str(part);
            values.push(Value::from(value.clone()));
        }
    }
    if let Some(cursor) = filter.cursor {
        sql.push_str(" AND run < ?");
        values.push(Value::from(cursor as i64));
    }
    for (key, value) in &filter.metadata {
        sql.push_str(
            " AND EXISTS (SELECT 1 FROM json_each(run.metadata) AS entry WHERE entry.key = ? AND \
             CASE entry.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
             ELSE CAST(entry.value AS TEXT) END = ?)",
        );
        values.extend([Value::from(key.clone()), Value::from(value.clone())]);
    }
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_model::schema;

    fn some(is_wanted: bool) -> Option<String> {
        is_wanted.then(|| "x".to_owned())
    }

    #[test]
    fn no_page_sorts_all_that_is_there() {
        let mut conn = Connection::open_in_memory().expect("memory can be opened");
        schema::create(&mut conn).expect("tables can be made");
        for wanted in 0..32 {
            let filter = ListFilter {
                status: some(wanted & 1 != 0),
                definition: some(wanted & 2 != 0),
                created_by: some(wanted & 4 != 0),
                metadata: some(wanted & 8 != 0)
                    .map(|key| (key, "y".to_owned()))
                    .into_iter()
                    .collect(),
                cursor: (wanted & 16 != 0).then_some(7),
                ..ListFilter::default()
            };
            let (sql, values) = question(&filter);
            let values = values.into_iter().chain([Value::from(10)]);
            let mut statement =
                conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("it can be asked");
            let steps = statement
                .query_map(params_from_iter(values), |row| row.get::<_, String>("detail"))
                .expect("it is explained");
            let steps: Vec<String> = steps.map(|step| step.expect("a text")).collect();

            assert!(
                !steps
                    .iter()
                    .any(|step| step.contains("TEMP B-TREE") || step.starts_with("SCAN run")),
                "{filter:?}: {steps:?}"
            );
        }
    }
}
