//! Where a store's files lie, and whether a path can hold one.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::StoreFault;
use crate::system_limits::with_way_out;

/// A file that lies beside the store: its path with an ending added.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// The one absolute path of a store, through symbolic links, so that all owners meet at the same lock.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, StoreFault> {
    let unusable = |reason: String, advice: &str| StoreFault::PathUnusable {
        path: path.to_owned(),
        reason,
        advice: advice.to_owned(),
    };
    match fs::canonicalize(path) {
        Ok(whole) if whole.is_file() => return Ok(whole),
        Ok(whole) if whole.is_dir() => {
            return Err(unusable("it is a directory".to_owned(), "name a file in it"));
        }
        Ok(_) => return Err(unusable("it is no plain file".to_owned(), "name a plain file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(unusable(error.to_string(), "check the path and its permissions"));
        }
    }
    let name =
        path.file_name().ok_or_else(|| unusable("it names no file".to_owned(), "name a file"))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    let parent = fs::canonicalize(parent).map_err(|error| {
        unusable(format!("its directory cannot be used ({error})"), "make the directory first")
    })?;
    if !parent.is_dir() {
        return Err(unusable("its parent is no directory".to_owned(), "choose another path"));
    }
    Ok(parent.join(name))
}

/// What lies beside a store under names that are its own.
const OWN_ENDINGS: [&str; 6] =
    ["-wal", "-shm", ".lock", "-read.db", "-read.db-wal", "-read.db-shm"];

/// Refuses what is no plain file under a name that is the store's own: to open a pipe could take for ever.
pub(super) fn check_neighbours(path: &Path) -> Result<(), StoreFault> {
    for ending in OWN_ENDINGS {
        let is_other = fs::metadata(beside(path, ending)).is_ok_and(|found| !found.is_file());
        if is_other {
            return Err(StoreFault::PathUnusable {
                path: path.to_owned(),
                reason: format!("what lies beside it with the ending {ending} is no plain file"),
                advice: "move that away".to_owned(),
            });
        }
    }
    Ok(())
}

/// Refuses a file that has several names: each would have a write-ahead log of its own.
pub(super) fn check_names(path: &Path) -> Result<(), StoreFault> {
    match fs::metadata(path).map_or(1, |found| found.nlink()) {
        0 | 1 => Ok(()),
        count => Err(StoreFault::PathUnusable {
            path: path.to_owned(),
            reason: format!("the file has {count} names (hard links)"),
            advice: "copy it and open the copy, or remove its other names".to_owned(),
        }),
    }
}

/// The fault for a file operation beside the store.
pub(super) fn io_fault(operation: &'static str, path: &Path, error: &io::Error) -> StoreFault {
    let (path, detail) = (path.to_owned(), with_way_out(error));
    if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        StoreFault::ReadOnly { path, detail }
    } else if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        StoreFault::Full { path }
    } else {
        StoreFault::Failed { operation, path, detail }
    }
}

/// Makes a new or renamed file's place in its directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().expect("a resolved path has a parent");
    fs::File::open(parent)?.sync_all()
}
