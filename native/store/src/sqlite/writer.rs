//! The owner's connection: every write is one transaction that compares the epoch and moves the head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::connect;
use super::head::HeadRecord;
use super::health::Health;
use super::owner_lock::OwnerLock;
use super::place::Place;
use super::syncer::Syncer;
use super::trouble::{Trouble, Wanted};
use super::wal_length::WalLength;
use crate::StoreFault;

/// When a write is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Before it is answered.
    Now,
    /// In the background, within 100 ms.
    Soon,
}

/// The one writer of a store. The order of the fields is the order in which they end.
#[derive(Debug)]
pub(super) struct Writer {
    syncer: Syncer,
    wal_length: WalLength,
    conn: Connection,
    mode: Durability,
    head: HeadRecord,
    health: Arc<Health>,
    place: Box<Place>,
    path: PathBuf,
    _lock: OwnerLock,
}

impl Writer {
    /// Takes the lock, makes the file if there is none, checks it and begins a new epoch.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreFault> {
        let wanted = Wanted { operation: "opening the store", path: &path };
        let lock = OwnerLock::take(&path)?;
        if !path.exists() {
            connect::create(&path)?;
        }
        let mut conn = connect::connect_owner(&path)?;
        let head = HeadRecord::load(&conn).map_err(|trouble| wanted.fault(trouble))?;
        super::turns::check_tail(&conn, &head).map_err(|trouble| wanted.fault(trouble))?;
        let health = Arc::new(Health::default());
        let wal_length = WalLength::watch(&mut conn, &path, &health)
            .map_err(|error| wanted.fault(error.into()))?;
        let syncer = Syncer::new(&path, &health);
        let mode = Durability::Now;
        let place = Box::new(Place::of(&path));
        let mut writer =
            Self { syncer, wal_length, conn, mode, head, health, place, path, _lock: lock };
        writer.begin_epoch()?;
        // There is a write-ahead log since the first write.
        *writer.place = Place::of(&writer.path);
        Ok(writer)
    }

    fn begin_epoch(&mut self) -> Result<(), StoreFault> {
        self.write("opening the store", Durability::Now, |_, head| {
            head.epoch = head
                .epoch
                .checked_add(1)
                .ok_or_else(|| Trouble::Refused("its epochs are used up".to_owned()))?;
            Ok(())
        })
    }

    pub(super) const fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) const fn head(&self) -> &HeadRecord {
        &self.head
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Runs one transaction. If it fails, nothing of it remains and the head is where it was.
    pub(super) fn write<T>(
        &mut self,
        operation: &'static str,
        durability: Durability,
        body: impl FnOnce(&Connection, &mut HeadRecord) -> Result<T, Trouble>,
    ) -> Result<T, StoreFault> {
        self.health.may_write()?;
        let outcome = self.set_mode(durability).and_then(|()| self.transact(body));
        let value = outcome.map_err(|trouble| {
            let fault = Wanted { operation, path: &self.path }.fault(trouble);
            self.health.note(&fault);
            fault
        })?;
        match durability {
            Durability::Now => self.syncer.covered(self.head.commit),
            Durability::Soon => self.syncer.owe(self.head.commit)?,
        }
        self.wal_length.after_commit(&self.conn);
        let in_place = self.place.check_in_time();
        self.judge(operation, in_place)?;
        Ok(value)
    }

    /// What was written to files that are gone is not to be acknowledged, nor anything after it.
    fn judge(
        &self,
        operation: &'static str,
        in_place: Result<(), String>,
    ) -> Result<(), StoreFault> {
        in_place.map_err(|found| {
            let fault = Wanted { operation, path: &self.path }.failed(found);
            self.health.note(&fault);
            fault
        })
    }

    fn transact<T>(
        &mut self,
        body: impl FnOnce(&Connection, &mut HeadRecord) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let outcome = self.inside(body);
        if outcome.is_err() && !self.conn.is_autocommit() {
            // The first trouble is the one to tell; a transaction that cannot be rolled back ends with the file.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        let (head, value) = outcome?;
        self.head = head;
        Ok(value)
    }

    fn inside<T>(
        &self,
        body: impl FnOnce(&Connection, &mut HeadRecord) -> Result<T, Trouble>,
    ) -> Result<(HeadRecord, T), Trouble> {
        let mut head = HeadRecord::load(&self.conn)?;
        if head.epoch != self.head.epoch {
            return Err(Trouble::Fenced { ours: self.head.epoch, found: head.epoch });
        }
        let value = body(&self.conn, &mut head)?;
        head.commit += 1;
        head.synced_commit = self.syncer.synced_commit();
        head.store(&self.conn)?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok((head, value))
    }

    /// SQLite fixes how a transaction is synced when it begins.
    fn set_mode(&mut self, durability: Durability) -> Result<(), Trouble> {
        if self.mode != durability {
            let word = match durability {
                Durability::Now => "FULL",
                Durability::Soon => "NORMAL",
            };
            self.conn.pragma_update(None, "synchronous", word)?;
            self.mode = durability;
        }
        Ok(())
    }

    /// Makes every write so far durable.
    pub(super) fn sync(&mut self) -> Result<(), StoreFault> {
        self.health.may_write()?;
        self.syncer.sync_now()
    }

    /// Ends the threads and closes the file; SQLite then moves the write-ahead log into it.
    pub(super) fn close(mut self) -> Result<(), StoreFault> {
        let in_place = self.place.check();
        let judged = self.judge("closing the store", in_place);
        let synced = judged.and_then(|()| self.sync());
        let Self { syncer, wal_length, conn, path, _lock, .. } = self;
        drop((syncer, wal_length));
        if synced.is_err() {
            // What a failed sync left in the file is not trusted until it has been read again.
            let _ = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        let wanted = Wanted { operation: "closing the store", path: &path };
        let closed = conn.close().map_err(|(_, error)| wanted.fault(error.into()));
        synced.and(closed)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn open() -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().canonicalize().expect("it exists").join("flow.db");
        let writer = Writer::open(path).expect("the store opens");
        (dir, writer)
    }

    fn failing(code: i32) -> Trouble {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[test]
    fn after_a_failed_sync_nothing_is_written_or_read_until_the_store_is_opened_again() {
        let (_dir, mut writer) = open();

        let first = writer.write("appending a turn", Durability::Now, |_, _| {
            Err::<(), _>(failing(ffi::SQLITE_IOERR_FSYNC))
        });
        let second = writer.write("appending a turn", Durability::Now, |_, _| Ok(()));

        assert_eq!(first.as_ref().map_err(StoreFault::code), Err("PF2001"));
        assert_eq!(first, second);
        assert_eq!(writer.health().may_read(), second);
        let path = writer.path().to_owned();
        writer.close().expect_err("it cannot be made durable any more");
        Writer::open(path).expect("it opens again").close().expect("all is well");
    }

    #[test]
    fn a_store_whose_files_are_gone_cannot_be_closed_as_if_all_were_well() {
        let (dir, writer) = open();

        dir.close().expect("removed");
        let closed = writer.close();

        assert_eq!(closed.map_err(|fault| fault.code()), Err("PF2001"));
    }

    #[test]
    fn a_full_disk_leaves_no_trace_and_the_store_goes_on() {
        let (_dir, mut writer) = open();
        let before = *writer.head();

        let refused = writer.write("appending a turn", Durability::Now, |conn, head| {
            head.position += 1;
            head.store(conn)?;
            Err::<(), _>(failing(ffi::SQLITE_FULL))
        });

        assert_eq!(refused.map_err(|fault| fault.code()), Err("PF2004"));
        assert_eq!((*writer.head(), HeadRecord::load(writer.conn()).ok()), (before, Some(before)));
        writer.write("appending a turn", Durability::Now, |_, _| Ok(())).expect("it goes on");
    }
}
