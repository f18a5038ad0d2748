//! The owner's connection: every write is one transaction that compares the epoch and moves the head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::connect;
use super::epochs;
use super::head::HeadRecord;
use super::health::Health;
use super::owner_lock::OwnerLock;
use super::place::{Mishap, Place};
use super::syncer::Syncer;
use super::trouble::{Trouble, Wanted};
use super::wal_length::WalLength;
use super::wal_room::WalRoom;
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
    wal_room: WalRoom,
    conn: Connection,
    mode: Durability,
    head: HeadRecord,
    health: Arc<Health>,
    place: Arc<Place>,
    /// What was written is out of sight at its path, and not all of it is in the main file yet.
    is_astray: bool,
    path: PathBuf,
    lock: OwnerLock,
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
        let page_size = conn
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .map_err(|error| wanted.fault(error.into()))?;
        let place = Arc::new(Place::of(&path, page_size));
        let wal_length = WalLength::watch(&mut conn, &path, &health, &place)
            .map_err(|error| wanted.fault(error.into()))?;
        let wal_room = WalRoom::new(&path, page_size);
        let syncer = Syncer::new(&path, &health);
        let mode = Durability::Now;
        let is_astray = false;
        let mut writer = Self {
            syncer,
            wal_length,
            wal_room,
            conn,
            mode,
            head,
            health,
            place,
            is_astray,
            path,
            lock,
        };
        writer.begin_epoch()?;
        writer.place.note_wal();
        Ok(writer)
    }

    fn begin_epoch(&mut self) -> Result<(), StoreFault> {
        self.write("opening the store", Durability::Now, |conn, head| {
            head.epoch = head
                .epoch
                .checked_add(1)
                .ok_or_else(|| Trouble::Refused("its epochs are used up".to_owned()))?;
            epochs::begin(conn, head.epoch, head.position)
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
        self.check_place(operation)?;
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
        self.wal_room.after_commit(self.place.wal_frames());
        Ok(value)
    }

    /// What would be written to files that are gone is refused, and all after it.
    fn check_place(&mut self, operation: &'static str) -> Result<(), StoreFault> {
        let Err(Mishap { mut detail, is_curable }) = self.place.check() else { return Ok(()) };
        self.is_astray = is_curable;
        if self.bring_home("PASSIVE") {
            detail.push_str("; all that was acknowledged is in the main file");
        }
        let fault = Wanted { operation, path: &self.path }.failed(detail);
        self.health.note(&fault);
        Err(fault)
    }

    /// Moves what only the open descriptor of the write-ahead log still reaches into the main file; answers whether
    /// all of it is there now.
    fn bring_home(&mut self, mode: &str) -> bool {
        // Another owner, who got in without a lock, has not seen what is in our log.
        if !self.is_astray || !self.lock.holds() {
            return false;
        }
        let moved = self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        self.is_astray = !matches!(moved, Ok((0, frames, done)) if frames == done);
        !self.is_astray
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

    /// Ends the threads and closes the file; where all is well, SQLite then moves the write-ahead log into it.
    pub(super) fn close(mut self) -> Result<(), StoreFault> {
        const OPERATION: &str = "closing the store";
        let may_write = self.health.may_write();
        let synced =
            may_write.and_then(|()| self.check_place(OPERATION)).and_then(|()| self.sync());
        // A reader may have held some of it back when it was found astray; now it is waited for.
        self.bring_home("FULL");
        let Self { syncer, wal_length, conn, path, lock: _lock, .. } = self;
        drop((syncer, wal_length));
        let wanted = Wanted { operation: OPERATION, path: &path };
        // What a failed sync left in the file is not trusted until it has been read again.
        let closed = conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, synced.is_err())
            .map_err(|error| wanted.fault(error.into()))
            .and_then(|_| conn.close().map_err(|(_, error)| wanted.fault(error.into())));
        synced.and(closed)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::super::paths::beside;
    use super::super::turns;
    use super::*;
    use crate::Turn;

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
    fn what_was_acknowledged_before_the_write_ahead_log_went_away_is_kept() {
        for ends in [Writer::close, |writer: Writer| {
            drop(writer); // As where the process is killed once the loss was found.
            Err(StoreFault::Fenced { ours: 0, found: 0 })
        }] {
            let (_dir, mut writer) = open();
            let path = writer.path().to_owned();
            append(&mut writer, 20);
            std::fs::remove_file(beside(&path, "-wal")).expect("removed");

            let refused = append_one(&mut writer, 21).expect_err("it is gone");
            ends(writer).expect_err("the file is gone");

            let detail = refused.to_string();
            assert!(detail.contains("while the store was open; all that was"), "{detail}");
            let again = Writer::open(path).expect("it opens again");
            assert_eq!(again.head().position, 20);
        }
    }

    #[test]
    fn what_was_cut_short_is_not_moved_into_the_main_file() {
        let (_dir, mut writer) = open();
        let path = writer.path().to_owned();
        append(&mut writer, 20);
        let before = std::fs::read(&path).expect("readable");
        let wal = beside(&path, "-wal");
        std::fs::File::options().write(true).open(wal).and_then(|wal| wal.set_len(0)).expect("cut");

        let refused = append_one(&mut writer, 21).expect_err("it is short");
        writer.close().expect_err("it is short");

        assert!(refused.to_string().contains("cut short"), "{refused}");
        assert_eq!(std::fs::read(&path).expect("readable"), before);
    }

    #[test]
    fn a_main_file_that_another_owner_may_have_is_left_as_it_is() {
        let (_dir, mut writer) = open();
        let path = writer.path().to_owned();
        append(&mut writer, 3);
        let before = std::fs::read(&path).expect("readable");
        for ending in ["-wal", ".lock"] {
            std::fs::remove_file(beside(&path, ending)).expect("removed");
        }

        let refused = append_one(&mut writer, 4).expect_err("it is gone");
        writer.close().expect_err("it is gone");

        assert!(!refused.to_string().contains("acknowledged"), "{refused}");
        assert_eq!(std::fs::read(&path).expect("readable"), before);
    }

    fn append_one(writer: &mut Writer, position: u64) -> Result<(), StoreFault> {
        let epoch = writer.head().epoch;
        let turn = Turn {
            position,
            epoch,
            runs: vec![1],
            events: vec![7; 100].into(),
            blobs: Vec::new(),
            named: Vec::new(),
            forgotten: Vec::new(),
            sync: true,
        };
        writer.write("appending a turn", Durability::Now, |conn, head| {
            turns::append(conn, head, &turn)
        })
    }

    fn append(writer: &mut Writer, last: u64) {
        for position in writer.head().position + 1..=last {
            append_one(writer, position).expect("it is kept");
        }
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
