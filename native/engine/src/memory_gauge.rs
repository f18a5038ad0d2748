//! How much memory the process holds, looked at now and then.

use std::sync::atomic::{AtomicU64, Ordering};

/// A look at the process costs a system call, so that one in so many is worth it.
const ASKED_PER_LOOK: u64 = 64;

/// Tells whether the process holds more memory than it may.
#[derive(Debug)]
pub(crate) struct MemoryGauge {
    size_max: Option<u64>,
    asked: AtomicU64,
    seen_size: AtomicU64,
}

impl MemoryGauge {
    pub(crate) fn new(size_max: Option<u64>) -> Self {
        Self { size_max, asked: AtomicU64::new(0), seen_size: AtomicU64::new(0) }
    }

    /// Whether the bound was passed when it was looked at last.
    pub(crate) fn is_full(&self) -> bool {
        let Some(size_max) = self.size_max else { return false };
        let is_due = self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(ASKED_PER_LOOK);
        // Whoever is refused asks again when there may be room, and should not hear of old times.
        if is_due || self.seen_size.load(Ordering::Relaxed) > size_max {
            self.seen_size.store(resident_size().unwrap_or(0), Ordering::Relaxed);
        }
        self.seen_size.load(Ordering::Relaxed) > size_max
    }
}

/// Bytes of resident memory, where the system tells them.
fn resident_size() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::MemoryGauge;

    #[test]
    fn a_bound_below_what_every_process_holds_is_passed() {
        assert!(MemoryGauge::new(Some(1)).is_full());
        assert!(!MemoryGauge::new(Some(u64::MAX)).is_full());
        assert!(!MemoryGauge::new(None).is_full());
    }
}
