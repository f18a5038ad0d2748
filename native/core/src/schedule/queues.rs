//! Ready work by task type and urgency, and what keeps it from being handed out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::lane::{Item, Lane};
use super::permits::{PermitKey, Permits};
use super::sessions::{Pool, Sessions};
use super::strategy::{Strategy, Turns};
use crate::definition::Priority;
use crate::ids::{InstanceIndex, RunNumber, SessionId};
use crate::time::Millis;

/// An item with all that its place in the queues depends on.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub item: Item,
    pub task_type: Arc<str>,
    pub priority: Priority,
    pub fairness_key: Arc<str>,
    pub suspect: bool,
}

#[derive(Debug, Default)]
struct TypeQueue {
    lanes: [Lane; 3],
}

/// Everything that is ready for a worker.
#[derive(Debug, Default)]
pub struct Queues {
    strategy: Strategy,
    turns: Turns,
    types: BTreeMap<Arc<str>, TypeQueue>,
    /// What was running when its process died beside others, to be run one at a time.
    suspects: VecDeque<Waiting>,
    permits: Permits<Waiting>,
    /// Work held back by a rate, until its time.
    delayed: BTreeMap<(Millis, u64), Waiting>,
    arrivals: u64,
}

impl Queues {
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, ..Self::default() }
    }

    /// The next place in the order of arrival.
    pub fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    pub fn push(&mut self, waiting: Waiting) {
        if waiting.suspect {
            return self.suspects.push_back(waiting);
        }
        if !self.types.contains_key(&waiting.task_type) {
            self.types.insert(waiting.task_type.clone(), TypeQueue::default());
        }
        let queue = self.types.get_mut(&waiting.task_type).expect("it was put there just now");
        queue.lanes[waiting.priority as usize].push(&waiting.fairness_key, waiting.item);
    }

    /// Takes the next item that a worker with a free slot can run, with that worker.
    pub fn pick(&mut self, sessions: &Sessions, now: Millis) -> Option<(Picked, SessionId, Pool)> {
        self.release_delayed(now);
        for (id, session) in sessions.iter() {
            if !session.has_free_slot() || session.is_kept_clear(now) {
                continue;
            }
            if !self.suspects.is_empty() {
                if session.held_count() > 0 && session.alone_until.is_none() {
                    continue; // It is being cleared for the next suspect.
                }
                let suits = |w: &Waiting| session.types.contains_key(&w.task_type);
                if let Some(place) = self.suspects.iter().position(suits) {
                    let waiting = self.suspects.remove(place).expect("its place was found");
                    let pool = session.types[&waiting.task_type];
                    return Some((Picked::Suspect(waiting), id, pool));
                }
            }
            if let Some((task_type, lane, pool)) = self.best_lane(&session.types, session.free) {
                let queue = self.types.get_mut(&task_type).expect("its lane was found");
                let item = queue.lanes[lane].pop().expect("the best lane has work");
                return Some((Picked::Plain { item, task_type, lane }, id, pool));
            }
        }
        None
    }

    fn best_lane(
        &mut self,
        served: &BTreeMap<Arc<str>, Pool>,
        free: [u32; 3],
    ) -> Option<(Arc<str>, usize, Pool)> {
        let mut best: [Option<((Millis, u64), &Arc<str>, Pool)>; 3] = [None; 3];
        for (task_type, queue) in &self.types {
            let Some(pool) = served.get(task_type).filter(|pool| free[**pool as usize] > 0) else {
                continue;
            };
            for (lane, best) in best.iter_mut().enumerate() {
                let Some(rank) = queue.lanes[lane].rank() else { continue };
                if best.is_none_or(|(other, ..)| rank < other) {
                    *best = Some((rank, task_type, *pool));
                }
            }
        }
        let has_work = best.map(|best| best.is_some());
        let order = self.turns.order(self.strategy, has_work);
        let lane = order.into_iter().find(|lane| has_work[*lane])?;
        let (_, task_type, pool) = best[lane]?;
        let found = (task_type.clone(), lane, pool);
        self.turns.served(self.strategy, has_work, lane);
        Some(found)
    }

    fn release_delayed(&mut self, now: Millis) {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let waiting = entry.remove();
            self.push(waiting);
        }
    }

    /// Holds an item back until a rate allows it.
    pub fn delay(&mut self, until: Millis, waiting: Waiting) {
        self.delayed.insert((until, waiting.item.arrival), waiting);
    }

    /// When the next item that a rate holds back may go.
    pub fn next_delayed(&self) -> Option<Millis> {
        self.delayed.first_key_value().map(|((at, _), _)| *at)
    }

    /// The first of these keys of which no permit is free.
    pub fn missing_permit<'a>(&self, wanted: &'a [(PermitKey, u32)]) -> Option<&'a PermitKey> {
        self.permits.missing(wanted)
    }

    pub fn take_permits(
        &mut self,
        holder: (RunNumber, InstanceIndex),
        wanted: Vec<(PermitKey, u32)>,
    ) {
        self.permits.take(holder, wanted);
    }

    /// Holds an item back until a permit of the key is free.
    pub fn park(&mut self, key: &PermitKey, waiting: Waiting) {
        self.permits.park(key, waiting);
    }

    /// A lease has ended: what it held is free, and what waited for that may try again.
    pub fn lease_ended(&mut self, holder: (RunNumber, InstanceIndex)) {
        for waiting in self.permits.release(holder) {
            self.push(waiting);
        }
    }

    /// Work of a type that is queued, and how much of it is ahead of others by urgency.
    pub fn queued(&self, task_type: &str) -> usize {
        let queue = self.types.get(task_type);
        queue.map_or(0, |queue| queue.lanes.iter().map(Lane::len).sum())
    }

    /// How much is queued in each urgency.
    pub fn depths(&self) -> [usize; 3] {
        let mut depths = [0; 3];
        for queue in self.types.values() {
            queue.lanes.iter().zip(&mut depths).for_each(|(lane, depth)| *depth += lane.len());
        }
        depths
    }

    pub fn held_back_count(&self) -> usize {
        self.permits.parked_count() + self.delayed.len() + self.suspects.len()
    }

    /// How many hold and how many wait for permits of a key.
    pub fn permit_counts(&self, key: &PermitKey) -> (usize, usize) {
        self.permits.counts(key)
    }
}

/// What was taken from the queues.
#[derive(Debug)]
pub enum Picked {
    Plain { item: Item, task_type: Arc<str>, lane: usize },
    Suspect(Waiting),
}
