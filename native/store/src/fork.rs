//! A fork waits until SQLite rests.
//!
//! Its global locks have no hooks for a fork, as those of the C library's allocator have: a child that was forked while
//! another thread held one would wait for it forever when it opens a store of its own.

use std::cell::RefCell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::sqlite::close_inherited_locks;

#[derive(Debug)]
struct Gate {
    working_count: usize,
    forking_count: usize,
}

static GATE: Mutex<Gate> = Mutex::new(Gate { working_count: 0, forking_count: 0 });
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Nobody gets past the gate between the two halves of this thread's fork.
    static HELD: RefCell<Option<MutexGuard<'static, Gate>>> = const { RefCell::new(None) };
}

/// Work with SQLite, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct AtWork(());

impl AtWork {
    /// Begins a piece of work, once no fork is wanted. Not within another one: the fork would wait for that.
    pub fn begin() -> Self {
        let mut gate = gate();
        while gate.forking_count > 0 {
            gate = wait(gate);
        }
        gate.working_count += 1;
        Self(())
    }

    /// Begins one that others, at work already, may wait for: it does not wait for a fork that waits for those.
    pub(crate) fn begin_beside() -> Self {
        gate().working_count += 1;
        Self(())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut gate = gate();
        gate.working_count -= 1;
        if gate.working_count == 0 && gate.forking_count > 0 {
            CHANGED.notify_all();
        }
    }
}

/// Waits until no thread works with SQLite, and lets none begin until the fork is over.
pub fn before_fork() {
    let mut gate = gate();
    gate.forking_count += 1;
    while gate.working_count > 0 {
        gate = wait(gate);
    }
    HELD.set(Some(gate));
}

/// Lets the others go on; on the thread that called [`before_fork`].
pub fn after_fork_in_parent() {
    if let Some(mut gate) = HELD.take() {
        gate.forking_count -= 1;
    }
    CHANGED.notify_all();
}

/// Makes the child's copy of all this a new one, and closes its copies of the parent's locks; on the thread that
/// called [`before_fork`], the only one that there is.
pub fn after_fork_in_child() {
    if let Some(mut gate) = HELD.take() {
        gate.forking_count = 0;
    }
    close_inherited_locks();
}

fn gate() -> MutexGuard<'static, Gate> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(gate: MutexGuard<'static, Gate>) -> MutexGuard<'static, Gate> {
    CHANGED.wait(gate).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_fork_waits_for_work_and_work_for_the_fork() {
        static FORKED: AtomicBool = AtomicBool::new(false);
        let work = AtWork::begin();
        let forking = thread::spawn(|| {
            before_fork();
            FORKED.store(true, Ordering::SeqCst);
            after_fork_in_parent();
        });
        while gate().forking_count == 0 {
            thread::yield_now();
        }
        let later = thread::spawn(|| {
            let _work = AtWork::begin();
            FORKED.load(Ordering::SeqCst)
        });
        // What the work waits for may still begin.
        drop(AtWork::begin_beside());
        assert!(!FORKED.load(Ordering::SeqCst));

        drop(work);

        forking.join().expect("it forks");
        assert!(later.join().expect("it works"), "it began while a fork waited");
    }
}
