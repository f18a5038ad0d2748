//! Counters recounted: what a run keeps count of, found again from what it counts.

use std::collections::BTreeMap;

use super::instance::{Ending, Instance, NO_OUTPUT, Phase};
use super::run::Run;
use crate::ids::{InstanceIndex, TaskIndex};

impl Run {
    /// The first thing in the run that does not fit together, if any. It takes the time of a walk
    /// over all tasks and edges.
    pub fn inconsistency(&self) -> Option<String> {
        let checks = [Self::miscounted_ends, Self::lost_records, Self::miscounted_maps];
        let found = checks.iter().find_map(|check| check(self));
        found.or_else(|| self.miscounted_joins()).or_else(|| self.miscounted_readers())
    }

    fn instances_by_index(&self) -> impl Iterator<Item = (InstanceIndex, Instance)> {
        self.instances.iter().enumerate().map(|(at, each)| (InstanceIndex(at as u32), *each))
    }

    fn miscounted_ends(&self) -> Option<String> {
        let open = self
            .instances_by_index()
            .filter(|(instance, _)| self.is_counted(*instance) && self.ending(*instance).is_none());
        let (unsettled, leased) = (open.count() as u32, self.leases().count() as u32);
        let counted = (self.unsettled, self.leased);
        let found = (unsettled, leased);
        (found != counted)
            .then(|| format!("(unsettled, leased) is counted as {counted:?}; it is {found:?}"))
    }

    /// Records and outputs that nothing points at, or that are pointed at twice.
    fn lost_records(&self) -> Option<String> {
        let (mut records, mut outputs) = (0, 0);
        for (_, instance) in self.instances_by_index() {
            match instance {
                Instance::Active(record) => {
                    records += usize::from(self.active.contains(record as usize));
                }
                // What nobody will read is not kept.
                Instance::Settled { output, readers, .. } if output != NO_OUTPUT && readers > 0 => {
                    outputs += usize::from(self.outputs.contains(output as usize));
                }
                Instance::Pending { .. } | Instance::Ready { .. } | Instance::Settled { .. } => {}
            }
        }
        let kept = (self.active.len(), self.outputs.len());
        ((records, outputs) != kept)
            .then(|| format!("(records, outputs) are {kept:?}; used are {:?}", (records, outputs)))
    }

    fn miscounted_maps(&self) -> Option<String> {
        for (parent, map) in &self.extra().maps {
            let parent = InstanceIndex(*parent);
            if self.extra().stop.is_some() || self.ending(parent) == Some(Ending::Cancelled) {
                continue; // A stopped map is counted anew when its run is opened again.
            }
            let is_running =
                matches!(self.active(parent).map(|active| &active.phase), Some(Phase::Mapping));
            let items = || (0..map.count).map(|index| map.instance(index));
            let settled = items().filter(|item| self.ending(*item).is_some()).count();
            let is_pending = |item: &InstanceIndex| {
                matches!(self.instances[item.index()], Instance::Pending { .. })
            };
            let open = map.count as usize - settled - items().filter(is_pending).count();
            let found = (settled, open, is_running || self.ending(parent).is_some());
            let counted = (map.settled as usize, map.open as usize, true);
            if found != counted {
                let id = self.instance_id(parent);
                return Some(format!("the map {id} counts {counted:?}; it is {found:?}"));
            }
        }
        None
    }

    fn miscounted_joins(&self) -> Option<String> {
        for task in self.definition.tasks() {
            let Instance::Pending { unmet, .. } = self.instances[task.index()] else { continue };
            let predecessors = self.definition.predecessors(task).iter().map(|s| TaskIndex(*s));
            let open = predecessors.filter(|source| !self.is_through(*source)).count() as u32;
            if open != unmet {
                let id = self.definition.id(task);
                return Some(format!("{id} waits for {unmet} tasks; {open} have not ended"));
            }
        }
        None
    }

    fn miscounted_readers(&self) -> Option<String> {
        let mut gone: BTreeMap<u32, u32> = BTreeMap::new();
        for task in self.definition.tasks().filter(|task| self.has_released(*task)) {
            self.definition.for_each_read(task, |source| *gone.entry(source.0).or_default() += 1);
            let handler = self.definition.handler(task);
            if let Some(handler) = handler
                && self.ending(task.instance()) == Some(Ending::Mended)
            {
                *gone.entry(handler.task.0).or_default() += 1;
            }
        }
        for task in self.definition.tasks() {
            let gone = gone.get(&task.0).copied().unwrap_or(0);
            let left = self.definition.reader_count(task) - gone;
            let found = match self.instances[task.index()] {
                Instance::Settled { readers, .. } => readers,
                Instance::Pending { .. } | Instance::Ready { .. } | Instance::Active(_) => {
                    let early = self.extra().early_readers.get(&task.0).copied().unwrap_or(0);
                    self.definition.reader_count(task) - early
                }
            };
            if found != left {
                let id = self.definition.id(task);
                return Some(format!("{id} counts {found} readers; {left} are left"));
            }
        }
        None
    }

    /// Whether a task has let go of what it read.
    fn has_released(&self, task: TaskIndex) -> bool {
        let ending = self.ending(task.instance());
        ending.is_some_and(|ending| !ending.may_be_recovered()) && !self.may_handle_again(task)
    }
}
