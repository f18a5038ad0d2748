//! Whether the files that are written are still those that lie at the store's path.
//!
//! SQLite goes on writing to files that were removed or moved away, and all that is acknowledged then ends with the
//! process. Only paths are looked at: a descriptor of our own would end SQLite's locks when it is closed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::paths::beside;

/// How long what is acknowledged may go to files that are gone. A look costs some microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Which file it is, wherever it lies.
type Identity = (u64, u64);

/// The main file and its write-ahead log, as they were when the store was opened.
#[derive(Debug)]
pub(super) struct Place {
    files: [(PathBuf, Option<Identity>); 2],
    looked: Instant,
}

impl Place {
    pub(super) fn of(store: &Path) -> Self {
        let files = [store.to_owned(), beside(store, "-wal")].map(|path| {
            let identity = identity(&path).ok();
            (path, identity)
        });
        Self { files, looked: Instant::now() }
    }

    /// Looks, if it is time to.
    pub(super) fn check_in_time(&mut self) -> Result<(), String> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        self.check()
    }

    /// Says what has happened to the files, if something has.
    pub(super) fn check(&self) -> Result<(), String> {
        for (path, known) in &self.files {
            let Some(known) = known else { continue };
            let what = match identity(path) {
                Ok(found) if found == *known => continue,
                Ok(_) => "another file lies there now",
                Err(error) if is_gone(&error) => "it was moved or removed",
                // What cannot be seen at the moment is not known to be gone.
                Err(_) => continue,
            };
            return Err(format!("{}: {what} while the store was open", path.display()));
        }
        Ok(())
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("flow.db");
        fs::write(&path, b"main").expect("written");
        fs::write(beside(&path, "-wal"), b"frames").expect("written");
        (dir, path)
    }

    #[test]
    fn files_that_stay_are_well() {
        let (_dir, path) = store();
        let place = Place::of(&path);

        fs::write(&path, b"longer than before").expect("written");

        assert_eq!(place.check(), Ok(()));
    }

    #[test]
    fn a_file_that_was_removed_moved_or_replaced_is_found() {
        for ending in ["", "-wal"] {
            let (dir, path) = store();
            let place = Place::of(&path);
            let file = beside(&path, ending);

            fs::rename(&file, dir.path().join("elsewhere")).expect("moved");
            let gone = place.check().expect_err("it is gone");
            fs::write(&file, b"other").expect("written");
            let other = place.check().expect_err("it is another");

            assert!(gone.contains("moved or removed"), "{gone}");
            assert!(other.contains("another file"), "{other}");
            fs::rename(dir.path().join("elsewhere"), &file).expect("moved back");
            assert_eq!(place.check(), Ok(()));
        }
    }

    #[test]
    fn a_directory_that_was_removed_is_found() {
        let (dir, path) = store();
        let place = Place::of(&path);

        dir.close().expect("removed");

        assert!(place.check().is_err());
    }
}
