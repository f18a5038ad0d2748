//! Starts per time: each start runs up a debt that time pays off.
//!
//! A type with a limit of 10 a second may start ten times at once, then each tenth of a second: its
//! debt may reach a whole window, never more. Times are in microseconds, so that no limit is
//! rounded up to what was not allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::RateLimit;
use crate::time::Millis;

/// By task type: when it would be free of debt, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Rates {
    pub(super) free_at_us: BTreeMap<Arc<str>, u64>,
}

/// What one start costs, rounded so that a window never holds more starts than allowed.
fn step_us(rate: RateLimit) -> u64 {
    (rate.window_ms * 1000).div_ceil(u64::from(rate.count))
}

impl Rates {
    /// Counts one start.
    pub(super) fn start(&mut self, task_type: &Arc<str>, rate: RateLimit, at: Millis) {
        let at_us = at.0.saturating_mul(1000);
        let free_at_us = self.free_at_us.entry(task_type.clone()).or_insert(at_us);
        *free_at_us = (*free_at_us).max(at_us).saturating_add(step_us(rate));
    }

    /// When the next start is allowed, if that is later than now.
    pub(super) fn allows_at(
        &self,
        task_type: &str,
        rate: RateLimit,
        now: Millis,
    ) -> Option<Millis> {
        let free_at_us = *self.free_at_us.get(task_type)?;
        // What a window has room for, in whole starts.
        let room_us = step_us(rate) * u64::from(rate.count).min(rate.window_ms * 1000);
        let allowed_us = (free_at_us + step_us(rate)).saturating_sub(room_us);
        let allowed = Millis(allowed_us.div_ceil(1000));
        (allowed > now).then_some(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts that a limit lets through in `span_ms`, trying in every millisecond.
    fn starts(limit: &str, span_ms: u64) -> Vec<u64> {
        let rate = RateLimit::parse(limit).expect("the limit is well formed");
        let (mut rates, name) = (Rates::default(), Arc::from("call"));
        let mut starts = Vec::new();
        for now in 0..span_ms {
            let now = Millis(1_000_000 + now);
            while rates.allows_at(&name, rate, now).is_none() {
                rates.start(&name, rate, now);
                starts.push(now.0 - 1_000_000);
            }
        }
        starts
    }

    #[test]
    fn a_whole_window_may_start_at_once_and_then_one_each_step() {
        let started = starts("10/s", 1_000);

        assert_eq!(started[..10], [0; 10]);
        assert_eq!(started[10..], [100, 200, 300, 400, 500, 600, 700, 800, 900]);
    }

    #[test]
    fn over_a_long_time_no_more_start_than_the_limit_and_a_burst() {
        for (limit, per_s, burst) in [("7/s", 7, 7), ("3000/s", 3000, 3000), ("90/m", 1, 90)] {
            let span_s = 20;

            let count = starts(limit, span_s * 1000).len() as u64;

            assert!(count <= per_s * span_s * 3 / 2 + burst, "{limit}: {count}");
            assert!(count >= per_s * span_s, "{limit}: {count}");
        }
    }

    #[test]
    fn a_type_that_has_rested_saves_up_one_burst_and_no_more() {
        let rate = RateLimit::parse("2/s").expect("the limit is well formed");
        let (mut rates, name) = (Rates::default(), Arc::from("call"));
        rates.start(&name, rate, Millis(0));

        let later = Millis(3_600_000);
        rates.start(&name, rate, later);
        rates.start(&name, rate, later);

        assert_eq!(rates.allows_at(&name, rate, later), Some(later.plus(500)));
    }
}
