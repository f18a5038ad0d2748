//! Opening, applying, clearing and removing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::list::{self, EndedFilter, ListFilter, ListPage};
use super::lookup::{self, Lookup, RunSelector};
use super::row::{self, RunRow};
use super::schema::{self, Reach};
use crate::sqlite::{Trouble, Wanted, beside, damaged, open_file, resolve};
use crate::{Damage, Options, StoreFault, StoreUrl};

/// What its path has behind that of the store.
const ENDING: &str = "-read.db";

/// The read model of a store: one writer, the store's owner, and any number of readers.
#[derive(Debug)]
pub struct ReadModel {
    conn: Connection,
    path: PathBuf,
}

impl ReadModel {
    /// Opens the read model that belongs to the store at this URL: `<db>-read.db`, or one in memory.
    ///
    /// To write, a missing, damaged or foreign file is made anew with position 0; to read, it is a fault.
    pub fn open(url: &str, options: &Options) -> Result<Self, StoreFault> {
        match StoreUrl::parse(url)? {
            StoreUrl::Memory => Self::in_memory(),
            StoreUrl::Sqlite(store) => {
                let path = beside(&resolve(&store)?, ENDING);
                if options.read_only { Self::open_reader(path) } else { Self::open_writer(path) }
            }
        }
    }

    fn in_memory() -> Result<Self, StoreFault> {
        let path = PathBuf::from("memory://");
        let made = Connection::open_in_memory().map_err(Trouble::from).and_then(|mut conn| {
            schema::create(&mut conn)?;
            Ok(conn)
        });
        let conn = made.map_err(|trouble| opening(&path).fault(trouble))?;
        Ok(Self { conn, path })
    }

    fn open_reader(path: PathBuf) -> Result<Self, StoreFault> {
        if !path.is_file() {
            return Err(StoreFault::Missing { path });
        }
        let opened = open_file(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(Trouble::from)
            .and_then(|conn| {
                let is_current = schema::is_current(&conn)?;
                Ok((is_current && schema::is_sound(&conn, size_of(&path))?, conn))
            });
        let (is_current, conn) = opened.map_err(|trouble| opening(&path).fault(trouble))?;
        if is_current {
            return Ok(Self { conn, path });
        }
        let wanted = opening(&path);
        Err(wanted.fault(damaged("the read model", None, "it is not as it was written")))
    }

    fn open_writer(path: PathBuf) -> Result<Self, StoreFault> {
        if path.is_file()
            && let Some(conn) = open_current(&path)?
        {
            return Ok(Self { conn, path });
        }
        let conn = recreate(&path)?;
        Ok(Self { conn, path })
    }

    /// The position of the log that has been applied; 0 for a new one.
    pub fn position(&self) -> Result<u64, StoreFault> {
        self.reach().map(|reach| reach.position)
    }

    /// A position up to which the log was durable when it was applied; 0 for a new one.
    pub fn durable(&self) -> Result<u64, StoreFault> {
        self.reach().map(|reach| reach.durable)
    }

    fn reach(&self) -> Result<Reach, StoreFault> {
        schema::reach(&self.conn)
            .and_then(|reach| {
                reach.ok_or_else(|| damaged("the read model", None, "its position is missing"))
            })
            .map_err(|trouble| self.fault("reading the position", trouble))
    }

    /// The damage of a log that ends before what this model knows to have been durable.
    ///
    /// No crash leaves that: the write-ahead log was taken away, or an older copy of the store put here.
    pub fn damage_of_log(&self, head: u64, durable: u64) -> StoreFault {
        let model = self.path.display();
        self.log_is_damaged(
            head,
            format!(
                "it ends at position {head}, but {model} knows that position {durable} was kept: its -wal file was \
                 removed or cut short, or an older copy was put here; to go on without what is missing, remove {model}"
            ),
        )
    }

    /// The damage of a log that holds nothing, where this model knows of one that did.
    pub fn absence_of_log(&self, durable: u64) -> StoreFault {
        let model = self.path.display();
        self.log_is_damaged(
            0,
            format!(
                "it is empty, but {model} knows of a store of this name whose position {durable} was kept: its file \
                 was removed; put it back, or remove {model} to begin anew"
            ),
        )
    }

    fn log_is_damaged(&self, head: u64, reason: String) -> StoreFault {
        let whole = self.path.to_string_lossy();
        StoreFault::Damaged(Box::new(Damage {
            path: whole.strip_suffix(ENDING).unwrap_or(&whole).into(),
            place: "the log".to_owned(),
            position: Some(head),
            offset: None,
            frame: None,
            reason,
        }))
    }

    /// Inserts or replaces rows and moves the position, in one transaction; the position never goes back.
    ///
    /// `durable` is a position up to which the log is durable.
    pub fn apply<'a>(
        &mut self,
        rows: impl IntoIterator<Item = &'a RunRow>,
        position: u64,
        durable: u64,
    ) -> Result<(), StoreFault> {
        let Reach { position: applied, durable: known } = self.reach()?;
        if position < applied {
            let detail = format!(
                "position {position} lies before {applied}, which is applied; clear it first"
            );
            return Err(self.fault("applying runs", Trouble::Refused(detail)));
        }
        self.transact("applying runs", |conn| {
            row::upsert(conn, rows)?;
            schema::set_reach(conn, Reach { position, durable: durable.max(known) })
        })
    }

