//! Ready work by task type and urgency, and what keeps it from being handed out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::lane::{Arrived, Item, Rank, rank};
use super::permits::{PermitKey, Permits};
use super::racks::{Rack, Racks};
use super::sessions::{Pool, Session, Sessions};
use super::strategy::{Demand, Strategy, Turns};
use crate::definition::{Priority, RateLimit};
use crate::ids::{InstanceIndex, RunNumber, SessionId};
use crate::time::Millis;

/// An item with all that its place in the queues depends on.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub item: Item,
    pub task_type: Arc<str>,
    pub rate: Option<RateLimit>,
    /// Whether the rate is one of its concurrency key, not of its type.
    pub has_rate_of_key: bool,
    pub priority: Priority,
    pub deadline: Option<Millis>,
    pub fairness_key: Arc<str>,
    pub is_suspect: bool,
}

impl Waiting {
    pub(super) fn rack(&self) -> Rack {
        (self.task_type.clone(), self.rate, self.has_rate_of_key)
    }

    pub(super) fn rank(&self) -> Rank {
        rank(self.deadline, self.item.arrival)
    }
}

impl Arrived for Waiting {
    fn arrival(&self) -> u64 {
        self.item.arrival
    }
}

/// Everything that is ready for a worker.
#[derive(Debug, Default)]
pub struct Queues {
    strategy: Strategy,
    turns: Turns,
    racks: Racks,
    /// What was running when its process died, to be run one at a time.
    suspects: VecDeque<Waiting>,
    /// Suspects that a rate holds back, until its time.
    delayed: BTreeMap<(Millis, u64), Waiting>,
    permits: Permits,
    /// Keys that a rate holds back, until its time.
    held_keys: BTreeSet<(Millis, PermitKey)>,
    /// What was to be handed out while its run was paused.
    aside: BTreeMap<RunNumber, Vec<Waiting>>,
    arrivals: u64,
    /// Entries, and how many of them were left by the last sweep.
    count: usize,
    swept_count: usize,
    sweep_count_min: usize,
}

/// Entries that a sweep leaves alone, however many of them are stale.
pub const SWEEP_COUNT_MIN: usize = 4_096;

/// What was taken from the queues for a worker.
#[derive(Debug)]
pub struct Picked {
    pub item: Item,
    pub session: SessionId,
    pub pool: Pool,
    pub is_suspect: bool,
    rack: Rack,
    /// The urgency that it was taken from.
    lane: usize,
    /// Whether other fairness keys wait for the end of its turn.
    is_shared: bool,
    demand: Demand,
}

impl Queues {
    /// Queues that are not swept while they hold fewer entries than that.
    pub fn new(strategy: Strategy, sweep_count_min: usize) -> Self {
        Self { strategy, sweep_count_min, ..Self::default() }
    }

    /// The next place in the order of arrival.
    pub fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    pub fn push(&mut self, waiting: Waiting) {
        self.count += 1;
        if waiting.is_suspect {
            return self.suspects.push_back(waiting);
        }
        self.racks.push(waiting);
    }

    /// Takes the next item that a worker with a free slot can run; it may be stale.
    pub fn pick(
        &mut self,
        sessions: &Sessions,
        now: Millis,
        mut is_current: impl FnMut(&Item) -> bool,
    ) -> Option<Picked> {
        self.drop_ended_suspects(&mut is_current);
        for (id, session) in sessions.iter() {
            if !session.has_free_slot() || session.is_kept_clear(now) {
                continue;
            }
            let suits = |w: &Waiting| session.pool_now(&w.task_type).is_some();
            if let Some(place) = self.suspects.iter().position(suits) {
                if session.is_in_use() {
                    continue; // It is being cleared for the suspect.
                }
                return Some(self.take_suspect(place, (id, session)));
            }
            if let Some(picked) = self.take_best(id, session) {
                return Some(picked);
            }
        }
        None
    }

    fn take_suspect(&mut self, place: usize, (id, session): (SessionId, &Session)) -> Picked {
        let waiting = self.suspects.remove(place).expect("its place was found");
        self.count -= 1;
        Picked {
            session: id,
            pool: session.types[&waiting.task_type],
            is_suspect: true,
            lane: waiting.priority as usize,
            is_shared: false,
            demand: Demand::default(),
            rack: waiting.rack(),
            item: waiting.item,
        }
    }

