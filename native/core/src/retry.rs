//! Attempt and options → when to try again. Pure arithmetic.

use crate::definition::TaskOptions;
use crate::event::TaskError;
use crate::ids::{InstanceIndex, RunNumber};
use crate::limits::SPAN_MS_MAX;
use crate::seeded::{Bug, is_planted};
use crate::state::Active;
use crate::time::Millis;

/// When the next attempt is due, or none if there is to be none.
pub fn next_attempt(
    options: &TaskOptions,
    active: &Active,
    error: &TaskError,
    whose: (RunNumber, InstanceIndex),
    now: Millis,
) -> Option<Millis> {
    let retries_done = active.attempt - active.first_attempt;
    let most = options.max_retries + u32::from(is_planted(Bug::OneRetryTooMany));
    if retries_done >= most || !is_retryable(options, error) {
        return None;
    }
    let until = match error.retry_after_ms {
        Some(delay_ms) => now.plus(delay_ms.min(SPAN_MS_MAX)),
        None => now.plus(delay_ms(options, retries_done, jitter_of(whose, active.attempt))),
    };
    let budget_ends = options.retry_budget_ms.map(|budget_ms| active.first_ready.plus(budget_ms));
    budget_ends.is_none_or(|end| until <= end).then_some(until)
}

fn is_retryable(options: &TaskOptions, error: &TaskError) -> bool {
    if let Some(asked) = error.retryable {
        return asked;
    }
    let named = |names: &[std::sync::Arc<str>]| error.kinds.iter().any(|kind| names.contains(kind));
    !named(&options.no_retry_on) && options.retry_on.as_deref().is_none_or(named)
}

/// The delay before retry `retry` (from 0): doubled each time up to the longest, varied by its
/// share of jitter around that.
fn delay_ms(options: &TaskOptions, retry: u32, jitter: f64) -> u64 {
    let doubled = options.base_delay_ms.saturating_mul(1_u64 << retry.min(40));
    let delay = doubled.min(options.max_delay_ms) as f64;
    (delay * (1.0 + options.jitter * jitter)).max(0.0) as u64
}

/// A number from -1 to 1 that depends on the attempt alone.
fn jitter_of((run, instance): (RunNumber, InstanceIndex), attempt: u32) -> f64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&run.0.to_le_bytes());
    bytes[8..12].copy_from_slice(&instance.0.to_le_bytes());
    bytes[12..].copy_from_slice(&attempt.to_le_bytes());
    let hash = blake3::hash(&bytes);
    let word: [u8; 4] = hash.as_bytes()[..4].try_into().expect("a hash has 32 bytes");
    f64::from(u32::from_le_bytes(word)) / f64::from(u32::MAX) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let options = TaskOptions { jitter: 0.0, ..TaskOptions::default() };

        let delays: Vec<u64> = (0..8).map(|retry| delay_ms(&options, retry, 1.0)).collect();

        assert_eq!(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(delay_ms(&options, u32::MAX, 1.0), 60_000);
    }

    #[test]
    fn jitter_stays_within_its_share_and_depends_on_the_attempt_alone() {
        let options = TaskOptions { jitter: 0.5, ..TaskOptions::default() };
        let whose = |n| (RunNumber(n), InstanceIndex(0));

        let delays: Vec<u64> =
            (0..100).map(|n| delay_ms(&options, 0, jitter_of(whose(n), 1))).collect();

        assert!(delays.iter().all(|delay| (500..=1500).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay != delays[0]));
        assert!(jitter_of(whose(1), 1).to_bits() == jitter_of(whose(1), 1).to_bits());
    }
}
