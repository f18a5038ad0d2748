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

/// A wall that is further ahead of the log than this is not believed: ten years.
const JUMP_MS_MAX: u64 = 10 * 366 * 86_400_000;
/// A log whose latest time is before 2020 was written by a clock that had not been set yet.
pub(crate) const FIRST_BELIEVED: Millis = Millis(1_577_836_800_000);

impl Clock {
    /// A clock that goes on from the latest time on record. A wall that was set back moves nothing;
    /// one that has jumped ahead past all belief is reported (by `offset_ms`), not obeyed.
    pub(crate) fn system(latest: Millis) -> Self {
        Self::System { base: believed(wall(), latest), since: Instant::now() }
    }

    /// A clock that begins at `first`, or at what the wall shows, and not before the latest time on
    /// record.
    pub(crate) fn manual(first: Option<Millis>, latest: Millis) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(first.unwrap_or_else(wall).max(latest).0)))
    }

    /// How far the wall is ahead of this clock, or behind it.
    pub(crate) fn offset_ms(&self) -> i64 {
        wall().0 as i64 - self.now().0 as i64
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

fn believed(wall: Millis, latest: Millis) -> Millis {
    let has_jumped = latest >= FIRST_BELIEVED && wall.since(latest) > JUMP_MS_MAX;
    if has_jumped { latest } else { wall.max(latest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_was_set_back_moves_nothing() {
        assert_eq!(believed(Millis(5_000), Millis(9_000)), Millis(9_000));
        assert_eq!(believed(Millis(9_500), Millis(9_000)), Millis(9_500));
    }

    #[test]
    fn a_jump_past_all_belief_is_not_obeyed() {
        let latest = FIRST_BELIEVED.plus(1_000);

        assert_eq!(believed(latest.plus(JUMP_MS_MAX + 1), latest), latest);
        assert_eq!(believed(latest.plus(JUMP_MS_MAX), latest), latest.plus(JUMP_MS_MAX));
        let in_1970 = Millis(60_000);
        assert_eq!(believed(Millis(JUMP_MS_MAX * 9), in_1970), Millis(JUMP_MS_MAX * 9));
    }
}
