//! Maps: a task that grows into one instance per item, and ends when the last of them has ended.

use bytes::Bytes;

use super::shift::Moving;
use crate::event::{MapExpanded, TaskError};
use crate::expr::FieldCache;
use crate::ids::{InstanceIndex, TaskIndex};
use crate::lifecycle::TaskInput;
use crate::limits::{NESTING_MAX, PAYLOAD_SIZE_MAX};
use crate::payload::{Payload, nests_to};
use crate::seeded::{Bug, is_planted};
use crate::state::instance::{Ending, Instance, Phase};
use crate::state::{Failure, MapState, Moved, State};
use crate::time::Millis;

impl State {
    pub(super) fn map_expanded(&mut self, event: &MapExpanded) {
        let mut moving = self.moving(event.run);
        let base = InstanceIndex(moving.run.instances.len() as u32);
        let map = MapState::new(base, event.items.json());
        let count = map.count;
        moving.shift_phase(event.instance, TaskInput::Suspended, Phase::Mapping);
        if count == 0 {
            let empty = Payload::new(Bytes::from_static(b"[]"));
            return moving.settle(event.instance, Ending::Completed, Some(empty), event.at);
        }
        let pending = Instance::Pending { unmet: 0, succeeded: false };
        moving.run.instances.resize(base.index() + count as usize, pending);
        let extra = moving.run.extra_mut();
        extra.map_bases.insert(base.0, event.instance.0);
        extra.maps.insert(event.instance.0, map);
        moving.moved.push(Moved::Grown { run: event.run, count });
        moving.open_items(event.instance, event.at);
    }
}

