//! Ready work of one urgency: the earliest deadline first, then first come, fair between keys.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::ids::{InstanceIndex, RunNumber};
use crate::time::Millis;

/// A run's generation and an instance's attempt: what is noted of another is stale.
pub type Stamp = (u32, u32);

/// An instance that is ready for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub run: RunNumber,
    pub instance: InstanceIndex,
    pub stamp: Stamp,
    /// Place in the order of arrival.
    pub arrival: u64,
}

/// What has a place in the order of arrival.
pub(super) trait Arrived {
    fn arrival(&self) -> u64;
}

impl Arrived for Item {
    fn arrival(&self) -> u64 {
        self.arrival
    }
}

/// An empty group stays while there are so few: most work has no fairness key and shares one.
const EMPTY_COUNT_MAX: usize = 4;

/// How items of one urgency compare: the earliest deadline, then first come.
pub(super) type Rank = (Millis, u64);

/// The rank of what has this deadline, if any.
pub(super) fn rank(deadline: Option<Millis>, arrival: u64) -> Rank {
    (deadline.unwrap_or(Millis(u64::MAX)), arrival)
}

/// Work that shares a fairness key.
#[derive(Debug)]
struct Group<T> {
    urgent: BTreeMap<Rank, T>,
    plain: VecDeque<T>,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self { urgent: BTreeMap::new(), plain: VecDeque::new() }
    }
}

impl<T: Arrived> Group<T> {
    fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.plain.is_empty()
    }

    fn push(&mut self, item: T, deadline: Option<Millis>) {
        let arrival = item.arrival();
        match deadline {
            Some(_) => drop(self.urgent.insert(rank(deadline, arrival), item)),
            None => match self.plain.back() {
                // An item that comes back to the queue keeps the place of its arrival.
                Some(last) if last.arrival() > arrival => {
                    let place = self.plain.partition_point(|other| other.arrival() < arrival);
                    self.plain.insert(place, item);
                }
                Some(_) | None => self.plain.push_back(item),
            },
        }
    }

    fn pop(&mut self) -> Option<T> {
        match self.urgent.pop_first() {
            Some((_, item)) => Some(item),
            None => self.plain.pop_front(),
        }
    }

    fn rank(&self) -> Option<Rank> {
        match self.urgent.first_key_value() {
            Some((rank, _)) => Some(*rank),
            None => self.plain.front().map(|item| rank(None, item.arrival())),
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> usize {
        self.urgent.retain(|_, item| keep(item));
        self.plain.retain(|item| keep(item));
        self.urgent.len() + self.plain.len()
    }
}

/// A queue in which the groups of equal fairness key take turns.
#[derive(Debug)]
pub(super) struct Lane<T> {
    groups: BTreeMap<Arc<str>, Group<T>>,
    /// Groups with work, the one whose turn it is first.
    turns: VecDeque<Arc<str>>,
    /// Whether the first group has given an item in its turn.
    has_given: bool,
    count: usize,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { groups: BTreeMap::new(), turns: VecDeque::new(), has_given: false, count: 0 }
    }
}

impl<T: Arrived> Lane<T> {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn push(&mut self, key: &Arc<str>, item: T, deadline: Option<Millis>) {
        let group = match self.groups.get_mut(key) {
            Some(group) => group,
            None => self.groups.entry(key.clone()).or_default(),
        };
        if group.is_empty() {
            self.turns.push_back(key.clone());
        }
        group.push(item, deadline);
        self.count += 1;
    }

    /// Takes back what it gave last: it is its group's turn still.
    pub(super) fn put_back(&mut self, key: &Arc<str>, item: T, deadline: Option<Millis>) {
        self.push(key, item, deadline);
        if self.turns.front() != Some(key) {
            if let Some(place) = self.turns.iter().rposition(|other| other == key) {
                self.turns.remove(place);
            }
            self.turns.push_front(key.clone());
        }
    }

    /// The rank of the first that has a fairness key.
    pub(super) fn first_of(&self, key: &Arc<str>) -> Option<Rank> {
        self.groups.get(key).and_then(Group::rank)
    }

