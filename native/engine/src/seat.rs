//! Which processor a thread was last seen on.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::sched_getcpu;

/// The processor that a thread was last seen on, for others to look at.
#[derive(Debug)]
pub(crate) struct Seat(AtomicUsize);

impl Seat {
    pub(crate) fn unknown() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    /// Notes where the thread that calls is.
    pub(crate) fn take(&self) {
        self.0.store(sched_getcpu(), Ordering::Relaxed);
    }

    /// Whether it is where the thread that calls is: one of the two stands still while the other goes on.
    pub(crate) fn is_here(&self) -> bool {
        self.0.load(Ordering::Relaxed) == sched_getcpu()
    }
}
