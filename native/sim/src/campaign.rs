//! Many seeds, on as many threads as are asked for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::story::tell;
use crate::tally::Tally;
use crate::trace::Trace;
pub use crate::world::Failure;
use crate::world::quiet_panics;

/// Which seeds to play, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    pub first_seed: u64,
    pub seed_count: u64,
    /// Real time; no further seed is begun after it.
    pub span: Duration,
    pub threads: usize,
    /// Whether to end with the first failure.
    pub stops_at_failure: bool,
    /// Whether to make a false claim, which must be seen broken.
    pub has_canary: bool,
}

/// A canary that so many seeds do not see is not seen.
const CANARY_SEED_COUNT: u64 = 50;

impl Default for Campaign {
    /// Every seed there is, on both cores of a small machine.
    fn default() -> Self {
        Self {
            first_seed: 0,
            seed_count: u64::MAX,
            span: Duration::MAX,
            threads: 2,
            stops_at_failure: false,
            has_canary: false,
        }
    }
}

impl Campaign {
    /// Until something is seen broken.
    pub fn until_failure() -> Self {
        Self { stops_at_failure: true, ..Self::default() }
    }

    pub fn canary() -> Self {
        let seed_count = CANARY_SEED_COUNT;
        Self { has_canary: true, seed_count, ..Self::until_failure() }
    }
}

/// What came of all seeds.
#[derive(Debug, Default)]
pub struct Outcome {
    pub tally: Tally,
    /// The failing seeds, in order.
    pub failures: Vec<(u64, Failure)>,
    pub span: Duration,
}

/// One seed, and what it has told.
#[derive(Debug)]
pub struct Replay {
    pub failure: Option<Failure>,
    pub lines: Vec<String>,
}

/// Plays one seed and keeps what it tells.
pub fn replay(seed: u64) -> Replay {
    quiet_panics();
    let told = tell(seed, Trace::kept(), false);
    Replay { failure: told.failure, lines: told.trace.into_lines() }
}

/// Plays all seeds of a campaign.
pub fn run(campaign: &Campaign) -> Outcome {
    quiet_panics();
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let outcome = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for _ in 0..campaign.threads.max(1) {
            scope.spawn(|| {
                let mine = play_some(campaign, began, (&next, &is_over));
                let mut all = outcome.lock().expect("no thread ends while it adds");
                all.tally.add(&mine.tally);
                all.failures.extend(mine.failures);
            });
        }
    });
    let mut outcome = outcome.into_inner().expect("no thread ends while it adds");
    outcome.failures.sort_by_key(|(seed, _)| *seed);
    outcome.span = began.elapsed();
    outcome
}

fn play_some(
    campaign: &Campaign,
    began: Instant,
    (next, is_over): (&AtomicU64, &AtomicBool),
) -> Outcome {
    let mut mine = Outcome::default();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let is_late = began.elapsed() >= campaign.span;
        if place >= campaign.seed_count || is_late || is_over.load(Ordering::Relaxed) {
            return mine;
        }
        let told =
            tell(campaign.first_seed.wrapping_add(place), Trace::silent(), campaign.has_canary);
        mine.tally.add(&told.tally);
        if let Some(failure) = told.failure {
            mine.failures.push((told.seed, failure));
            is_over.fetch_or(campaign.stops_at_failure, Ordering::Relaxed);
        }
    }
}
