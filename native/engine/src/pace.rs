//! How fast the steps of a batch follow each other, and so when it ends.

use std::time::{Duration, Instant};

/// What ends within this ends soon: to wake a thread takes half of it.
const SOON: Duration = Duration::from_micros(60);

/// Tells once that a batch of steps ends soon, so that whoever hears of it is awake by then.
#[derive(Debug)]
pub struct Pace {
    began: Instant,
    until: Instant,
    count: u32,
    has_told: bool,
}

impl Pace {
    /// Of a batch that begins now and goes on until a time at most.
    pub fn new(now: Instant, until: Instant) -> Self {
        Self { began: now, until, count: 0, has_told: false }
    }

    /// Counts a step and tells, once, whether those that are left end soon if they are like the others.
    pub fn ends_soon(&mut self, now: Instant, left_count: usize) -> bool {
        self.count = self.count.saturating_add(1);
        if self.has_told || left_count == 0 {
            return false;
        }
        let mean = now.duration_since(self.began) / self.count;
        let left = mean.saturating_mul(u32::try_from(left_count).unwrap_or(u32::MAX));
        self.has_told = left.min(self.until.saturating_duration_since(now)) < SOON;
        self.has_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After which steps of a batch it tells that it ends soon.
    fn told_after(step: Duration, count: usize, time: Duration) -> Vec<usize> {
        let began = Instant::now();
        let mut pace = Pace::new(began, began + time);
        (1..=count)
            .filter(|done| {
                pace.ends_soon(began + step * u32::try_from(*done).unwrap(), count - done)
            })
            .collect()
    }

    #[test]
    fn it_tells_once_before_the_last_steps_or_before_the_time_is_up() {
        const LONG: Duration = Duration::from_secs(1);
        let told = [
            told_after(SOON / 5, 40, LONG),
            told_after(SOON / 5, 40, SOON * 2),
            told_after(SOON / 100, 40, LONG),
        ];

        assert_eq!(told, [[36], [6], [1]]);
    }

    #[test]
    fn it_does_not_tell_of_one_step_or_of_long_ones() {
        const LONG: Duration = Duration::from_secs(1);
        let told = [told_after(SOON / 5, 1, LONG), told_after(SOON, 40, LONG)];

        assert_eq!(told, [[0; 0], [0; 0]]);
    }
}
