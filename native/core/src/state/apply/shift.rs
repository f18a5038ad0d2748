//! Moving one instance along the transition table, and telling of it.

use crate::ids::InstanceIndex;
use crate::lifecycle::{RunInput, TaskInput, TaskState};
use crate::state::instance::{Active, Instance, Phase};
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
        self.moved.push(Moved::Task { run: self.run.number, instance, to: state });
    }

    /// Opens a pending or ended instance: it is ready for its first attempt.
    pub(super) fn open(&mut self, instance: InstanceIndex, at: Millis) {
        self.shift(instance, TaskInput::Opened, Instance::Ready { since: at });
    }

    /// Gives an instance a new phase, making its record where it has none yet.
    pub(super) fn shift_phase(&mut self, instance: InstanceIndex, input: TaskInput, phase: Phase) {
        let record = match self.run.instances[instance.index()] {
            Instance::Active(record) => record,
            Instance::Ready { since } => {
                self.run.active.insert(Active::new(Phase::Ready, since)) as u32
            }
            Instance::Pending { .. } | Instance::Settled { .. } => {
                unreachable!("only what is ready or has a record gets a phase")
            }
        };
        let from = self.run.active[record as usize].state();
        let state = from.next(input).expect("the decider checked this move of the instance");
        self.run.active[record as usize].phase = phase;
        self.run.instances[instance.index()] = Instance::Active(record);
        self.moved.push(Moved::Task { run: self.run.number, instance, to: state });
    }

    /// Takes an instance back to waiting: only a new generation of its run may do so.
    pub(super) fn pend(&mut self, instance: InstanceIndex, unmet: u32) {
        self.run.instances[instance.index()] = Instance::Pending { unmet, succeeded: false };
        let to = TaskState::Pending;
        self.moved.push(Moved::Task { run: self.run.number, instance, to });
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
