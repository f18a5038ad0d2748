//! The end of an instance, and what follows from it: joins open, skips travel, readers let go.

use super::joins::Opening;
use super::shift::Moving;
use crate::ids::{Grant, InstanceIndex, TaskIndex};
use crate::lifecycle::TaskInput;
use crate::payload::Payload;
use crate::seeded::{Bug, is_planted};
use crate::state::instance::{Active, Ending, Instance, NO_OUTPUT, Phase};
use crate::time::Millis;

impl Moving<'_> {
    /// Ends an instance and everything that its end decides.
    pub(super) fn settle(
        &mut self,
        instance: InstanceIndex,
        ending: Ending,
        output: Option<Payload>,
        at: Millis,
    ) {
        let was_open = !matches!(self.run.instances[instance.index()], Instance::Pending { .. });
        self.end(instance, ending, output.filter(|output| !output.is_null()));
        match self.run.item_of(instance) {
            Some((parent, index)) => self.item_settled(parent, (index, was_open), at),
            None => self.task_settled(TaskIndex(instance.0), at),
        }
        self.open_run_handler(at);
    }

    /// Puts the end of an instance on record, nothing more.
    pub(super) fn end(&mut self, instance: InstanceIndex, ending: Ending, output: Option<Payload>) {
        if matches!(self.run.active(instance).map(|a| &a.phase), Some(Phase::Leased { .. })) {
            self.run.leased -= 1;
        }
        let readers = self.readers_left(instance);
        let output = match output {
            Some(output) if readers > 0 => self.run.outputs.insert(output) as u32,
            Some(_) | None => NO_OUTPUT,
        };
        let input = match ending {
            Ending::Completed => TaskInput::Finished,
            Ending::Failed | Ending::Mended => TaskInput::Failed,
            Ending::Quarantined => TaskInput::Quarantined,
            Ending::Cancelled => TaskInput::Cancelled,
            Ending::Skipped | Ending::Unreached => TaskInput::Skipped,
        };
        self.close_instance(instance, input, (ending, readers, output));
        if self.run.is_item(instance) {
            return;
        }
        let task = TaskIndex(instance.0);
        if !ending.may_be_recovered() && !self.run.may_handle_again(task) {
            self.release_reads(task);
        }
    }

    /// Replaces an instance by its end, and counts that.
    pub(super) fn close_instance(
        &mut self,
        instance: InstanceIndex,
        input: TaskInput,
        (ending, readers, output): (Ending, u32, u32),
    ) {
        let grant = self.run.grant(instance).unwrap_or(Grant(0));
        let past = || self.run.past(instance).attempts;
        let begun = self.run.active(instance).map_or_else(past, Active::last_begun);
        if begun > 1 {
            self.run.extra_mut().attempts.insert(instance.0, begun);
        }
        if let Some(extra) = &mut self.run.extra {
            extra.pasts.remove(&instance.0);
        }
        self.shift(instance, input, Instance::Settled { ending, readers, output, grant });
        if self.run.is_counted(instance) {
            self.run.unsettled -= 1;
        }
    }

    /// How many will read the output of an instance that ends now.
    pub(super) fn readers_left(&mut self, instance: InstanceIndex) -> u32 {
        if self.run.is_item(instance) {
            return 1; // Its map, which joins the outputs of all items.
        }
        let early = self.run.extra.as_mut().and_then(|e| e.early_readers.remove(&instance.0));
        self.run.definition.reader_count(TaskIndex(instance.0)) - early.unwrap_or(0)
    }

    /// Takes back what the end of an instance left: it is done anew.
    pub(super) fn forget_end(&mut self, instance: InstanceIndex) {
        let extra = self.run.extra_mut();
        extra.failures.recover(instance);
        extra.attempts.remove(&instance.0);
        let Instance::Settled { readers, output, .. } = self.run.instances[instance.index()] else {
            unreachable!("only what has ended is done anew")
        };
        if output != NO_OUTPUT {
            self.run.outputs.remove(output as usize);
        }
        if self.run.is_item(instance) {
            return;
        }
        let gone = self.run.definition.reader_count(TaskIndex(instance.0)) - readers;
        if gone > 0 {
            self.run.extra_mut().early_readers.insert(instance.0, gone);
        }
        if self.run.is_counted(instance) {
            self.run.unsettled += 1;
        }
    }

    /// Lets go of the outputs that a task read and will not read again.
    pub(super) fn release_reads(&mut self, task: TaskIndex) {
        let definition = self.run.definition.clone();
        definition.for_each_read(task, |source| self.release_read(source));
    }

    /// One reader fewer needs the output of a task.
    pub(super) fn release_read(&mut self, source: TaskIndex) {
        let Instance::Settled { readers, output, .. } = &mut self.run.instances[source.index()]
        else {
            // It was skipped before what it would have read has ended.
            *self.run.extra_mut().early_readers.entry(source.0).or_default() += 1;
            return;
        };
        *readers -= 1;
        if *readers == 0 && *output != NO_OUTPUT {
            self.run.outputs.remove(std::mem::replace(output, NO_OUTPUT) as usize);
        }
    }

    /// Carries the end of a task of scope 0 on to those that wait for it.
    pub(super) fn task_settled(&mut self, task: TaskIndex, at: Millis) {
        if self.run.extra().stop.is_some() {
            return self.mend_what_is_handled(task); // Nobody waits in a run that is being stopped.
        }
        let (mut next, mut ended) = (Some(task), Vec::new());
        while let Some(task) = next {
            for speaker in self.speakers(task, at, &mut ended) {
                let definition = self.run.definition.clone();
                for successor in definition.successors(speaker) {
                    self.tell(speaker, TaskIndex(*successor), at, &mut ended);
                }
            }
            next = ended.pop();
        }
    }

    /// Tells one task the end of another, and notes where that is its own end.
    pub(super) fn tell(
        &mut self,
        from: TaskIndex,
        to: TaskIndex,
        at: Millis,
        ended: &mut Vec<TaskIndex>,
    ) {
        match self.deliver(from, to) {
            Opening::Waits => {}
            Opening::Opens => self.open(to.instance(), at),
            Opening::Ends(ending) => {
                self.end(to.instance(), ending, None);
                if ending == Ending::Skipped && is_planted(Bug::SkipNotPassedOn) {
                    return;
                }
                ended.push(to);
            }
        }
    }
}
