//! Error handlers: a task's own, which stands between it and those that wait for it, and the run's.

use super::shift::Moving;
use crate::ids::TaskIndex;
use crate::seeded::{Bug, is_planted};
use crate::state::Run;
use crate::state::instance::{Ending, Instance, NO_OUTPUT};
use crate::time::Millis;

impl Moving<'_> {
    /// Gives the tasks whose ends are to be told now that `task` has ended: it and those that it
    /// handled, or none yet where its own handler comes first. Handlers that are not needed end
    /// here; their ends are noted in `ended`.
    pub(super) fn speakers(
        &mut self,
        task: TaskIndex,
        at: Millis,
        ended: &mut Vec<TaskIndex>,
    ) -> impl Iterator<Item = TaskIndex> + use<> {
        let definition = self.run.definition.clone();
        // Most often a task speaks for itself alone, which takes no list.
        let (mut itself, mut handled) = (None, Vec::new());
        let mut next = Some(task).filter(|task| definition.on_error != Some(*task));
        while let Some(task) = next.take() {
            if self.hands_over(task, at, ended) {
                break;
            }
            match itself {
                None => itself = Some(task),
                Some(_) => handled.push(task),
            }
            // A failed task has kept silent until its handler ended.
            next = definition.handles(task).filter(|owner| self.run.has_failed(*owner));
            if let Some(owner) = next {
                self.mend_where_recovered(owner, task);
            }
        }
        itself.into_iter().chain(handled)
    }

    /// Whether an ended task leaves the word to its handler, which is opened or not needed.
    fn hands_over(&mut self, task: TaskIndex, at: Millis, ended: &mut Vec<TaskIndex>) -> bool {
        let Some(handler) = self.run.definition.handler(task) else { return false };
        let instance = handler.task.instance();
        if !matches!(self.run.instances[instance.index()], Instance::Pending { .. }) {
            return !self.run.is_through(handler.task);
        }
        if self.run.has_failed(task) {
            self.open(instance, at);
            return true;
        }
        self.end(instance, Ending::Skipped, None);
        ended.push(handler.task);
        false
    }

    /// Mends what an ended handler handles, and what that handles in turn, without telling of it.
    pub(super) fn mend_what_is_handled(&mut self, handler: TaskIndex) {
        let mut handler = handler;
        while let Some(owner) = self.run.definition.handles(handler)
            && self.run.has_failed(owner)
        {
            self.mend_where_recovered(owner, handler);
            handler = owner;
        }
    }

    /// The handler's output stands in for that of the failed task.
    fn mend_where_recovered(&mut self, owner: TaskIndex, handler: TaskIndex) {
        let recovers = self.run.definition.handler(owner).is_some_and(|found| found.recovers);
        let has_failed = self.run.ending(owner.instance()) == Some(Ending::Failed);
        let is_done =
            matches!(self.run.ending(handler.instance()), Some(Ending::Completed | Ending::Mended));
        if !recovers || !has_failed || !is_done {
            return;
        }
        let stand_in = self.run.output(handler.instance()).cloned();
        let stand_in = stand_in.filter(|_| !is_planted(Bug::HandlerOutputLost));
        let place = stand_in.map(|output| self.run.outputs.insert(output) as u32);
        let Instance::Settled { ending, output, readers, .. } =
            &mut self.run.instances[owner.index()]
        else {
            unreachable!("a handler runs after its task has failed")
        };
        *ending = Ending::Mended;
        match place {
            Some(place) if *readers > 0 => *output = place,
            Some(place) => drop(self.run.outputs.remove(place as usize)),
            None => *output = NO_OUTPUT,
        }
        if !self.run.may_handle_again(owner) {
            self.release_mended(owner, handler);
        }
    }

    /// Neither a mended task nor what stood in for it will read anything again.
    fn release_mended(&mut self, owner: TaskIndex, handler: TaskIndex) {
        let (mut owner, mut handler) = (owner, handler);
        loop {
            self.release_reads(owner);
            self.release_read(handler);
            let mended = self.run.ending(handler.instance()) == Some(Ending::Mended);
            let Some(next) = self.run.definition.handler(handler).filter(|_| mended) else {
                return self.release_reads(handler);
            };
            (owner, handler) = (handler, next.task);
        }
    }

    /// The run's own error handler is ready once all else has ended and the run is to fail.
    pub(super) fn open_run_handler(&mut self, at: Millis) {
        let Some(handler) = self.run.definition.on_error else { return };
        if self.run.unsettled > 0 || self.run.extra().stop.is_some() {
            return;
        }
        let waits = matches!(self.run.instances[handler.index()], Instance::Pending { .. });
        if waits && self.run.unforgiven_failure().is_some() {
            self.open(handler.instance(), at);
        }
    }

    /// A run that ends without it has no use for its error handler.
    pub(super) fn skip_run_handler(&mut self) {
        let Some(handler) = self.run.definition.on_error else { return };
        if matches!(self.run.instances[handler.index()], Instance::Pending { .. }) {
            self.end(handler.instance(), Ending::Skipped, None);
        }
    }
}

impl Run {
    fn has_failed(&self, task: TaskIndex) -> bool {
        matches!(self.ending(task.instance()), Some(Ending::Failed | Ending::Quarantined))
    }

    /// Whether a task has ended and so has its handler, where that was called: those that wait for
    /// the task have been told.
    pub(in crate::state) fn is_through(&self, task: TaskIndex) -> bool {
        let mut next = task;
        loop {
            if self.ending(next.instance()).is_none() {
                return false;
            }
            match self.definition.handler(next) {
                Some(handler) if self.has_failed(next) => next = handler.task,
                Some(_) | None => return true,
            }
        }
    }

    /// Whether an error handler that has ended may be called once more, so that what it reads must
    /// be kept: what it handles may be recovered and fail again, or is a handler that may be called
    /// once more.
    pub(in crate::state) fn may_handle_again(&self, handler: TaskIndex) -> bool {
        let mut handler = handler;
        loop {
            if self.definition.on_error == Some(handler) {
                return true;
            }
            let Some(owner) = self.definition.handles(handler) else { return false };
            if self.ending(owner.instance()).is_none_or(Ending::may_be_recovered) {
                return true;
            }
            handler = owner;
        }
    }

    pub(in crate::state) fn is_item(&self, instance: crate::ids::InstanceIndex) -> bool {
        instance.index() >= self.definition.task_count()
    }

    /// Whether an instance is one of those whose ends the run waits for.
    pub(in crate::state) fn is_counted(&self, instance: crate::ids::InstanceIndex) -> bool {
        !self.is_item(instance) && self.definition.on_error != Some(TaskIndex(instance.0))
    }
}
