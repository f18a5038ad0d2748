//! The failures of a run that were recorded for good: its stack of errors.

use std::collections::BTreeMap;

use crate::event::TaskError;
use crate::ids::InstanceIndex;
use crate::time::Millis;

/// A failure that was recorded for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub instance: InstanceIndex,
    pub attempt: u32,
    pub error: Box<TaskError>,
    /// Whether the task was done anew since: it decides nothing any more.
    pub recovered: bool,
    /// When it was recorded; unknown of one that a snapshot of an older version holds.
    pub at: Option<Millis>,
}

impl Failure {
    /// What is told of a task that was cancelled by itself.
    pub(super) fn of_cancelled(
        instance: InstanceIndex,
        attempt: u32,
        id: &str,
        at: Option<Millis>,
    ) -> Self {
        let message = format!("the task {id} was cancelled");
        let error = TaskError::final_of_engine("TaskCancelled", message);
        Self { instance, attempt, error: Box::new(error), recovered: false, at }
    }
}

/// Failures in the order of recording.
#[derive(Debug, Default)]
pub struct Failures {
    by_order: BTreeMap<u32, Failure>,
    /// By instance: its latest failure.
    latest: BTreeMap<InstanceIndex, u32>,
}

impl Failures {
    pub(super) const fn new() -> Self {
        Self { by_order: BTreeMap::new(), latest: BTreeMap::new() }
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Failure> {
        self.by_order.values()
    }

    pub fn len(&self) -> usize {
        self.by_order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_order.is_empty()
    }

    /// The latest failure of an instance, also where it was recovered since.
    pub fn of(&self, instance: InstanceIndex) -> Option<&Failure> {
        self.by_order.get(self.latest.get(&instance)?)
    }

    pub(super) fn push(&mut self, failure: Failure) {
        let order = self.by_order.last_key_value().map_or(0, |(last, _)| last + 1);
        self.latest.insert(failure.instance, order);
        self.by_order.insert(order, failure);
    }

    /// The instance is done anew: its failure stays on the stack and decides nothing any more.
    pub(super) fn recover(&mut self, instance: InstanceIndex) {
        if let Some(failure) =
            self.latest.get(&instance).and_then(|order| self.by_order.get_mut(order))
        {
            failure.recovered = true;
        }
    }
}

impl<'a> IntoIterator for &'a Failures {
    type Item = &'a Failure;
    type IntoIter = std::collections::btree_map::Values<'a, u32, Failure>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_order.values()
    }
}

impl FromIterator<Failure> for Failures {
    fn from_iter<T: IntoIterator<Item = Failure>>(failures: T) -> Self {
        let mut all = Self::default();
        failures.into_iter().for_each(|failure| all.push(failure));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_failure_of_an_instance_is_its_failure_and_none_is_lost() {
        let failure = |instance, attempt| Failure {
            attempt,
            ..Failure::of_cancelled(InstanceIndex(instance), 0, "a", None)
        };
        let all = [failure(5, 1), failure(3, 1), failure(5, 2)];

        let mut failures: Failures = all.into_iter().collect();
        failures.recover(InstanceIndex(3));

        let order: Vec<u32> = failures.iter().map(|failure| failure.instance.0).collect();
        assert_eq!(order, [5, 3, 5]);
        assert_eq!(failures.of(InstanceIndex(5)).map(|failure| failure.attempt), Some(2));
        assert_eq!(failures.of(InstanceIndex(3)).map(|failure| failure.recovered), Some(true));
    }
}
