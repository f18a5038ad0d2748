//! Many seeds, on as many threads as are asked for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
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

/// Of real time. A seed takes milliseconds: one that takes so long does not come to an end.
const SEED_SPAN_MAX: Duration = Duration::from_mins(1);
/// How often those who play are looked after.
const WATCH_SPAN: Duration = Duration::from_secs(1);

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
    let (say, heard) = channel();
    let (sender, ended) = channel();
    std::thread::spawn(move || {
        let told = tell(seed, Trace::told_to(say), false);
        drop(sender.send(told.failure)); // Who asked may have left.
    });
    let failure = match ended.recv_timeout(SEED_SPAN_MAX) {
        Ok(failure) => failure,
        Err(RecvTimeoutError::Timeout) => Some(endless()),
        Err(RecvTimeoutError::Disconnected) => panic!("a story has ended without a word"),
    };
    Replay { failure, lines: heard.try_iter().collect() }
}

fn endless() -> Failure {
    let seconds = SEED_SPAN_MAX.as_secs();
    let message =
        format!("after {seconds} s of real time, where others take milliseconds, it goes on");
    Failure { invariant: "P36 the ring comes to rest", message, step: 0 }
}

/// What those who play have in common.
struct Game {
    campaign: Campaign,
    began: Instant,
    next: AtomicU64,
    is_over: AtomicBool,
    /// By player: the seed that is played, and since when.
    tables: Vec<Mutex<Option<(u64, Instant)>>>,
}

/// Plays all seeds of a campaign. One that does not come to an end is left to its thread, which is lost.
pub fn run(campaign: &Campaign) -> Outcome {
    quiet_panics();
    let player_count = campaign.threads.max(1);
    let game = Arc::new(Game {
        campaign: *campaign,
        began: Instant::now(),
        next: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
        tables: (0..player_count).map(|_| Mutex::default()).collect(),
    });
    let (sender, results) = channel();
    for player in 0..player_count {
        let (game, sender) = (game.clone(), sender.clone());
        std::thread::spawn(move || game.play_some(player, &sender));
    }
    drop(sender);
    let mut outcome = game.results(&results);
    outcome.failures.sort_by_key(|(seed, _)| *seed);
    outcome.span = game.began.elapsed();
    outcome
}

impl Game {
    fn results(&self, results: &Receiver<(usize, Outcome)>) -> Outcome {
        let mut all = Outcome::default();
        let mut playing: Vec<usize> = (0..self.tables.len()).collect();
        while !playing.is_empty() {
            match results.recv_timeout(WATCH_SPAN) {
                Ok((player, mine)) => {
                    playing.retain(|other| *other != player);
                    all.tally.add(&mine.tally);
                    all.failures.extend(mine.failures);
                }
                Err(RecvTimeoutError::Timeout) => playing.retain(|player| {
                    let endless_seed = self.endless_seed(*player);
                    if let Some(seed) = endless_seed {
                        all.failures.push((seed, endless()));
                        self.has_failed();
                    }
                    endless_seed.is_none()
                }),
                Err(RecvTimeoutError::Disconnected) => panic!("a player has ended without a word"),
            }
        }
        all
    }

    fn table(&self, player: usize) -> MutexGuard<'_, Option<(u64, Instant)>> {
        self.tables[player].lock().expect("it is only set and read")
    }

    fn endless_seed(&self, player: usize) -> Option<u64> {
        let seed = *self.table(player);
        seed.filter(|(_, since)| since.elapsed() >= SEED_SPAN_MAX).map(|(seed, _)| seed)
    }

    fn has_failed(&self) {
        self.is_over.fetch_or(self.campaign.stops_at_failure, Ordering::Relaxed);
    }

    fn play_some(&self, player: usize, results: &Sender<(usize, Outcome)>) {
        let mut mine = Outcome::default();
        while let Some(seed) = self.next_seed() {
            *self.table(player) = Some((seed, Instant::now()));
            let told = tell(seed, Trace::silent(), self.campaign.has_canary);
            *self.table(player) = None;
            mine.tally.add(&told.tally);
            if let Some(failure) = told.failure {
                mine.failures.push((told.seed, failure));
                self.has_failed();
            }
        }
        drop(results.send((player, mine))); // Nobody waits for one that was lost.
    }

    fn next_seed(&self) -> Option<u64> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let is_late = self.began.elapsed() >= self.campaign.span;
        let is_over = place >= self.campaign.seed_count || is_late;
        let goes_on = !is_over && !self.is_over.load(Ordering::Relaxed);
        goes_on.then(|| self.campaign.first_seed.wrapping_add(place))
    }
}
