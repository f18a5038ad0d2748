//! One owner at a time: a lock of the operating system on a file beside the store.
//!
//! The lock ends with its process, however that ends. What the file says is for messages only.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::paths::{beside, io_fault};
use crate::StoreFault;

/// The locked files of this process, by the order in which they were taken.
///
/// A lock lives as long as any copy of its descriptor, and a forked child has copies: it must find them.
static HELD: Mutex<BTreeMap<u64, File>> = Mutex::new(BTreeMap::new());

/// Held for as long as the store is owned. The file stays; removing it would let two owners in.
#[derive(Debug)]
pub(super) struct OwnerLock {
    number: u64,
    path: PathBuf,
    /// The device and the number of the file that is locked.
    identity: (u64, u64),
}

impl OwnerLock {
    pub(super) fn take(store: &Path) -> Result<Self, StoreFault> {
        let path = beside(store, ".lock");
        let fault = |error: &std::io::Error| io_fault("taking the owner's lock", &path, error);
        // Held meanwhile, so that each file that is locked can be found here.
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| fault(&error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(busy(store.to_owned(), &mut file)),
            Err(error) => return Err(fault(&error.into())),
        }
        // Said for people; the lock holds whether or not it can be said, as on a full disk.
        let _ = say_who(&mut file);
        let number = held.last_key_value().map_or(0, |(last, _)| last + 1);
        let found = file.metadata().map_err(|error| fault(&error))?;
        held.insert(number, file);
        Ok(Self { number, path, identity: (found.dev(), found.ino()) })
    }

    /// Whether it still keeps others out: no other file lies where they look for it.
    pub(super) fn holds(&self) -> bool {
        let found = fs::metadata(&self.path);
        found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Closes a forked child's copies of its parent's locks, so that they end with the parent.
///
/// To be called in the child, before anything else of this crate.
pub(crate) fn close_inherited_locks() {
    // A thread of the parent that was taking or releasing a lock at that very moment does not exist here, and what
    // it held stays held: the copies then stay open, until the child ends.
    if let Ok(mut held) = HELD.try_lock() {
        held.clear();
    }
}

fn say_who(file: &mut File) -> std::io::Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid={}\nsince_ms={}", std::process::id(), since.as_millis())
}

fn busy(path: PathBuf, file: &mut File) -> StoreFault {
    let mut text = String::new();
    // What cannot be read is left out of the message.
    let _ = file.take(4096).read_to_string(&mut text);
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
    };
    StoreFault::Busy {
        path,
        pid: field("pid").and_then(|pid| u32::try_from(pid).ok()),
        since_ms: field("since_ms"),
    }
}
