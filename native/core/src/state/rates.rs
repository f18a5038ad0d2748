//! Starts per time: each start runs up a debt that time pays off.
//!
//! Starts are counted by task type, or by concurrency key where the task has one. A type with a limit of 10 a second may start ten times at once, then each tenth of a second: its
//! debt may reach a whole window, never more. Times are in microseconds, so that no limit is
//! rounded up to what was not allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::definition::RateLimit;
use crate::limits::NAME_SIZE_MAX;
use crate::time::Millis;

/// What starts are counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateOf {
    TaskType(Arc<str>),
    /// A concurrency key.
    Key(Arc<str>),
}

impl RateOf {
    /// A concurrency key as it is stored: that of a very long one is its hash.
    pub fn key(name: &Arc<str>) -> Self {
        if name.len() <= NAME_SIZE_MAX {
            return Self::Key(name.clone());
        }
        Self::Key(blake3::hash(name.as_bytes()).to_hex().as_str().into())
    }

    /// The key that a start is recorded with.
    pub fn into_key(self) -> Option<Arc<str>> {
        match self {
            Self::Key(key) => Some(key),
            Self::TaskType(_) => None,
        }
    }
}

/// Names with the time at which each would be free of debt, in microseconds.
pub(super) type Debts = Vec<(Arc<str>, u64)>;

/// When each would be free of debt, in microseconds. What is free has no entry for long: the next
/// start of anything drops it, so that keys that come and go take no memory.
#[derive(Debug, Default)]
pub(super) struct Rates {
    free_at_us: BTreeMap<RateOf, u64>,
    /// The same by time.
    by_time: BTreeSet<(u64, RateOf)>,
}

/// What one start costs, rounded so that a window never holds more starts than allowed.
fn step_us(rate: RateLimit) -> u64 {
    (rate.window_ms * 1000).div_ceil(u64::from(rate.count))
}

impl Rates {
    /// Counts one start.
    pub(super) fn start(&mut self, counted: RateOf, rate: RateLimit, at: Millis) {
        let at_us = at.0.saturating_mul(1000);
        self.drop_free(at_us);
        let known_us = self.free_at_us.get(&counted).copied().unwrap_or(at_us);
        self.insert(counted, known_us.saturating_add(step_us(rate)));
    }

    fn insert(&mut self, counted: RateOf, free_at_us: u64) {
        if let Some(before_us) = self.free_at_us.insert(counted.clone(), free_at_us) {
            self.by_time.remove(&(before_us, counted.clone()));
        }
        self.by_time.insert((free_at_us, counted));
    }

    fn drop_free(&mut self, at_us: u64) {
        while self.by_time.first().is_some_and(|(free_at_us, _)| *free_at_us <= at_us) {
            let (_, counted) = self.by_time.pop_first().expect("it was found just now");
            self.free_at_us.remove(&counted);
        }
    }

    /// The debts of task types and of keys, as they are stored.
    pub(super) fn record(&self) -> (Debts, Debts) {
        let (mut of_types, mut of_keys) = (Vec::new(), Vec::new());
        for (counted, free_at_us) in &self.free_at_us {
            match counted {
                RateOf::TaskType(name) => of_types.push((name.clone(), *free_at_us)),
                RateOf::Key(name) => of_keys.push((name.clone(), *free_at_us)),
            }
        }
        (of_types, of_keys)
    }

    pub(super) fn from_record(of_types: Debts, of_keys: Debts) -> Self {
        let mut rates = Self::default();
        for (name, free_at_us) in of_types {
            rates.insert(RateOf::TaskType(name), free_at_us);
        }
        for (name, free_at_us) in of_keys {
            rates.insert(RateOf::Key(name), free_at_us);
        }
        rates
    }

    /// When the next start is allowed, if that is later than now.
    pub(super) fn allows_at(
        &self,
        counted: &RateOf,
        rate: RateLimit,
        now: Millis,
    ) -> Option<Millis> {
        let free_at_us = *self.free_at_us.get(counted)?;
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
        let (mut rates, name) = (Rates::default(), RateOf::TaskType("call".into()));
        let mut starts = Vec::new();
        for now in 0..span_ms {
            let now = Millis(1_000_000 + now);
            while rates.allows_at(&name, rate, now).is_none() {
                rates.start(name.clone(), rate, now);
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
        let (mut rates, name) = (Rates::default(), RateOf::TaskType("call".into()));
        rates.start(name.clone(), rate, Millis(0));

        let later = Millis(3_600_000);
        rates.start(name.clone(), rate, later);
        rates.start(name.clone(), rate, later);

        assert_eq!(rates.allows_at(&name, rate, later), Some(later.plus(500)));
    }

    #[test]
    fn a_key_counts_for_itself_and_is_forgotten_once_it_is_free() {
        let rate = RateLimit::parse("1/s").expect("the limit is well formed");
        let mut rates = Rates::default();
        let key = |number: u64| RateOf::Key(number.to_string().into());

        for number in 0..100 {
            rates.start(key(number), rate, Millis(number));
        }

        assert_eq!(rates.allows_at(&key(7), rate, Millis(7)), Some(Millis(1_007)));
        assert_eq!(rates.allows_at(&key(100), rate, Millis(100)), None);
        let same_name = RateOf::TaskType("7".into());
        assert_eq!(rates.allows_at(&same_name, rate, Millis(7)), None);
        rates.start(key(100), rate, Millis(60_000));
        assert_eq!(rates.record(), (Vec::new(), vec![("100".into(), 61_000_000)]));
    }
}