impl Moving<'_> {
    fn map_mut(&mut self, parent: InstanceIndex) -> &mut MapState {
        let map = self.run.extra_mut().maps.get_mut(&parent.0);
        map.expect("a map is there while it runs")
    }

    /// Opens items in their order, as many as may run at once.
    pub(super) fn open_items(&mut self, parent: InstanceIndex, at: Millis) {
        let options = self.run.definition.options(TaskIndex(parent.0));
        let more = u32::from(is_planted(Bug::OneItemTooMany));
        let at_once = options.concurrency.unwrap_or(u32::MAX).saturating_add(more);
        while self.map_mut(parent).open < at_once {
            let Some(item) = self.map_mut(parent).next_item() else { return };
            if self.run.ending(item).is_some() {
                continue; // It was cancelled before its turn came.
            }
            self.map_mut(parent).open += 1;
            self.open(item, at);
        }
    }

    /// Counts the end of an item; the last one ends the map.
    pub(super) fn item_settled(
        &mut self,
        parent: InstanceIndex,
        (index, was_open): (u32, bool),
        at: Millis,
    ) {
        let map = self.map_mut(parent);
        map.settled += 1;
        if was_open {
            map.open -= 1;
        } else {
            map.again.remove(&index);
        }
        if self.run.extra().stop.is_some() {
            return; // The map itself was ended when the run was stopped.
        }
        self.go_on_with_map(parent, at);
    }

    /// Opens what may be opened of a map, or ends it where all of its items have ended.
    pub(super) fn go_on_with_map(&mut self, parent: InstanceIndex, at: Millis) {
        let map = self.map_mut(parent);
        if map.settled < map.count {
            return self.open_items(parent, at);
        }
        let failure = self.first_failed_item(parent).or_else(|| self.unfit(parent));
        match failure {
            None => self.join_items(parent, at),
            Some(failure) => {
                let failures = &mut self.run.extra_mut().failures;
                failures.push(Failure { instance: parent, at: Some(at), ..failure });
                self.settle(parent, Ending::Failed, None, at);
            }
        }
    }

    fn items(&self, parent: InstanceIndex) -> impl Iterator<Item = InstanceIndex> + use<> {
        let map = &self.run.extra().maps[&parent.0];
        let base = map.base.0;
        (base..base + map.count).map(InstanceIndex)
    }

    fn first_failed_item(&self, parent: InstanceIndex) -> Option<Failure> {
        let failed =
            self.items(parent).find(|item| self.run.ending(*item) != Some(Ending::Completed))?;
        let known = self.run.failure(failed).filter(|failure| !failure.recovered).cloned();
        let of_skipped = || Failure::of_cancelled(failed, 0, &self.run.instance_id(failed), None);
        Some(known.unwrap_or_else(of_skipped))
    }

    /// The failure of a map whose joined outputs are larger or deeper than a payload may be.
    fn unfit(&self, parent: InstanceIndex) -> Option<Failure> {
        let outputs = || self.items(parent).map(|item| self.run.output(item));
        let size: usize = outputs().map(|o| o.map_or(4, Payload::size) + 1).sum::<usize>() + 1;
        let message = if size > PAYLOAD_SIZE_MAX {
            let most = PAYLOAD_SIZE_MAX;
            format!("the outputs of its items are {size} bytes; at most {most} are allowed")
        } else if outputs().flatten().any(|output| nests_to(&output.json(), NESTING_MAX)) {
            let depth = NESTING_MAX + 1;
            format!("its output is nested {depth} deep; at most {NESTING_MAX} is allowed")
        } else {
            return None;
        };
        let error = Box::new(TaskError::final_of_engine("PayloadTooLarge", message));
        Some(Failure { instance: parent, attempt: 0, error, recovered: false, at: None })
    }

    /// The outputs of all items, in the order of the items, are the map's output.
    fn join_items(&mut self, parent: InstanceIndex, at: Millis) {
        let mut joined = Vec::new();
        joined.push(b'[');
        for item in self.items(parent) {
            if joined.len() > 1 {
                joined.push(b',');
            }
            match self.run.output(item) {
                Some(output) => joined.extend_from_slice(&output.json()),
                None => joined.extend_from_slice(b"null"),
            }
        }
        joined.push(b']');
        self.drop_outputs_of_items(parent);
        let map = self.map_mut(parent);
        *map = MapState::ended(map.base, map.count);
        self.run.fields = FieldCache::default();
        let output = Payload::new(joined.into());
        self.settle(parent, Ending::Completed, Some(output), at);
    }

    fn drop_outputs_of_items(&mut self, parent: InstanceIndex) {
        for item in self.items(parent) {
            self.drop_output(item);
        }
    }

    /// Forgets the items of a map that is to be expanded anew.
    pub(super) fn forget_items(&mut self, parent: InstanceIndex) {
        if self.run.map(parent).is_some() {
            self.drop_outputs_of_items(parent);
            self.run.extra_mut().maps.remove(&parent.0);
        }
    }

    /// Takes a failed item back among those that are to be done, and its map with it; tells
    /// whether the map had ended.
    pub(super) fn reopen_item(&mut self, item: InstanceIndex, at: Millis) -> bool {
        let (parent, index) = self.run.item_of(item).expect("the caller saw that it is an item");
        self.pend(item, 0);
        let map = self.map_mut(parent);
        map.settled -= 1;
        // One that was cancelled before its turn came has it still.
        if index < map.opened {
            map.again.insert(index);
        }
        let had_ended = self.run.ending(parent).is_some();
        if had_ended {
            self.revive(parent, TaskInput::ItemsReopened, (Phase::Mapping, at));
        }
        self.open_items(parent, at);
        had_ended
    }

    /// Goes on with a map that was stopped with its run: its items that were stopped are done anew.
    pub(super) fn reopen_stopped_map(&mut self, parent: InstanceIndex, at: Millis) {
        self.revive(parent, TaskInput::ItemsReopened, (Phase::Mapping, at));
        let mut settled = 0;
        for (index, item) in self.items(parent).enumerate() {
            if self.run.was_stopped(item) {
                self.pend(item, 0);
                let map = self.map_mut(parent);
                if (index as u32) < map.opened {
                    map.again.insert(index as u32);
                }
            } else {
                settled += 1;
            }
        }
        let map = self.map_mut(parent);
        (map.settled, map.open) = (settled, 0);
    }
}
