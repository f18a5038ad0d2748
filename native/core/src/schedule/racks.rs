//! Ready work on racks, one for each task type and rate limit, found by urgency and rank.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lane::{Item, Lane, Rank};
use super::queues::Waiting;
use super::sessions::{Pool, Session};
use crate::definition::RateLimit;
use crate::time::Millis;

/// Work of one type and one rate limit: all of it is held back alike, unless, as the last part says,
/// each key has its own share of the rate.
pub(super) type Rack = (Arc<str>, Option<RateLimit>, bool);

/// An empty rack stays while there are so few: the next work of its type is often on its way.
const EMPTY_COUNT_MAX: usize = 64;

#[derive(Debug, Default)]
struct Stock {
    lanes: [Lane<Item>; 3],
    /// Under which ranks the lanes stand among the heads.
    heads: [Option<Rank>; 3],
    /// Its rate holds it back until then.
    held_until: Option<Millis>,
}

impl Stock {
    fn len(&self) -> usize {
        self.lanes.iter().map(Lane::len).sum()
    }

    fn is_idle(&self) -> bool {
        self.held_until.is_none() && self.lanes.iter().all(|lane| lane.len() == 0)
    }

    /// Brings the heads of one urgency up to what is next in that lane.
    fn show_head(&mut self, lane: usize, heads: &mut BTreeMap<Rank, Rack>, rack: &Rack) {
        let head = self.lanes[lane].rank().filter(|_| self.held_until.is_none());
        let known = std::mem::replace(&mut self.heads[lane], head);
        if known == head {
            return;
        }
        if let Some(rank) = known {
            heads.remove(&rank);
        }
        if let Some(rank) = head {
            heads.insert(rank, rack.clone());
        }
    }
}

/// All racks.
#[derive(Debug, Default)]
pub(super) struct Racks {
    stocks: BTreeMap<Rack, Stock>,
    /// For each urgency: the racks with work that is not held back, by the rank of what is next.
    heads: [BTreeMap<Rank, Rack>; 3],
    held: BTreeSet<(Millis, Rack)>,
}

impl Racks {
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.put(waiting, Lane::push);
    }

    /// Takes back what was taken last: it is the turn of its fairness key still.
    pub(super) fn put_back(&mut self, waiting: Waiting) {
        self.put(waiting, Lane::put_back);
    }

    fn put(
        &mut self,
        waiting: Waiting,
        put: impl FnOnce(&mut Lane<Item>, &Arc<str>, Item, Option<Millis>),
    ) {
        let (rack, lane) = (waiting.rack(), waiting.priority as usize);
        let stock = match self.stocks.get_mut(&rack) {
            Some(stock) => stock,
            None => self.stocks.entry(rack.clone()).or_default(),
        };
        put(&mut stock.lanes[lane], &waiting.fairness_key, waiting.item, waiting.deadline);
        stock.show_head(lane, &mut self.heads[lane], &rack);
    }

    /// For each urgency: the rack of the next item that the worker could begin now.
    pub(super) fn best(&self, session: &Session) -> [Option<(&Rack, Pool)>; 3] {
        self.heads.each_ref().map(|heads| {
            heads.values().find_map(|rack| session.pool_now(&rack.0).map(|pool| (rack, pool)))
        })
    }

    /// Which urgencies have work that is not held back, whoever may begin it.
    pub(super) fn waits(&self) -> [bool; 3] {
        self.heads.each_ref().map(|heads| !heads.is_empty())
    }

    /// Takes the next item of an urgency off a rack; says whether others wait for the end of its turn.
    pub(super) fn pop(&mut self, rack: &Rack, lane: usize) -> Option<(Item, bool)> {
        let stock = self.stocks.get_mut(rack)?;
        let item = stock.lanes[lane].pop()?;
        let is_shared = stock.lanes[lane].is_shared();
        stock.show_head(lane, &mut self.heads[lane], rack);
        if stock.is_idle() && self.stocks.len() > EMPTY_COUNT_MAX {
            self.stocks.remove(rack);
        }
        Some((item, is_shared))
    }

    /// What was taken last was handed out: it is the turn of the next fairness key.
    pub(super) fn end_turn(&mut self, rack: &Rack, lane: usize) {
        if let Some(stock) = self.stocks.get_mut(rack) {
            stock.lanes[lane].end_turn();
            stock.show_head(lane, &mut self.heads[lane], rack);
        }
    }

    /// Holds everything on a rack back until then.
    pub(super) fn hold(&mut self, rack: &Rack, until: Millis) {
        if let Some(stock) = self.stocks.get_mut(rack) {
            if let Some(before) = stock.held_until.replace(until) {
                self.held.remove(&(before, rack.clone()));
            }
            self.held.insert((until, rack.clone()));
            self.refresh(rack);
        }
    }

    /// Lets go of the racks whose time has come.
    pub(super) fn release(&mut self, now: Millis) {
        while self.held.first().is_some_and(|(until, _)| *until <= now) {
            let (_, rack) = self.held.pop_first().expect("it was found just now");
            if let Some(stock) = self.stocks.get_mut(&rack) {
                stock.held_until = None;
                self.refresh(&rack);
            }
        }
    }

    /// When the next rack is let go.
    pub(super) fn next_release(&self) -> Option<Millis> {
        self.held.first().map(|(until, _)| *until)
    }

    /// Brings the heads up to what is on a rack; where there are many racks an empty one goes.
    fn refresh(&mut self, rack: &Rack) {
        let Some(stock) = self.stocks.get_mut(rack) else { return };
        for (lane, heads) in self.heads.iter_mut().enumerate() {
            stock.show_head(lane, heads, rack);
        }
        if stock.is_idle() && self.stocks.len() > EMPTY_COUNT_MAX {
            self.stocks.remove(rack);
        }
    }

    /// Drops what is not to be kept.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(&Item) -> bool) {
        for stock in self.stocks.values_mut() {
            stock.lanes.iter_mut().for_each(|lane| lane.retain(keep));
        }
        let racks: Vec<Rack> = self.stocks.keys().cloned().collect();
        for rack in &racks {
            self.refresh(rack);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.stocks.values().flat_map(|stock| stock.lanes.iter().flat_map(Lane::iter))
    }

    /// How much of a type there is.
    pub(super) fn count_of(&self, task_type: &str) -> usize {
        let of_type = self.stocks.iter().filter(|(rack, _)| &*rack.0 == task_type);
        of_type.map(|(_, stock)| stock.len()).sum()
    }

    /// How much there is in each urgency.
    pub(super) fn depths(&self) -> [usize; 3] {
        let mut depths = [0; 3];
        for stock in self.stocks.values() {
            for (lane, depth) in stock.lanes.iter().zip(&mut depths) {
                *depth += lane.len();
            }
        }
        depths
    }
}
