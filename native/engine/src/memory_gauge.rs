//! How much memory the process holds, looked at now and then.

use std::sync::atomic::{AtomicU64, Ordering};

/// A look at the process costs a system call, so that one for so many bytes of requests is worth it.
const SIZE_PER_LOOK: u64 = 1024 * 1024;
/// What the smallest request counts as.
const SIZE_OF_ONE: u64 = 16 * 1024;

/// More memory is resident than may be, both in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overfull {
    pub(crate) size: u64,
    pub(crate) size_max: u64,
}

/// Tells whether the process holds more memory than it may.
#[derive(Debug)]
pub(crate) struct MemoryGauge {
    size_max: Option<u64>,
    asked_size: AtomicU64,
    seen_size: AtomicU64,
}

impl MemoryGauge {
    pub(crate) fn new(size_max: Option<u64>) -> Self {
        Self { size_max, asked_size: AtomicU64::new(0), seen_size: AtomicU64::new(0) }
    }

    /// By how much the bound was passed when it was looked at last, for a request of so many bytes;
    /// none where it was not.
    pub(crate) fn overfull(&self, size: impl FnOnce() -> u64) -> Option<Overfull> {
        let size_max = self.size_max?;
        let size = size() + SIZE_OF_ONE;
        let asked_size = self.asked_size.fetch_add(size, Ordering::Relaxed);
        let looks = |size: u64| size.div_ceil(SIZE_PER_LOOK);
        let is_due = looks(asked_size) != looks(asked_size + size);
        // Whoever is refused asks again when there may be room, and should not hear of old times.
        if is_due || self.seen_size.load(Ordering::Relaxed) > size_max {
            self.seen_size.store(resident_size().unwrap_or(0), Ordering::Relaxed);
        }
        let size = self.seen_size.load(Ordering::Relaxed);
        (size > size_max).then_some(Overfull { size, size_max })
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
    use std::sync::atomic::Ordering;

    use super::{MemoryGauge, SIZE_PER_LOOK};

    #[test]
    fn a_bound_below_what_every_process_holds_is_passed() {
        let found = MemoryGauge::new(Some(1)).overfull(|| 0);

        assert!(found.is_some_and(|found| found.size > 1 && found.size_max == 1));
        assert_eq!(MemoryGauge::new(Some(u64::MAX)).overfull(|| 0), None);
        assert_eq!(MemoryGauge::new(None).overfull(|| 0), None);
    }

    #[test]
    fn large_requests_have_it_looked_at_more_often() {
        assert_eq!(looks_of(640, 0), 10);
        assert_eq!(looks_of(640, SIZE_PER_LOOK), 640);
    }

    /// How often the process is looked at for so many requests of a size.
    fn looks_of(count: usize, size: u64) -> usize {
        let gauge = MemoryGauge::new(Some(u64::MAX));
        let is_looked_at = |_: &usize| {
            gauge.seen_size.store(0, Ordering::Relaxed);
            let _ = gauge.overfull(|| size);
            gauge.seen_size.load(Ordering::Relaxed) > 0
        };
        (0..count).filter(is_looked_at).count()
    }
}
