//! Blobs, under the hash of their bytes.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::trouble::{Trouble, damaged};
use crate::{Blob, BlobHash};

const PLACE: &str = "the blobs";

/// Stores blobs inside a transaction; one that is there stays.
pub(super) fn put(conn: &Connection, blobs: &[Blob]) -> Result<(), Trouble> {
    if blobs.is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "INSERT INTO blob(hash, bytes) VALUES (?1, ?2) ON CONFLICT(hash) DO NOTHING",
    )?;
    for blob in blobs {
        statement.execute((&blob.hash().as_bytes()[..], &blob.bytes()[..]))?;
    }
    Ok(())
}

/// Reads a blob and checks it against its key.
pub(super) fn get(conn: &Connection, hash: &BlobHash) -> Result<Option<Bytes>, Trouble> {
    let key = &hash.as_bytes()[..];
    let mut statement =
        conn.prepare_cached("SELECT bytes FROM blob INDEXED BY blob_hash WHERE hash = ?1")?;
    let mut rows = statement.query([key])?;
    let Some(row) = rows.next()? else {
        return check_absent(conn, hash).map(|()| None);
    };
    let bytes = row.get_ref(0)?.as_blob()?;
    if BlobHash::of(bytes) != *hash {
        return Err(damaged(PLACE, None, format!("{hash} has other bytes")));
    }
    Ok(Some(Bytes::copy_from_slice(bytes)))
}

fn check_absent(conn: &Connection, hash: &BlobHash) -> Result<(), Trouble> {
    let twin = conn
        .prepare_cached("SELECT 1 FROM blob INDEXED BY blob_twin WHERE hash = ?1")?
        .query_row([&hash.as_bytes()[..]], |_| Ok(()))
        .optional()?;
    twin.map_or(Ok(()), |()| Err(damaged(PLACE, None, format!("{hash} is in one index only"))))
}

/// Checks every blob; answers how many there are.
pub(super) fn verify(conn: &Connection) -> Result<u64, Trouble> {
    let mut statement = conn.prepare("SELECT hash, bytes FROM blob")?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (hash, bytes) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        if hash != BlobHash::of(bytes).as_bytes() {
            return Err(damaged(PLACE, None, "a blob's hash is not that of its bytes"));
        }
        count += 1;
    }
    Ok(count)
}
