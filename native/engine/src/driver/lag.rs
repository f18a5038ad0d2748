//! How many events lie behind a position, so that a listener that is too slow is told so.

use std::collections::VecDeque;

/// A listener that falls further behind than this is cut off.
const LAG_COUNT_MAX: u64 = 100_000;
/// Events between two marks, so that the marks stay few.
const STEP_COUNT: u64 = 64;

/// Marks of how many events there were up to some positions, as far back as matters.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// Positions with the count of events up to and with each.
    marks: VecDeque<(u64, u64)>,
    count: u64,
}

impl Lag {
    /// Counts the events of a turn.
    pub(super) fn note(&mut self, position: u64, count: u64) {
        self.count += count;
        let is_due = self.marks.back().is_none_or(|(_, before)| self.count - before >= STEP_COUNT);
        if is_due {
            self.marks.push_back((position, self.count));
        }
        // The first mark proves that what lies before it is too far behind; one is enough for that.
        while self.marks.get(1).is_some_and(|(_, before)| self.count - before > LAG_COUNT_MAX) {
            self.marks.pop_front();
        }
    }

    /// Whether more events than a listener may miss have happened after a position.
    pub(super) fn is_too_far(&self, position: u64) -> bool {
        let next = self.marks.partition_point(|(marked, _)| *marked < position);
        self.marks.get(next).is_some_and(|(_, before)| self.count - before > LAG_COUNT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{LAG_COUNT_MAX, Lag};

    #[test]
    fn what_is_a_hundred_thousand_events_behind_is_too_far() {
        let mut lag = Lag::default();
        for position in 1..=LAG_COUNT_MAX / 10 {
            lag.note(position, 10);
        }

        assert!(!lag.is_too_far(0), "nobody is behind by more than there is");
        lag.note(LAG_COUNT_MAX, 100);

        assert!(lag.is_too_far(0));
        assert!(!lag.is_too_far(20), "it has missed less");
        assert!(!lag.is_too_far(LAG_COUNT_MAX));
    }

    #[test]
    fn the_marks_stay_few() {
        let mut lag = Lag::default();

        for position in 0..10 * LAG_COUNT_MAX {
            lag.note(position, 1);
        }

        assert!(lag.marks.len() < 2_000, "{}", lag.marks.len());
        assert!(lag.is_too_far(1) && !lag.is_too_far(10 * LAG_COUNT_MAX - 50_000));
    }
}
