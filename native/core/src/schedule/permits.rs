//! Permits: so many at once per key. A permit is held by a lease and ends with it, so that none can
//! leak.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lane::{Lane, Rank};
use super::queues::Waiting;
use super::racks::Rack;
use crate::ids::{InstanceIndex, RunNumber};
use crate::seeded::{Bug, is_planted};

/// What a permit is counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermitKey {
    /// A concurrency key that the user named.
    Named(Arc<str>),
    /// All tasks of one type.
    TaskType(Arc<str>),
    /// All tasks of one run.
    Run(RunNumber),
}

type Holder = (RunNumber, InstanceIndex);
/// What tells the lines for a key apart: what no worker takes must not stand in the way of others, nor
/// what allows fewer holders in the way of what allows more.
type LineId = (Rack, u32);

/// What waits for a key. One at a time is let go to try for a permit.
#[derive(Debug, Default)]
struct Line {
    lanes: [Lane<Waiting>; 3],
    trying: Option<Trying>,
}

/// The place in its line of what was let go.
#[derive(Debug)]
struct Trying {
    urgency: usize,
    fairness_key: Arc<str>,
    rank: Rank,
}

impl Line {
    fn is_over(&self) -> bool {
        self.trying.is_none() && self.len() == 0
    }

    fn len(&self) -> usize {
        self.lanes.iter().map(Lane::len).sum()
    }

    fn pop(&mut self) -> Option<Waiting> {
        self.lanes.iter_mut().find_map(Lane::pop)
    }

    /// Whether something that waits goes before what tries: it came meanwhile, and is more urgent.
    fn has_overtaken(&self, trying: &Trying) -> bool {
        let lane = &self.lanes[trying.urgency];
        self.lanes[..trying.urgency].iter().any(|lane| lane.len() > 0)
            || lane.first_of(&trying.fairness_key).is_some_and(|first| first < trying.rank)
    }

    /// Whether something of it is more urgent than a newcomer, or was there before: of the newcomer's
    /// own fairness key, or of others where nothing of its own is there.
    fn goes_before(&self, newcomer: &Waiting) -> bool {
        let (urgency, key) = (newcomer.priority as usize, &newcomer.fairness_key);
        let trying = self.trying.as_ref();
        let is_urgent = self.lanes[..urgency].iter().any(|lane| lane.len() > 0)
            || trying.is_some_and(|trying| trying.urgency < urgency);
        if is_urgent {
            return true;
        }
        let lane = &self.lanes[urgency];
        let rival = trying.filter(|trying| trying.urgency == urgency);
        let of_key = rival.filter(|rival| rival.fairness_key == *key).map(|rival| rival.rank);
        match lane.first_of(key).into_iter().chain(of_key).min() {
            Some(first) => first < newcomer.rank(),
            None => lane.len() > 0 || rival.is_some(),
        }
    }
}

#[derive(Debug, Default)]
struct Permit {
    holders: BTreeSet<Holder>,
    lines: BTreeMap<LineId, Box<Line>>,
}

impl Permit {
    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.lines.is_empty()
    }
}

/// Permits in use, with the work that waits for them.
#[derive(Debug, Default)]
pub(super) struct Permits {
    keys: BTreeMap<PermitKey, Permit>,
    held: BTreeMap<Holder, Vec<PermitKey>>,
    /// By arrival: what was let go to try, and the line that it comes from.
    trying: BTreeMap<u64, (PermitKey, LineId)>,
}

