//! The end of an instance, and what follows from it: joins open, skips travel, readers let go.

use super::shift::Moving;
use crate::definition::{Join, Kind};
use crate::ids::{Grant, InstanceIndex, TaskIndex};
use crate::lifecycle::TaskInput;
use crate::payload::Payload;
use crate::state::instance::{Ending, Instance, NO_OUTPUT, Phase, Verdict};
use crate::time::Millis;

/// What a settled dependency does to a task that waits for it.
enum Opening {
    Waits,
    Opens,
    Ends(Ending),
}

impl Moving<'_> {
    /// Ends an instance and everything that its end decides.
    pub(super) fn settle(
        &mut self,
        instance: InstanceIndex,
        ending: Ending,
        output: Option<Payload>,
        at: Millis,
    ) {
        let output = output.filter(|output| !output.is_null());
        self.end(instance, ending, output);
        match self.run.item_of(instance) {
            Some((parent, _)) => self.item_settled(parent, at),
            None => self.task_settled(TaskIndex(instance.0), at),
        }
        self.open_run_handler(at);
    }

    /// The run's own error handler is ready once all else has ended and the run is to fail.
    fn open_run_handler(&mut self, at: Millis) {
        if self.run.unsettled > 0 || self.run.stop.is_some() {
            return;
        }
        let Some(handler) = self.run.definition.on_error else { return };
        let waits = matches!(self.run.instances[handler.index()], Instance::Pending { .. });
        if waits && self.run.unforgiven_failure().is_some() {
            self.open(handler.instance(), at);
        }
    }

    /// A run that ends well has no use for its error handler.
    pub(super) fn skip_run_handler(&mut self) {
        let Some(handler) = self.run.definition.on_error else { return };
        if matches!(self.run.instances[handler.index()], Instance::Pending { .. }) {
            self.end(handler.instance(), Ending::Skipped, None);
        }
    }

    /// Puts the end of an instance on record, nothing more.
    fn end(&mut self, instance: InstanceIndex, ending: Ending, output: Option<Payload>) {
        let grant = self.run.grant(instance).unwrap_or(Grant(0));
        if matches!(self.run.active(instance).map(|a| &a.phase), Some(Phase::Leased { .. })) {
            self.run.leased -= 1;
        }
        let is_item = self.run.item_of(instance).is_some();
        let readers =
            if is_item { 1 } else { self.run.definition.reader_count(TaskIndex(instance.0)) };
        let output = match output {
            Some(output) if readers > 0 => self.run.outputs.insert(output) as u32,
            _ => NO_OUTPUT,
        };
        let input = match ending {
            Ending::Completed => TaskInput::Finished,
            Ending::Failed | Ending::Mended => TaskInput::Failed,
            Ending::Quarantined => TaskInput::Quarantined,
            Ending::Cancelled => TaskInput::Cancelled,
            Ending::Skipped | Ending::Unreached => TaskInput::Skipped,
        };
        self.shift(instance, input, Instance::Settled { ending, readers, output, grant });
        if !is_item {
            if self.run.definition.on_error != Some(TaskIndex(instance.0)) {
                self.run.unsettled -= 1;
            }
            if !ending.may_be_recovered() {
                self.release_reads(TaskIndex(instance.0));
            }
        }
    }

    /// Lets go of the outputs that a task read and will not read again.
    fn release_reads(&mut self, task: TaskIndex) {
        let definition = self.run.definition.clone();
        definition.for_each_read(task, |source| {
            let Instance::Settled { readers, output, .. } = &mut self.run.instances[source.index()]
            else {
                return; // A skipped reader may be earlier than what it would have read.
            };
            *readers = readers.saturating_sub(1);
            if *readers == 0 && *output != NO_OUTPUT {
                self.run.outputs.remove(std::mem::replace(output, NO_OUTPUT) as usize);
            }
        });
    }

    /// Carries the end of a task of scope 0 on to those that wait for it.
    fn task_settled(&mut self, task: TaskIndex, at: Millis) {
        let mut ended = vec![task];
        while let Some(task) = ended.pop() {
            let Some(speaker) = self.speaker(task, at) else { continue };
            let definition = self.run.definition.clone();
            for successor in definition.successors(speaker) {
                let successor = TaskIndex(*successor);
                match self.deliver(speaker, successor) {
                    Opening::Waits => {}
                    Opening::Opens => self.open(successor.instance(), at),
                    Opening::Ends(ending) => {
                        self.run.joins.remove(&successor.0);
                        self.end(successor.instance(), ending, None);
                        ended.push(successor);
                    }
                }
            }
        }
    }

    /// Error handlers stand between a task and those that wait for it. Gives the task whose end is
    /// to be told now: the ended one, the one it handled, or none yet.
    fn speaker(&mut self, task: TaskIndex, at: Millis) -> Option<TaskIndex> {
        let definition = self.run.definition.clone();
        if let Some(owner) = definition.handles(task) {
            let ending = self.run.ending(task.instance());
            let handler = definition.handler(owner).expect("a handled task has its handler");
            let failed = self.run.ending(owner.instance()) == Some(Ending::Failed);
            if failed && handler.recovers && ending == Some(Ending::Completed) {
                self.mend(owner, task);
            }
            // A handler that was skipped tells nothing: its owner has spoken for itself.
            return (ending != Some(Ending::Skipped)).then_some(owner);
        }
        if definition.on_error == Some(task) {
            return None;
        }
        let Some(handler) = definition.handler(task) else { return Some(task) };
        match self.run.ending(task.instance()) {
            Some(Ending::Failed | Ending::Quarantined) => {
                self.open(handler.task.instance(), at);
                None
            }
            _ => {
                self.end(handler.task.instance(), Ending::Skipped, None);
                Some(task)
            }
        }
    }

    /// The handler's output stands in for that of the failed task.
    fn mend(&mut self, owner: TaskIndex, handler: TaskIndex) {
        let stand_in = self.run.output(handler.instance()).cloned();
        let place = match stand_in {
            Some(output) if self.run.definition.reader_count(owner) > 0 => {
                self.run.outputs.insert(output) as u32
            }
            _ => NO_OUTPUT,
        };
        let Instance::Settled { ending, output, .. } = &mut self.run.instances[owner.index()]
        else {
            unreachable!("a handler runs after its task has failed")
        };
        *ending = Ending::Mended;
        *output = place;
        self.release_reads(owner);
    }

    /// Tells one task the end of one of its dependencies.
    fn deliver(&mut self, from: TaskIndex, to: TaskIndex) -> Opening {
        let Instance::Pending { unmet, .. } = &mut self.run.instances[to.index()] else {
            return Opening::Waits; // It has opened or ended already.
        };
        *unmet -= 1;
        let left = *unmet;
        let verdict = self.run.verdict(from, to);
        if verdict == Verdict::Skip && self.run.is_passed_over(to) {
            return Opening::Ends(Ending::Skipped);
        }
        let Instance::Pending { succeeded: any, .. } = &mut self.run.instances[to.index()] else {
            unreachable!("it was pending above")
        };
        *any |= verdict == Verdict::Success;
        let any = *any;
        match self.run.definition.options(to).join {
            Join::AllSuccess => all_success(verdict, left, any),
            join => self.count_join(join, to, verdict, left),
        }
    }

    fn count_join(&mut self, join: Join, to: TaskIndex, verdict: Verdict, left: u32) -> Opening {
        let counts = self.run.joins.entry(to.0).or_default();
        match verdict {
            Verdict::Success => counts.succeeded += 1,
            Verdict::Failure => counts.failed += 1,
            Verdict::Skip => {}
        }
        let counts = *counts;
        let given_up = if counts.failed > 0 { Ending::Unreached } else { Ending::Skipped };
        let opening = match join {
            Join::AllSuccess => unreachable!("it is decided without counts"),
            Join::AllDone if left == 0 => Opening::Opens,
            Join::AllDone => Opening::Waits,
            Join::NoneFailedMinOneSuccess if counts.failed > 0 => Opening::Ends(Ending::Unreached),
            Join::NoneFailedMinOneSuccess if left > 0 => Opening::Waits,
            Join::NoneFailedMinOneSuccess | Join::AnySuccess if counts.succeeded > 0 => {
                Opening::Opens
            }
            Join::AnySuccess if left > 0 => Opening::Waits,
            Join::NoneFailedMinOneSuccess | Join::AnySuccess => Opening::Ends(given_up),
            Join::CountOf(wanted) if counts.succeeded >= wanted => Opening::Opens,
            Join::CountOf(wanted) if counts.succeeded + left < wanted => Opening::Ends(given_up),
            Join::CountOf(_) => Opening::Waits,
        };
        if !matches!(opening, Opening::Waits) {
            self.run.joins.remove(&to.0);
        }
        opening
    }

    /// Takes a task of scope 0 back to waiting for its dependencies, and tells it their ends again.
    pub(super) fn wait_again(&mut self, task: TaskIndex, at: Millis) {
        let definition = self.run.definition.clone();
        let predecessors = definition.predecessors(task);
        let unmet = predecessors.len() as u32;
        self.pend(task.instance(), unmet);
        self.run.unsettled += 1;
        for source in predecessors {
            let source = TaskIndex(*source);
            if !self.run.has_spoken(source) {
                continue;
            }
            match self.deliver(source, task) {
                Opening::Waits => {}
                Opening::Opens => return self.open(task.instance(), at),
                Opening::Ends(_) => unreachable!("what could end it is being recovered"),
            }
        }
    }
}

