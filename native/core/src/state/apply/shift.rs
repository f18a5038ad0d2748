//! Moving one instance along the transition table, and telling of it.

use crate::ids::{Grant, InstanceIndex};
use crate::lifecycle::{RunInput, TaskInput, TaskState};
use crate::state::instance::{Active, Instance, Past, Phase};
use crate::state::{Moved, Run};
use crate::time::Millis;

/// A run with the list that its moves are told to.
pub(super) struct Moving<'a> {
    pub(super) run: &'a mut Run,
    pub(super) moved: &'a mut Vec<Moved>,
}

impl Moving<'_> {
    /// Checks a move of the run against the table and makes it.
    pub(super) fn shift_run(&mut self, input: RunInput) {
        let to = self.run.state.next(input).expect("the decider checked this move of the run");
        self.run.state = to;
        self.moved.push(Moved::Run { run: self.run.number, to });
    }

    /// Replaces an instance, checking the move against the table.
    pub(super) fn shift(&mut self, instance: InstanceIndex, input: TaskInput, to: Instance) {
        let from = self.run.task_state(instance).expect("the decider checked the instance");
        let state = from.next(input).expect("the decider checked this move of the instance");
        if let Instance::Active(record) = self.run.instances[instance.index()]
            && to != Instance::Active(record)
        {
            self.run.active.remove(record as usize);
        }
        self.run.instances[instance.index()] = to;
        self.told(instance, state);
    }

    fn told(&mut self, instance: InstanceIndex, to: TaskState) {
        self.moved.push(Moved::Task { run: self.run.number, instance, to });
    }

    /// Opens an instance that waits: it is ready for its first attempt, or for a further one where
    /// it waits anew.
    pub(super) fn open(&mut self, instance: InstanceIndex, at: Millis) {
        let past = self.run.extra.as_mut().and_then(|extra| extra.pasts.remove(&instance.0));
        let to = match past {
            None => Instance::Ready { since: at },
            Some(past) => self.new_record(Active::after(past, Phase::Ready, at)),
        };
        self.shift(instance, TaskInput::Opened, to);
    }

    /// Gives an instance a new phase, making its record where it has none yet.
    pub(super) fn shift_phase(&mut self, instance: InstanceIndex, input: TaskInput, phase: Phase) {
        let to = match self.run.instances[instance.index()] {
            Instance::Active(record) => Instance::Active(record),
            Instance::Ready { since } => self.new_record(Active::new(Phase::Ready, since)),
            Instance::Pending { .. } | Instance::Settled { .. } => {
                unreachable!("only what is ready or has a record gets a phase")
            }
        };
        self.shift(instance, input, to);
        self.record(instance).phase = phase;
    }

    /// An ended instance begins anew with a record: ready, or as a map of which items are left.
    pub(super) fn revive(
        &mut self,
        instance: InstanceIndex,
        input: TaskInput,
        (phase, at): (Phase, Millis),
    ) {
        let past = self.past_of_ended(instance);
        self.forget_end(instance);
        let to = self.new_record(Active::after(past, phase, at));
        self.shift(instance, input, to);
    }

    /// Takes an ended instance back to waiting: only a new generation may do so.
    pub(super) fn pend(&mut self, instance: InstanceIndex, unmet: u32) {
        let past = self.past_of_ended(instance);
        self.forget_end(instance);
        if past.grant.0 > 0 || past.attempts > 0 {
            self.run.extra_mut().pasts.insert(instance.0, past);
        }
        let to = Instance::Pending { unmet, succeeded: false };
        self.shift(instance, TaskInput::Reopened, to);
    }

    /// Takes an instance that was opened again, and not begun, back to waiting.
    pub(super) fn withdraw(&mut self, instance: InstanceIndex) {
        let grant = self.run.grant(instance).unwrap_or(Grant(0));
        let past = Past { grant, attempts: self.run.attempt(instance) - 1 };
        if past.grant.0 > 0 || past.attempts > 0 {
            self.run.extra_mut().pasts.insert(instance.0, past);
        }
        let to = Instance::Pending { unmet: 0, succeeded: false };
        self.shift(instance, TaskInput::Reopened, to);
    }

    fn past_of_ended(&self, instance: InstanceIndex) -> Past {
        let grant = self.run.grant(instance).unwrap_or(Grant(0));
        let failure = self.run.failure(instance);
        let attempts = match failure {
            Some(failure) if !failure.recovered => failure.attempt,
            // How many attempts it had is not on record; it was not more than its grants since.
            Some(failure) => failure.attempt + grant.0,
            None => grant.0,
        };
        Past { grant, attempts }
    }

    fn new_record(&mut self, active: Active) -> Instance {
        if self.run.active.capacity() == 0 {
            self.run.active.reserve_exact(1); // Most runs wait with one task at a time.
        }
        Instance::Active(self.run.active.insert(active) as u32)
    }

    /// The record of an instance that has one.
    pub(super) fn record(&mut self, instance: InstanceIndex) -> &mut Active {
        match self.run.instances[instance.index()] {
            Instance::Active(record) => &mut self.run.active[record as usize],
            Instance::Pending { .. } | Instance::Ready { .. } | Instance::Settled { .. } => {
                unreachable!("the decider checked that the instance has a record")
            }
        }
    }
}
