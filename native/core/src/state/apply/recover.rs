//! What has failed or was stopped is done anew, and what could not be reached behind it waits anew.

use std::collections::BTreeSet;

use super::shift::Moving;
use crate::event::{RunReopened, TaskRecovered};
use crate::ids::TaskIndex;
use crate::lifecycle::{RunInput, TaskState};
use crate::state::instance::{Ending, Instance, NO_OUTPUT};
use crate::state::{State, Stop};
use crate::time::Millis;

impl State {
    pub(super) fn run_reopened(&mut self, event: &RunReopened) {
        self.closing.retain(|number| *number != event.run);
        self.visiting.retain(|number| *number != event.run);
        self.keep_key(event.run);
        let mut moving = self.moving(event.run);
        moving.run.generation += 1;
        moving.run.started_at.get_or_insert(event.at); // Its deadline may have come before its turn.
        if let Some(asked) = &mut moving.run.asked {
            asked.deadline_at = asked.deadline_at.filter(|deadline| *deadline > event.at);
        }
        let extra = moving.run.extra_mut();
        extra.error = None;
        extra.ended_at = None;
        let stop = extra.stop.take();
        moving.shift_run(RunInput::Reopened);
        if let Some(handler) = moving.run.definition.on_error {
            moving.pend(handler.instance(), 0);
        }
        match stop {
            None => {}
            Some(Stop::DeadlineExceeded | Stop::Cancelled { .. }) => moving.undo_stop(event.at),
        }
    }

    pub(super) fn task_recovered(&mut self, event: &TaskRecovered) {
        let mut moving = self.moving(event.run);
        let task = moving.run.task_of(event.instance);
        if let Some(handler) = moving.run.definition.on_error {
            moving.handle_again(handler);
        }
        if moving.run.is_item(event.instance) {
            if moving.reopen_item(event.instance, event.at) {
                moving.reach_again(task, event.at);
            }
            return;
        }
        moving.forget_items(event.instance);
        moving.pend(event.instance, 0);
        moving.reach_again(task, event.at);
        if moving.run.definition.predecessors(task).is_empty() {
            moving.open(event.instance, event.at);
        }
        moving.open_run_handler(event.at); // It may have ended at once, out of reach.
    }
}

impl Moving<'_> {
    /// Everything that was not reached because of `task`, or has counted its failure and still
    /// waits for others, waits for all of its dependencies anew; so does `task` where it waits.
    fn reach_again(&mut self, task: TaskIndex, at: Millis) {
        let definition = self.run.definition.clone();
        let mut waiting = BTreeSet::new();
        if matches!(self.run.instances[task.index()], Instance::Pending { .. }) {
            waiting.insert(task);
        }
        let mut stack = vec![task];
        while let Some(next) = stack.pop() {
            if let Some(handler) = definition.handler(next) {
                self.handle_again(handler.task);
                stack.push(handler.task);
            }
            for successor in definition.successors(next) {
                let successor = TaskIndex(*successor);
                match self.run.instances[successor.index()] {
                    Instance::Pending { .. } => drop(waiting.insert(successor)),
                    Instance::Settled { ending: Ending::Unreached, .. } => {
                        self.pend(successor.instance(), 0);
                        waiting.insert(successor);
                        stack.push(successor);
                    }
                    Instance::Ready { .. } | Instance::Active(_) | Instance::Settled { .. } => {}
                }
            }
        }
        self.wait_again(&waiting, at);
    }

    /// An error handler waits for a failure anew.
    fn handle_again(&mut self, handler: TaskIndex) {
        let instance = handler.instance();
        match self.run.task_state(instance).expect("a handler is a task") {
            TaskState::Pending => {}
            TaskState::Ready => self.withdraw(instance),
            TaskState::Completed
            | TaskState::Failed
            | TaskState::Cancelled
            | TaskState::Skipped
            | TaskState::Quarantined => self.pend(instance, 0),
            TaskState::Leased | TaskState::Backoff | TaskState::Waiting => {
                unreachable!("the decider checked that no handler is at work")
            }
        }
    }

    /// What was cancelled with the whole run goes on.
    fn undo_stop(&mut self, at: Millis) {
        let definition = self.run.definition.clone();
        let mut waiting = BTreeSet::new();
        let mut maps = Vec::new();
        for task in definition.tasks() {
            let instance = task.instance();
            if !self.run.was_stopped(instance) {
                continue;
            }
            if self.run.map(instance).is_some() {
                self.reopen_stopped_map(instance, at);
                maps.push(instance);
            } else {
                self.pend(instance, 0);
                waiting.insert(task);
            }
        }
        self.wait_again(&waiting, at);
        for task in waiting {
            let still_waits = matches!(self.run.instances[task.index()], Instance::Pending { .. });
            if still_waits && definition.is_handler(task) {
                self.call_again(task, at);
            } else if still_waits && definition.predecessors(task).is_empty() {
                self.open(task.instance(), at);
            }
        }
        for parent in maps {
            self.go_on_with_map(parent, at);
        }
        self.open_run_handler(at);
    }

    /// An error handler that was stopped is called anew, or not needed, where what it handles has
    /// ended.
    fn call_again(&mut self, handler: TaskIndex, at: Millis) {
        let owner = self.run.definition.handles(handler);
        let Some(ending) = owner.and_then(|owner| self.run.ending(owner.instance())) else {
            return;
        };
        match ending {
            Ending::Failed | Ending::Quarantined => self.open(handler.instance(), at),
            Ending::Completed
            | Ending::Mended
            | Ending::Cancelled
            | Ending::Skipped
            | Ending::Unreached => {
                self.end(handler.instance(), Ending::Skipped, None);
                self.task_settled(handler, at);
            }
        }
    }

    /// Counts anew, for each of these tasks, what has ended of what it waits for.
    fn wait_again(&mut self, waiting: &BTreeSet<TaskIndex>, at: Millis) {
        let definition = self.run.definition.clone();
        for task in waiting {
            let unmet = definition.predecessors(*task).len() as u32;
            self.run.instances[task.index()] = Instance::Pending { unmet, succeeded: false };
            self.run.extra_mut().joins.remove(&task.0);
        }
        // Only what had spoken before is told here; what ends from now on speaks for itself.
        let mut told = Vec::new();
        for task in waiting {
            let sources = definition.predecessors(*task).iter().map(|source| TaskIndex(*source));
            told.extend(sources.filter(|s| self.run.is_through(*s)).map(|source| (source, *task)));
        }
        let mut ended = Vec::new();
        for (source, task) in told {
            self.tell(source, task, at, &mut ended);
            while let Some(task) = ended.pop() {
                self.task_settled(task, at);
            }
        }
    }

    /// Lets go of the output of an item that is not wanted any more.
    pub(super) fn drop_output(&mut self, item: crate::ids::InstanceIndex) {
        if let Instance::Settled { output, .. } = &mut self.run.instances[item.index()]
            && *output != NO_OUTPUT
        {
            self.run.outputs.remove(std::mem::replace(output, NO_OUTPUT) as usize);
        }
    }
}
