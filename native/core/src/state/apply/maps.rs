//! Maps: a task that grows into one instance per item, and ends when the last of them has ended.

use super::shift::Moving;
use crate::event::MapExpanded;
use crate::ids::{Grant, InstanceIndex, TaskIndex};
use crate::lifecycle::TaskInput;
use crate::payload::Payload;
use crate::state::instance::{Ending, Failure, Instance, NO_OUTPUT, Phase};
use crate::state::{MapState, Moved, State};
use crate::time::Millis;

impl State {
    pub(super) fn map_expanded(&mut self, event: &MapExpanded) {
        let mut moving = self.moving(event.run);
        let base = InstanceIndex(moving.run.instances.len() as u32);
        let map = MapState::new(base, event.items.json());
        let count = map.count;
        moving.shift_phase(event.instance, TaskInput::Suspended, Phase::Mapping);
        if count == 0 {
            let empty = Payload::new(bytes::Bytes::from_static(b"[]"));
            return moving.settle(event.instance, Ending::Completed, Some(empty), event.at);
        }
        let pending = Instance::Pending { unmet: 0, succeeded: false };
        moving.run.instances.resize(base.index() + count as usize, pending);
        moving.run.map_bases.insert(base.0, event.instance.0);
        moving.run.maps.insert(event.instance.0, map);
        moving.moved.push(Moved::Grown { run: event.run, count });
        moving.open_items(event.instance, event.at);
    }
}

impl Moving<'_> {
    /// Opens items in their order, as many as may run at once.
    fn open_items(&mut self, parent: InstanceIndex, at: Millis) {
        let options = self.run.definition.options(TaskIndex(parent.0));
        let at_once = options.concurrency.unwrap_or(u32::MAX);
        loop {
            let map = self.run.maps.get_mut(&parent.0).expect("a map is there while it runs");
            if map.opened == map.count || map.opened - map.settled >= at_once {
                return;
            }
            let item = map.instance(map.opened);
            map.opened += 1;
            self.open(item, at);
        }
    }

    /// Counts the end of an item; the last one ends the map.
    pub(super) fn item_settled(&mut self, parent: InstanceIndex, at: Millis) {
        let map = self.run.maps.get_mut(&parent.0).expect("a map is there while it runs");
        map.settled += 1;
        if self.run.stop.is_some() {
            return; // The map itself was ended when the run was stopped.
        }
        let map = &self.run.maps[&parent.0];
        if map.settled < map.count {
            return self.open_items(parent, at);
        }
        match self.first_failed_item(parent) {
            None => self.join_items(parent, at),
            Some(failure) => {
                self.run.failures.push(Failure { instance: parent, ..failure });
                self.settle(parent, Ending::Failed, None, at);
            }
        }
    }

    fn first_failed_item(&self, parent: InstanceIndex) -> Option<Failure> {
        let map = &self.run.maps[&parent.0];
        let failed = (0..map.count)
            .map(|index| map.instance(index))
            .find(|item| self.run.ending(*item) != Some(Ending::Completed))?;
        let known = self.run.failure(failed).cloned();
        Some(known.unwrap_or_else(|| Failure::of_cancelled(failed, &self.run.instance_id(failed))))
    }

    /// The outputs of all items, in the order of the items, are the map's output.
    fn join_items(&mut self, parent: InstanceIndex, at: Millis) {
        let map = self.run.maps.remove(&parent.0).expect("a map is there while it runs");
        let mut joined = Vec::with_capacity(2 + map.count as usize);
        joined.push(b'[');
        for index in 0..map.count {
            let item = map.instance(index);
            if index > 0 {
                joined.push(b',');
            }
            match self.run.output(item) {
                Some(output) => joined.extend_from_slice(&output.json()),
                None => joined.extend_from_slice(b"null"),
            }
            self.drop_item_output(item);
        }
        joined.push(b']');
        let ended = MapState::ended(map.base, map.count, map.opened, map.settled);
        self.run.maps.insert(parent.0, ended);
        let output = Payload::new(joined.into());
        self.settle(parent, Ending::Completed, Some(output), at);
    }

    fn drop_item_output(&mut self, item: InstanceIndex) {
        if let Instance::Settled { output, .. } = &mut self.run.instances[item.index()]
            && *output != NO_OUTPUT
        {
            self.run.outputs.remove(std::mem::replace(output, NO_OUTPUT) as usize);
        }
    }

    /// Takes a failed item back among those that are to be done, and its map with it.
    pub(super) fn reopen_item(&mut self, parent: InstanceIndex, at: Millis) {
        let map = self.run.maps.get_mut(&parent.0).expect("a failed map keeps its items");
        map.settled -= 1;
        if let Instance::Settled { .. } = self.run.instances[parent.index()] {
            let active = crate::state::Active::new(Phase::Mapping, at);
            let record = self.run.active.insert(active) as u32;
            self.run.instances[parent.index()] = Instance::Active(record);
            self.run.unsettled += 1;
            let to = crate::lifecycle::TaskState::Waiting;
            self.moved.push(Moved::Task { run: self.run.number, instance: parent, to });
        }
    }

    /// The latest grant of an instance that has ended.
    pub(super) fn last_grant(&self, instance: InstanceIndex) -> Grant {
        self.run.grant(instance).unwrap_or(Grant(0))
    }
}

impl Failure {
    /// What is told of a task that was cancelled by itself.
    pub(super) fn of_cancelled(instance: InstanceIndex, id: &str) -> Self {
        let message = format!("the task {id} was cancelled");
        let error = crate::event::TaskError::final_of_engine("TaskCancelled", message);
        Self { instance, attempt: 0, error: Box::new(error), recovered: false }
    }
}
