//! A failed task is made ready again, and what could not be reached behind it waits anew.

use std::collections::BTreeSet;

use super::shift::Moving;
use crate::event::TaskRecovered;
use crate::ids::{InstanceIndex, TaskIndex};
use crate::state::State;
use crate::state::instance::{Active, Ending, Instance, Phase};
use crate::time::Millis;

impl State {
    pub(super) fn task_recovered(&mut self, event: &TaskRecovered) {
        let mut moving = self.moving(event.run);
        let item = moving.run.item_of(event.instance);
        moving.ready_again(event.instance, event.at);
        match item {
            Some((parent, _)) => {
                moving.reopen_item(parent, event.at);
                moving.reach_again(TaskIndex(parent.0), event.at);
            }
            None => {
                moving.run.unsettled += 1;
                moving.reach_again(TaskIndex(event.instance.0), event.at);
            }
        }
    }
}

impl Moving<'_> {
    /// The instance gets a fresh set of attempts; their numbers and grants go on growing.
    fn ready_again(&mut self, instance: InstanceIndex, at: Millis) {
        let attempts = self.run.failure(instance).map_or(0, |failure| failure.attempt);
        let grant = self.last_grant(instance);
        let active = Active {
            attempt: attempts + 1,
            first_attempt: attempts + 1,
            grant,
            ..Active::new(Phase::Ready, at)
        };
        self.mark_recovered(instance);
        let record = self.run.active.insert(active) as u32;
        self.run.instances[instance.index()] = Instance::Active(record);
        self.told_ready(instance, at);
    }

    /// What failed before stays in the run's stack of errors, and decides nothing any more.
    fn mark_recovered(&mut self, instance: InstanceIndex) {
        for failure in &mut self.run.failures {
            failure.recovered |= failure.instance == instance;
        }
    }

    /// Everything that was not reached because of `task` waits for its dependencies again.
    fn reach_again(&mut self, task: TaskIndex, at: Millis) {
        let definition = self.run.definition.clone();
        self.mark_recovered(task.instance());
        let mut waiting = BTreeSet::new();
        let mut stack = vec![task];
        while let Some(next) = stack.pop() {
            if let Some(handler) = definition.handler(next) {
                self.handler_again(handler.task);
            }
            for successor in definition.successors(next) {
                let successor = TaskIndex(*successor);
                let ending = self.run.ending(successor.instance());
                let unreached = matches!(ending, Some(Ending::Unreached | Ending::Cancelled));
                if unreached && waiting.insert(successor) {
                    stack.push(successor);
                }
            }
        }
        for task in &waiting {
            self.pend(task.instance(), u32::MAX);
        }
        for task in waiting {
            self.wait_again(task, at);
        }
    }

    /// An error handler that has run may be needed once more.
    fn handler_again(&mut self, handler: TaskIndex) {
        if self.run.ending(handler.instance()).is_some() {
            self.pend(handler.instance(), 0);
            self.run.unsettled += 1;
        }
    }
}
