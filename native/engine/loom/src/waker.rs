//! A descriptor that is readable, without a kernel.

use std::os::fd::RawFd;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

/// What makes a descriptor readable; its copies are of the same one.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<AtomicBool>);

impl Waker {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    #[allow(clippy::unused_self)] // As the engine's.
    pub(crate) fn fd(&self) -> RawFd {
        unreachable!("there is no kernel here")
    }

    pub(crate) fn wake(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether whoever waits for it would wake.
    pub(crate) fn is_readable(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
