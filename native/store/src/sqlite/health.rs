//! Whether a log may still be written. Shared with the threads that sync and checkpoint.

use std::sync::OnceLock;

use crate::StoreFault;

/// The first final fault of an opening, if there was one.
#[derive(Debug, Default)]
pub(super) struct Health {
    first: OnceLock<StoreFault>,
}

impl Health {
    /// Keeps the fault if the log must not be written after it. A fenced log is told so by each comparison.
    pub(super) fn note(&self, fault: &StoreFault) {
        if matches!(fault, StoreFault::Failed { .. } | StoreFault::Damaged(_)) {
            // A later fault follows from the first, which stays.
            let _ = self.first.set(fault.clone());
        }
    }

    pub(super) fn may_write(&self) -> Result<(), StoreFault> {
        self.first.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Damage leaves what is proven good readable. After a failed write, what the file holds is open.
    pub(super) fn may_read(&self) -> Result<(), StoreFault> {
        match self.first.get() {
            Some(fault @ StoreFault::Failed { .. }) => Err(fault.clone()),
            _ => Ok(()),
        }
    }
}