    fn take_best(&mut self, id: SessionId, session: &Session) -> Option<Picked> {
        let best = self.racks.best(session);
        let demand = Demand { here: best.map(|best| best.is_some()), anywhere: self.racks.waits() };
        let order = self.turns.order(self.strategy, demand);
        let lane = order.into_iter().find(|lane| demand.here[*lane])?;
        let (rack, pool) = best[lane].map(|(rack, pool)| (rack.clone(), pool))?;
        let (item, is_shared) = self.racks.pop(&rack, lane).expect("the best rack has work");
        self.count -= 1;
        Some(Picked { item, session: id, pool, is_suspect: false, rack, lane, is_shared, demand })
    }

    /// Drops suspects that have ended meanwhile: no worker is to be kept clear for them. Where one of
    /// them tried for a permit, another suspect may come to try.
    fn drop_ended_suspects(&mut self, is_current: &mut impl FnMut(&Item) -> bool) {
        while !self.suspects.is_empty() {
            let mut gone = Vec::new();
            self.suspects.retain(|waiting| is_kept(&waiting.item, &mut *is_current, &mut gone));
            if gone.is_empty() {
                return;
            }
            self.count -= gone.len();
            self.pass_tries_on(&gone);
        }
    }

    /// What was let go to try for a permit and is gone has given up: others try.
    fn pass_tries_on(&mut self, gone: &[u64]) {
        for arrival in gone {
            let next = self.permits.give_up(*arrival);
            self.try_again(next);
        }
    }

