//! The engine's clock: it advances by the monotonic clock from a logged base and never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pyflow_core::time::Millis;

#[derive(Debug, Clone)]
pub(crate) enum Clock {
    System {
        base: Millis,
        since: Instant,
    },
    /// Stands still until it is moved by hand.
    Manual(Arc<AtomicU64>),
}

/// What the wall shows.
fn wall() -> Millis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(since_epoch.map_or(0, |span| span.as_millis() as u64))
}

impl Clock {
    /// A clock that goes on from the latest time on record: a wall that was set back moves nothing.
    pub(crate) fn system(latest: Millis) -> Self {
        Self::System { base: wall().max(latest), since: Instant::now() }
    }

    pub(crate) fn manual(latest: Millis) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(wall().max(latest).0)))
    }

    pub(crate) fn now(&self) -> Millis {
        match self {
            Self::System { base, since } => base.plus(since.elapsed().as_millis() as u64),
            Self::Manual(now) => Millis(now.load(Ordering::Acquire)),
        }
    }

    /// Moves a clock that is set by hand.
    pub(crate) fn advance(&self, span_ms: u64) {
        if let Self::Manual(now) = self {
            now.fetch_add(span_ms, Ordering::AcqRel);
        }
    }
}
