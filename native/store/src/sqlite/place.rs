//! Whether the files that are written are still those that lie at the store's path, and as long as they were.
//!
//! SQLite goes on writing to files that were removed, moved away or cut short, and what is acknowledged then ends with
//! the process. Only paths are looked at: a descriptor of our own would end SQLite's locks when it is closed.
//!
//! Nothing asks when they were written: Linux gives a file whose time was read an exact one with its next write, and
//! each sync would then write the inode as well, which is a third of what a sync takes.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, statx};
use rustix::io::Errno;

use super::paths::beside;
use crate::wal::length_of;

/// Which file it is, wherever it lies: its device, as two numbers, and its inode.
type Identity = (u32, u32, u64);

/// What has happened to the files while the store was open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mishap {
    /// The file and what became of it.
    pub(super) detail: String,
    /// Whether all that was written can still be reached: the main file is whole where it was, and SQLite holds the
    /// write-ahead log open wherever that is now.
    pub(super) is_curable: bool,
}

/// The main file and its write-ahead log, as this owner knows them. A look costs some microseconds.
#[derive(Debug)]
pub(super) struct Place {
    main: PathBuf,
    main_is: Option<Identity>,
    /// The longest that it was seen: a store's main file never shrinks.
    main_size: AtomicU64,
    wal: PathBuf,
    wal_is: OnceLock<Identity>,
    /// The frames that the latest commit left in the write-ahead log.
    wal_frames: AtomicU32,
    page_size: u32,
}

impl Place {
    pub(super) fn of(store: &Path, page_size: u32) -> Self {
        let found = look(store).ok();
        Self {
            main: store.to_owned(),
            main_is: found.as_ref().map(identity),
            main_size: AtomicU64::new(found.map_or(0, |found| found.stx_size)),
            wal: beside(store, "-wal"),
            wal_is: OnceLock::new(),
            wal_frames: AtomicU32::new(0),
            page_size,
        }
    }

    /// Notes which file the write-ahead log is: there is one since the first write.
    pub(super) fn note_wal(&self) {
        if let Ok(found) = look(&self.wal) {
            // A second note would be of the same file.
            let _ = self.wal_is.set(identity(&found));
        }
    }

    /// Notes how many frames a commit left in the write-ahead log.
    pub(super) fn note_frames(&self, frames: u32) {
        self.wal_frames.store(frames, Ordering::Relaxed);
    }

    /// The frames that the latest commit left in the write-ahead log.
    pub(super) fn wal_frames(&self) -> u32 {
        self.wal_frames.load(Ordering::Relaxed)
    }

    /// Says what has happened to the files, if something has.
    pub(super) fn check(&self) -> Result<(), Mishap> {
        let size_min = self.main_size.load(Ordering::Relaxed);
        let size = look_at(&self.main, self.main_is, size_min)
            .map_err(|what| mishap(&self.main, what, false))?;
        self.main_size.fetch_max(size, Ordering::Relaxed);
        let size_min = length_of(self.wal_frames(), self.page_size);
        look_at(&self.wal, self.wal_is.get().copied(), size_min)
            .map(drop)
            .map_err(|what| mishap(&self.wal, what, what != SHORTER))
    }
}

const GONE: &str = "it was moved or removed";
const OTHER: &str = "another file lies there now";
const SHORTER: &str = "it was cut short";

/// The length of a file that is the one that is known and at least as long as it was; else what became of it.
fn look_at(path: &Path, known: Option<Identity>, size_min: u64) -> Result<u64, &'static str> {
    let Some(known) = known else { return Ok(0) };
    match look(path) {
        Ok(found) if identity(&found) != known => Err(OTHER),
        Ok(found) if found.stx_size < size_min => Err(SHORTER),
        Ok(found) => Ok(found.stx_size),
        Err(Errno::NOENT | Errno::NOTDIR) => Err(GONE),
        // What cannot be seen at the moment is not known to be gone.
        Err(_) => Ok(0),
    }
}

fn mishap(path: &Path, what: &'static str, is_curable: bool) -> Mishap {
    Mishap { detail: format!("{}: {what} while the store was open", path.display()), is_curable }
}

fn look(path: &Path) -> Result<Statx, Errno> {
    statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE)
}

fn identity(found: &Statx) -> Identity {
    (found.stx_dev_major, found.stx_dev_minor, found.stx_ino)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PAGE_SIZE: u32 = 4096;

    /// A store of one page with two frames, as an owner knows it.
    fn store() -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("flow.db");
        fs::write(&path, [1; PAGE_SIZE as usize]).expect("written");
        let wal = vec![1; length_of(2, PAGE_SIZE) as usize];
        fs::write(beside(&path, "-wal"), wal).expect("written");
        let place = Place::of(&path, PAGE_SIZE);
        place.note_wal();
        place.note_frames(2);
        (dir, place)
    }

    fn cut(path: &Path, size: u64) {
        let file = fs::File::options().write(true).open(path).expect("it is there");
        file.set_len(size).expect("cut");
    }

    #[test]
    fn files_that_stay_and_grow_are_well() {
        let (_dir, place) = store();

        cut(&place.main, 3 * u64::from(PAGE_SIZE));

        assert_eq!(place.check(), Ok(()));
    }

    #[test]
    fn a_file_that_was_removed_moved_or_replaced_is_found() {
        let (dir, place) = store();
        for (file, is_curable) in [(&place.main, false), (&place.wal, true)] {
            fs::rename(file, dir.path().join("elsewhere")).expect("moved");
            let gone = place.check().expect_err("it is gone");
            fs::write(file, b"other").expect("written");
            let other = place.check().expect_err("it is another");

            assert!(gone.detail.contains("moved or removed"), "{gone:?}");
            assert!(other.detail.contains("another file"), "{other:?}");
            assert_eq!((gone.is_curable, other.is_curable), (is_curable, is_curable));
            fs::rename(dir.path().join("elsewhere"), file).expect("moved back");
            assert_eq!(place.check(), Ok(()));
        }
    }

    #[test]
    fn a_file_that_is_shorter_than_what_was_written_is_found() {
        let (_dir, place) = store();
        for file in [&place.main, &place.wal] {
            let size = fs::metadata(file).expect("it is there").len();

            cut(file, size - 1);
            let found = place.check().expect_err("a byte is missing");

            assert!(found.detail.contains("cut short"), "{found:?}");
            assert!(!found.is_curable, "{found:?}");
            cut(file, size);
        }
    }

    #[test]
    fn a_write_ahead_log_that_started_over_may_be_as_short_as_what_is_in_it() {
        let (_dir, place) = store();
        place.note_frames(1);

        cut(&place.wal, length_of(1, PAGE_SIZE));

        assert_eq!(place.check(), Ok(()));
    }

    #[test]
    fn a_directory_that_was_removed_is_found() {
        let (dir, place) = store();

        dir.close().expect("removed");

        assert!(place.check().is_err());
    }
}