    /// Lets go what a rate allows by now.
    pub fn release_delayed(&mut self, now: Millis) {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.suspects.push_back(entry.remove());
        }
        self.racks.release(now);
        while self.held_keys.first().is_some_and(|(until, _)| *until <= now) {
            let (_, key) = self.held_keys.pop_first().expect("it was found just now");
            let next = self.permits.try_of_each_line(&key);
            self.try_again(next);
        }
    }

    /// What was picked has been handed out under these permits.
    pub fn taken(&mut self, picked: &Picked, wanted: Vec<(PermitKey, u32)>) {
        if picked.is_shared {
            self.racks.end_turn(&picked.rack, picked.lane);
        }
        let holder = (picked.item.run, picked.item.instance);
        let next = self.permits.take(holder, picked.item.arrival, wanted);
        self.try_again(next);
        if !picked.is_suspect {
            self.turns.served(self.strategy, picked.demand, picked.lane);
        }
    }

    /// A lease goes on under these permits, after the queues were made anew.
    pub fn hold_again(
        &mut self,
        holder: (RunNumber, InstanceIndex),
        wanted: Vec<(PermitKey, u32)>,
    ) {
        let next = self.permits.take(holder, 0, wanted);
        debug_assert!(next.is_none(), "it is no arrival, so it has not tried");
    }

    /// What was picked is stale.
    pub fn drop_picked(&mut self, picked: &Picked) {
        let next = self.permits.give_up(picked.item.arrival);
        self.try_again(next);
    }

    /// What was picked is held back, and all of its kind, until a rate allows it.
    pub fn delay(&mut self, until: Millis, waiting: Waiting) {
        if waiting.is_suspect {
            self.count += 1;
            self.delayed.insert((until, waiting.item.arrival), waiting);
            return;
        }
        let rack = waiting.rack();
        self.count += 1;
        self.racks.put_back(waiting);
        self.racks.hold(&rack, until);
    }

    /// When the next item that a rate holds back may go.
    pub fn next_delayed(&self) -> Option<Millis> {
        let suspect = self.delayed.first_key_value().map(|((at, _), _)| *at);
        let key = self.held_keys.first().map(|(at, _)| *at);
        self.racks.next_release().into_iter().chain(suspect).chain(key).min()
    }

    /// The first of these keys, with its limit, that what was picked has to wait for: no permit of it is
    /// free, or others that go before it wait for one.
    pub fn missing_permit<'a>(
        &self,
        picked: &Picked,
        wanted: &'a [(PermitKey, u32)],
        waiting: impl FnOnce() -> Waiting,
    ) -> Option<&'a (PermitKey, u32)> {
        let of_picked = (picked.item.arrival, &picked.rack);
        let is_bound = !picked.is_suspect; // A worker was cleared for a suspect.
        let line = || self.permits.line_before(of_picked, wanted, waiting);
        self.permits.missing(wanted).or_else(|| is_bound.then(line).flatten())
    }

    /// Holds what was picked back until a permit of the key is free.
    pub fn park(&mut self, wanted: &(PermitKey, u32), waiting: Waiting) {
        self.count += 1;
        let next = self.permits.park(wanted, waiting);
        self.try_again(next);
    }

    /// Holds what was picked back until the rate of its key allows a start.
    pub fn park_until(&mut self, until: Millis, wanted: &(PermitKey, u32), waiting: Waiting) {
        self.held_keys.insert((until, wanted.0.clone()));
        self.park(wanted, waiting);
    }

    /// Holds back until its run goes on what was picked, or what became ready while it is paused.
    pub fn put_aside(&mut self, waiting: Waiting) {
        self.count += 1;
        let next = self.permits.give_up(waiting.item.arrival);
        self.aside.entry(waiting.item.run).or_default().push(waiting);
        self.try_again(next);
    }

    /// A run goes on: what was put aside of it is queued again, in its old place.
    pub fn bring_back(&mut self, run: RunNumber) {
        let aside = self.aside.remove(&run).unwrap_or_default();
        self.try_again(aside);
    }

    /// A lease has ended: what it held is free, and what waited for that may try again.
    pub fn lease_ended(&mut self, holder: (RunNumber, InstanceIndex)) {
        let freed = self.permits.release(holder);
        self.try_again(freed);
    }

    fn try_again(&mut self, waiting: impl IntoIterator<Item = Waiting>) {
        for waiting in waiting {
            self.count -= 1;
            self.push(waiting);
        }
    }

    /// Drops stale entries where so many were added that many may be.
    pub fn sweep(&mut self, mut is_current: impl FnMut(&Item) -> bool) {
        if self.count < self.sweep_count_min + 2 * self.swept_count {
            return;
        }
        let mut gone = Vec::new();
        let keep = &mut |item: &Item| is_kept(item, &mut is_current, &mut gone);
        self.racks.retain(keep);
        self.suspects.retain(|waiting| keep(&waiting.item));
        self.delayed.retain(|_, waiting| keep(&waiting.item));
        self.permits.retain(&mut |waiting| keep(&waiting.item));
        self.aside.values_mut().for_each(|aside| aside.retain(|waiting| keep(&waiting.item)));
        self.aside.retain(|_, aside| !aside.is_empty());
        self.count = self.entries().count();
        self.swept_count = self.count;
        self.pass_tries_on(&gone);
    }

    /// Every entry, stale ones among them.
    pub fn entries(&self) -> impl Iterator<Item = &Item> {
        let lanes = self.racks.iter();
        let aside = self.aside.values().flatten();
        let held = self.suspects.iter().chain(self.delayed.values()).chain(self.permits.parked());
        lanes.chain(held.chain(aside).map(|waiting| &waiting.item))
    }

    /// How much of a type is queued.
    pub fn queued(&self, task_type: &str) -> usize {
        self.racks.count_of(task_type)
    }

    /// How much is queued in each urgency.
    pub fn depths(&self) -> [usize; 3] {
        self.racks.depths()
    }

    /// How much is held back: by permits, by rates, as suspects, by a pause.
    pub fn held_back_count(&self) -> usize {
        self.permits.parked().count()
            + self.delayed.len()
            + self.suspects.len()
            + self.aside.values().map(Vec::len).sum::<usize>()
    }

    /// How many suspects wait for a worker to themselves that has a free slot for this type.
    pub fn suspects_before(&self, sessions: &Sessions, task_type: &str) -> usize {
        let shares = |waiting: &&Waiting| {
            let begins = |session: &Session, of: &str| session.pool_now(of).is_some();
            sessions.iter().any(|(_, session)| {
                begins(session, task_type) && begins(session, &waiting.task_type)
            })
        };
        self.suspects.iter().filter(shares).count()
    }

    /// How many hold and how many wait for permits of a key.
    pub fn permit_counts(&self, key: &PermitKey) -> (usize, usize) {
        self.permits.counts(key)
    }
}

/// Whether an item is to be kept; the arrival of one that is not is noted.
fn is_kept(item: &Item, is_current: impl FnOnce(&Item) -> bool, gone: &mut Vec<u64>) -> bool {
    let keeps = is_current(item);
    if !keeps {
        gone.push(item.arrival);
    }
    keeps
}
