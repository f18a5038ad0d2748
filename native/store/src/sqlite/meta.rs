//! Small named values that are replaced by comparison: definitions' names and the like.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::trouble::{Trouble, damaged};
use crate::checksum::meta_crc;

const PLACE: &str = "the metadata";
/// Keys that begin so are the store's own.
pub(super) const OWN: &str = "\u{1}";
/// Which store it is.
pub(super) const IDENTITY: &str = "\u{1}identity";

/// Replaces a value inside a transaction if it is `old`; answers whether it was.
pub(super) fn compare_and_swap(
    conn: &Connection,
    key: &str,
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<bool, Trouble> {
    if get(conn, key)?.as_deref() != old {
        return Ok(false);
    }
    match new {
        Some(value) => put(conn, key, value)?,
        None => remove(conn, key)?,
    }
    Ok(true)
}

/// Stores or replaces a value inside a transaction.
pub(super) fn put(conn: &Connection, key: &str, value: &[u8]) -> Result<(), Trouble> {
    conn.prepare_cached(
        "INSERT INTO meta(key, crc, value) VALUES (?1, ?2, ?3) \
         ON CONFLICT(key) DO UPDATE SET crc = excluded.crc, value = excluded.value",
    )?
    .execute(params![key, meta_crc(key, value), value])?;
    Ok(())
}

/// Removes a value inside a transaction, if it is there.
pub(super) fn remove(conn: &Connection, key: &str) -> Result<(), Trouble> {
    conn.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
    Ok(())
}

/// The first key that starts with `prefix`.
pub(super) fn first(conn: &Connection, prefix: &str) -> Result<Option<String>, Trouble> {
    let found: Option<String> = conn
        .prepare_cached("SELECT key FROM meta NOT INDEXED WHERE key >= ?1 ORDER BY key LIMIT 1")?
        .query_row([prefix], |row| row.get(0))
        .optional()?;
    Ok(found.filter(|key| key.starts_with(prefix)))
}

/// Reads a value; table and twin must tell the same.
pub(super) fn get(conn: &Connection, key: &str) -> Result<Option<Bytes>, Trouble> {
    let twin: Option<u32> = conn
        .prepare_cached("SELECT crc FROM meta INDEXED BY meta_twin WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let mut statement =
        conn.prepare_cached("SELECT crc, value FROM meta NOT INDEXED WHERE key = ?1")?;
    let mut rows = statement.query([key])?;
    match (rows.next()?, twin) {
        (None, None) => Ok(None),
        (Some(row), Some(crc)) if row.get::<_, u32>(0)? == crc => {
            let value = row.get_ref(1)?.as_blob()?;
            check(key, crc, value)?;
            Ok(Some(Bytes::copy_from_slice(value)))
        }
        _ => Err(damaged(PLACE, None, format!("{key:?} differs between table and index"))),
    }
}

/// All entries whose keys start with `prefix`, in order of keys.
pub(super) fn list(conn: &Connection, prefix: &str) -> Result<Vec<(String, Bytes)>, Trouble> {
    let mut statement = conn.prepare_cached(
        "SELECT key, crc, value FROM meta NOT INDEXED WHERE key >= ?1 ORDER BY key",
    )?;
    let mut rows = statement.query([prefix])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, crc, value) =
            (row.get_ref(0)?.as_str()?, row.get(1)?, row.get_ref(2)?.as_blob()?);
        check(key, crc, value)?;
        if !key.starts_with(prefix) {
            break;
        }
        entries.push((key.to_owned(), Bytes::copy_from_slice(value)));
    }
    check_keys(conn, prefix, &entries)?;
    Ok(entries)
}

/// The twin must list the same keys.
fn check_keys(conn: &Connection, prefix: &str, entries: &[(String, Bytes)]) -> Result<(), Trouble> {
    let mut statement = conn.prepare_cached(
        "SELECT key, crc FROM meta INDEXED BY meta_twin WHERE key >= ?1 ORDER BY key",
    )?;
    let mut rows = statement.query([prefix])?;
    let mut expected = entries.iter();
    while let Some(row) = rows.next()? {
        let (key, crc) = (row.get_ref(0)?.as_str()?, row.get::<_, u32>(1)?);
        if !key.starts_with(prefix) {
            break;
        }
        let is_same = expected
            .next()
            .is_some_and(|(name, value)| name == key && meta_crc(name, value) == crc);
        if !is_same {
            return Err(damaged(PLACE, None, format!("{key:?} is in one tree only")));
        }
    }
    match expected.next() {
        None => Ok(()),
        Some((key, _)) => Err(damaged(PLACE, None, format!("{key:?} is in one tree only"))),
    }
}

fn check(key: &str, crc: u32, value: &[u8]) -> Result<(), Trouble> {
    if meta_crc(key, value) == crc {
        return Ok(());
    }
    Err(damaged(PLACE, None, format!("the checksum of {key:?} is wrong")))
}
