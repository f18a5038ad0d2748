//! A run as lists and lookups show it.

use bytes::Bytes;
use rusqlite::{Connection, Row, Statement, params};

use crate::sqlite::Trouble;

/// One run. Times are Unix times in milliseconds; words of state are the core's, opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRow {
    /// The number of the run in its shard; later runs have higher numbers.
    pub run: u64,
    /// Unique within the namespace.
    pub run_id: String,
    pub namespace: String,
    pub definition: String,
    pub version: Option<String>,
    /// The definition's content hash, in hex.
    pub hash: String,
    pub status: String,
    pub created_at_ms: i64,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    pub created_by: Option<String>,
    pub priority: String,
    /// A JSON object.
    pub metadata: Option<String>,
    pub first_position: u64,
    pub last_position: u64,
    /// The idempotency key that it was started under.
    pub key: Option<String>,
    /// The run's result, opaque. Left out of lists.
    pub result: Option<Bytes>,
    /// Why it failed, as JSON. Left out of lists.
    pub error: Option<String>,
}

/// The columns of a list, in the order of [`RunRow::read`].
pub(super) const LIST_COLUMNS: &str = "run, run_id, namespace, definition, version, hash, status, \
     created_at_ms, started_at_ms, ended_at_ms, created_by, priority, metadata, first_position, \
     last_position, key, crc";

/// The columns of a list and then the long ones.
pub(super) const ALL_COLUMNS: &str = "run, run_id, namespace, definition, version, hash, status, \
     created_at_ms, started_at_ms, ended_at_ms, created_by, priority, metadata, first_position, \
     last_position, key, crc, error, result, long_crc";

const UPSERT: &str = "INSERT INTO run(run, run_id, namespace, definition, version, hash, status, \
     created_at_ms, started_at_ms, ended_at_ms, created_by, priority, metadata, first_position, \
     last_position, key, error, result, crc, long_crc) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20) \
     ON CONFLICT(run) DO UPDATE SET run_id = excluded.run_id, namespace = excluded.namespace, \
     definition = excluded.definition, version = excluded.version, hash = excluded.hash, \
     status = excluded.status, created_at_ms = excluded.created_at_ms, \
     started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms, \
     created_by = excluded.created_by, priority = excluded.priority, metadata = excluded.metadata, \
     first_position = excluded.first_position, last_position = excluded.last_position, \
     key = excluded.key, error = excluded.error, result = excluded.result, crc = excluded.crc, \
     long_crc = excluded.long_crc";

/// Inserts or replaces rows.
pub(super) fn upsert<'a>(
    conn: &Connection,
    rows: impl IntoIterator<Item = &'a RunRow>,
) -> Result<(), Trouble> {
    let mut statement = conn.prepare_cached(UPSERT)?;
    rows.into_iter().try_for_each(|row| row.upsert(&mut statement))
}

impl RunRow {
    fn upsert(&self, statement: &mut Statement<'_>) -> Result<(), Trouble> {
        statement.execute(params![
            self.run as i64,
            self.run_id,
            self.namespace,
            self.definition,
            self.version,
            self.hash,
            self.status,
            self.created_at_ms,
            self.started_at_ms,
            self.ended_at_ms,
            self.created_by,
            self.priority,
            self.metadata,
            self.first_position as i64,
            self.last_position as i64,
            self.key,
            self.error,
            self.result.as_deref(),
            self.crc(),
            self.long_crc(),
        ])?;
        Ok(())
    }

    /// The checksum of the columns that lists show.
    fn crc(&self) -> i64 {
        let numbers = [
            self.run as i64,
            self.created_at_ms,
            self.started_at_ms.unwrap_or(-1),
            self.ended_at_ms.unwrap_or(-1),
            self.first_position as i64,
            self.last_position as i64,
        ];
        let needed = [&self.run_id, &self.namespace, &self.definition, &self.hash, &self.status];
        let optional = [&self.version, &self.created_by, &self.metadata, &self.key];
        let mut hasher = crc32fast::Hasher::new();
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        for text in needed.into_iter().chain([&self.priority]) {
            add_text(&mut hasher, Some(text));
        }
        for text in optional {
            add_text(&mut hasher, text.as_deref());
        }
        i64::from(hasher.finalize())
    }

    /// The checksum of the long columns.
    fn long_crc(&self) -> i64 {
        let mut hasher = crc32fast::Hasher::new();
        add_text(&mut hasher, self.error.as_deref());
        hasher.update(&[u8::from(self.result.is_some())]);
        hasher.update(self.result.as_deref().unwrap_or_default());
        i64::from(hasher.finalize())
    }

    /// Whether a row with all columns is as it was written.
    pub(super) fn is_sound(row: &Row<'_>) -> Result<bool, rusqlite::Error> {
        match Self::read_whole(row) {
            Ok(_) => Ok(true),
            Err(rusqlite::Error::SqliteFailure(error, message)) => {
                Err(rusqlite::Error::SqliteFailure(error, message))
            }
            Err(_) => Ok(false), // Not of its type any more, or its checksum differs.
        }
    }

    /// Reads the columns of a list.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        let read = Self::read_columns(row)?;
        checked(row, 16, read.crc())?;
        Ok(read)
    }

    fn read_columns(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            run: row.get::<_, i64>(0)? as u64,
            run_id: row.get(1)?,
            namespace: row.get(2)?,
            definition: row.get(3)?,
            version: row.get(4)?,
            hash: row.get(5)?,
            status: row.get(6)?,
            created_at_ms: row.get(7)?,
            started_at_ms: row.get(8)?,
            ended_at_ms: row.get(9)?,
            created_by: row.get(10)?,
            priority: row.get(11)?,
            metadata: row.get(12)?,
            first_position: row.get::<_, i64>(13)? as u64,
            last_position: row.get::<_, i64>(14)? as u64,
            key: row.get(15)?,
            result: None,
            error: None,
        })
    }

    /// Reads all columns.
    pub(super) fn read_whole(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        let result: Option<Vec<u8>> = row.get(18)?;
        let whole =
            Self { error: row.get(17)?, result: result.map(Bytes::from), ..Self::read(row)? };
        checked(row, 19, whole.long_crc())?;
        Ok(whole)
    }
}

fn add_text(hasher: &mut crc32fast::Hasher, text: Option<&str>) {
    let size = text.map_or(u64::MAX, |text| text.len() as u64);
    hasher.update(&size.to_le_bytes());
    hasher.update(text.unwrap_or_default().as_bytes());
}

/// Compares a row with the checksum that it was written with.
fn checked(row: &Row<'_>, column: usize, found: i64) -> Result<(), rusqlite::Error> {
    let written: i64 = row.get(column)?;
    if written == found {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    let message = Some("a run is not as it was written".to_owned());
    Err(rusqlite::Error::SqliteFailure(code, message))
}
