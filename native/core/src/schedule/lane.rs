//! Ready work of one urgency: the earliest deadline first, then first come, fair between keys.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::ids::{InstanceIndex, RunNumber};
use crate::time::Millis;

/// An instance that is ready for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub run: RunNumber,
    pub instance: InstanceIndex,
    /// The run's count of pauses when the item was queued: an older one is stale.
    pub pauses: u32,
    pub deadline: Option<Millis>,
    /// Place in the order of arrival.
    pub arrival: u64,
}

/// Work that shares a fairness key.
#[derive(Debug, Default)]
struct Group {
    urgent: BTreeMap<(Millis, u64), Item>,
    plain: VecDeque<Item>,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.plain.is_empty()
    }

    fn push(&mut self, item: Item) {
        match item.deadline {
            Some(deadline) => drop(self.urgent.insert((deadline, item.arrival), item)),
            None => match self.plain.back() {
                // An item that comes back to the queue keeps the place of its arrival.
                Some(last) if last.arrival > item.arrival => {
                    let place = self.plain.partition_point(|other| other.arrival < item.arrival);
                    self.plain.insert(place, item);
                }
                Some(_) | None => self.plain.push_back(item),
            },
        }
    }

    fn pop(&mut self) -> Option<Item> {
        match self.urgent.pop_first() {
            Some((_, item)) => Some(item),
            None => self.plain.pop_front(),
        }
    }

    fn rank(&self) -> Option<(Millis, u64)> {
        match self.urgent.first_key_value() {
            Some((rank, _)) => Some(*rank),
            None => self.plain.front().map(|item| (Millis(u64::MAX), item.arrival)),
        }
    }
}

/// A queue in which the groups of equal fairness key take turns.
#[derive(Debug, Default)]
pub(super) struct Lane {
    groups: BTreeMap<Arc<str>, Group>,
    /// Groups with work, the one whose turn it is first.
    turns: VecDeque<Arc<str>>,
    count: usize,
}

impl Lane {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn push(&mut self, key: &Arc<str>, item: Item) {
        if !self.groups.contains_key(key) {
            self.groups.insert(key.clone(), Group::default());
            self.turns.push_back(key.clone());
        }
        self.groups.get_mut(key).expect("it was put there just now").push(item);
        self.count += 1;
    }

    /// The next item; the group that gave it goes to the end of the turns.
    pub(super) fn pop(&mut self) -> Option<Item> {
        let key = self.turns.pop_front()?;
        let group = self.groups.get_mut(&key).expect("a group with a turn is there");
        let item = group.pop().expect("a group with a turn has work");
        if group.is_empty() {
            self.groups.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        self.count -= 1;
        Some(item)
    }

    /// How the next item compares with the next ones of other lanes.
    pub(super) fn rank(&self) -> Option<(Millis, u64)> {
        self.groups[self.turns.front()?].rank()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(arrival: u64, deadline: Option<u64>) -> Item {
        let deadline = deadline.map(Millis);
        Item { run: RunNumber(1), instance: InstanceIndex(0), pauses: 0, deadline, arrival }
    }

    fn drained(lane: &mut Lane) -> Vec<u64> {
        std::iter::from_fn(|| lane.pop()).map(|item| item.arrival).collect()
    }

    #[test]
    fn the_earliest_deadline_goes_first_then_first_come() {
        let (mut lane, key) = (Lane::default(), Arc::from(""));

        for (arrival, deadline) in [(1, None), (2, Some(90)), (3, Some(50)), (4, None)] {
            lane.push(&key, item(arrival, deadline));
        }

        assert_eq!(drained(&mut lane), [3, 2, 1, 4]);
    }

    #[test]
    fn a_group_with_much_work_does_not_starve_one_with_little() {
        let (mut lane, large, small) = (Lane::default(), Arc::from("large"), Arc::from("small"));

        (1..=4).for_each(|arrival| lane.push(&large, item(arrival, None)));
        (5..=6).for_each(|arrival| lane.push(&small, item(arrival, None)));

        assert_eq!(drained(&mut lane), [1, 5, 2, 6, 3, 4]);
    }

    #[test]
    fn an_item_that_comes_back_keeps_its_place() {
        let (mut lane, key) = (Lane::default(), Arc::from(""));

        for arrival in [2, 3, 1] {
            lane.push(&key, item(arrival, None));
        }

        assert_eq!(drained(&mut lane), [1, 2, 3]);
    }
}
