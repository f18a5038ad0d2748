//! From what SQLite says to a fault that names the path, the operation and what to do.

use std::path::Path;

use rusqlite::ffi;

use crate::system_limits::{longer_files, where_none_opens};
use crate::{Damage, StoreFault};

/// Trouble inside the store, before the path and the operation are known.
#[derive(Debug)]
pub(crate) enum Trouble {
    Sqlite(rusqlite::Error),
    Damaged(Box<Spot>),
    Fenced { ours: u32, found: u32 },
    Trimmed { asked: u64, first: u64 },
    Refused(String),
}

/// Where damage was found.
#[derive(Debug)]
pub(crate) struct Spot {
    place: &'static str,
    position: Option<u64>,
    reason: String,
}

/// Damage in a table.
pub(crate) fn damaged(
    place: &'static str,
    position: Option<u64>,
    reason: impl Into<String>,
) -> Trouble {
    Trouble::Damaged(Box::new(Spot { place, position, reason: reason.into() }))
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<rusqlite::types::FromSqlError> for Trouble {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        damaged("a row", None, error.to_string())
    }
}

/// What was being done, and to which file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) operation: &'static str,
    pub(crate) path: &'a Path,
}

impl Wanted<'_> {
    /// Turns trouble into the fault for it.
    pub(crate) fn fault(self, trouble: Trouble) -> StoreFault {
        match trouble {
            Trouble::Sqlite(error) => self.sqlite_fault(&error),
            Trouble::Damaged(spot) => self.damage(spot.place, spot.position, spot.reason),
            Trouble::Fenced { ours, found } => StoreFault::Fenced { ours, found },
            Trouble::Trimmed { asked, first } => StoreFault::Trimmed { asked, first },
            Trouble::Refused(detail) => self.refused(detail),
        }
    }

    pub(crate) fn failed(self, detail: impl Into<String>) -> StoreFault {
        StoreFault::Failed {
            operation: self.operation,
            path: self.path.to_owned(),
            detail: detail.into(),
        }
    }

    pub(crate) fn refused(self, detail: impl Into<String>) -> StoreFault {
        StoreFault::Refused {
            operation: self.operation,
            path: self.path.to_owned(),
            detail: detail.into(),
        }
    }

    pub(crate) fn damage(
        self,
        place: &str,
        position: Option<u64>,
        reason: impl Into<String>,
    ) -> StoreFault {
        StoreFault::Damaged(Box::new(Damage {
            path: self.path.to_owned(),
            place: place.to_owned(),
            position,
            offset: None,
            frame: None,
            reason: reason.into(),
        }))
    }

    /// What SQLite says, without the path, which the fault names, and with what to do where a limit is behind it.
    fn detail(self, error: &rusqlite::Error, code: i32) -> String {
        let text = error.to_string();
        let said = text.split(&format!(": {}", self.path.display())).next().unwrap_or(&text);
        let advice = match (code, code & 0xff) {
            (ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE, _) => longer_files(),
            (_, ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR) => where_none_opens(),
            _ => None,
        };
        let advice = advice.map_or(String::new(), |advice| format!("; {advice}"));
        format!("{said} (SQLite code {code}){advice}")
    }

    fn sqlite_fault(self, error: &rusqlite::Error) -> StoreFault {
        let Some(code) = error.sqlite_error().map(|inner| inner.extended_code) else {
            // A column of another type than was written, or text that is not UTF-8.
            return self.damage("a row", None, error.to_string());
        };
        let detail = self.detail(error, code);
        match (code, code & 0xff) {
            // A page that should be there lies behind the end of the file.
            (ffi::SQLITE_IOERR_SHORT_READ, _) => {
                self.damage("the main file", None, "it is too short")
            }
            (ffi::SQLITE_IOERR_CORRUPTFS, _) | (_, ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => {
                self.damage("the main file", None, detail)
            }
            (ffi::SQLITE_IOERR_SHMSIZE, _) | (_, ffi::SQLITE_FULL) => {
                StoreFault::Full { path: self.path.to_owned() }
            }
            (ffi::SQLITE_READONLY_DBMOVED, _) => {
                self.failed("the file was moved or removed while it was open")
            }
            (_, ffi::SQLITE_READONLY) => {
                StoreFault::ReadOnly { path: self.path.to_owned(), detail }
            }
            (_, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => {
                self.refused(format!("another program holds SQLite's own lock: {detail}"))
            }
            (_, ffi::SQLITE_NOMEM | ffi::SQLITE_TOOBIG | ffi::SQLITE_CANTOPEN) => {
                self.refused(detail)
            }
            _ => self.failed(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(code: i32) -> StoreFault {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        Wanted { operation: "appending a turn", path: Path::new("flow.db") }.fault(error.into())
    }

    #[test]
    fn each_code_of_sqlite_has_its_fault() {
        #[rustfmt::skip] // The columns carry the meaning.
        let table = [
            (ffi::SQLITE_FULL,              "PF2004", false),
            (ffi::SQLITE_IOERR_SHMSIZE,     "PF2004", false),
            (ffi::SQLITE_READONLY,          "PF2005", false),
            (ffi::SQLITE_READONLY_DBMOVED,  "PF2001", true),
            (ffi::SQLITE_IOERR_FSYNC,       "PF2001", true),
            (ffi::SQLITE_IOERR_WRITE,       "PF2001", true),
            (ffi::SQLITE_CORRUPT,           "PF2003", true),
            (ffi::SQLITE_NOTADB,            "PF2003", true),
            (ffi::SQLITE_IOERR_CORRUPTFS,   "PF2003", true),
            (ffi::SQLITE_IOERR_SHORT_READ,  "PF2003", true),
            (ffi::SQLITE_BUSY,              "PF2001", false),
            (ffi::SQLITE_NOMEM,             "PF2001", false),
        ];
        for (code, wanted, is_final) in table {
            let fault = fault_of(code);

            assert_eq!((fault.code(), fault.is_final()), (wanted, is_final), "{code}: {fault}");
        }
    }

    #[test]
    fn a_path_is_said_once() {
        let told = "unable to open database file: flow.db.new".to_owned();
        let cannot_open = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        let error = rusqlite::Error::SqliteFailure(cannot_open, Some(told));

        let fault =
            Wanted { operation: "creating it", path: Path::new("flow.db") }.fault(error.into());

        assert_eq!(fault.to_string().matches("flow.db").count(), 1, "{fault}");
    }

    #[test]
    fn a_column_of_another_type_is_damage() {
        let error =
            rusqlite::Error::InvalidColumnType(0, "crc".into(), rusqlite::types::Type::Null);
        let wanted = Wanted { operation: "reading the log", path: Path::new("flow.db") };

        assert_eq!(wanted.fault(error.into()).code(), "PF2003");
    }
}
