//! Where each epoch began: what its owner found is all that is left of the epoch before.

use rusqlite::Connection;

use super::meta;
use super::trouble::{Trouble, damaged};

const PREFIX: &str = "\u{1}epoch/";
/// So many epochs are remembered.
const KEPT_COUNT: u32 = 1_024;

fn key(epoch: u32) -> String {
    format!("{PREFIX}{epoch:08x}")
}

/// Notes the position at which an epoch begins, inside a transaction.
pub(super) fn begin(conn: &Connection, epoch: u32, position: u64) -> Result<(), Trouble> {
    if let Some(past) = epoch.checked_sub(KEPT_COUNT) {
        meta::remove(conn, &key(past))?;
    }
    meta::put(conn, &key(epoch), &position.to_le_bytes())
}

/// The position at which an epoch began; `None` if it is not remembered, or to come.
pub(super) fn start_of(conn: &Connection, epoch: u32) -> Result<Option<u64>, Trouble> {
    let Some(value) = meta::get(conn, &key(epoch))? else { return Ok(None) };
    let bytes: Option<[u8; 8]> = value[..].try_into().ok();
    let bytes = bytes.ok_or_else(|| damaged("the metadata", None, "an epoch has no position"))?;
    Ok(Some(u64::from_le_bytes(bytes)))
}