    /// The next item. It is its group's turn until that ends.
    pub(super) fn pop(&mut self) -> Option<T> {
        let key = self.turns.front()?;
        let group = self.groups.get_mut(key).expect("a group with a turn is there");
        let item = group.pop().expect("a group with a turn has work");
        self.has_given = !group.is_empty();
        if !self.has_given {
            let key = self.turns.pop_front().expect("it was found just now");
            if self.groups.len() > EMPTY_COUNT_MAX {
                self.groups.remove(&key);
            }
        }
        self.count -= 1;
        Some(item)
    }

    /// Whether groups wait for their turns while one has its own.
    pub(super) fn is_shared(&self) -> bool {
        self.has_given && self.turns.len() > 1
    }

    /// What it gave last was handed out: it is the next group's turn.
    pub(super) fn end_turn(&mut self) {
        if std::mem::take(&mut self.has_given) {
            self.turns.rotate_left(1);
        }
    }

    /// How the next item compares with the next ones of other lanes.
    pub(super) fn rank(&self) -> Option<Rank> {
        self.groups[self.turns.front()?].rank()
    }

    /// Drops what is not to be kept.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(&T) -> bool) {
        self.count = 0;
        for group in self.groups.values_mut() {
            self.count += group.retain(keep);
        }
        self.groups.retain(|_, group| !group.is_empty());
        let first = self.turns.front().cloned();
        self.turns.retain(|key| self.groups.contains_key(key));
        self.has_given &= self.turns.front() == first.as_ref();
    }

    /// Everything that waits in it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.groups.values().flat_map(|group| group.urgent.values().chain(&group.plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(arrival: u64) -> Item {
        Item { run: RunNumber(1), instance: InstanceIndex(0), stamp: (0, 1), arrival }
    }

    fn drained(lane: &mut Lane<Item>) -> Vec<u64> {
        let next = || {
            let item = lane.pop()?;
            lane.end_turn();
            Some(item.arrival)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn the_earliest_deadline_goes_first_then_first_come() {
        let (mut lane, key) = (Lane::default(), Arc::from(""));

        for (arrival, deadline) in [(1, None), (2, Some(90)), (3, Some(50)), (4, None)] {
            lane.push(&key, item(arrival), deadline.map(Millis));
        }

        assert_eq!(drained(&mut lane), [3, 2, 1, 4]);
    }

    #[test]
    fn a_group_with_much_work_does_not_starve_one_with_little() {
        let (mut lane, large, small) = (Lane::default(), Arc::from("large"), Arc::from("small"));

        (1..=4).for_each(|arrival| lane.push(&large, item(arrival), None));
        (5..=6).for_each(|arrival| lane.push(&small, item(arrival), None));

        assert_eq!(drained(&mut lane), [1, 5, 2, 6, 3, 4]);
    }

    #[test]
    fn a_group_has_its_turn_until_something_of_it_was_handed_out() {
        let (mut lane, one, two) = (Lane::default(), Arc::from("one"), Arc::from("two"));
        lane.push(&one, item(1), None);
        (2..=4).for_each(|arrival| lane.push(&two, item(arrival), None));

        let of_one = lane.pop().expect("there is work");
        lane.put_back(&one, of_one, None);
        lane.pop();
        lane.end_turn();
        assert_eq!(lane.pop().map(|item| item.arrival), Some(2), "and it is not handed out");
        lane.push(&one, item(5), None);

        assert_eq!(drained(&mut lane), [3, 5, 4]);
    }

    #[test]
    fn an_item_that_comes_back_keeps_its_place() {
        let (mut lane, key) = (Lane::default(), Arc::from(""));

        for arrival in [2, 3, 1] {
            lane.push(&key, item(arrival), None);
        }

        assert_eq!(drained(&mut lane), [1, 2, 3]);
    }

    #[test]
    fn what_is_stale_can_be_swept_out() {
        let (mut lane, one, two) = (Lane::default(), Arc::from("one"), Arc::from("two"));
        lane.push(&one, item(1), None);
        lane.push(&two, item(2), Some(Millis(5)));
        lane.push(&two, item(3), None);

        lane.retain(&mut |item| item.arrival == 3);

        assert_eq!((lane.len(), drained(&mut lane)), (1, vec![3]));
        assert_eq!(lane.rank(), None);
    }
}