fn all_success(verdict: Verdict, left: u32, any_succeeded: bool) -> Opening {
    match verdict {
        Verdict::Failure => Opening::Ends(Ending::Unreached),
        Verdict::Success | Verdict::Skip if left > 0 => Opening::Waits,
        Verdict::Success | Verdict::Skip if any_succeeded => Opening::Opens,
        Verdict::Success | Verdict::Skip => Opening::Ends(Ending::Skipped),
    }
}

impl crate::state::Run {
    /// What the end of `from` says to `to`: a decision speaks by its branches.
    fn verdict(&self, from: TaskIndex, to: TaskIndex) -> Verdict {
        let ending = self.ending(from.instance()).expect("only what has ended is told of");
        let verdict = ending.verdict();
        let is_branch = verdict == Verdict::Success
            && self.definition.kind(from) == Kind::Decision
            && self.definition.deciders(to).contains(&from);
        if !is_branch {
            return verdict;
        }
        let taken = self.branch_taken(from).map(|branch| branch as usize);
        let branch = taken.and_then(|branch| self.definition.branches(from).get(branch));
        let chosen = branch.is_some_and(|branch| branch.targets.contains(&to));
        if chosen { Verdict::Success } else { Verdict::Skip }
    }

    /// Whether every decision that names `task` has ended without choosing it.
    fn is_passed_over(&self, task: TaskIndex) -> bool {
        let deciders = self.definition.deciders(task);
        !deciders.is_empty()
            && deciders.iter().all(|decision| {
                self.ending(decision.instance()).is_some()
                    && self.verdict(*decision, task) == Verdict::Skip
            })
    }

    /// Whether those that wait for a task have been told of its end.
    fn has_spoken(&self, task: TaskIndex) -> bool {
        let ended = self.ending(task.instance());
        let handler = self.definition.handler(task);
        match (ended, handler) {
            (None, _) => false,
            (Some(Ending::Failed | Ending::Quarantined), Some(handler)) => {
                self.ending(handler.task.instance()).is_some()
            }
            (Some(_), _) => true,
        }
    }
}