impl Permits {
    /// The first of these keys, with its limit, of which no permit is free.
    pub(super) fn missing<'a>(
        &self,
        wanted: &'a [(PermitKey, u32)],
    ) -> Option<&'a (PermitKey, u32)> {
        let is_taken = |(key, limit): &&(PermitKey, u32)| {
            self.keys.get(key).is_some_and(|permit| {
                permit.holders.len()
                    >= *limit as usize + usize::from(is_planted(Bug::OnePermitTooMany))
            })
        };
        wanted.iter().find(is_taken)
    }

    /// The first of these keys, with its limit, for which others wait that go before a newcomer. What
    /// was let go has stood in a line, and stands in no other while all its permits are free.
    pub(super) fn line_before<'a>(
        &self,
        (arrival, rack): (u64, &Rack),
        wanted: &'a [(PermitKey, u32)],
        newcomer: impl FnOnce() -> Waiting,
    ) -> Option<&'a (PermitKey, u32)> {
        let has_line = |(key, _): &(PermitKey, u32)| {
            self.keys.get(key).is_some_and(|permit| !permit.lines.is_empty())
        };
        if !wanted.iter().any(has_line) || self.trying.contains_key(&arrival) {
            return None;
        }
        let newcomer = newcomer();
        wanted.iter().find(|(key, limit)| {
            let permit = self.keys.get(key);
            let line = permit.and_then(|permit| permit.lines.get(&(rack.clone(), *limit)));
            line.is_some_and(|line| line.goes_before(&newcomer))
        })
    }

    /// Gives the keys to the lease of what arrived then; gives what may try behind it.
    pub(super) fn take(
        &mut self,
        holder: Holder,
        arrival: u64,
        wanted: Vec<(PermitKey, u32)>,
    ) -> Option<Waiting> {
        let tried = self.end_try(arrival, true);
        let mut is_full = false;
        for (key, limit) in &wanted {
            let holders = &mut self.keys.entry(key.clone()).or_default().holders;
            holders.insert(holder);
            let is_tried = tried.as_ref().is_some_and(|(other, _)| other == key);
            is_full |= is_tried && holders.len() >= *limit as usize;
        }
        if !wanted.is_empty() {
            self.held.insert(holder, wanted.into_iter().map(|(key, _)| key).collect());
        }
        tried.filter(|_| !is_full).and_then(|(key, line)| self.try_next(&key, &line))
    }

    /// Keeps an item until a permit of the key is free; gives another that may try in its place.
    pub(super) fn park(
        &mut self,
        (key, limit): &(PermitKey, u32),
        waiting: Waiting,
    ) -> Option<Waiting> {
        let tried = self.end_try(waiting.item.arrival, false);
        let permit = self.keys.entry(key.clone()).or_default();
        let (fairness_key, deadline) = (waiting.fairness_key.clone(), waiting.deadline);
        let lines = permit.lines.entry((waiting.rack(), *limit));
        let lane = &mut lines.or_default().lanes[waiting.priority as usize];
        match tried {
            Some((other, _)) if other == *key => {
                lane.put_back(&fairness_key, waiting, deadline);
                None
            }
            tried => {
                lane.push(&fairness_key, waiting, deadline);
                tried.and_then(|(other, line)| self.try_next(&other, &line))
            }
        }
    }

    /// An item that was let go has not taken its permit: another of its line may try.
    pub(super) fn give_up(&mut self, arrival: u64) -> Option<Waiting> {
        let (key, line) = self.end_try(arrival, false)?;
        self.try_next(&key, &line)
    }

    /// What waits for a key may try, the first of each line.
    pub(super) fn try_of_each_line(&mut self, key: &PermitKey) -> Vec<Waiting> {
        let lines: Vec<LineId> = self
            .keys
            .get(key)
            .map_or_else(Vec::new, |permit| permit.lines.keys().cloned().collect());
        lines.iter().filter_map(|line| self.try_next(key, line)).collect()
    }

    /// The first of a line may try, unless another does that goes before it. One that is overtaken is a
    /// newcomer when it is picked.
    fn try_next(&mut self, key: &PermitKey, id: &LineId) -> Option<Waiting> {
        let line = self.keys.get_mut(key)?.lines.get_mut(id)?;
        if let Some(trying) = &line.trying {
            if !line.has_overtaken(trying) {
                return None;
            }
            let (_, arrival) = trying.rank;
            self.trying.remove(&arrival);
        }
        let next = line.pop()?;
        let (urgency, fairness_key) = (next.priority as usize, next.fairness_key.clone());
        line.trying = Some(Trying { urgency, fairness_key, rank: next.rank() });
        self.trying.insert(next.item.arrival, (key.clone(), id.clone()));
        Some(next)
    }

    /// An item that was let go tries no more; gives the line that it came from.
    fn end_try(&mut self, arrival: u64, has_taken: bool) -> Option<(PermitKey, LineId)> {
        let (key, id) = self.trying.remove(&arrival)?;
        if let Some(permit) = self.keys.get_mut(&key)
            && let Some(line) = permit.lines.get_mut(&id)
        {
            if let Some(tried) = line.trying.take()
                && has_taken
            {
                line.lanes[tried.urgency].end_turn();
            }
            if line.is_over() {
                permit.lines.remove(&id);
            }
        }
        self.forget_unused(&key);
        Some((key, id))
    }

    /// Ends what a lease held; gives the work that may try again.
    pub(super) fn release(&mut self, holder: Holder) -> Vec<Waiting> {
        let mut freed = Vec::new();
        for key in self.held.remove(&holder).unwrap_or_default() {
            let Some(permit) = self.keys.get_mut(&key) else { continue };
            permit.holders.remove(&holder);
            freed.extend(self.try_of_each_line(&key));
            self.forget_unused(&key);
        }
        freed
    }

    fn forget_unused(&mut self, key: &PermitKey) {
        if self.keys.get(key).is_some_and(Permit::is_empty) {
            self.keys.remove(key);
        }
    }

    /// How many hold and how many wait for permits of a key.
    pub(super) fn counts(&self, key: &PermitKey) -> (usize, usize) {
        self.keys.get(key).map_or((0, 0), |permit| {
            (permit.holders.len(), permit.lines.values().map(|line| line.len()).sum())
        })
    }

    pub(super) fn parked(&self) -> impl Iterator<Item = &Waiting> {
        let lines = self.keys.values().flat_map(|permit| permit.lines.values());
        lines.flat_map(|line| line.lanes.iter().flat_map(Lane::iter))
    }

    /// Drops what waits and is not to be kept.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(&Waiting) -> bool) {
        for permit in self.keys.values_mut() {
            permit.lines.retain(|_, line| {
                line.lanes.iter_mut().for_each(|lane| lane.retain(keep));
                !line.is_over()
            });
        }
        self.keys.retain(|_, permit| !permit.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Priority;
    use crate::schedule::Item;
    use crate::time::Millis;

    fn waiting(arrival: u64, priority: Priority) -> Waiting {
        let (run, instance) = (RunNumber(arrival), InstanceIndex(0));
        Waiting {
            item: Item { run, instance, stamp: (0, 1), arrival },
            task_type: "print".into(),
            rate: None,
            has_rate_of_key: false,
            priority,
            deadline: None,
            fairness_key: "".into(),
            is_suspect: false,
        }
    }

    fn key() -> PermitKey {
        PermitKey::Named("printer".into())
    }

    fn arrivals(freed: &[Waiting]) -> Vec<u64> {
        freed.iter().map(|waiting| waiting.item.arrival).collect()
    }

    #[test]
    fn a_permit_ends_with_its_lease_and_wakes_the_most_urgent_that_waits() {
        let mut permits = Permits::default();
        let holder = (RunNumber(9), InstanceIndex(0));
        permits.take(holder, 9, vec![(key(), 1)]);
        let wanted = [(key(), 1)];

        assert_eq!(permits.missing(&wanted), Some(&(key(), 1)));
        permits.park(&(key(), 1), waiting(1, Priority::Low));
        permits.park(&(key(), 1), waiting(2, Priority::High));

        assert_eq!(arrivals(&permits.release(holder)), [2]);
        assert_eq!(
            arrivals(&permits.release(holder)),
            [0; 0],
            "a repeated end frees nothing twice"
        );
        assert_eq!(permits.missing(&wanted), None);
    }

    #[test]
    fn what_does_not_take_its_permit_lets_the_next_one_try() {
        let mut permits = Permits::default();
        let holder = (RunNumber(9), InstanceIndex(0));
        permits.take(holder, 9, vec![(key(), 1)]);
        for arrival in 1..=3 {
            permits.park(&(key(), 1), waiting(arrival, Priority::Normal));
        }

        assert_eq!(arrivals(&permits.release(holder)), [1]);
        let after_dropped = permits.give_up(1);
        let other = PermitKey::Named("other".into());
        let after_parked = permits.park(&(other.clone(), 1), waiting(2, Priority::Normal));

        assert_eq!(after_dropped.map(|waiting| waiting.item.arrival), Some(2));
        assert_eq!(after_parked.map(|waiting| waiting.item.arrival), Some(3));
        assert_eq!((permits.counts(&key()), permits.counts(&other)), ((0, 0), (0, 1)));
    }

    #[test]
    fn of_a_line_one_tries_at_a_time_and_the_next_follows_while_there_is_room() {
        let mut permits = Permits::default();
        let wanted = || vec![(key(), 2)];
        let holders = [7, 8].map(|number| (RunNumber(number), InstanceIndex(0)));
        for holder in holders {
            assert!(permits.take(holder, 0, wanted()).is_none());
        }
        (1..=3).for_each(|arrival| {
            drop(permits.park(&(key(), 2), waiting(arrival, Priority::Normal)));
        });

        assert_eq!(arrivals(&permits.release(holders[0])), [1]);
        assert_eq!(arrivals(&permits.release(holders[1])), [0; 0], "one tries already");
        let after_first = permits.take(holders[0], 1, wanted());
        let after_second = permits.take(holders[1], 2, wanted());

        assert_eq!(after_first.map(|waiting| waiting.item.arrival), Some(2));
        assert!(after_second.is_none(), "both permits are taken");
    }

    #[test]
    fn one_that_tries_does_not_keep_a_more_urgent_one_from_it() {
        let late = Waiting { deadline: Some(Millis(90)), ..waiting(1, Priority::Normal) };
        let soon = Waiting { deadline: Some(Millis(50)), ..waiting(2, Priority::Normal) };
        for (first, second) in [
            (waiting(1, Priority::Low), waiting(2, Priority::High)),
            (waiting(1, Priority::Normal), soon.clone()),
            (late, soon),
        ] {
            let mut permits = Permits::default();
            let holders = [8, 9].map(|number| (RunNumber(number), InstanceIndex(0)));
            permits.take(holders[0], 0, vec![(key(), 1)]);
            permits.park(&(key(), 1), first);
            assert_eq!(arrivals(&permits.release(holders[0])), [1]);

            permits.take(holders[1], 0, vec![(key(), 1)]);
            permits.park(&(key(), 1), second);

            assert_eq!(arrivals(&permits.release(holders[1])), [2]);
            assert!(permits.give_up(1).is_none(), "it was overtaken");
        }
    }

    #[test]
    fn what_allows_fewer_holders_does_not_stand_before_what_allows_more() {
        let mut permits = Permits::default();
        permits.take((RunNumber(9), InstanceIndex(0)), 0, vec![(key(), 1)]);
        permits.park(&(key(), 1), waiting(1, Priority::Normal));
        let newcomer = waiting(2, Priority::Normal);
        let (rack, wanted) = (newcomer.rack(), [(key(), 2)]);

        assert_eq!(permits.missing(&wanted), None);
        assert_eq!(permits.line_before((2, &rack), &wanted, || newcomer), None);
    }

    fn stands_in_line(permits: &Permits, newcomer: Waiting) -> bool {
        let (arrival, rack) = (newcomer.item.arrival, newcomer.rack());
        permits.line_before((arrival, &rack), &[(key(), 1)], || newcomer).is_some()
    }

    #[test]
    fn a_newcomer_stands_in_line_behind_those_that_go_before_it() {
        let mut permits = Permits::default();
        let of = |arrival: u64, fairness_key: &str, deadline: Option<u64>| Waiting {
            fairness_key: fairness_key.into(),
            deadline: deadline.map(Millis),
            ..waiting(arrival, Priority::Normal)
        };
        let holder = (RunNumber(9), InstanceIndex(0));
        assert!(!stands_in_line(&permits, of(9, "a", None)), "nothing waits");
        permits.take(holder, 0, vec![(key(), 1)]);
        permits.park(&(key(), 1), of(1, "a", Some(50)));

        for tries in [false, true] {
            if tries {
                assert_eq!(arrivals(&permits.release(holder)), [1]);
            }
            assert!(stands_in_line(&permits, of(9, "a", None)), "tries: {tries}");
            assert!(stands_in_line(&permits, of(9, "b", Some(10))), "tries: {tries}");
            assert!(!stands_in_line(&permits, of(9, "a", Some(10))), "tries: {tries}");
            let high = Waiting { priority: Priority::High, ..of(9, "a", None) };
            assert!(!stands_in_line(&permits, high), "tries: {tries}");
            let low = Waiting { priority: Priority::Low, ..of(9, "a", Some(10)) };
            assert!(stands_in_line(&permits, low), "tries: {tries}");
        }
    }
}