    /// Looks for one run of a namespace, with all its columns.
    pub fn get(&self, namespace: &str, selector: RunSelector<'_>) -> Result<Lookup, StoreFault> {
        lookup::get(&self.conn, namespace, selector)
            .map_err(|trouble| self.fault("looking for a run", trouble))
    }

    /// Lists runs, the latest first.
    pub fn list(&self, filter: &ListFilter) -> Result<ListPage, StoreFault> {
        list::list(&self.conn, filter).map_err(|trouble| self.fault("listing runs", trouble))
    }

    /// Forgets everything, so that it can be rebuilt; a damaged file is replaced.
    pub fn clear(&mut self) -> Result<(), StoreFault> {
        let cleared = self.transact("clearing the read model", |conn| {
            conn.execute_batch("DELETE FROM run;")?;
            schema::set_reach(conn, Reach::default())
        });
        match cleared {
            Err(StoreFault::Damaged(_)) if self.path.is_file() => {
                self.conn = Connection::open_in_memory()
                    .map_err(|error| opening(&self.path).fault(error.into()))?;
                self.conn = recreate(&self.path)?;
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Whether it tells of the store with this identity, see `Log::identity`.
    pub fn is_of(&self, identity: &[u8]) -> Result<bool, StoreFault> {
        schema::identity(&self.conn)
            .map(|found| found == identity)
            .map_err(|trouble| self.fault("reading the store's identity", trouble))
    }

    /// Forgets everything and tells of the store with this identity from now on.
    pub fn adopt(&mut self, identity: &[u8]) -> Result<(), StoreFault> {
        self.clear()?;
        self.transact("noting the store", |conn| schema::set_identity(conn, identity))
    }

    /// Lists runs that ended long ago, the first to end first, without results and errors.
    pub fn ended(&self, filter: &EndedFilter) -> Result<Vec<RunRow>, StoreFault> {
        list::ended(&self.conn, filter).map_err(|trouble| self.fault("listing ended runs", trouble))
    }

    /// When the first of the runs that ended at a time or later ended, in Unix milliseconds.
    pub fn first_end(&self, from_ms: i64) -> Result<Option<i64>, StoreFault> {
        list::first_end(&self.conn, from_ms)
            .map_err(|trouble| self.fault("listing ended runs", trouble))
    }

    /// Removes runs.
    pub fn remove(&mut self, runs: &[u64]) -> Result<(), StoreFault> {
        self.transact("removing runs", |conn| {
            let mut statement = conn.prepare_cached("DELETE FROM run WHERE run = ?1")?;
            for run in runs {
                statement.execute([*run as i64])?;
            }
            Ok(())
        })
    }

    /// Closes the file.
    pub fn close(self) -> Result<(), StoreFault> {
        let wanted = Wanted { operation: "closing the read model", path: &self.path };
        self.conn.close().map_err(|(_, error)| wanted.fault(error.into()))
    }

    fn transact<T>(
        &mut self,
        operation: &'static str,
        body: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, StoreFault> {
        let wanted = Wanted { operation, path: &self.path };
        let begun = self.conn.transaction_with_behavior(TransactionBehavior::Immediate);
        let outcome = begun.map_err(Trouble::from).and_then(|transaction| {
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        outcome.map_err(|trouble| wanted.fault(trouble))
    }

    fn fault(&self, operation: &'static str, trouble: Trouble) -> StoreFault {
        Wanted { operation, path: &self.path }.fault(trouble)
    }
}

fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

const fn opening(path: &Path) -> Wanted<'_> {
    Wanted { operation: "opening the read model", path }
}

/// Opens the file if it is a sound read model of this format.
fn open_current(path: &Path) -> Result<Option<Connection>, StoreFault> {
    let opened = open_file(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(Trouble::from)
        .and_then(|conn| {
            if !schema::is_current(&conn)? || !schema::is_sound(&conn, size_of(path))? {
                return Ok(None);
            }
            set_up(&conn)?;
            Ok(Some(conn))
        });
    match opened.map_err(|trouble| opening(path).fault(trouble)) {
        // A missing table or column, or a file that is none of SQLite's.
        Err(StoreFault::Damaged(_) | StoreFault::Failed { .. }) => Ok(None),
        outcome => outcome,
    }
}

fn recreate(path: &Path) -> Result<Connection, StoreFault> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(opening(path).failed(error.to_string()));
            }
            _ => {}
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let made = open_file(path, flags).map_err(Trouble::from).and_then(|mut conn| {
        set_up(&conn)?;
        schema::create(&mut conn)?;
        Ok(conn)
    });
    made.map_err(|trouble| opening(path).fault(trouble))
}

/// What a power cut takes from it is applied again from the log.
fn set_up(conn: &Connection) -> Result<(), Trouble> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(())
}
