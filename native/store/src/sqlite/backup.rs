//! A copy of the store while it runs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::connect::{connect_reader, open_file};
use super::head::HeadRecord;
use super::paths::{beside, io_fault, resolve, sync_directory};
use super::trouble::{Trouble, Wanted};
use super::turns;
use crate::StoreFault;

const OPERATION: &str = "backing up";

/// Copies the store at `source`, as it is at one moment, to a new file, and answers the position that the copy holds.
///
/// May run on any thread and in any process, beside a live owner. Refuses a `dest` that exists; what is there
/// under that name afterwards is whole and synced.
pub fn backup_file(source: &Path, dest: &Path) -> Result<u64, StoreFault> {
    let (source, dest) = (resolve(source)?, resolve(dest)?);
    let wanted = Wanted { operation: OPERATION, path: &dest };
    if dest.exists() {
        return Err(wanted.refused("it exists; a backup is never written over a file"));
    }
    let conn = connect_reader(&source)?;
    let partial = Partial::new(&dest)?;
    let position = copy(&conn, &partial.path).map_err(|trouble| wanted.fault(trouble))?;
    drop(conn);
    partial.publish(&dest)?;
    Ok(position)
}

/// One read transaction sees one moment, however long the copy takes.
fn copy(source: &Connection, partial: &Path) -> Result<u64, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut dest = open_file(partial, flags)?;
    // The finished file is synced once as a whole.
    dest.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(source, &mut dest)?;
    let outcome = backup.step(-1)?;
    drop(backup);
    if outcome != StepResult::Done {
        return Err(Trouble::Refused("another program holds SQLite's own lock".to_owned()));
    }
    let head = HeadRecord::load(&dest)?;
    turns::check_tail(&dest, &head)?;
    dest.close().map_err(|(_, error)| error)?;
    Ok(head.position)
}

/// The copy under the name it has until it is whole; removed if it never is.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn new(dest: &Path) -> Result<Self, StoreFault> {
        let path = beside(dest, ".partial");
        // Two backups to one name must not write into one file.
        File::create_new(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Wanted { operation: OPERATION, path: &path }
                    .refused("another backup writes here, or one was cut off; remove it then")
            } else {
                io_fault(OPERATION, dest, &error)
            }
        })?;
        Ok(Self { path })
    }

    fn publish(self, dest: &Path) -> Result<(), StoreFault> {
        let fault = |error: &std::io::Error| io_fault(OPERATION, dest, error);
        let file = File::open(&self.path).map_err(|error| fault(&error))?;
        file.sync_all().map_err(|error| fault(&error))?;
        match renameat_with(CWD, &self.path, CWD, dest, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // A file system that cannot refuse by itself.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::rename(&self.path, dest).map_err(|error| fault(&error))?;
            }
            Err(error) => return Err(fault(&error.into())),
        }
        sync_directory(dest).map_err(|error| fault(&error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        for ending in ["", "-journal", "-wal", "-shm"] {
            // After publishing there is nothing here; before, what cannot be removed is only litter.
            let _ = fs::remove_file(beside(&self.path, ending));
        }
    }
}
