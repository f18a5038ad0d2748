//! The thread that makes unsynced turns durable within 100 ms. It sleeps while nothing is owed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::health::Health;
use super::paths::{beside, io_fault};
use crate::StoreFault;

/// From the first unsynced commit to the sync; leaves the sync itself 50 ms of the promised 100.
const DELAY: Duration = Duration::from_millis(50);

const OPERATION: &str = "syncing the write-ahead log";

/// Starts its thread with the first unsynced commit.
#[derive(Debug)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    wal: Option<Arc<File>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    debt: Mutex<Debt>,
    changed: Condvar,
    synced_commit: AtomicU64,
    health: Arc<Health>,
    wal_path: PathBuf,
}

#[derive(Debug, Default)]
struct Debt {
    commit: u64,
    due: Option<Instant>,
    is_ending: bool,
}

impl Syncer {
    pub(super) fn new(store: &Path, health: &Arc<Health>) -> Self {
        let shared = Shared {
            debt: Mutex::default(),
            changed: Condvar::new(),
            synced_commit: AtomicU64::new(0),
            health: Arc::clone(health),
            wal_path: beside(store, "-wal"),
        };
        Self { shared: Arc::new(shared), wal: None, thread: None }
    }

    /// The last commit that is known to be durable; 0 before the first one of this opening.
    pub(super) fn synced_commit(&self) -> u64 {
        self.shared.synced_commit.load(Ordering::Acquire)
    }

    /// A synced commit covers all before it.
    pub(super) fn covered(&self, commit: u64) {
        self.shared.synced_commit.fetch_max(commit, Ordering::AcqRel);
        if self.thread.is_some() {
            self.shared.debt().due = None;
        }
    }

    /// A commit was written without a sync.
    pub(super) fn owe(&mut self, commit: u64) -> Result<(), StoreFault> {
        if self.thread.is_none() {
            self.start().map_err(|error| {
                let fault = io_fault(OPERATION, &self.shared.wal_path, &error);
                self.shared.health.note(&fault);
                fault
            })?;
        }
        let mut debt = self.shared.debt();
        debt.commit = commit;
        if debt.due.is_none() {
            debt.due = Some(Instant::now() + DELAY);
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    /// Pays what is owed on the calling thread.
    pub(super) fn sync_now(&self) -> Result<(), StoreFault> {
        let Some(wal) = &self.wal else { return Ok(()) };
        let owed = self.shared.debt().due.take();
        if owed.is_some() { self.shared.sync(wal) } else { self.shared.health.may_write() }
    }

    fn start(&mut self) -> io::Result<()> {
        let wal = Arc::new(File::open(&self.shared.wal_path)?);
        let (shared, file) = (Arc::clone(&self.shared), Arc::clone(&wal));
        let thread = thread::Builder::new()
            .name("pyflow-sync".to_owned())
            .spawn(move || shared.run(&file))?;
        self.wal = Some(wal);
        self.thread = Some(thread);
        Ok(())
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.debt().is_ending = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn debt(&self) -> MutexGuard<'_, Debt> {
        self.debt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, wal: &File) {
        while self.wait_for_debt() {
            if self.sync(wal).is_err() {
                return;
            }
        }
    }

    /// Waits until a sync is due; `false` when the store is closing and nothing is owed.
    fn wait_for_debt(&self) -> bool {
        let mut debt = self.debt();
        loop {
            match debt.due {
                None if debt.is_ending => return false,
                None => {
                    debt = self.changed.wait(debt).unwrap_or_else(PoisonError::into_inner);
                }
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    if left.is_zero() || debt.is_ending {
                        debt.due = None;
                        return true;
                    }
                    let waited = self.changed.wait_timeout(debt, left);
                    debt = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn sync(&self, wal: &File) -> Result<(), StoreFault> {
        let commit = self.debt().commit;
        match wal.sync_data() {
            Ok(()) => {
                self.synced_commit.fetch_max(commit, Ordering::AcqRel);
                Ok(())
            }
            Err(error) => {
                let fault = StoreFault::Failed {
                    operation: OPERATION,
                    path: self.wal_path.clone(),
                    detail: error.to_string(),
                };
                self.health.note(&fault);
                Err(fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_sync_that_fails_in_the_background_stops_all_writes() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = dir.path().join("flow.db");
        // A device that takes everything and refuses to be synced.
        symlink("/dev/null", beside(&store, "-wal")).expect("linked");
        let health = Arc::new(Health::default());
        let mut syncer = Syncer::new(&store, &health);

        syncer.owe(7).expect("the thread starts");
        drop(syncer);

        assert_eq!(health.may_write().map_err(|fault| fault.code()), Err("PF2001"));
    }

    #[test]
    fn what_is_owed_is_paid_before_the_store_closes() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = dir.path().join("flow.db");
        std::fs::write(beside(&store, "-wal"), b"frames").expect("written");
        let health = Arc::new(Health::default());
        let mut syncer = Syncer::new(&store, &health);

        syncer.owe(7).expect("the thread starts");
        let shared = Arc::clone(&syncer.shared);
        drop(syncer);

        assert_eq!(shared.synced_commit.load(Ordering::Acquire), 7);
        assert_eq!(health.may_write(), Ok(()));
    }
}
