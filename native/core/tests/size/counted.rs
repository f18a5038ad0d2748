//! Bytes that this thread has in use, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    // One of each for every test, since each has its own thread. A thread may free what another
    // one has allocated, so that the count can fall below zero.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    let now = IN_USE.get() + bytes;
    IN_USE.set(now);
    PEAK.set(PEAK.get().max(now));
}

// SAFETY: every call is passed on to the system's allocator unchanged; only counters are added,
// which neither allocate nor have anything to drop.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `place` came from `alloc` above with the same layout.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What is counted from a moment on.
pub(crate) struct Counted {
    before: isize,
}

impl Counted {
    pub(crate) fn new() -> Self {
        PEAK.set(IN_USE.get());
        Self { before: IN_USE.get() }
    }

    /// Bytes more in use than at the beginning.
    pub(crate) fn bytes(&self) -> usize {
        (IN_USE.get() - self.before).max(0) as usize
    }

    /// The most of them that there were.
    pub(crate) fn peak(&self) -> usize {
        (PEAK.get() - self.before).max(0) as usize
    }
}
