//! Faults on request: which call of a log fails, and how.

use std::collections::BTreeMap;

use crate::StoreFault;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryFault {
    /// The call fails and leaves nothing behind. After a final fault all later calls fail with it too.
    Fail(StoreFault),
    /// The call takes effect and yet fails, as when the sync after a write is lost. Only for writes.
    FailAfter(StoreFault),
    /// A read gives one turn where more would fit. Other calls are as usual.
    Short,
    /// A submitted turn is stored, but its completion comes only with this many more asks for completions.
    Late { asks: u32 },
    /// Another owner takes over just before the call.
    Fenced,
}

/// Counts the calls of one log and knows which of them fail.
#[derive(Debug, Default)]
pub(super) struct FaultPlan {
    calls: u64,
    by_call: BTreeMap<u64, MemoryFault>,
}

impl FaultPlan {
    pub(super) fn new(faults: impl IntoIterator<Item = (u64, MemoryFault)>) -> Self {
        Self { calls: 0, by_call: faults.into_iter().collect() }
    }

    /// Counts a call, the first being 1, and takes its fault.
    pub(super) fn next(&mut self) -> Option<MemoryFault> {
        self.calls += 1;
        self.by_call.remove(&self.calls)
    }

    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }
}
