//! Finding one run.

use rusqlite::{Connection, OptionalExtension, Params};

use super::row::{ALL_COLUMNS, RunRow};
use crate::sqlite::Trouble;

/// How many candidates an ambiguous prefix names.
const CANDIDATES_MAX: usize = 10;

/// Which run is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSelector<'a> {
    /// The run with this id.
    Id(&'a str),
    /// The run with this id, or else the only one whose id starts so.
    Prefix(&'a str),
    /// The run with this idempotency key.
    Key(&'a str),
    /// The run with this number in its shard.
    Number(u64),
    /// The run created last.
    Latest,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    Found(Box<RunRow>),
    /// Several runs fit a prefix: the first ids of them, in order.
    Ambiguous(Vec<String>),
    Unknown,
}

impl From<Option<RunRow>> for Lookup {
    fn from(row: Option<RunRow>) -> Self {
        row.map_or(Self::Unknown, |row| Self::Found(Box::new(row)))
    }
}

pub(super) fn get(
    conn: &Connection,
    namespace: &str,
    selector: RunSelector<'_>,
) -> Result<Lookup, Trouble> {
    let found = match selector {
        RunSelector::Id(id) => by_id(conn, namespace, id)?,
        RunSelector::Prefix(prefix) => match by_id(conn, namespace, prefix)? {
            None => return by_prefix(conn, namespace, prefix),
            found => found,
        },
        RunSelector::Key(key) => {
            one(conn, "namespace = ?1 AND key = ?2 ORDER BY run DESC", (namespace, key))?
        }
        RunSelector::Number(number) => {
            one(conn, "namespace = ?1 AND run = ?2", (namespace, number as i64))?
        }
        RunSelector::Latest => one(conn, "namespace = ?1 ORDER BY run DESC", [namespace])?,
    };
    Ok(found.into())
}

fn by_id(conn: &Connection, namespace: &str, id: &str) -> Result<Option<RunRow>, Trouble> {
    one(conn, "namespace = ?1 AND run_id = ?2", (namespace, id))
}

fn by_prefix(conn: &Connection, namespace: &str, prefix: &str) -> Result<Lookup, Trouble> {
    let mut statement = conn.prepare_cached(
        "SELECT run_id FROM run WHERE namespace = ?1 AND run_id >= ?2 ORDER BY run_id LIMIT ?3",
    )?;
    let ids = statement
        .query_map((namespace, prefix, CANDIDATES_MAX as i64), |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = ids.into_iter().take_while(|id| id.starts_with(prefix)).collect();
    match &ids[..] {
        [] => Ok(Lookup::Unknown),
        [id] => Ok(by_id(conn, namespace, id)?.into()),
        _ => Ok(Lookup::Ambiguous(ids)),
    }
}

fn one(conn: &Connection, condition: &str, values: impl Params) -> Result<Option<RunRow>, Trouble> {
    let sql = format!("SELECT {ALL_COLUMNS} FROM run WHERE {condition} LIMIT 1");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(values, RunRow::read_whole).optional()?)
}
